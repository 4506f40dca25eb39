"""Worked examples of By hand: what each shows, and the numbers and rules that it lays out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vislrp_core.rules import Rule
from vislrp_ui import state_hand
from vislrp_ui.state import Visit
from vislrp_ui.state_hand import LENGTHS, HandState, model_of


@dataclass(frozen=True)
class Example:
    """A worked example: what it shows, and the state that it sets."""

    title: str
    sentence: str
    state: HandState


_TWOS = HandState(inputs=(1, 2, 3), lower=(2,) * 9, upper=(3, 3, 3, 0, 0, 0))
_ONE_NEGATIVE = replace(_TWOS, lower=(-2, *(2,) * 8))
EXAMPLES: dict[str, Example] = {
    "signs": Example(
        "Mixed signs", "Weights of both signs: one input speaks against the output, and R shows it as negative.", HandState()
    ),
    "zero": Example(
        "LRP-0, all weights alike", "Each input gets relevance in proportion to its value: R = (18, 36, 54).", _TWOS
    ),
    "alpha1_beta0": Example(
        "LRP-α1β0, one weight −2",
        "The negative contribution does not count: R = (12, 33.6, 50.4).",
        replace(_ONE_NEGATIVE, model=model_of("alpha1_beta0", "alpha1_beta0")),
    ),
    "gamma": Example(
        "LRP-γ, γ = 1 below and 0.25 above",
        "Positive contributions count more: R = (28/3, 104/3, 52).",
        replace(_ONE_NEGATIVE, model=model_of(Rule.of("gamma", gamma1p=1.0), Rule.of("gamma", gamma1p=0.25))),
    ),
    "bias": Example(
        "Biases that absorb",
        "The upper layer alone matters: of R = (1/3, 2/3), biases 7 and 8 keep most; (17/90, 316/675) is left.",
        HandState(
            inputs=(1, 2, 0),
            lower=(1, 0, 0, 0, 1, 0, 0, 0, 1),
            upper=(3, 4, 0, 5, 6, 0),
            upper_bias=(7, 8),
            biased=True,
            model=model_of(bias="absorb"),
            own_start=(1 / 3, 2 / 3),
        ),
    ),
    "epsilon": Example(
        "LRP-ε absorbs",
        "ε is added to every denominator, so less arrives than was sent: look at the foot.",
        HandState(model=model_of(Rule.of("epsilon", epsilon=0.5, epsilon_scale="absolute"), "zero")),
    ),
}


def open_example(visit: Visit, key: str) -> Visit:
    """Lay out an example; an exercise that is open goes on with its numbers."""
    if key not in EXAMPLES:
        return visit
    held = state_hand.of(visit)
    return state_hand.put(visit, replace(EXAMPLES[key].state, exercise=held.exercise, exact=held.exact, seed=held.seed))


def example_of(held: HandState) -> str | None:
    """The example whose numbers and rules these are, None where something was changed."""
    own = replace(HandState(), **{name: getattr(held, name) for name in _LAID_OUT})
    for key, example in EXAMPLES.items():
        if own == replace(HandState(), **{name: getattr(example.state, name) for name in _LAID_OUT}):
            return key
    return None


_LAID_OUT = (*LENGTHS, "biased", "model", "target", "own_start")
