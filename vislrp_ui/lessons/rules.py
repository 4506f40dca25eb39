"""Case 1: popular rules compared, on a picture and two classes for which the rules differ."""

from __future__ import annotations

from vislrp_core.network import Network
from vislrp_ui import state_compare
from vislrp_ui.compare import sets
from vislrp_ui.compare.edits import show_difference
from vislrp_ui.lessons import numbers
from vislrp_ui.lessons.model import Lesson, Step
from vislrp_ui.state import Visit
from vislrp_ui.state_compare import CompareState, GridColumn

EPSILON, GAMMA, PLUS, TWO, THREE = "LRP-ε 0.3", "LRP-γ 0.3", "LRP-α1β0", "LRP-α2β1", "LRP-α3β2"
COMPOSITE, COMPOSITE_NAME = "overview_composite", "Overview composite"


def laid(visit: Visit, network: Network) -> Visit:
    """The five rules, each on all layers."""
    return sets.load(visit, "rules", sets.SETS["rules"].image, network.classes)


def _fresh(visit: Visit, network: Network) -> Visit:
    """The five rules with nothing else set, whatever the steps before have left."""
    return state_compare.changed(laid(visit, network), state_compare.set_share, "each")


def _names(visit: Visit) -> list[str]:
    return [entry.name for entry in state_compare.entries(visit)]


def _all_share(visit: Visit, network: Network) -> Visit:
    return state_compare.changed(_fresh(visit, network), state_compare.set_share, "all")


def _difference(visit: Visit, network: Network) -> Visit:
    fresh = _fresh(visit, network)
    shown = show_difference(fresh, _names(fresh).index(PLUS), network)
    return state_compare.changed(shown, state_compare.set_scaled, True)


def _shows_difference(visit: Visit) -> bool:
    shown, names = state_compare.of(visit), _names(visit)
    if shown.difference is None:
        return False
    one, other = shown.difference
    return one.row != other.row and [names[cell.column] for cell in shown.difference] == [PLUS, PLUS]


def _only(shown: CompareState, wanted: list[GridColumn]) -> CompareState:
    return state_compare.set_columns(shown, wanted)


def _alphas(visit: Visit, network: Network) -> Visit:
    fresh = _fresh(visit, network)
    columns = [
        column
        for column, name in zip(state_compare.of(fresh).columns, _names(fresh), strict=True)
        if name in (PLUS, TWO, THREE)
    ]
    return state_compare.changed(fresh, _only, columns)


def _with_composite(visit: Visit, network: Network) -> Visit:
    fresh = _fresh(visit, network)
    columns = [
        column
        for column, name in zip(state_compare.of(fresh).columns, _names(fresh), strict=True)
        if name in (EPSILON, PLUS)
    ]
    return state_compare.changed(fresh, _only, [*columns, GridColumn(COMPOSITE)])


LESSON = Lesson(
    "rules",
    "Popular rules compared",
    "Five ways to share relevance out, LRP-ε, LRP-γ, α1β0, α2β1 and α3β2, on one photograph: what each hides and stresses.",
    "compare",
    laid,
    (
        Step(
            "Two questions",
            "Compare the two rows: one photograph, explained once for “{one}” ({p1}) and once for “{two}” ({p2}).",
            "In each map red pixels speak for the class of the row, blue ones against it.",
            "A map answers one question: why this class? Each column answers it with one rule on all layers. The formula "
            "above it says how a neuron's relevance is shared among the neurons below; Home explains its letters.",
            _fresh,
            numbers={
                "one": numbers.row_class(0),
                "p1": numbers.row_probability(0),
                "two": numbers.row_class(1),
                "p2": numbers.row_probability(1),
            },
        ),
        Step(
            "What ε takes away",
            "At the top, switch the colour range from **each map** to **all**: one scale of colours for all maps.",
            "The column of ε turns pale: its pixels add up to {epsilon}, those of γ to {gamma}. The score to explain is "
            "{logit}.",
            "The others hand on all that they get, which is called *conservation*. ε in the denominator keeps a part at "
            "every layer, most of it where contributions nearly cancel. What is left stands on fewer pixels than with γ.",
            _all_share,
            lambda visit: state_compare.of(visit).share == "all",
            {"epsilon": numbers.pixel_sum(EPSILON), "gamma": numbers.pixel_sum(GAMMA), "logit": numbers.row_logit(0)},
        ),
        Step(
            "One map for all",
            "Press **Difference** at the top. Choose “{one} · LRP-α1β0” as *Map*, “{two} · LRP-α1β0” below *minus*, and "
            "turn on *Scale both*.",
            "{left} of the two maps is left over (its colours have a range of their own: read the numbers). *Cosine of the "
            "two classes*, below the columns, says how alike they are: {plus} for α1β0, {epsilon} for ε; 1 is the same map.",
            "α1β0 follows positive contributions only, and most of them are the same whatever the class. Its map shows "
            "*what the network looks at*, hardly *for which class*.",
            _difference,
            _shows_difference,
            {
                "one": numbers.row_class(0),
                "two": numbers.row_class(1),
                "left": numbers.left_over,
                "plus": numbers.cosine(PLUS),
                "epsilon": numbers.cosine(EPSILON),
            },
        ),
        Step(
            "What β adds",
            "Open **Models** at the top and remove all but LRP-α1β0, LRP-α2β1 and LRP-α3β2.",
            "The share of negative relevance: α1β0 {plus}, α2β1 {two}, α3β2 {three}.",
            "β is the weight of negative contributions. As α − β = 1, the sum stays as it was, but more red and more blue "
            "cancel within it: the map tells classes apart better (cosine {before} for α1β0, {cosine} for α3β2), and "
            "becomes noisier.",
            _alphas,
            lambda visit: sorted(_names(visit)) == sorted([PLUS, TWO, THREE]),
            {
                "plus": numbers.negative_share(PLUS),
                "two": numbers.negative_share(TWO),
                "three": numbers.negative_share(THREE),
                "before": numbers.cosine(PLUS),
                "cosine": numbers.cosine(THREE),
            },
        ),
        Step(
            "A rule per layer",
            "Under **Models** add *Overview composite*, a model with another rule in each part of the network.",
            "It is less noisy than ε and, unlike α1β0, depends on the class: cosine {composite}, against {plus} for α1β0 "
            "and {epsilon} for ε.",
            "No rule is best in all layers, so practice combines them: γ low, ε in the middle, LRP-0 at the top. Where "
            "the borders should be is the question of the next case.",
            _with_composite,
            lambda visit: COMPOSITE_NAME in _names(visit),
            {"composite": numbers.cosine(COMPOSITE_NAME), "epsilon": numbers.cosine(EPSILON), "plus": numbers.cosine(PLUS)},
        ),
    ),
)
