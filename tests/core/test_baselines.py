"""Baselines agree with Captum, scikit-image and their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients, LayerGradCam, NoiseTunnel, Saliency
from skimage.filters import sobel
from torch import nn

from tests.support.networks import random_image, small_vgg
from vislrp_core import baselines
from vislrp_core.baselines import METHODS, Baseline
from vislrp_core.network import Network, logits

TARGET = 3


@pytest.fixture(scope="module")
def module() -> nn.Module:
    """In-place ReLUs are replaced: Captum's hooks need the values before them."""
    found = small_vgg(5)
    for place, one in enumerate(found.features):
        if isinstance(one, nn.ReLU):
            found.features[place] = nn.ReLU()
    return found


@pytest.fixture(scope="module")
def network(module: nn.Module) -> Network:
    return Network.from_state_dict(module.state_dict(), any_width=True)


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return random_image(seed=3)


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    expected = expected.detach()
    return float((found - expected).abs().max() / expected.abs().max())


def test_gradients_are_captums(network: Network, module: nn.Module, x: torch.Tensor) -> None:
    assert relative(Baseline("gradient").relevance(network, x, TARGET), Saliency(module).attribute(x, TARGET)[0]) < 1e-9
    assert (
        relative(Baseline("gradient_x_input").relevance(network, x, TARGET), InputXGradient(module).attribute(x, TARGET)[0])
        < 1e-9
    )


def test_integrated_gradients_are_captums_and_complete(network: Network, module: nn.Module, x: torch.Tensor) -> None:
    found = Baseline("integrated_gradients").relevance(network, x, TARGET)
    expected = IntegratedGradients(module).attribute(x, target=TARGET, n_steps=baselines.PATH_STEPS, internal_batch_size=5)
    assert relative(found, expected[0]) < 1e-7  # Captum's weights are float32
    gained = logits(network, torch.cat([x, torch.zeros_like(x)]))[:, TARGET]
    assert abs(float(found.sum()) - float(gained[0] - gained[1])) < 0.01 * float(found.abs().sum())


def test_gradcam_is_captums(network: Network, module: nn.Module, x: torch.Tensor) -> None:
    found = Baseline("gradcam").relevance(network, x, TARGET).sum(0)
    cam = LayerGradCam(module, module.features[29]).attribute(x, TARGET, relu_attributions=True)
    expected = torch.nn.functional.interpolate(cam, (224, 224), mode="bilinear", align_corners=False)[0, 0]
    assert float(expected.max()) > 0 and relative(found, expected) < 1e-9


def test_smoothgrad_is_the_mean_of_captums_saliency_over_the_same_noise(
    network: Network, module: nn.Module, x: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "SMOOTH_COPIES", 6)
    noise = np.random.default_rng(4).standard_normal((6, 3, 224, 224)) * 0.15 * float(x.max() - x.min())
    expected = Saliency(module).attribute(x + torch.from_numpy(noise), TARGET).mean(0)
    assert relative(Baseline("smoothgrad", 4).relevance(network, x, TARGET), expected) < 1e-9
    torch.manual_seed(0)
    tunnel = NoiseTunnel(Saliency(module)).attribute(x, nt_samples=6, stdevs=0.15 * float(x.max() - x.min()), target=TARGET)
    ours, theirs = (values.flatten().double() for values in (expected, tunnel[0]))
    assert float(torch.nn.functional.cosine_similarity(ours, theirs, 0)) > 0.8, "the same measure, other noise"


def test_edges_are_sobels(network: Network, x: torch.Tensor) -> None:
    grey = (x[0] * torch.tensor(network.std, dtype=torch.float64).reshape(3, 1, 1)).mean(0).numpy()
    found = Baseline("edges").relevance(network, x, TARGET).sum(0).numpy()
    expected = sobel(grey)
    assert np.allclose(found[1:-1, 1:-1] / found[1:-1, 1:-1].max(), expected[1:-1, 1:-1] / expected[1:-1, 1:-1].max())
    flat = Baseline("edges").relevance(network, torch.full((1, 3, 224, 224), 0.7, dtype=torch.float64), 0)
    assert float(flat.abs().max()) < 1e-12


def test_what_knows_nothing_is_the_same_for_every_class_and_seeded(network: Network, x: torch.Tensor) -> None:
    for method in ("edges", "random"):
        assert torch.equal(Baseline(method).relevance(network, x, 0), Baseline(method).relevance(network, x, 1))
    assert not torch.equal(Baseline("random", 1).relevance(network, x, 0), Baseline("random", 2).relevance(network, x, 0))


@pytest.mark.parametrize("method", METHODS)
def test_every_baseline_is_a_finite_map_that_inference_mode_does_not_stop(
    network: Network, x: torch.Tensor, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "SMOOTH_COPIES", 3)
    with torch.inference_mode():
        inside = Baseline(method).relevance(network, x.clone(), TARGET)
    outside = Baseline(method).relevance(network, x, TARGET)
    assert outside.shape == (3, 224, 224) and bool(torch.isfinite(outside).all()) and float(outside.abs().max()) > 0
    assert torch.equal(inside, outside) and not outside.requires_grad
