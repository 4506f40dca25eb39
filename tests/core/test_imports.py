"""Model files from elsewhere: the original program's, and ours by the same door."""

from __future__ import annotations

import json

import pytest
import torch
import torch.nn.functional as F

from tests.support.networks import random_image, tiny_network
from vislrp_core.bundle import read_models
from vislrp_core.imports import notes_of, read_model
from vislrp_core.model import LRPModel, ModelError
from vislrp_core.network import forward, layer_output
from vislrp_core.propagation import propagate
from vislrp_core.rules import KEYS, PRESETS, Rule
from vislrp_core.texts import one_line

ZERO = {
    "theta0": 0,
    "theta1": 1,
    "gamma0": 0,
    "gamma1": 1,
    "gamma1p": 0,
    "gamma1n": 0,
    "gamma2": 0,
    "eps": 0,
    "alpha": 1,
    "beta": 0,
}


def entry(x0: int, x1: int, method: str = "0", **values) -> dict:
    return {"method": [method], "x0": x0, "x1": x1, **ZERO, **values}


def original(*entries: dict, **fields) -> bytes:
    return json.dumps({"name": "From the original", "configuration": list(entries), **fields}).encode()


def test_a_file_of_the_original_program():
    """Configuration 5 of the guide's Figure 3.2, as the original program stores it."""
    model = read_model(
        original(
            entry(1, 11, "gamma", gamma1p=0.3),
            entry(11, 24, "customize", gamma2=1),
            entry(24, 31, "epsilon", eps=0.3),
            entry(31, 39, "0"),
        ),
        "configuration_5.json",
    )
    assert model.name == "From the original"
    assert (model.pooling, model.bias, model.pixel_rule, model.start) == ("proportional", "absorb", "z_box", "logit")
    assert model.pooling_epsilon == "segment" and notes_of(model) == ()
    assert [(one.first, one.last) for one in model.segments] == [(1, 10), (11, 23), (24, 30), (31, 38)]
    assert [one.rule.preset for one in model.segments] == ["gamma", "custom", "epsilon", "zero"]
    assert all(one.rule.epsilon_scale == "relative" for one in model.segments)
    assert model.segments[0].rule.gamma1p == 0.3 and model.segments[1].rule.gamma2 == 1
    assert model.segments[2].rule.epsilon == 0.3
    assert LRPModel.from_json(model.to_json()) == model


@pytest.mark.parametrize(
    ("method", "values", "expected"),
    [
        (
            "alpha_beta",
            {"alpha": 2, "beta": 1, "gamma1": 0, "gamma1p": 1, "gamma1n": 1},
            Rule.of("alpha_beta", epsilon_scale="relative"),
        ),
        (
            "alphabeta",
            {"alpha": 1, "beta": 0, "gamma1": 0, "gamma1p": 1},
            Rule.of("alpha_beta", alpha=1, beta=0, epsilon_scale="relative"),
        ),
        ("Gamma", {"gamma1p": 0.5}, Rule.of("gamma", gamma1p=0.5, epsilon_scale="relative")),
        ("gamma", {"gamma1p": 0.5, "eps": 0.1}, Rule.of("custom", gamma1p=0.5, epsilon=0.1, epsilon_scale="relative")),
        ("0", {"eps": 0.1}, Rule.of("custom", epsilon=0.1, epsilon_scale="relative")),
        ("customize", {}, Rule.of("zero", epsilon_scale="relative")),
        ("unheard of", {"gamma0": 1}, Rule.of("custom", gamma0=1, epsilon_scale="relative")),
        (
            "customize",
            {"alpha": "2.5", "eps": "1e-3"},
            Rule.of("custom", alpha=2.5, epsilon=0.001, epsilon_scale="relative"),
        ),
    ],
)
def test_methods_become_presets_where_their_numbers_agree(method, values, expected):
    assert read_model(original(entry(1, 39, method, **values))).segments[0].rule == expected


@pytest.mark.parametrize("method", ["gamma", ["gamma"], [], None, 3, [["gamma"]]])
def test_whatever_stands_under_method_the_numbers_count(method):
    model = read_model(original({**entry(1, 39), "method": method, "gamma1p": 0.4}))
    assert model.segments[0].rule.gamma1p == 0.4


@pytest.mark.parametrize(
    ("method", "preset"), [("epsilon", "epsilon"), ("gamma", "gamma"), ("alpha_beta", "alpha_beta"), ("0", "zero")]
)
def test_a_method_without_numbers_has_its_presets(method, preset):
    rule = read_model(original({"method": [method], "x0": 1, "x1": 39})).segments[0].rule
    assert rule.preset == preset
    assert rule.values() == {key: PRESETS[preset].value(key) for key in KEYS}


def test_segments_in_any_order_and_a_missing_name():
    content = json.loads(original(entry(20, 39), entry(1, 20, "gamma", gamma1p=1)))
    del content["name"]
    model = read_model(json.dumps(content))
    assert [(one.first, one.last) for one in model.segments] == [(1, 19), (20, 38)]
    assert model.name == "Imported model"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (original(configuration={}), r"configuration: must be a list of 1 to 38 segments"),
        (original(), "configuration: must be a list"),
        (original(*[entry(1, 2)] * 39), "configuration: must be a list"),
        (original(5), r"configuration\[0\]: must be an object with x0, x1"),  # type: ignore[arg-type]
        (original(entry(1, 11), {**entry(11, 39), "x1": None}), r"configuration\[1\]\.x1: must be a finite number"),
        (original({"method": ["0"], "x1": 39}), r"configuration\[0\]\.x0: must be a finite number"),
        (original({**entry(1, 39), "x0": 1.5}), r"configuration\[0\]\.x0: segments begin and end at whole layer numbers"),
        (original(entry(1, 39, alpha="much")), r"configuration\[0\]\.alpha: must be a finite number"),
        (original(entry(1, 39, eps=True)), r"configuration\[0\]\.eps: must be a finite number"),
        (original(entry(1, 39, gamma2=[1])), r"configuration\[0\]\.gamma2: must be a finite number"),
        (original(entry(1, 10**400)), r"configuration\[0\]\.x1: must be a finite number"),
        (original(entry(1, 39, beta=1e300)), r"configuration\[0\]\.beta: must be a finite number"),
        (original(entry(1, 39, beta=float("nan"))), r"beta: must be a finite number"),
        (original(entry(1, 39, beta=float("inf"))), r"beta: must be a finite number"),
        (original(entry(1, 12), entry(11, 39)), r"segments\[1\]\.first: must be 12"),
        (original(entry(1, 10), entry(11, 39)), r"segments\[1\]\.first: must be 10"),
        (original(entry(1, 38)), r"segments\[0\]\.last: must be 38"),
        (original(entry(1, 50)), r"segments\[0\]\.last: must be a layer number from 1 to 38"),
        (original(entry(0, 39)), r"segments\[0\]\.first: must be a layer number from 1 to 38"),
        (b"", "not valid JSON"),
        (b"[]", "must hold one JSON object"),
        (b'{"name": "x"}', "format: must be"),
        (b'{"configuration": [], "configuration": []}', "configuration: appears twice"),
        (b"\xff\xfe{}", "the file is in UTF-16: save it as UTF-8"),
    ],
)
def test_each_kind_of_wrong_file_is_one_sentence_with_the_place(content, words):
    with pytest.raises(ModelError, match=words) as caught:
        read_model(content, "strange.json")
    assert str(caught.value).startswith("strange.json: ") and "\n" not in str(caught.value)


def test_our_own_files_come_through_the_same_door():
    model = LRPModel.basic("Mine")
    assert read_model(model.to_json()) == read_model(model.to_json().encode()) == model


# --- the original program's own meaning -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "values", "expected"),
    [
        ("alpha-beta", {"alpha": 2, "beta": 1, "gamma1": 0, "gamma1p": 1, "gamma1n": 1}, Rule.of("alpha_beta")),
        (
            "customize",
            {"alpha": 3, "beta": 2, "gamma1": 0, "gamma1p": 0.5, "gamma1n": 0.5},
            Rule.of("alpha_beta", alpha=3, beta=2),
        ),
        (
            "customize",
            {"alpha": 2, "beta": 1, "gamma1": 1, "gamma1p": 0.5, "gamma1n": 0.5},
            Rule.of("custom", alpha=2, beta=1, gamma1p=0.5),
        ),
        ("LRP-w2", {"theta0": 1, "theta1": 0, "gamma1": 0, "gamma2": 1}, Rule.of("w_square")),
        ("flat", {"theta0": 1, "theta1": 0, "gamma1": 0, "gamma0": 1}, Rule.of("flat")),
        ("whatever", {"theta0": 1, "theta1": 0, "gamma1": 0, "gamma0": 1}, Rule.of("flat")),
        ("zB", dict.fromkeys(ZERO, 0), Rule.of("z_box")),
        ("z-beta", {}, Rule.of("z_box")),
        ("customize", {"gamma1p": 0.5, "gamma1n": 0.25}, Rule.of("custom", gamma1p=0.5, gamma1n=0.25)),
    ],
)
def test_templates_and_terms_of_the_original_become_ours(method, values, expected):
    rule = read_model(original(entry(1, 39, method, **values))).segments[0].rule
    assert rule.preset == expected.preset and rule.values() == expected.values()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"alpha": 2, "beta": 1, "gamma1p": 1, "gamma1n": 0.5},
            "γ₁⁺ of the first term and γ₁⁻ of the second were chosen apart",
        ),
        ({"theta0": 0.2}, "θ₀ = 0.2 was multiplied by the root mean square of the layer's activations"),
        ({"gamma0": 0.1}, "γ₀ = 0.1 was multiplied by the root mean square of the layer's weights"),
        ({"theta0": 1, "theta1": 0, "gamma1": 0, "gamma2": 1}, "which gives the bias a slightly other share"),
    ],
)
def test_what_cannot_be_said_in_our_rules_is_said_per_segment(values, words):
    model = read_model(original(entry(1, 18), entry(18, 39, "customize", **values)))
    notes = notes_of(model)
    assert len(notes) == 1 and notes[0].startswith("Not as in the original: layers 18 to 38: ") and words in notes[0]
    assert notes_of(LRPModel.from_json(model.to_json())) == notes


def literal(network, x, segments, target):
    """The original program written out: rho on weights and bias, z + 1e-9 + eps sign(z) rms(z), average pooling."""
    plan = network.architecture
    activations = [x]
    for k in range(1, plan.last + 1):
        activations.append(layer_output(network, k, activations[-1]))
    relevance = torch.zeros_like(activations[-1])
    relevance[0, target] = activations[-1][0, target]
    for k in range(plan.last, 0, -1):
        a, row = activations[k - 1].detach().clone().requires_grad_(), plan.rows[k]
        rule = next(s for s in segments if s["x0"] <= k < s["x1"])

        def apply(weight, bias, u, row=row):
            return F.conv2d(u, weight, bias, padding=1) if row.kind == "conv" else F.linear(u.flatten(1), weight, bias)

        def stab(z, rule=rule):
            return z + 1e-9 + rule["eps"] * z.sign() * z.square().mean().sqrt()

        if row.kind == "pool":
            z = F.avg_pool2d(a, 2)
            parts = [(1.0, z, a)]
        elif row.kind not in ("conv", "linear"):
            relevance = relevance.reshape(a.shape)
            continue
        elif k == 1:
            low, high = (bound.expand_as(a).clone().requires_grad_() for bound in network.pixel_bounds())
            w = network.weights[1]
            z = apply(w, None, a) - apply(w.clamp(min=0), None, low) - apply(w.clamp(max=0), None, high)
            s = (relevance / (z + 1e-9)).detach()
            found = torch.autograd.grad((z * s).sum(), (a, low, high))
            return sum(g * u for g, u in zip(found, (a, low, high), strict=True)).detach()[0]
        else:

            def rho(v, plus, minus, rule=rule):
                return rule["gamma1"] * v + plus * v.clamp(min=0) + minus * v.clamp(max=0) + rule["gamma2"] * v**2

            w, b = network.weights[k], network.biases[k]
            kinds = (
                [(rule["alpha"], rule["gamma1p"], rule["gamma1n"])]
                if rule["beta"] == 0
                else [(rule["alpha"], rule["gamma1p"], 0.0), (-rule["beta"], 0.0, rule["gamma1n"])]
            )
            parts = [(c, apply(rho(w, p, n), rho(b, p, n), a), a) for c, p, n in kinds]
        below = torch.zeros_like(a)
        for factor, z, u in parts:
            (grad,) = torch.autograd.grad((z * (relevance / stab(z)).detach()).sum(), u, retain_graph=True)
            below = below + factor * u.detach() * grad
        relevance = below.reshape(a.shape)
    return relevance[0]


ORIGINALS = {
    "epsilon over pooling layers": [
        entry(1, 11, "gamma", gamma1p=0.3),
        entry(11, 24, "customize", gamma2=1),
        entry(24, 31, "epsilon", eps=0.3),
        entry(31, 39),
    ],
    "epsilon everywhere": [entry(1, 39, "epsilon", eps=0.25)],
    "alpha-beta below": [entry(1, 18, "alpha-beta", gamma1=0, gamma1p=1, gamma1n=1, alpha=2, beta=1), entry(18, 39)],
    "alpha-beta with epsilon": [entry(1, 39, "customize", gamma1=0, gamma1p=0.5, gamma1n=0.5, alpha=2, beta=1, eps=0.1)],
}


@pytest.mark.parametrize("kind", list(ORIGINALS))
def test_an_imported_model_gives_the_originals_map(kind):
    network, x = tiny_network(3), random_image(5)
    expected = literal(network, x, ORIGINALS[kind], 4)
    model = read_model(original(*ORIGINALS[kind]))
    found = propagate(network, forward(network, x), model, 4).at(0)
    assert notes_of(model) == ()
    assert (found - expected).abs().max() <= 1e-6 * expected.abs().max()


# --- texts that cannot be used --------------------------------------------------------------------------------------------

PLAIN = LRPModel.basic("Mine").to_json()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_files_in_utf_8_are_read_with_and_without_their_mark(encoding):
    assert read_model(PLAIN.replace("Mine", "γ für ε").encode(encoding)).name == "γ für ε"


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("utf-32-le", "UTF-32"),
        ("utf-32-be", "UTF-32"),
    ],
)
@pytest.mark.parametrize("read", [read_model, read_models])
def test_files_in_another_encoding_are_told_which(encoding, named, read):
    with pytest.raises(ModelError, match=f"^m.json: the file is in {named}: save it as UTF-8$"):
        read(PLAIN.encode(encoding), "m.json")


def test_files_in_no_unicode_at_all_are_told_where():
    with pytest.raises(ModelError, match=r"is not text in UTF-8 .byte 52 fits in no character.: save it as UTF-8"):
        read_model(PLAIN.replace("Mine", "für").encode("latin-1"), "m.json")


HALF = "\\ud83d"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.replace("Mine", HALF),
        PLAIN.replace("Mine", f"a{HALF}b"),
        PLAIN.replace('"name"', f'"{HALF}"'),
        *(PLAIN.replace(word, f'"{HALF}"') for word in ('"zero"', '"logit"', '"vislrp-model"')),
        f'{{"{HALF}": 1, "{HALF}": 2}}',
        f'["{HALF}"]',
        f'"{HALF}"',
        f'{{"configuration": [], "name": "{HALF}"}}',
        f'{{"format": "vislrp-models", "version": 1, "models": [], "{HALF}": 0}}',
        PLAIN.replace("Mine", "\\udc00"),
        PLAIN.replace("Mine", "\ud83d"),
    ],
)
@pytest.mark.parametrize("read", [read_model, read_models])
def test_half_a_character_anywhere_is_one_sentence_that_can_be_written(content, read):
    for filename in ("m.json", "a\ud83d.json"):
        with pytest.raises(ModelError) as caught:
            read(content, filename)
        assert "\n" not in str(caught.value) and str(caught.value).encode()


def test_a_whole_emoji_is_a_name():
    assert read_model(PLAIN.replace("Mine", "\\ud83d\\ude00")).name == "😀"


@pytest.mark.parametrize(
    "name", [" ", "\t \n", "\u200b\u200b", "\u00a0", "\u3164", "\u2800", "\ufeff", "\u202e\u202d", "\0", "\x07"]
)
def test_a_name_that_nobody_sees_is_refused(name):
    with pytest.raises(ModelError, match="name: must have at least one visible character"):
        LRPModel.from_data({**json.loads(PLAIN), "name": name})
    if name.strip():
        assert read_model(original(entry(1, 39), name=name)).name == "Imported model"


@pytest.mark.parametrize("name", ["\u202eevil", "a\0b", "שלום", "é", "e\u0301", "١٢", "你好", "…", "a" * 200])
def test_unusual_names_that_can_be_seen_stay(name):
    model = LRPModel.from_data({**json.loads(PLAIN), "name": name})
    assert read_model(model.to_json()).name == name


def test_names_on_one_line_of_bounded_length():
    assert one_line("  a\n b\ud83d ", 60) == "a b" and one_line("\u200b \u200b", 60) == ""
    assert one_line("x" * 99, 60) == "x" * 60
