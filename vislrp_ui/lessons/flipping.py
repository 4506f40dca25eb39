"""Case 3: pixel flipping. What speaks for a class, what against it, and the control that makes it an experiment."""

from __future__ import annotations

from vislrp_core import masks
from vislrp_core.fills import DEFAULT_FILL
from vislrp_core.images import SIDE
from vislrp_core.network import Network
from vislrp_ui import service, state, state_flipping
from vislrp_ui.flipping import work
from vislrp_ui.lessons import numbers
from vislrp_ui.lessons.model import Lesson, Number, Scene, Step
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import ImageRef, Visit

SAMPLE, MODEL = "guitar_and_drums", "configuration_4"
AGAINST, RANDOM = 2, 3
"""Numbers of the guided rows."""
QUARTER = slice(SIDE // 2, None), slice(0, SIDE // 2)
"""Rows and columns that "Show me" brushes away: the lower left of the picture."""


def laid(visit: Visit, network: Network) -> Visit:
    """Three rows: what speaks for the class, what against it, the same number at random."""
    visit = state.choose_image(visit, ImageRef("sample", SAMPLE))
    visit = state.choose_target(visit, None)
    visit = state.activate(visit, MODEL) if any(entry.id == MODEL for entry in visit.models) else visit
    return state_flipping.changed(visit, state_flipping.guided)


def _against(visit: Visit, network: Network) -> Visit:
    return state_flipping.changed(laid(visit, network), state_flipping.activate, AGAINST)


def _random(visit: Visit, network: Network) -> Visit:
    return state_flipping.changed(laid(visit, network), state_flipping.activate, RANDOM)


def _is_active(sign: str, visit: Visit) -> bool:
    return state_flipping.of(visit).row().sign == sign


def _brushed(visit: Visit, network: Network) -> Visit:
    visit = state_flipping.changed(laid(visit, network), state_flipping.add_row)
    id = state_flipping.of(visit).active
    marked = masks.empty()
    marked[QUARTER] = True
    return state_flipping.changed(visit, state_flipping.set_mask, id, marked)


def _has_brush(visit: Visit) -> bool:
    return any(row.mask for row in state_flipping.of(visit).rows)


def _filled(visit: Visit, network: Network) -> Visit:
    return state_flipping.changed(laid(visit, network), state_flipping.set_fill, "mean")


def _is_filled(visit: Visit) -> bool:
    shown = state_flipping.of(visit)
    return shown.row().fill != DEFAULT_FILL and shown.row().sign == "positive"


def _after(sign: str, first: bool = False) -> Number:
    """Probability of the class, or the first class, after the flipping of the row that selects these pixels."""

    def read(scene: Scene) -> str | None:
        row = next((one for one in state_flipping.of(scene.visit).rows if one.sign == sign), None)
        return None if row is None else _told(scene, row, first)

    return read


def _told(scene: Scene, row: state_flipping.FlippingRow, first: bool = False) -> str | None:
    visit = scene.visit
    maps = service.known_maps(scene.network, visit.image, visit.model, scene.target)
    values = None if maps is None else work.values_of(maps)
    if values is None:
        return None
    marked = row.brushed | work.selected(row, values)
    found = work.flipped(scene.network, visit.image, marked, row.fill).predictions
    return escaped(found[0].name) if first else numbers.share(numbers.of(found, scene.target).probability)


def _active_after(scene: Scene) -> str | None:
    return _told(scene, state_flipping.of(scene.visit).row())


_BEFORE: dict[str, Number] = {"class": numbers.class_name, "before": numbers.probability}

LESSON = Lesson(
    "flipping",
    "Pixel flipping",
    "Brush away what speaks for a class and see whether the network agrees with the map.",
    "flipping",
    laid,
    (
        Step(
            "What speaks for it",
            "Look at the first row. The reddest 8 % of the map are marked, and flipped: their colours are inverted.",
            "Predictions on the right, before and after: “{class}” goes from {before} to {after}; first is now “{first}”.",
            "The map claims that these pixels carry the class. Taking them away is the test of the claim.",
            laid,
            numbers={**_BEFORE, "after": _after("positive"), "first": _after("positive", True)},
        ),
        Step(
            "What speaks against",
            "Press **Edit** in the second row: now the bluest 8 % are flipped.",
            "“{class}”: {before} before, {after} after.",
            "Blue pixels belong to what competes with the class. Without them its probability should rise, and a rise is "
            "something that only a map with signs can foretell.",
            _against,
            lambda visit: _is_active("negative", visit),
            {**_BEFORE, "after": _after("negative")},
        ),
        Step(
            "The control",
            "Press **Edit** in the third row: as many pixels, drawn at random.",
            "“{class}”: {before} before, {random} after, against {after} without the reddest ones.",
            "Any damage to a picture changes a prediction. Only the difference from random damage says something about "
            "the map. One draw is a weak control; below, **Measure** takes several.",
            _random,
            lambda visit: _is_active("random", visit),
            {**_BEFORE, "random": _after("random"), "after": _after("positive")},
        ),
        Step(
            "Your own guess",
            "Press **Add row**, and brush away what *you* think the class depends on.",
            "The prediction follows each stroke: “{class}” was {before}, and is {after} in the active row.",
            "Predict before you brush. Where the network disagrees with you, it may look at other things than you do: "
            "that is worth knowing, whether the map is right or not.",
            _brushed,
            _has_brush,
            {**_BEFORE, "after": _active_after},
        ),
        Step(
            "What flipped means",
            "Make the first row active, then choose another **Fill** at the top, such as the mean colour.",
            "“{class}” is {after} now in the active row, with the same pixels marked.",
            "Inverted, grey or blurred spots are themselves something to see, and hardly a picture of the training had "
            "them. So the numbers depend on the fill: compare maps with one fill only, and say which.",
            _filled,
            _is_filled,
            {**_BEFORE, "after": _active_after},
        ),
    ),
)
