"""The network by hand: its numbers are fractions worked out here, its exercises find the slip, its state is pure."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from fractions import Fraction

import pytest

from vislrp_core.rules import Rule
from vislrp_ui import state, state_hand
from vislrp_ui.hand import board, edits, explained, slips
from vislrp_ui.hand.examples import EXAMPLES, example_of, open_example
from vislrp_ui.hand.worked import work
from vislrp_ui.shared.formulas import number
from vislrp_ui.state import StateError, Visit
from vislrp_ui.state_hand import HandState, model_of

NETWORK = HandState(
    inputs=(1, 2, -1),
    lower=(1, 2, -1, 2, -1, -1, -3, 1, 1),
    lower_bias=(1, 2, -1),
    upper=(1, 2, 1, -1, 1, 2),
    upper_bias=(-1, 2),
    biased=True,
)


def exact(held: HandState, shares, start):
    """R of outputs, hidden neurons and inputs as fractions; `shares(a, w, b)` gives each input's part of one neuron."""
    x = [Fraction(one) for one in held.inputs]
    layers = []
    a = x
    for weights, biases in ((held.lower, held.lower_bias), (held.upper, held.upper_bias)):
        w = [[Fraction(one) for one in weights[3 * j : 3 * j + 3]] for j in range(len(weights) // 3)]
        b = [Fraction(one) if held.biased else Fraction(0) for one in biases]
        z = [sum(p * q for p, q in zip(a, row, strict=True)) + c for row, c in zip(w, b, strict=True)]
        layers.append((a, w, b))
        a = [max(one, Fraction(0)) for one in z]
    r = [start(z)[k] for k in range(2)]
    found = {2: r}
    for below in (1, 0):
        a, w, b = layers[below]
        parts = [shares(a, row, c) for row, c in zip(w, b, strict=True)]
        r = [sum(parts[j][i] * r[j] for j in range(len(r))) for i in range(3)]
        found[below] = r
    return found


def in_proportion(q, bias=lambda b: 0, epsilon=Fraction(0)):
    def shares(a, w, b):
        numerators = [q(p, v, a) for p, v in zip(a, w, strict=True)]
        z = sum(numerators) + bias(b)
        z += epsilon if z >= 0 else -epsilon
        return [one / z if z else Fraction(0) for one in numerators]

    return shares


def alpha_beta(absorb):
    def shares(a, w, b):
        found = [Fraction(0)] * len(a)
        for factor, side in ((2, max), (-1, min)):
            q = [side(p * v, Fraction(0)) for p, v in zip(a, w, strict=True)]
            z = sum(q) + (side(b, Fraction(0)) if absorb else 0)
            found = [one + (factor * part / z if z else 0) for one, part in zip(found, q, strict=True)]
        return found

    return shares


def box(a, w, b):
    low, high = min(*a, Fraction(0)), max(*a, Fraction(0))
    q = [p * v - low * max(v, 0) - high * min(v, 0) for p, v in zip(a, w, strict=True)]
    return [one / sum(q) if sum(q) else Fraction(0) for one in q]


def plus(p, v, a):
    return max(p * v, Fraction(0))


def gamma(p, v, a):
    return p * v + Fraction(1, 4) * max(p * v, Fraction(0))


CASES = [
    ("zero", Rule.of("zero"), in_proportion(lambda p, v, a: p * v), False),
    ("zero absorb", Rule.of("zero"), in_proportion(lambda p, v, a: p * v, lambda b: b), True),
    (
        "epsilon",
        Rule.of("epsilon", epsilon=0.5, epsilon_scale="absolute"),
        in_proportion(lambda p, v, a: p * v, epsilon=Fraction(1, 2)),
        False,
    ),
    (
        "epsilon absorb",
        Rule.of("epsilon", epsilon=0.5, epsilon_scale="absolute"),
        in_proportion(lambda p, v, a: p * v, lambda b: b, Fraction(1, 2)),
        True,
    ),
    ("gamma", Rule.of("gamma"), in_proportion(gamma), False),
    ("gamma absorb", Rule.of("gamma"), in_proportion(gamma, lambda b: b + Fraction(1, 4) * max(b, Fraction(0))), True),
    ("alpha beta", Rule.of("alpha_beta"), alpha_beta(False), False),
    ("alpha beta absorb", Rule.of("alpha_beta"), alpha_beta(True), True),
    ("z plus", Rule.of("z_plus"), in_proportion(plus), False),
    ("z plus absorb", Rule.of("z_plus"), in_proportion(plus, lambda b: max(b, Fraction(0))), True),
    ("w square", Rule.of("w_square"), in_proportion(lambda p, v, a: v * v), False),
    ("w square absorb", Rule.of("w_square"), in_proportion(lambda p, v, a: v * v, lambda b: b * b), True),
    ("flat", Rule.of("flat"), in_proportion(lambda p, v, a: Fraction(1)), False),
    ("box", Rule.of("z_box"), box, False),
    ("box absorb", Rule.of("z_box"), box, True),
]


@pytest.mark.parametrize(("rule", "shares", "absorb"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_all_numbers_are_the_fractions(rule, shares, absorb):
    held = replace(NETWORK, model=model_of(rule, rule, "absorb" if absorb else "ignore"))
    expected = exact(held, shares, lambda z: [z[0], 0])
    worked = work(held)
    for layer, values in expected.items():
        assert worked.relevance[layer] == pytest.approx([float(one) for one in values], rel=1e-6, abs=1e-7), layer
    for k in (1, 2):
        for i, parts in enumerate(worked.parts[k]):
            assert float(parts.parts.sum()) == pytest.approx(worked.relevance[k - 1][i], abs=1e-9)
        kept = worked.balances[k]
        assert kept.below + kept.bias + kept.stabilizer + kept.factors == pytest.approx(kept.above, abs=1e-9)
        if not absorb and not rule.epsilon:
            assert kept.bias == 0 and abs(kept.above - kept.below) < 1e-6 + abs(kept.stabilizer)
    for id in state_hand.ids():
        for line in board._formulas(held, worked, id, frozenset())["lines"]:
            assert not line["math"] or ElementTree.fromstring(line["math"]).tag.endswith("math")


@pytest.mark.parametrize(
    ("key", "inputs"),
    [
        ("zero", (18, 36, 54)),
        ("alpha1_beta0", (12, Fraction(168, 5), Fraction(252, 5))),
        ("gamma", (Fraction(28, 3), Fraction(104, 3), 52)),
        ("bias", (Fraction(17, 90), Fraction(316, 675), 0)),
    ],
)
def test_the_examples_of_the_definitions_come_out(key, inputs):
    assert work(EXAMPLES[key].state).relevance[0] == pytest.approx([float(one) for one in inputs], rel=1e-7)


def written(text: str) -> str:
    """MathML as plain text, fractions as (top)/(bottom)."""

    def say(node) -> str:
        tag = node.tag.split("}")[-1]
        inner = [say(child) for child in node]
        if tag == "mfrac":
            return f"({inner[0]})/({inner[1]})"
        if tag in ("msub", "msup"):
            return inner[0] + ("_" if tag == "msub" else "^") + inner[1]
        return "".join(inner) or (node.text or "")

    return say(ElementTree.fromstring(text))


def test_formulas_are_filled_in_term_by_term():
    held = EXAMPLES["gamma"].state
    worked = work(held)
    lines = explained.node(held, worked, 0, 0, frozenset())
    assert [written(line.math) for line in lines[2:]] == [
        "R_x_1=(1·((−2)+0))/(18)·24+(1·(2+2))/(24)·36+(1·(2+2))/(24)·36",
        "R_x_1=−2.67+6+6=9.33",
    ]
    assert "R_i=" in written(lines[1].math)
    biased = EXAMPLES["bias"].state
    lines = explained.edge(biased, work(biased), 2, 1, 0, frozenset())
    assert [written(line.math) for line in lines[1:]] == ["R_h_2←y_1=(2·4)/(18)·0.333=0.148", "3+8+0+7=18"]
    assert "the bias" in lines[2].words
    damped = EXAMPLES["epsilon"].state
    assert (
        written(explained.edge(damped, work(damped), 1, 0, 1, frozenset())[1].math)
        == "R_x_1←h_2=(2·(−0.5))/(0.5+0.5)·(−0.5)=0.5"
    )
    both = replace(NETWORK, model=model_of("alpha_beta", "zero"))
    assert written(explained.edge(both, work(both), 1, 0, 0, frozenset())[1].math).count("/") == 2


def test_steps_show_what_they_have_come_to():
    held = replace(HandState(), step=2)
    worked = work(held)
    cells = {one["id"]: one["text"] for node in board.payload(held, worked, {})["nodes"] for one in node["cells"]}
    assert cells["a1-0"] == "1.5" and cells["z2-0"] == cells["R0-0"] == "·"
    assert all("Backward" not in line.words for line in explained.node(held, worked, 1, 0, frozenset()))


def test_numbers_are_written_for_people():
    values = (54, 17.9999999, 1 / 3, -2.5, 0.0, -0.0, 1234.5, 0.000123)
    assert [number(one) for one in values] == ["54", "18", "0.333", "−2.5", "0", "0", "1234", "0.000123"]
    assert number(1 / 3, True) == "0.333333333333" and number(-2.5e8) == "−2.5·10⁸" and number(1e-9) == "1·10⁻⁹"


def judged(held: HandState, exercise: str, name: str, value: float | str) -> str:
    held = replace(held, exercise=exercise, answers=((name, str(value)),))
    verdict = slips.verdict_of(held, work(held), name)
    assert verdict is not None
    return verdict.sentence


def test_slips_of_the_forward_pass_are_found():
    assert judged(NETWORK, "forward", "z1-0", "7") == "z of h1 = 7: right."
    assert "the sign is wrong" in judged(NETWORK, "forward", "z1-0", "−7")
    assert "the bias b = 1 is forgotten" in judged(NETWORK, "forward", "z1-0", "6")
    assert "the sign of the contribution of x2 is wrong" in judged(NETWORK, "forward", "z1-0", "-1")
    assert "ReLU is missing" in judged(NETWORK, "forward", "a1-2", "-3")
    assert "ReLU is missing: take a of the hidden neurons" in judged(NETWORK, "forward", "z2-0", "9")
    assert "no number" in judged(NETWORK, "forward", "z1-0", "seven")
    assert "Begin with x1: it adds a·w = 1" in judged(NETWORK, "forward", "z1-0", "99")


def test_slips_of_the_backward_pass_are_found():
    damped = EXAMPLES["epsilon"].state
    assert "right" in judged(damped, "shares", "e1-0-0", "1.5")
    for value, sentence in (
        ("-1.5", "the sign is wrong"),
        ("2", "the stabilizer is forgotten: add 0.5"),
        ("3", "the stabilizer has the wrong sign"),
        ("3.0", "the stabilizer has the wrong sign"),
        ("1", "the shares are right, but they are not multiplied by R"),
        ("1.2", "the denominator is that of h3"),
    ):
        assert sentence in judged(damped, "shares", "e1-0-0", value), value
    absorbing = EXAMPLES["bias"].state
    assert "right" in judged(absorbing, "hidden", "R1-0", "17/90")
    assert "the bias is forgotten" in judged(absorbing, "hidden", "R1-0", Fraction(1, 11) + Fraction(10, 51))
    ignoring = replace(absorbing, model=model_of())
    assert "the bias is ignored here" in judged(ignoring, "hidden", "R1-0", "17/90")
    plain = HandState()
    assert "the part from h2 is missing" in judged(plain, "inputs", "R0-0", "6")
    assert "the sign of the part from h2 is wrong" in judged(plain, "inputs", "R0-0", "5")
    assert "this is R of x3" in judged(plain, "inputs", "R0-0", "0.5")
    assert "On the edge to h1 the numerator is 2, the denominator 1.5" in judged(plain, "inputs", "R0-0", "123")
    assert "this is LRP-0; the rule here is LRP-γ" in judged(
        replace(plain, model=model_of("gamma", "zero")), "inputs", "R0-0", "7"
    )
    assert "the β term is missing" in judged(replace(plain, model=model_of("alpha_beta", "zero")), "shares", "e1-2-0", "0")


def test_all_right_is_said_once():
    held = replace(HandState(), exercise="inputs", answers=(("R0-0", "7"), ("R0-1", "-5/2"), ("R0-2", "0,5")))
    said = slips.verdicts(held, work(held))
    assert [one["right"] for one in said] == [True] * 4 and said[-1]["sentence"].startswith("All of it is right")
    hidden = board.payload(held, work(held), {})
    shown = str(hidden["formulas"]) + str(hidden["foot"])
    assert "Term by term" not in str(hidden["formulas"]["n0-0"]) and "Σ R of the inputs" not in shown


def after(*said: dict) -> HandState:
    visit = Visit()
    for edit in said:
        visit = edits.apply_edit(visit, edit)
    return state_hand.of(visit)


def test_edits_change_what_they_name_and_nothing_else():
    assert after({"kind": "set", "name": "lower", "place": 4, "value": "1/3"}).lower[4] == pytest.approx(1 / 3)
    assert after({"kind": "target", "unit": 1}).target == 1
    assert after({"kind": "show", "id": "e1-0-2"}).shown == "e1-0-2"
    assert after(*[{"kind": "show", "id": "e1-0-2"}] * 2).shown == ""
    assert after({"kind": "step", "step": 99}).step == state_hand.LAST_STEP
    for nonsense in (
        {"kind": "set", "name": "model", "place": 0, "value": "1"},
        {"kind": "set", "name": "lower", "place": 9, "value": "1"},
        {"kind": "set", "name": "lower", "place": True, "value": "1"},
        {"kind": "step", "step": "2"},
        {"kind": "show", "id": "n9-9"},
        {"kind": "target", "unit": 7},
        {"kind": "answer", "id": "R0-0", "value": "1"},
        {"kind": "what"},
    ):
        assert after(nonsense) == HandState()
    for text in ("", "x", "1/0", "1e9", "nan"):
        with pytest.raises(StateError, match="number"):
            state_hand.set_number(Visit(), "inputs", 0, text)


def test_rules_are_edited_as_on_design():
    visit = edits.rule_edit(Visit(), {"kind": "parameter", "segment": 0, "key": "gamma1p", "value": 0.5})
    assert state_hand.of(visit).model.segments[0].rule.preset == "custom"
    visit = edits.rule_edit(visit, {"kind": "preset", "segment": 1, "preset": "epsilon"})
    visit = edits.rule_edit(visit, {"kind": "scale", "segment": 1, "value": "absolute"})
    rules = [one.rule for one in state_hand.of(visit).model.segments]
    assert rules[0].gamma1p == 0.5 and (rules[1].preset, rules[1].epsilon_scale) == ("epsilon", "absolute")
    assert edits.rule_edit(Visit(), {"kind": "preset", "segment": 2, "preset": "gamma"}) == Visit()


def test_exercises_begin_empty_and_new_numbers_are_a_fixed_series():
    visit = state_hand.set_exercise(Visit(), "hidden")
    visit = edits.apply_edit(visit, {"kind": "answer", "id": "R1-0", "value": " 1.5 "})
    assert state_hand.of(visit).answers == (("R1-0", "1.5"),)
    assert state_hand.of(edits.apply_edit(visit, {"kind": "answer", "id": "R1-0", "value": ""})).answers == ()
    one, other = state_hand.of(state_hand.new_numbers(visit)), state_hand.of(state_hand.new_numbers(visit))
    assert one == other and one.answers == () and one.exercise == "hidden" and one.inputs != HandState().inputs
    assert state_hand.from_params(state_hand.of(visit).to_params()) == state_hand.of(visit)
    opened = open_example(visit, "gamma")
    assert example_of(state_hand.of(opened)) == "gamma" and state_hand.of(opened).exercise == "hidden"


def test_undo_and_redo_go_through_everything_that_is_edited_and_nothing_that_is_looked_at() -> None:
    """Numbers, rules, conventions, examples, exercises and answers are steps; the step shown and the card are not."""
    states = [Visit()]
    for change in (
        lambda visit: state_hand.set_number(visit, "lower", 0, "2"),
        lambda visit: state_hand.set_rule(visit, 1, Rule.of("gamma")),
        lambda visit: state_hand.set_biased(visit, True),
        lambda visit: state_hand.set_convention(visit, "bias", "absorb"),
        lambda visit: state_hand.set_convention(visit, "start", "own"),
        lambda visit: state_hand.set_target(visit, 1),
        state_hand.new_numbers,
        lambda visit: open_example(visit, "gamma"),
        lambda visit: state_hand.set_exercise(visit, "hidden"),
        lambda visit: state_hand.answer(visit, "R1-0", "3"),
        state_hand.solve,
    ):
        states.append(change(states[-1]))
        assert state_hand.of(states[-1]) != state_hand.of(states[-2])
    visit = state_hand.show(state_hand.set_step(states[-1], 3), "n0-0")
    visit = state_hand.changed(visit, segment=0, exact=True)
    look = {"step": 3, "segment": 0, "shown": "n0-0", "exact": True}
    for wanted in reversed(states[:-1]):
        visit = state_hand.undo(visit)
        assert state_hand.of(visit) == replace(state_hand.of(wanted), **look)
    assert state_hand.undo(visit) == visit and not state_hand.of(visit).past
    for wanted in states[1:]:
        visit = state_hand.redo(visit)
        assert state_hand.of(visit) == replace(state_hand.of(wanted), **look)
    back = state_hand.set_number(state_hand.undo(visit), "inputs", 0, "3")
    assert state_hand.redo(back) == back, "another edit ends what could be done again"
    again = state_hand.set_number(back, "inputs", 0, "3")
    assert len(state_hand.of(again).past) == len(state_hand.of(back).past), "the same number is no step"
    for value in range(state_hand.MAX_PAST + 5):
        again = state_hand.set_number(again, "inputs", 0, value)
    held = state_hand.of(again)
    assert len(held.past) == state_hand.MAX_PAST and not any(one.past or one.future for one in held.past)
    assert state_hand.from_params(held.to_params()) == held


def test_every_state_comes_back_from_its_address():
    for example in EXAMPLES.values():
        held = replace(example.state, step=3, shown="n1-2", exact=True, target=1, segment=0, solved=True, seed=5)
        assert state_hand.from_params(held.to_params()) == held
    assert state.Visit().page(state_hand.KEY) is None and HandState().to_params() == {}
