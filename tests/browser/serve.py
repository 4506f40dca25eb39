"""Start the app on a small VGG16-shaped network with the names of ImageNet's classes: gestures answer at once.

    python -m tests.browser.serve --server.port 8600 ...

The engine's loader is replaced before anything else of the app is imported; the app itself runs as it is.
"""

from __future__ import annotations

import sys
from typing import Any

from streamlit.web import cli

from tests.support.networks import tiny_state
from vislrp_core import networks
from vislrp_core.network import Network


def main() -> None:
    """Serve with the arguments of `streamlit run`."""
    classes = networks.imagenet_classes()
    tiny = Network.from_state_dict(
        tiny_state(1, classes=len(classes)),
        name="tiny",
        title="Tiny VGG16",
        any_width=True,
        classes=classes,
        description="Random weights, for tests of the pages.",
    )

    def load(*names: Any, **options: Any) -> Network:
        return tiny

    networks.load_network = load  # type: ignore[assignment]
    networks.default_network_name = lambda: "tiny"
    sys.argv = ["streamlit", "run", "Home.py", *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
