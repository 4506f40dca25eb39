"""Names that hold markup: of models, networks, classes, pictures and files, on the pages that show them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import open_menus, visit_of
from vislrp_core.network import Network
from vislrp_ui import running, state
from vislrp_ui.shared.literal import escaped

ODD = "**b** [x](y) $a$ :red[c] <b>"
PLAIN = ("Html", "Text", "BidiComponent", "Arrow", "ArrowVegaLiteChart")
"""Elements whose text is no markdown."""


def markdown(proto: Any) -> Iterator[str]:
    """All that a page hands to Streamlit's markdown: labels, tooltips, texts, options of radio buttons."""
    if proto.DESCRIPTOR.name in PLAIN:
        return
    for field, value in proto.ListFields():
        if field.message_type is None:
            options = field.name == "options" and proto.DESCRIPTOR.name in ("Radio", "ButtonGroup")
            if field.name in ("label", "help", "body", "text", "caption") or options:
                yield from [value] if isinstance(value, str) else value
        elif not field.message_type.GetOptions().map_entry:
            for one in [value] if hasattr(value, "DESCRIPTOR") else value:
                yield from markdown(one)


def shown(node: Any) -> Iterator[str]:
    """The same of everything on a page."""
    if getattr(node, "proto", None) is not None:
        yield from markdown(node.proto)
    for child in getattr(node, "children", {}).values():
        yield from shown(child)


def assert_literal(app: AppTest, *wanted: str) -> None:
    texts = list(shown(app._tree))
    assert not [text for text in texts if "**b**" in text or ":red[" in text.replace("\\:red\\[", "")]
    for words in wanted:
        assert any(words in text for text in texts), (words, [text for text in texts if "red" in text])


def test_names_are_shown_as_they_are(
    open_page: Callable[..., AppTest], tiny: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes = tuple(f"{ODD} {number}" for number in range(tiny.num_classes))
    odd = replace(tiny, title=ODD, description=f"About {ODD}.", classes=classes)
    monkeypatch.setattr(running, "_networks", {"tiny": odd})
    app = open_page()
    assert_literal(app, f"Network: {escaped(ODD)}, ready")
    app.session_state["_visit"] = state.rename(state.duplicate(visit_of(app)), ODD)
    app.switch_page("pages/1_Design.py").run()
    open_menus(app)
    assert_literal(app, f"**{escaped(ODD)}** is running", f"About {escaped(ODD)}.", f"Duplicate “{escaped(ODD)}”")
    app.file_uploader(key="import-models-0").upload(f"{ODD}.json", b"{}", "application/json").run()
    assert_literal(app, f"Not imported: {escaped(ODD)}.json")
    picture = io.BytesIO()
    Image.new("RGB", (240, 240), "teal").save(picture, "PNG")
    app.file_uploader(key="upload").upload(f"{ODD}.png", picture.getvalue(), "image/png").run()
    app.file_uploader(key="upload").upload(f"bad {ODD}.png", b"no picture", "image/png").run()
    assert_literal(app)
    app.button(key="kept-upload").click().run()
    assert_literal(app, f"Delete {escaped(ODD)}.png", f"Delete {escaped(ODD)}")
    for page in ("2_Compare", "3_Pixel_Flipping", "4_Neuron_Ablation"):
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception
        assert_literal(app, escaped(ODD))  # at least the network menu, which every page has
