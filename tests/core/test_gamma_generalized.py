"""LRP-γ±: Zennit's `Gamma` also where inputs are negative; what follows from its one module."""

from __future__ import annotations

import pytest
import torch

from tests.core import zennit_twin
from tests.support.small import picture, small_network
from vislrp_core.compact import decode, encode
from vislrp_core.export import zennit_script
from vislrp_core.formula import formula_latex, formula_mathml
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import forward
from vislrp_core.propagation import propagate, start_relevance
from vislrp_core.rules import PRESETS, Rule

RULE = Rule.of("gamma_generalized", gamma1p=0.4)


def everywhere(rule: Rule, **fields) -> LRPModel:
    return LRPModel(segments=(Segment(first=1, last=38, rule=rule),), pixel_rule="segment", **fields)


@pytest.fixture(scope="module")
def small():
    network = small_network("vgg16", seed=6)
    return network, forward(network, picture(network.architecture, seed=6))


@pytest.mark.parametrize("bias", ["ignore", "absorb"])
@pytest.mark.parametrize("gamma", [0.0, 0.25, 1.0, 100.0])
@pytest.mark.parametrize("start", ["logit", "contrast"])
def test_it_is_zennits_gamma_at_every_layer(small, bias, gamma, start):
    network, trace = small
    assert float(trace.x.min()) < 0 < float(trace.x.max())
    model = everywhere(Rule.of("gamma_generalized", gamma1p=gamma), bias=bias, start=start)
    target = int(trace.logits.argmin())
    ours = propagate(network, trace, model, target, layers="all")
    theirs = zennit_twin.relevance(network, trace, model, start_relevance(trace, target, start))
    for k in ours.layers:
        assert float((ours.at(k) - theirs[k]).abs().max()) < 1e-6 * float(theirs[k].abs().max()), k


def test_without_gamma_it_is_lrp_0(small):
    network, trace = small
    one, other = (
        propagate(network, trace, everywhere(Rule.of(preset, **values)), 1).at(0)
        for preset, values in (("gamma_generalized", {"gamma1p": 0.0}), ("zero", {}))
    )
    torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-12)


def test_it_differs_from_gamma_at_the_pixels_and_for_negative_sums(small):
    network, trace = small
    one, other = (
        propagate(network, trace, everywhere(Rule.of(preset)), 1).at(0) for preset in ("gamma_generalized", "gamma")
    )
    assert float((one - other).abs().max()) > 1e-3 * float(other.abs().max())


def test_single_precision_is_close_to_double(small):
    network, trace = small
    single = network.to(dtype=torch.float32)
    expected = propagate(network, trace, everywhere(RULE), 1).at(0).flatten()
    found = propagate(single, forward(single, trace.x.float()), everywhere(RULE), 1).at(0).double().flatten()
    assert float(torch.nn.functional.cosine_similarity(found, expected, dim=0)) > 0.9999


def test_names_formula_files_and_export_follow():
    assert (RULE.title, RULE.short) == ("LRP-γ±", "γ± 0.4") and "gamma_generalized" in PRESETS
    q = r"a_iw_{ij} + 0.4(a_iw_{ij})^{\pm}"
    assert formula_latex(RULE) == rf"R_i = \sum_j \frac{{{q}}}{{\sum_i {q}}}R_j"
    assert '<mn class="p-weight">0.4</mn>' in formula_mathml(RULE) and "±" in formula_mathml(RULE)
    model = everywhere(RULE)
    assert LRPModel.from_json(model.to_json()) == model and decode(encode(model)) == model.model_copy(
        update={"description": ""}
    )
    assert "GammaWithoutBias(gamma=0.4)" in zennit_script(model)
    assert "Gamma(gamma=0.4, stabilizer=STABILIZER" in zennit_script(model.model_copy(update={"bias": "absorb"}))
    assert RULE.changed("gamma1p", 0.7).preset == "gamma_generalized" and RULE.changed("alpha", 2.0).preset == "custom"
    assert not RULE.kind.may_cancel(RULE) and Rule.of("gamma_generalized", gamma1p=0).kind.may_cancel(
        Rule.of("gamma_generalized", gamma1p=0)
    )
