"""The narrow fully connected layers: fc6 (tied over the 49 positions), fc7, and the teacher's last layer as fc8.

No bias of fc6 and fc7 is positive. A neuron that fires then has at least that much from its weights, so that relevance under
LRP-0 without biases is never divided by a sum much smaller than the activation; with free biases it grew up to
ten-thousandfold.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div, log_softmax, mse_loss, normalize, relu, softmax

POSITIONS = 49


class Head(nn.Module):
    """Mean of pool5 over its positions -> fc6 -> ReLU -> fc7 -> ReLU -> fc8.

    Parameters
    ----------
    width : int
        Outputs of fc6.
    scale : Tensor
        Per channel of pool5, the size by which inputs are divided for training; `folded` puts it into the weights.
    last : nn.Linear
        The teacher's last layer, kept as it is.
    dropout : float
        Share of fc6's outputs left out while training.
    """

    def __init__(self, width: int, scale: Tensor, last: nn.Linear, dropout: float = 0.3) -> None:
        super().__init__()
        self.fc6 = nn.Linear(scale.numel(), width)
        self.fc7 = nn.Linear(width, last.in_features)
        self.fc8 = nn.Linear(last.in_features, last.out_features)
        self.fc8.load_state_dict(last.state_dict())
        self.fc8.requires_grad_(False)
        self.drop = nn.Dropout(dropout)
        self.register_buffer("scale", scale)
        for layer in (self.fc6, self.fc7):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def features(self, pooled: Tensor) -> Tensor:
        """relu7 (N, 1280) from pool5's means (N, 512)."""
        return relu(self.fc7(self.drop(relu(self.fc6(pooled / self.scale)))))

    def forward(self, pooled: Tensor) -> Tensor:
        """Logits (N, 1000) from pool5's means (N, 512)."""
        return self.fc8(self.features(pooled))

    @torch.no_grad()
    def clamp_biases(self) -> None:
        """Set positive biases of fc6 and fc7 to zero."""
        self.fc6.bias.clamp_(max=0)
        self.fc7.bias.clamp_(max=0)

    @torch.no_grad()
    def sharpened(self, factor: float) -> Head:
        """A copy whose features are ``factor`` times as large: the same order of classes, other probabilities."""
        copied = copy.deepcopy(self)
        copied.fc7.weight.mul_(factor)
        copied.fc7.bias.mul_(factor)
        return copied

    def folded(self) -> dict[str, Tensor]:
        """Weights for inputs as they are, by the names of the exported file."""
        return {
            "classifier.0.tied_weight": (self.fc6.weight / self.scale).detach(),
            "classifier.0.bias": self.fc6.bias.detach(),
            "classifier.3.weight": self.fc7.weight.detach(),
            "classifier.3.bias": self.fc7.bias.detach(),
            "classifier.6.weight": self.fc8.weight.detach(),
            "classifier.6.bias": self.fc8.bias.detach(),
        }


def distillation_loss(
    student: Tensor, teacher: Tensor, last: nn.Linear, temperature: float = 1.0, weight: float = 20.0
) -> Tensor:
    """How far the student's 1280 features are from the teacher's.

    The divergence of the class probabilities (Hinton et al. 2015) at a temperature, plus the mean squared error of the
    features and their cosine distance.

    Parameters
    ----------
    student, teacher : Tensor
        Features (N, 1280).
    last : nn.Linear
        Layer from features to logits, common to both.
    temperature : float
        Divides the logits.
    weight : float
        Weight of the squared error.
    """
    logits, wanted = last(student) / temperature, last(teacher) / temperature
    divergence = kl_div(log_softmax(logits, 1), softmax(wanted, 1), reduction="batchmean") * temperature**2
    cosine = 1 - (normalize(student, dim=1) * normalize(teacher, dim=1)).sum(1).mean()
    return divergence + weight * mse_loss(student, teacher) + 2 * cosine


def expand_tied(tied: Tensor, positions: int = POSITIONS) -> Tensor:
    """fc6's full weight (H, 512 x 49) from its small form (H, 512): ``full[h, c * 49 + p] = tied[h, c] / 49``."""
    return (tied / positions).repeat_interleave(positions, dim=1)


def relevance_growth(weights: dict[str, Tensor], pooled: Tensor) -> Tensor:
    """How much the sum of absolute relevance grows from the first class's logit down to pool5 under LRP-0.

    Biases are left out of the denominators (bias rule ``ignore``). pool5's values count as their means over the positions,
    which for a tied fc6 gives the same sums.

    Parameters
    ----------
    weights : dict of str to Tensor
        Names of the exported file.
    pooled : Tensor
        Means of pool5 (N, 512).

    Returns
    -------
    Tensor
        (N, 3): sum of ``|R|`` at relu7, relu6 and pool5 over the logit's share that enters fc8.
    """
    layers = [
        (weights[f"classifier.{n}.{w}"], weights[f"classifier.{n}.bias"])
        for n, w in ((0, "tied_weight"), (3, "weight"), (6, "weight"))
    ]
    activations = [pooled]
    for weight, bias in layers[:2]:
        activations.append(relu(activations[-1] @ weight.T + bias))
    first = (activations[-1] @ layers[2][0].T + layers[2][1]).argmax(1)
    relevance = torch.zeros(len(pooled), layers[2][0].shape[0], dtype=pooled.dtype)
    relevance[torch.arange(len(pooled)), first] = 1
    growth = []
    for (weight, _), inputs in zip(reversed(layers), reversed(activations), strict=True):
        sums = inputs @ weight.T
        ratio = torch.where(relevance == 0, 0.0, relevance / torch.where(sums == 0, 1e-12, sums))
        relevance = inputs * (ratio @ weight)
        growth.append(relevance.abs().sum(1))
    return torch.stack(growth, dim=1)
