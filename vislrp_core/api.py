"""One call from picture to relevance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from vislrp_core.images import read_image, to_input
from vislrp_core.model import LRPModel
from vislrp_core.network import Network, Prediction, Trace, class_index, forward
from vislrp_core.propagation import Relevance, propagate


@dataclass(frozen=True, eq=False)
class Explanation:
    """Relevance of one class for one picture, with the forward pass it explains."""

    relevance: Relevance
    trace: Trace
    predictions: list[Prediction]
    target: int


def explain(
    network: Network,
    image: Image.Image | str | Path | bytes,
    model: LRPModel,
    target: str | int = "top",
    *,
    layers: Literal["all"] | Iterable[int] | None = None,
    fit: str = "crop",
) -> Explanation:
    """Explain a class of a picture.

    Parameters
    ----------
    target : str or int
        Class name, class index, or ``top`` for the first class.
    layers : "all", iterable of int or None
        Layers whose relevance is kept; None keeps what each segment hands on.
    fit : {"crop", "squash"}
        How the picture is brought to the network's size.

    Raises
    ------
    ImageError, NetworkError, NonFiniteRelevance
    """
    picture = image if isinstance(image, Image.Image) else read_image(image)
    trace = forward(network, to_input(picture, network, fit))
    index = class_index(network, target, trace)
    return Explanation(propagate(network, trace, model, index, layers=layers), trace, trace.predictions(), index)
