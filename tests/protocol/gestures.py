"""What can be done on a page, read off the page itself: every widget gets another value, every component another pick."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from tests.support.shown import payload_of, plain
from tests.support.tab import Tab

ELSEWHERE = (
    "menu-",
    "export-",
    "download-",
    "copy-",
    "stamp-",
    "start-",
    "open-",
    "sample-",
    "new-",
    "flip-measure",
    "abl-measure",
    "compare-flips-start",
    "upload",
    "flip-curves",
    "flip-scores",
    "flip-figure",
    "abl-csv",
    "compare-set",
    "network",
    "kept-",
    "look-paper",
    "flip-mask",
    "flip-file",
    "question",
    "ask-",
)
"""Keys that begin so lead elsewhere, give a file, open a dialog, or start work of minutes."""


@dataclass(frozen=True)
class Gesture:
    """One thing that a visitor does, the same whatever has happened to the page before."""

    name: str
    key: str
    do: Callable[[Tab], None]
    kind: str
    """The same for all values that it may give."""

    def possible(self, tab: Tab) -> bool:
        """Whether the page has what it needs."""
        return tab.has(self.key) and not getattr(tab.find(self.key), "disabled", False)


def gestures(tab: Tab) -> list[Gesture]:
    """All of a page, one for each widget; two for buttons that count."""
    found = []
    for key, content in tab.widgets():
        if key.startswith(ELSEWHERE) or getattr(content, "disabled", False):
            continue
        found += [
            Gesture(f"{key}: {what}", key, do, f"{key}, {place}") for place, (what, do) in enumerate(_of(tab, key, content))
        ]
    return found


def _of(tab: Tab, key: str, content: Any) -> Iterator[tuple[str, Callable[[Tab], None]]]:
    held = plain(tab.states[content.id]) if content.id in tab.states else None
    match type(content).__name__:
        case "Button":
            yield "press", lambda one: one.click(key)
        case "Selectbox" | "Radio" if len(content.options) > 1:
            names = list(content.options)
            other = names[(names.index(str(held)) + 1) % len(names) if str(held) in names else 0]
            yield other, lambda one: one.give(key, string_value=other)
        case "ButtonGroup":
            names = [f"{option.content_icon} {option.content}".strip() for option in content.options]
            value = next(name for name in names if name not in held)  # type: ignore[operator]
            yield value, lambda one: one.give(key, string_array_value=[value])
        case "Slider":
            step = content.step if held[0] + 2 * content.step <= content.max else -content.step  # type: ignore[index]
            moved = [held[0] + 2 * step]  # type: ignore[index]
            yield f"{moved[0]:g}", lambda one: one.give(key, double_array_value=moved)
        case "NumberInput":
            up = held + content.step if not content.has_max or held < content.max else held - content.step  # type: ignore
            yield f"{up:g}", lambda one: one.give(key, double_value=up)
        case "Checkbox":
            yield str(not held), lambda one: one.give(key, bool_value=not held)
        case "TextInput":
            yield "typed", lambda one: one.give(key, string_value="1, 3")
        case "MultiSelect" if held:
            fewer = list(held)[1:]  # type: ignore[call-overload]
            yield "one less", lambda one: one.give(key, string_array_value=fewer)
        case "BidiComponent":
            yield from _component(key, content)


def _component(key: str, content: Any) -> Iterator[tuple[str, Callable[[Tab], None]]]:
    data = payload_of(content) or {}
    name = content.component_name.rsplit("vislrp_", 1)[-1]
    match name:
        case "classbars":
            other = next(row["index"] for row in data["rows"] if row["index"] != data["target"])
            yield str(other), lambda one: one.pick(key, other)
        case "modelcards":
            card = [card["id"] for card in data["cards"] if card["id"] != data["active"]][-1]
            yield card, lambda one: one.pick(key, card)
        case "layerlist":
            yield "5", lambda one: one.pick(key, 5)
        case "ruler":
            yield "add", lambda one: one.edit(key, kind="add")
            yield "layer 7", lambda one: one.edit(key, kind="layer", layer=7)
        case "rule_panel":
            yield "gamma", lambda one: one.edit(key, kind="preset", segment=0, preset="gamma")
            yield "epsilon", lambda one: one.edit(key, kind="parameter", segment=0, key="epsilon", value=0.5)
        case "comparegrid" if data["kind"] == "head" and len(data["columns"]) > 1:
            yield "move", lambda one: one.edit(key, kind="move", column=0, to=1)
        case "comparegrid" if data["kind"] == "row":
            row, target = data["row"], data["target"]
            yield "fold", lambda one: one.edit(key, kind="fold", row=row)
            yield "activate", lambda one: one.edit(key, kind="activate", row=row, column=1, target=target)
        case "matrix":
            yield "toggle", lambda one: one.edit(key, kind="toggle", neurons=[2])
        case "setchips" if data["rows"]:
            yield "pick", lambda one: one.pick(key, data["rows"][0]["id"])
        case _ if key.startswith("flip-canvas"):
            yield "stroke", lambda one: stroke(one, key)


def stroke(tab: Tab, key: str) -> None:
    """A rectangle on a canvas, as the canvas reports it: with all that is drawn on it."""
    data = payload_of(tab.find(key)) or {}
    picture = Image.new("RGBA", (448, 448))
    ImageDraw.Draw(picture).rectangle((100, 100, 180, 180), fill=(255, 209, 0, 150))
    file = io.BytesIO()
    picture.save(file, "PNG")
    url = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
    tab.give_json(key, {"drawing": {"raw": {"objects": [{"type": "path", "stroke": data["strokeColor"]}]}, "data": url}})
