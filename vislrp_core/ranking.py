"""Classes in the order of their logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vislrp_core.network import Prediction


def rank(logits: Tensor, classes: Sequence[str], count: int = 10) -> list[Prediction]:
    """The first ``count`` classes, the most probable first; ties by number.

    Parameters
    ----------
    logits : Tensor
        (classes,), of any forward pass: of the picture, of a flipped one, with neurons switched off.
    classes : sequence of str
        Names by class number.
    """
    probabilities = torch.softmax(logits, dim=0)
    order = torch.argsort(logits, descending=True, stable=True)[:count].tolist()
    return [Prediction(i, classes[i], float(logits[i]), float(probabilities[i])) for i in order]
