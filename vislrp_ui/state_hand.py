"""What the page By hand keeps: a small network with all its numbers, rules, an exercise. Pure functions change it."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any
from urllib.parse import quote, unquote

from vislrp_core import compact
from vislrp_core.model import LRPModel, ModelError, Segment
from vislrp_core.rules import Rule
from vislrp_ui.address import one_of, read_fields, whole, write_fields
from vislrp_ui.state import StateError, Visit

KEY = "hand"
SIZES = (3, 3, 2)
"""Inputs, hidden neurons, outputs."""
LARGEST = 1000.0
MAX_PAST = 60
LAST_STEP = 7
"""Steps 0 to 7: inputs, sums, ReLU, outputs, start, R of the hidden neurons, through the ReLU, R of the inputs."""
EXERCISES = ("forward", "hidden", "shares", "inputs")
MAX_ANSWER = 40
LENGTHS = {"inputs": 3, "lower": 9, "lower_bias": 3, "upper": 6, "upper_bias": 2}
"""Fields of numbers; weights lie row by row, one row for each neuron that they lead to."""

Numbers = tuple[float, ...]


def model_of(lower: Rule | str = "zero", upper: Rule | str = "zero", bias: str = "ignore", start: str = "logit") -> LRPModel:
    """A model of the small network: a rule between inputs and hidden neurons, one between those and the outputs."""
    rules = [rule if isinstance(rule, Rule) else Rule.of(rule) for rule in (lower, upper)]
    return LRPModel(
        name="By hand",
        architecture="by_hand",
        pixel_rule="segment",
        bias=one_of(bias, ("ignore", "absorb")),
        start=one_of(start, ("logit", "one", "probability", "contrast")),
        segments=(Segment(first=1, last=2, rule=rules[0]), Segment(first=3, last=3, rule=rules[1])),
    )


@dataclass(frozen=True)
class HandState:
    """The small network, its rules, and what is looked at.

    Attributes
    ----------
    inputs, lower, lower_bias, upper, upper_bias : tuple of float
        See `LENGTHS`.
    biased : bool
        Whether the network has biases; without, those numbers are kept and count as 0.
    model : LRPModel
        Of the architecture ``by_hand``; its `bias` counts where the network has biases.
    target : int
        The output that is explained.
    own_start : tuple of float, optional
        R of the outputs as typed, in place of the model's start.
    step : int
        How far the numbers are shown, 0 to `LAST_STEP`.
    segment : int
        Whose rule is shown: 0 of the lower layer, 1 of the upper one.
    shown : str
        The neuron or edge whose formula stays; empty for none.
    exact : bool
        Twelve digits in place of three.
    exercise : str
        One of `EXERCISES`, or empty.
    answers : tuple of (str, str)
        What was filled in, by quantity.
    solved : bool
        Whether the solution is shown.
    seed : int
        Of the last new numbers.
    past, future : tuple of HandState
        For undo and redo, in time's order; what is only looked at is no step. They are no part of what the page holds.
    """

    inputs: Numbers = (2.0, 1.0, 1.0)
    lower: Numbers = (1.0, 0.5, -1.0, -0.5, 1.0, 0.5, 1.0, -1.0, 1.0)
    lower_bias: Numbers = (0.0, 0.0, 0.0)
    upper: Numbers = (1.0, -1.0, 2.0, -1.0, 2.0, 0.5)
    upper_bias: Numbers = (0.0, 0.0)
    biased: bool = False
    model: LRPModel = field(default_factory=model_of)
    target: int = 0
    own_start: Numbers | None = None
    step: int = LAST_STEP
    segment: int = 1
    shown: str = ""
    exact: bool = False
    exercise: str = ""
    answers: tuple[tuple[str, str], ...] = ()
    solved: bool = False
    seed: int = 0
    past: tuple[HandState, ...] = field(default=(), compare=False, repr=False)
    future: tuple[HandState, ...] = field(default=(), compare=False, repr=False)

    def fields(self) -> dict[str, str]:
        """All values as texts."""
        return {
            **{name: _listed(getattr(self, name)) for name in LENGTHS},
            "biased": str(int(self.biased)),
            "rules": quote(compact.encode(self.model), safe=""),
            "target": str(self.target),
            "start": _listed(self.own_start or ()),
            "step": str(self.step),
            "segment": str(self.segment),
            "shown": self.shown,
            "exact": str(int(self.exact)),
            "exercise": self.exercise,
            "answers": ",".join(f"{name}={quote(text, safe='')}" for name, text in self.answers),
            "solved": str(int(self.solved)),
            "seed": str(self.seed),
        }

    def to_params(self, room: int = 0) -> dict[str, str]:
        """Query parameters."""
        return {} if self == HandState() else {"hand": write_fields(self.fields(), HandState().fields())}


def _listed(numbers: Numbers) -> str:
    return ",".join(f"{number:.17g}" for number in numbers)


def _numbers(text: str, count: int) -> Numbers:
    """So many finite numbers between commas (ValueError)."""
    found = tuple(float(part[:30]) for part in text.split(","))
    if len(found) != count or not all(math.isfinite(one) and abs(one) <= LARGEST for one in found):
        raise ValueError(text[:40])
    return found


def ids() -> tuple[str, ...]:
    """Neurons and edges: ``n0-1`` is the second input, ``e1-0-2`` the edge from it to the third hidden neuron."""
    neurons = [f"n{layer}-{unit}" for layer, size in enumerate(SIZES) for unit in range(size)]
    edges = [f"e{k}-{i}-{j}" for k in (1, 2) for i in range(SIZES[k - 1]) for j in range(SIZES[k])]
    return (*neurons, *edges)


def from_params(params: Mapping[str, str]) -> HandState | None:
    """The page's state from an address; None where it holds none (ValueError where that is damaged)."""
    if "hand" not in params:
        return None
    told = read_fields(params["hand"], HandState().fields())
    model = compact.decode(unquote(told["rules"]))
    if model.architecture != "by_hand" or [one.last for one in model.segments] != [2, 3]:
        raise ModelError("its rules are not for the network by hand")
    answers = []
    for part in filter(None, told["answers"].split(",")):
        name, _, text = part.partition("=")
        answers.append((one_of(name, quantities()), unquote(text)[:MAX_ANSWER]))
    numbers: dict[str, Any] = {name: _numbers(told[name], count) for name, count in LENGTHS.items()}
    return HandState(
        **numbers,
        biased=bool(whole(told["biased"], 0, 1)),
        model=model.model_copy(update={"name": "By hand", "pixel_rule": "segment"}),
        target=whole(told["target"], 0, 1),
        own_start=_numbers(told["start"], 2) if told["start"] else None,
        step=whole(told["step"], 0, LAST_STEP),
        segment=whole(told["segment"], 0, 1),
        shown=one_of(told["shown"], ("", *ids())),
        exact=bool(whole(told["exact"], 0, 1)),
        exercise=one_of(told["exercise"], ("", *EXERCISES)),
        answers=tuple(dict(answers).items()),
        solved=bool(whole(told["solved"], 0, 1)),
        seed=whole(told["seed"], 0, 999_999),
    )


def of(visit: Visit) -> HandState:
    """The page's state of a visit."""
    held = visit.page(KEY)
    return held if isinstance(held, HandState) else HandState()


def changed(visit: Visit, **fields: object) -> Visit:
    """The visit with some fields of the page's state replaced."""
    return put(visit, replace(of(visit), **fields))  # type: ignore[arg-type]


def put(visit: Visit, after: HandState) -> Visit:
    """The visit with another state of the page; the present one becomes a step of undo, unless only the look differs."""
    held = of(visit)
    if after == _looked_at(held, after):
        return visit.with_page(KEY, replace(after, past=held.past, future=held.future))
    return visit.with_page(KEY, replace(after, past=(*held.past, _bare(held))[-MAX_PAST:], future=()))


def _bare(held: HandState) -> HandState:
    return replace(held, past=(), future=())


def _looked_at(held: HandState, other: HandState) -> HandState:
    """A state, looked at as another one is."""
    return replace(held, step=other.step, segment=other.segment, shown=other.shown, exact=other.exact)


def undo(visit: Visit) -> Visit:
    """One step back in numbers, rules, exercise and answers; where the person looks stays."""
    held = of(visit)
    if not held.past:
        return visit
    back = _looked_at(held.past[-1], held)
    return visit.with_page(KEY, replace(back, past=held.past[:-1], future=(_bare(held), *held.future)))


def redo(visit: Visit) -> Visit:
    """One step forward again."""
    held = of(visit)
    if not held.future:
        return visit
    following = _looked_at(held.future[0], held)
    return visit.with_page(KEY, replace(following, past=(*held.past, _bare(held)), future=held.future[1:]))


def read_number(text: object) -> float:
    """A number as people type it: ``-1.5``, ``−1,5``, ``1/3`` (StateError with one sentence)."""
    typed = str(text).strip().replace("−", "-").replace(",", ".")[:MAX_ANSWER]
    try:
        value = float(Fraction(typed.replace(" ", "")))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise StateError(f"“{str(text)[:MAX_ANSWER]}” is no number: type one such as -1.5 or 1/3.") from None
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise StateError(f"“{str(text)[:MAX_ANSWER]}” is too large: numbers here go from −1000 to 1000.")
    return value


# --- the network ------------------------------------------------------------------------------------------------------


def set_number(visit: Visit, name: str, place: int, text: object) -> Visit:
    """Set an input, a weight, a bias, or with the name ``start`` the R of an output.

    Raises
    ------
    StateError
        If it is no number; one sentence.
    """
    held = of(visit)
    old = (held.own_start or (0.0, 0.0)) if name == "start" else getattr(held, name) if name in LENGTHS else ()
    if not 0 <= place < len(old):
        return visit
    value = read_number(text)
    new = tuple(value if number == place else one for number, one in enumerate(old))
    if name == "start":
        return changed(visit, own_start=new, answers=(), solved=False)
    return changed(visit, **{name: new}, answers=(), solved=False)


def set_biased(visit: Visit, biased: bool) -> Visit:
    """Whether the network has biases."""
    return changed(visit, biased=bool(biased), answers=(), solved=False)


def set_rule(visit: Visit, segment: int, rule: Rule) -> Visit:
    """The rule of the lower layer (0) or the upper one (1)."""
    held = of(visit)
    segments = tuple(
        one.model_copy(update={"rule": rule}) if place == segment else one for place, one in enumerate(held.model.segments)
    )
    return changed(visit, model=held.model.model_copy(update={"segments": segments}), answers=(), solved=False)


def set_convention(visit: Visit, name: str, value: str) -> Visit:
    """The model's ``bias`` or ``start``; ``own`` as a start takes the R of the outputs as typed."""
    held = of(visit)
    if name == "start" and value == "own":
        return changed(visit, own_start=held.own_start or (1.0, 0.0), answers=(), solved=False)
    lower, upper = (one.rule for one in held.model.segments)
    fields = {"bias": held.model.bias, "start": held.model.start, name: value}
    own = None if name == "start" else held.own_start
    return changed(visit, model=model_of(lower, upper, **fields), own_start=own, answers=(), solved=False)


def set_target(visit: Visit, target: int) -> Visit:
    """The output that is explained."""
    return changed(visit, target=target, own_start=None, answers=(), solved=False) if target in (0, 1) else visit


# --- what is looked at ------------------------------------------------------------------------------------------------


def set_step(visit: Visit, step: int) -> Visit:
    """How far the numbers are shown."""
    return changed(visit, step=min(max(step, 0), LAST_STEP))


def show(visit: Visit, id: str) -> Visit:
    """Keep the formula of a neuron or edge; once more lets it go."""
    if id not in ids():
        return visit
    return changed(visit, shown="" if of(visit).shown == id else id)


# --- exercise ---------------------------------------------------------------------------------------------------------


def quantities() -> tuple[str, ...]:
    """Everything that can be asked for: z, a, R of a neuron (``z1-0``), the share along an edge (``e1-0-2``)."""
    neurons = [f"{letter}{layer}-{unit}" for letter in "zaR" for layer, size in enumerate(SIZES) for unit in range(size)]
    return (*neurons, *(id for id in ids() if id.startswith("e")))


def asked(exercise: str) -> tuple[str, ...]:
    """What an exercise asks for, in order."""
    return {
        "forward": ("z1-0", "z1-1", "z1-2", "a1-0", "a1-1", "a1-2", "z2-0", "z2-1"),
        "hidden": ("R1-0", "R1-1", "R1-2"),
        "shares": ("e1-0-0", "e1-1-0", "e1-2-0"),
        "inputs": ("R0-0", "R0-1", "R0-2"),
    }.get(exercise, ())


def set_exercise(visit: Visit, exercise: str) -> Visit:
    """Begin an exercise, or end it with an empty text."""
    if exercise not in ("", *EXERCISES):
        return visit
    return changed(visit, exercise=exercise, answers=(), solved=False, step=LAST_STEP, shown="")


def answer(visit: Visit, name: str, text: str) -> Visit:
    """Fill in one quantity; an empty text takes the answer back."""
    held = of(visit)
    if name not in asked(held.exercise):
        return visit
    others = {key: one for key, one in held.answers if key != name}
    typed = " ".join(str(text).split())[:MAX_ANSWER]
    return changed(visit, answers=tuple(({**others, name: typed} if typed else others).items()))


def solve(visit: Visit) -> Visit:
    """Show the solution."""
    return changed(visit, solved=True)


def new_numbers(visit: Visit) -> Visit:
    """Other numbers of the same kind, small enough to compute with: the next of a fixed series."""
    seed = of(visit).seed % 999_999 + 1
    dice = random.Random(seed)
    weights = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)
    return changed(
        visit,
        inputs=tuple(float(dice.choice((1, 2, 3))) for _ in range(3)),
        lower=tuple(dice.choice(weights) for _ in range(9)),
        lower_bias=tuple(dice.choice((-1.0, 0.0, 1.0)) for _ in range(3)),
        upper=tuple(dice.choice(weights) for _ in range(6)),
        upper_bias=tuple(dice.choice((-1.0, 0.0, 1.0)) for _ in range(2)),
        own_start=None,
        answers=(),
        solved=False,
        seed=seed,
    )
