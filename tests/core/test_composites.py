"""Ready models give the maps of Zennit's own composites, for every architecture that they name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from zennit import composites as zennit
from zennit.core import Composite

from tests.core.zennit_twin import modules
from tests.support.networks import random_image, tiny_network, tiny_state
from vislrp_core.architecture import ARCHITECTURES
from vislrp_core.cli import main
from vislrp_core.composites import COMPOSITES, composite
from vislrp_core.errors import InputError
from vislrp_core.network import forward
from vislrp_core.propagation import propagate
from vislrp_core.shares import STABILIZER

THEIRS = {
    "epsilon_plus": zennit.EpsilonPlus,
    "epsilon_plus_flat": zennit.EpsilonPlusFlat,
    "epsilon_alpha2_beta1": zennit.EpsilonAlpha2Beta1,
    "epsilon_alpha2_beta1_flat": zennit.EpsilonAlpha2Beta1Flat,
    "epsilon_gamma_box": zennit.EpsilonGammaBox,
    "excitation_backprop": zennit.ExcitationBackprop,
}


class Module(torch.nn.Module):
    """The network as torch modules, laid end to end before its first fully connected layer."""

    def __init__(self, network) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.chain = modules(network)
        self.border = network.architecture.last_feature

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for place, module in enumerate(self.chain, start=1):
            x = module(x.flatten(1) if place == self.border + 1 else x)
        return x


def their_map(theirs: Composite, module: Module, x: torch.Tensor, target: int) -> torch.Tensor:
    leaf = x.clone().requires_grad_()
    with theirs.context(module) as modified:
        output = modified(leaf)
        (found,) = torch.autograd.grad(output, leaf, torch.eye(output.shape[1], dtype=x.dtype)[[target]])
    return found[0]


@pytest.mark.parametrize("key", THEIRS)
def test_the_maps_are_those_of_zennits_own_composites(key: str) -> None:
    network, x = tiny_network(seed=2), random_image(seed=4)
    trace = forward(network, x)
    target = int(trace.logits.argmax())
    ours = propagate(network, trace, composite(key), target, layers=(0,)).at(0)
    epsilon = {} if key == "excitation_backprop" else {"epsilon": 1e-6 + STABILIZER}
    box = dict(zip(("low", "high"), network.pixel_bounds(), strict=True)) if key.endswith("box") else {}
    exact = their_map(THEIRS[key](**box, stabilizer=STABILIZER, **epsilon), Module(network), x, target)
    assert float((ours - exact).abs().max() / exact.abs().max()) < 1e-6
    usual = their_map(THEIRS[key](**box), Module(network), x, target)
    assert float(torch.nn.functional.cosine_similarity(ours.flatten(), usual.flatten(), 0)) > 0.9999


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("key", COMPOSITES)
def test_every_ready_model_fits_every_architecture(key: str, architecture: str) -> None:
    model, plan = composite(key, architecture), ARCHITECTURES[architecture]
    assert model.architecture == architecture and model.segments[-1].last == plan.last and COMPOSITES[key].source
    if key != "falling_gamma":
        assert model.rule_at(plan.last_feature) != model.rule_at(plan.last) or key == "excitation_backprop"
        assert (model.pooling, model.bias, model.start) == ("winner-takes-all", "absorb", "one")
        assert model.pixel_rule == ("flat" if key.endswith("flat") else "z_box" if key.endswith("box") else "segment")


def test_gamma_falls_with_depth() -> None:
    model = composite("falling_gamma")
    assert [(one.first, one.last, one.rule.gamma1p) for one in model.segments] == [
        (1, 10, 0.5),
        (11, 17, 0.25),
        (18, 24, 0.1),
        (25, 38, 0.0),
    ]
    assert model.pixel_rule == "z_box" and model.segments[-1].rule.preset == "zero"


def test_unknown_names_are_one_sentence() -> None:
    with pytest.raises(InputError, match="choose one of epsilon_plus, "):
        composite("epsilon")
    with pytest.raises(InputError, match="choose one of vgg11"):
        composite("epsilon_plus", "resnet50")


def test_the_command_line_takes_ready_models_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file(tiny_state(4, divisor=16, classes=7), tmp_path / "net.safetensors")
    Image.effect_noise((240, 230), 80).convert("RGB").save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    measure = ["measure", "a.png", "--metrics", "gini", "--network", "net.safetensors"]
    assert main([*measure, *["--model", "epsilon_plus_flat", "--model", "falling_gamma", "--out", "out"]]) == 0
    assert "EpsilonPlusFlat" in capsys.readouterr().out
    assert main(["explain", "a.png", "--model", "epsilon_plus", "--network", "net.safetensors", "--out", "out2"]) == 0
    assert main(["check", "epsilon_alpha2_beta1"]) == 0
    composite("epsilon_plus", "alexnet").save(tmp_path / "other.json")
    assert main([*measure, *["--model", "other.json", "--out", "out3"]]) == 2
    assert "adapt the model first" in capsys.readouterr().err
    composite("falling_gamma").save(tmp_path / "epsilon_plus")
    capsys.readouterr()
    assert main(["check", "epsilon_plus"]) == 0
    assert "Falling gamma" in capsys.readouterr().out, "a file of that name comes first"
