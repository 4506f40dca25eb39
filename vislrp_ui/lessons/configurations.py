"""Case 2: five configurations for two classes of one picture, and the best of them taken to Design."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vislrp_core.network import Network
from vislrp_ui import state, state_compare
from vislrp_ui.compare import sets
from vislrp_ui.lessons import numbers
from vislrp_ui.lessons.model import Lesson, Prepare, Step
from vislrp_ui.state import Visit

NAMES = tuple(f"Configuration {number}" for number in range(1, 6))
TAKEN, BORDER = "configuration_4", 17
"""The example that Design opens, and where its first border is moved: pool3."""


def laid(visit: Visit, network: Network) -> Visit:
    """The five configurations on the two classes."""
    return sets.load(visit, "configurations", sets.SETS["configurations"].image, network.classes)


def _names(visit: Visit) -> list[str]:
    return [entry.name for entry in state_compare.entries(visit)]


def _only(*wanted: str) -> Prepare:
    def show(visit: Visit, network: Network) -> Visit:
        fresh = laid(visit, network)
        pairs = zip(state_compare.of(fresh).columns, _names(fresh), strict=True)
        columns = [column for column, name in pairs if name in wanted]
        return state_compare.changed(fresh, state_compare.set_columns, columns)

    return show


def _shows(names: Sequence[str]) -> Callable[[Visit], bool]:
    return lambda visit: sorted(_names(visit)) == sorted(names)


def _taken(visit: Visit, network: Network) -> Visit:
    """Picture, first class and Configuration 4 on Design, its second segment selected."""
    fresh = laid(visit, network)
    place = state_compare.of(fresh).rows[0]
    chosen = state.choose_image(fresh, place.image)
    chosen = state.choose_target(chosen, place.target)
    return state.select_segment(state.activate(chosen, TAKEN), 1)


def _moved(visit: Visit, network: Network) -> Visit:
    taken = _taken(visit, network)
    blocks = taken.model.segments
    return state.move_border(taken, 0, min(BORDER, blocks[1].last - 1))


def _is_moved(visit: Visit) -> bool:
    based = next((entry.model for entry in visit.models if entry.id == TAKEN), None)
    ends = [segment.last for segment in visit.model.segments]
    return based is not None and len(ends) > 1 and ends != [segment.last for segment in based.segments]


LESSON = Lesson(
    "configurations",
    "Five configurations, two classes",
    "The same layers with other rules, the same rules on other layers: which model can tell two classes apart?",
    "compare",
    laid,
    (
        Step(
            "Five models",
            "Read the heads of the columns: each model has two to four *segments*, which are runs of layers with one rule.",
            "The upper row explains “{one}” ({p1}), the lower one “{two}” ({p2}): two things in one photograph.",
            "A good map answers the two questions differently: red on the one thing, not on the other. The network "
            "itself is not sure here, so expect no miracles.",
            laid,
            numbers={
                "one": numbers.row_class(0),
                "p1": numbers.row_probability(0),
                "two": numbers.row_class(1),
                "p2": numbers.row_probability(1),
            },
        ),
        Step(
            "Other layers",
            "Open **Models** at the top and remove all but Configurations 1 and 2.",
            "Configuration 1 looks like noise, Configuration 2 shows things. Both are γ below and LRP-0 above.",
            "Only the border differs: γ up to pool2, or up to relu5_3. LRP-0 in many layers divides by sums that nearly "
            "cancel: large red and blue values come out, much the same whatever the class (cosine {first}; 1 is the same "
            "map). γ keeps the sums away from 0: {second} for Configuration 2.",
            _only("Configuration 1", "Configuration 2"),
            _shows(["Configuration 1", "Configuration 2"]),
            {"first": numbers.cosine("Configuration 1"), "second": numbers.cosine("Configuration 2")},
        ),
        Step(
            "Other order",
            "Open **Models** and take Configurations 3 and 4 in place of those two.",
            "Same borders, same three rules, in opposite order: 4 has γ at the bottom, 3 at the top.",
            "Near the pixels many small contributions have to be tidied up: that is γ's work. At the top the few units "
            "that tell classes apart should be left as they are: LRP-0. Swapped, both are in the wrong place: cosine "
            "{third} for 3, {fourth} for 4.",
            _only("Configuration 3", "Configuration 4"),
            _shows(["Configuration 3", "Configuration 4"]),
            {"third": numbers.cosine("Configuration 3"), "fourth": numbers.cosine("Configuration 4")},
        ),
        Step(
            "Which is best?",
            "Add all five again under **Models**, and read *cosine of the two classes* below the columns.",
            "Lowest: {best}. 1 means the same map for both classes, −1 red where the other is blue.",
            "Configuration 1 ({first}) does not ignore the class by its rules, noise drowns it. And a low cosine alone is "
            "no proof that a map is right: ask for one that is readable, too, then measure it by flipping pixels: case 3.",
            laid,
            _shows(NAMES),
            {"best": numbers.most_selective, "first": numbers.cosine("Configuration 1")},
        ),
        Step(
            "Take it along",
            "Click a map of Configuration 4 to open it on **Design**.",
            "The ruler on Design shows its three segments, each with its rule and with the map that it hands on.",
            "From here on the model is yours to change: examples stay as they are, your first edit makes a copy.",
            _taken,
            lambda visit: visit.active == TAKEN or visit.entry().name.startswith("Configuration 4"),
            page="design",
        ),
        Step(
            "Move a border",
            "Drag the border between segments 1 and 2, or focus it and press the arrow keys.",
            "The large map follows when you release the mouse; Undo brings the old one back.",
            "This is the whole trade: one border, one rule, one number at a time, and always a look at what it does.",
            _moved,
            _is_moved,
            page="design",
        ),
    ),
)
