"""A picture to brush on: streamlit-drawable-canvas behind one function, so that another canvas could take its place.

The canvas keeps the strokes drawn since it was last emptied; what they cover is read as a mask. It is emptied by another
generation, which every stroke also carries in its colour: a stroke that was on its way when the canvas was emptied is
recognised and dropped.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from vislrp_core import images, masks
from vislrp_core.masks import Mask

SIDE = 448
"""Side of the canvas in points of its own; pages scale it."""
MAX_BYTES = 4_000_000
_MODES = {"brush": "freedraw", "erase": "freedraw", "rectangle": "rect", "polygon": "polygon", "lasso": "freedraw"}
_PAINT = {"add": (255, 209, 0, 0.59), "erase": (20, 26, 34, 0.12), "lasso": (16, 23, 30, 0.8)}
_GENERATIONS = 500
MAX_STEPS = 20_000
"""Points of a line that are read."""


def stroke_colour(kind: str, generation: int) -> str:
    """Colour of strokes that add or erase; the last digits of its opacity name the generation."""
    red, green, blue, opacity = _PAINT[kind]
    return f"rgba({red}, {green}, {blue}, {opacity + (generation % _GENERATIONS) * 1e-5:.5f})"


def kind_of(tool: str) -> str:
    """What a tool's strokes do: add or erase what they cover, or add what they enclose."""
    return tool if tool in ("erase", "lasso") else "add"


def canvas(
    key: str,
    picture: bytes,
    *,
    tool: str,
    width: int,
    generation: int,
    on_draw: Callable[..., None],
    args: tuple[Any, ...] = (),
) -> None:
    """Draw a picture that can be brushed.

    Parameters
    ----------
    key : str
        Component key; read the drawing with `drawn` in `on_draw`.
    picture : bytes
        Picture file, square; a changed picture keeps the strokes.
    tool : str
        "brush", "erase", "rectangle", "lasso" or "polygon" (closed by a click on its first corner).
    width : int
        Width of the brush in pixels of the network's picture.
    generation : int
        Another one empties the canvas.
    on_draw : callable
        Called with ``args`` when a stroke is finished, before the script runs again.
    """
    # Its component can be registered only where an app is running.
    from streamlit_drawable_canvas import st_canvas

    colour = stroke_colour(kind_of(tool), generation)
    free = tool in ("brush", "erase")
    st_canvas(
        background_image=picture,
        width=SIDE,
        height=SIDE,
        key=key,
        return_image_data=True,
        drawing_mode=_MODES[tool],
        stroke_color=colour,
        fill_color=colour,
        stroke_width=round(width * SIDE / images.SIDE) if free else 3 if tool == "lasso" else 1,
        initial_drawing={"objects": [], "generation": generation},
        on_change=lambda: on_draw(*args),
    )


def drawn(key: str, generation: int) -> Mask | None:
    """What the strokes on a canvas cover.

    Returns
    -------
    Mask or None
        None where the drawing belongs to another generation, or is none.
    """
    state = st.session_state.get(key)
    return read_drawing(state.get("drawing") if state is not None else None, generation)


def read_drawing(drawing: Any, generation: int) -> Mask | None:
    """`drawn` for what the browser sent; that is hostile until checked."""
    raw = drawing.get("raw") if isinstance(drawing, dict) else None
    objects = raw.get("objects") if isinstance(raw, dict) else None
    if not isinstance(objects, list):
        return None
    if not objects:
        return masks.empty()
    colours = {stroke_colour(kind, generation) for kind in _PAINT}
    if not all(isinstance(one, dict) and one.get("stroke") in colours for one in objects):
        return None
    if all(one["stroke"] == stroke_colour("lasso", generation) for one in objects):
        return _enclosed(objects)
    return _read_png(drawing.get("data"))


def _enclosed(objects: list[dict[str, Any]]) -> Mask:
    """What lines drawn by hand enclose; each is closed from its last point to its first."""
    area = Image.new("L", (SIDE, SIDE))
    for one in objects:
        steps = one.get("path")
        points = [
            (float(step[-2]), float(step[-1]))
            for step in (steps[:MAX_STEPS] if isinstance(steps, list) else ())
            if isinstance(step, list)
            and len(step) > 2
            and all(type(value) in (int, float) for value in step[-2:])
            and all(abs(value) < 10 * SIDE for value in step[-2:])
        ]
        if len(points) > 2:
            ImageDraw.Draw(area).polygon(points, fill=255)
    alpha = np.asarray(area)
    return masks.from_alpha(np.dstack([alpha] * 4))


def _read_png(url: Any) -> Mask | None:
    if not isinstance(url, str) or not url.startswith("data:image/png;base64,") or len(url) > MAX_BYTES:
        return None
    try:
        data = base64.b64decode(url.split(",", 1)[1], validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if max(image.size) > 4 * SIDE:
                return None
            return masks.from_alpha(np.asarray(image.convert("RGBA")))
    except (binascii.Error, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
