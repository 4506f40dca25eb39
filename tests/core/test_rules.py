"""Rules as data: presets, their own parameters, names on screen, warnings."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from vislrp_core.rules import GROUPS, KEYS, PARAMETERS, Rule

UNIFIED = {
    "alpha": 1,
    "beta": 0,
    "theta0": 0,
    "theta1": 1,
    "gamma0": 0,
    "gamma1": 1,
    "gamma1p": 0,
    "gamma1n": 0,
    "gamma2": 0,
    "epsilon": 0,
}


@pytest.mark.parametrize(
    ("preset", "title", "set_values", "scale"),
    [
        ("zero", "LRP-0", {}, "absolute"),
        ("epsilon", "LRP-ε", {"epsilon": 0.25}, "relative"),
        ("gamma", "LRP-γ", {"gamma1p": 0.25}, "absolute"),
        ("alpha_beta", "LRP-αβ", {"alpha": 2, "beta": 1, "gamma1": 0, "gamma1p": 1}, "absolute"),
        ("alpha1_beta0", "LRP-α1β0", {"gamma1": 0, "gamma1p": 1}, "absolute"),
        ("z_plus", "LRP-z⁺", {"gamma1": 0, "gamma1p": 1}, "absolute"),
        ("w_square", "LRP-w²", {"theta0": 1, "theta1": 0, "gamma1": 0, "gamma2": 1}, "absolute"),
        ("flat", "LRP-flat", {"theta0": 1, "theta1": 0, "gamma0": 1, "gamma1": 0}, "absolute"),
        ("z_box", "LRP-zβ", {}, "absolute"),
        ("custom", "Custom", {}, "absolute"),
    ],
)
def test_presets_hold_what_the_table_says(preset, title, set_values, scale):
    rule = Rule.of(preset)
    assert (rule.title, rule.epsilon_scale, rule.values()) == (title, scale, {**UNIFIED, **set_values})


def test_parameters_declare_their_sliders():
    assert list(UNIFIED) == list(KEYS)
    ranges = {parameter.key: (parameter.minimum, parameter.maximum, parameter.step) for parameter in PARAMETERS}
    assert ranges.pop("alpha") == (0, 4, 0.01) and ranges.pop("beta") == (0, 3, 0.01)
    assert set(ranges.values()) == {(0, 1, 0.01)}
    assert all(parameter.group in GROUPS and parameter.help.endswith(".") for parameter in PARAMETERS)


@pytest.mark.parametrize(
    ("rule", "short"),
    [
        (Rule.of("gamma", gamma1p=0.3), "γ 0.3"),
        (Rule.of("epsilon"), "ε 0.25"),
        (Rule.of("zero"), "0"),
        (Rule.of("alpha_beta"), "α2β1"),
        (Rule.of("alpha_beta", alpha=1.5, beta=0.5), "α1.5β0.5"),
        (Rule.of("custom", gamma2=0.4), "custom"),
        (Rule.of("w_square"), "w²"),
    ],
)
def test_short_names(rule, short):
    assert rule.short == short


def test_own_parameters_keep_the_preset_and_others_do_not():
    gamma = Rule.of("gamma")
    assert gamma.changed("gamma1p", 0.7) == Rule.of("gamma", gamma1p=0.7)
    assert gamma.changed("theta0", 0.2) == Rule.of("custom", gamma1p=0.25, theta0=0.2)
    assert gamma.changed("theta0", 0.0) == gamma
    absolute = Rule.of("epsilon").changed("epsilon_scale", "absolute")
    assert (absolute.preset, absolute.epsilon, absolute.epsilon_scale) == ("epsilon", 0.25, "absolute")


def test_a_preset_refuses_what_it_fixes():
    with pytest.raises(ValidationError, match=r"theta1: preset z_plus fixes it at 1, got 0\.5; use preset custom"):
        Rule.of("z_plus", theta1=0.5)


def test_warnings_say_what_is_lost_and_what_to_do():
    assert Rule.of("alpha_beta").warnings() == ()
    (sentence,) = Rule.of("alpha_beta", alpha=3.0).warnings()
    assert "α − β = 2" in sentence and "not conserved" in sentence
    nothing = Rule.of("custom", theta1=0.0, gamma1=0.0).warnings()
    assert "θ₀ = θ₁ = 0" in nothing[0] and "All γ are 0" in nothing[1]
    assert Rule.of("z_box").warnings() == ()
