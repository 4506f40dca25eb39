"""What a term of the unified rule makes of one weight (docs/numerics.md, section 2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Change = Callable[[Tensor, Tensor | None], Tensor]
"""Makes changed weights of given ones: new ones, or in other memory of the same shape."""


def positive_part(w: Tensor, out: Tensor | None = None) -> Tensor:
    """w^+."""
    return torch.clamp(w, min=0, out=out)


def negative_part(w: Tensor, out: Tensor | None = None) -> Tensor:
    """w^-."""
    return torch.clamp(w, max=0, out=out)


def square(w: Tensor, out: Tensor | None = None) -> Tensor:
    """w^2."""
    return torch.mul(w, w, out=out)


PARTS: dict[str, Change | None] = {"plain": None, "positive": positive_part, "square": square, "negative": negative_part}


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
    def lead(self) -> float:
        """A factor to be taken out, so that a weight of the commoner kind stays as it is: fewer passes over the weights."""
        if self.constant or self.square:
            return 1.0
        return max((self.positive, self.negative), key=abs) or 1.0

    def divided(self, divisor: float) -> Factors:
        """What makes weights that are smaller by this factor."""
        return Factors(self.constant / divisor, self.positive / divisor, self.negative / divisor, self.square / divisor)

    @property
    def change(self) -> Change | None:
        """The changed weight without its constant, None where it is the weight itself."""
        above, below, squared = self.positive, self.negative, self.square

        def linear(w: Tensor, out: Tensor | None = None) -> Tensor:
            if above == below:
                return torch.mul(w, above, out=out)
            if above == 0 or below == 0:
                part = positive_part(w, out) if below == 0 else negative_part(w, out)
                return part.mul_(above or below)
            # One pass over the weights: a leaky ReLU whose slope is the ratio of the two factors.
            slope = below / above
            part = F.leaky_relu(w, slope) if out is None else torch.ops.aten.leaky_relu.out(w, slope, out=out)
            return part if above == 1 else part.mul_(above)

        def with_squares(w: Tensor, out: Tensor | None = None) -> Tensor:
            return linear(w, out).addcmul_(w, w, value=squared)

        if squared:
            return with_squares
        if above == below == 1:
            return None
        if (above, below) in ((1, 0), (0, 1)):
            return positive_part if above else negative_part
        return linear

    @property
    def with_constant(self) -> Change | None:
        """The changed weight with its constant."""
        change, constant = self.change, self.constant

        def shifted(w: Tensor, out: Tensor | None = None) -> Tensor:
            return torch.add(w, constant, out=out) if change is None else change(w, out).add_(constant)

        return shifted if constant else change

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
