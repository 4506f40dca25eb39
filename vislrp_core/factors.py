"""What a term of the unified rule makes of one weight (lrp.md, section 2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Change = Callable[[Tensor], Tensor]
"""Changes a tensor of weights in place and answers it."""


def positive_part_(w: Tensor) -> Tensor:
    """w^+, in place."""
    return w.clamp_(min=0)


def negative_part_(w: Tensor) -> Tensor:
    """w^-, in place."""
    return w.clamp_(max=0)


PARTS: dict[str, Change | None] = {"plain": None, "positive": positive_part_, "square": torch.square_,
                                  "negative": negative_part_}


@dataclass(frozen=True)
class Factors:
    """What one term of the rule makes of a weight: gamma0 + gamma1 w + p w^+ + n w^- + gamma2 w^2."""

    constant: float
    positive: float
    """Factor of a positive weight, gamma1 + p."""
    negative: float
    """Factor of a negative weight, gamma1 + n."""
    square: float

    @property
    def change(self) -> Change | None:
        """The changed weight without its constant, None where it is the weight itself."""
        above, below, square = self.positive, self.negative, self.square

        def linear(w: Tensor) -> Tensor:
            if above == below:
                return w.mul_(above)
            if above == 0 or below == 0:
                return positive_part_(w).mul_(above) if below == 0 else negative_part_(w).mul_(below)
            # One pass over the weights: a leaky ReLU whose slope is the ratio of the two factors.
            return F.leaky_relu_(w, below / above).mul_(above)

        if square:
            def with_square(w: Tensor) -> Tensor:
                squares = w * w
                return linear(w).add_(squares, alpha=square)
            return with_square
        if above == below == 1:
            return None
        if (above, below) in ((1, 0), (0, 1)):
            return positive_part_ if above else negative_part_
        return linear

    @property
    def with_constant(self) -> Change | None:
        """The changed weight with its constant."""
        change, constant = self.change, self.constant
        if not constant:
            return change
        return (lambda w: w.add_(constant)) if change is None else (lambda w: change(w).add_(constant))

    @property
    def one_signed(self) -> bool:
        """Whether all contributions of an input that is not negative have one sign, so that they cannot cancel."""
        if self.positive == 0:
            return self.constant == self.square == 0
        return self.negative == 0 and self.positive > 0 and self.constant >= 0 and self.square >= 0

    @property
    def at_least_plain(self) -> bool:
        """Whether z is, up to a factor, at least the plain sum wherever that is positive."""
        return self.positive >= self.negative > 0 and self.constant >= 0 and self.square >= 0

    def of_bias(self, bias: Tensor) -> Tensor:
        """What the rule makes of the bias where it is one more input of value 1."""
        return torch.where(bias > 0, self.positive * bias, self.negative * bias) + self.square * bias * bias
