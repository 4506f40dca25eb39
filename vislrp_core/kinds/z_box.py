"""LRP-z^beta (Montavon et al. 2017; numerics.md, section 3): a w - l w^+ - h w^-, within the box of possible inputs."""

from __future__ import annotations

import torch
from torch import Tensor

from vislrp_core.factors import negative_part, positive_part
from vislrp_core.kinds.base import Preset, RuleKind, Setting, Term
from vislrp_core.notation import Writer
from vislrp_core.parameters import Values
from vislrp_core.shares import STABILIZER, Denominator, divide
from vislrp_core.weighted import WeightedLayer


class ZBox(RuleKind):
    """At the pixels the box is between a black and a white pixel, above them between 0 and the largest activation.

    Where the network's input is a vector, the box is the smallest one around 0 and the vector's values.
    """

    presets = {  # noqa: RUF012 - never changed
        "z_box": Preset(
            "LRP-zβ",
            "zβ",
            summary="Contributions within the box of possible inputs.",
            usage="Pixels",
            reference="Montavon et al. 2017",
            place=90,
        )
    }
    takes_parameters = False
    no_parameters = "its box is given by the possible pixel values"

    def step(self, here: WeightedLayer, rule: Values, relevance: Tensor, setting: Setting) -> Tensor:
        """Bias terms cancel."""
        if here.first:
            return self._of_input(here, relevance, setting)
        a = here.below
        _, high = self.box(here)
        z = self._sums(here)
        s, _ = divide(relevance, Denominator(((z, 1.0),)), STABILIZER, disposable=setting.disposable)
        return here.backward(s, None).mul_(a).sub_(here.backward(s, negative_part).mul_(high))

    def _of_input(self, here: WeightedLayer, relevance: Tensor, setting: Setting) -> Tensor:
        """The network's own input: (a - l) w^+ + (a - h) w^-."""
        a = here.below
        low, high = self.box(here)
        z = self._sums(here)
        s, _ = divide(relevance, Denominator(((z, 1.0),)), STABILIZER, disposable=setting.disposable)
        if not here.conv:
            return (a - low) * here.backward(s, positive_part) + (a - high) * here.backward(s, negative_part)
        # Both kinds of weights of so few inputs go through one convolution.
        weights = torch.cat([here.changed(positive_part), here.changed(negative_part)], dim=1)
        positive, negative = here.transposed(s, weights).chunk(2, dim=1)
        return (a - low) * positive + (a - high) * negative

    @staticmethod
    def box(here: WeightedLayer) -> tuple[Tensor, Tensor]:
        """l and h, in shapes that broadcast with the inputs."""
        a = here.below
        if not here.first:
            high = a.amax(dim=tuple(range(1, a.ndim)), keepdim=True)
            return torch.zeros_like(high), high
        if here.conv:
            return here.network.pixel_bounds()
        return a.amin(dim=1, keepdim=True).clamp(max=0), a.amax(dim=1, keepdim=True).clamp(min=0)

    def _sums(self, here: WeightedLayer) -> Tensor:
        """The denominators."""
        a = here.below
        low, high = self.box(here)
        if here.first and here.conv:
            above, below = (bound.reshape(-1) for bound in (low, high))
            return _within(here, here.of_constant(above, positive_part) + here.of_constant(below, negative_part))
        plain, times = here.plain_sum(False)
        if here.first:
            above, below = here.forward(torch.ones_like(a), positive_part), here.forward(torch.ones_like(a), negative_part)
            return plain + times * here.network.biases[here.layer] - low * above - high * below
        box = here.unit_part("negative")
        if len(a) == 1:
            return _within(here, box * high)
        # Each picture has a box of its own.
        bias = here.per_output(times * here.network.biases[here.layer])
        return plain + bias - high * here.add_unit(torch.zeros_like(plain[:1]), box, 1.0)

    def terms(self, here: WeightedLayer, rule: Values, absorb: bool) -> tuple[Term, ...]:
        """One; the stabilizer has no epsilon, and the bias no part."""
        low, high = (bound.flatten() for bound in self.box(here))

        def contribution(a: Tensor, w: Tensor, channel: int) -> Tensor:
            below, above = (bound[channel if len(bound) > 1 else 0] for bound in (low, high))
            return a * w - below * positive_part(w) - above * negative_part(w)

        z = Denominator(((self._sums(here), 1.0),))
        return (Term(1.0, contribution, z, torch.zeros_like(here.network.biases[here.layer]), STABILIZER),)

    def in_proportion(self, rule: Values) -> bool:
        """Inputs of 0 get relevance, too."""
        return False

    def formula(self, writer: Writer, rule: Values) -> str:
        """Without a number: the rule has none."""
        q = (
            writer.symbol("a")
            + writer.symbol("w")
            + writer.sign("-")
            + writer.symbol("l")
            + writer.symbol("w+")
            + writer.sign("-")
            + writer.symbol("h")
            + writer.symbol("w-")
        )
        return writer.sum("j") + writer.fraction(q, writer.sum("i") + q) + writer.symbol("R")

    def zennit(self, rule: Values, absorb: bool) -> str:
        """Zennit's rule between the script's values of a black and a white pixel."""
        return "ZBox(low, high, stabilizer=STABILIZER)"

    def zennit_limit(self, rule: Values, pixels: bool) -> str:
        """Above the pixels the box depends on the picture."""
        return (
            ""
            if pixels
            else ("its box ends at the largest activation, Zennit's ZBox needs bounds that are known beforehand")
        )


def _within(here: WeightedLayer, box: Tensor) -> Tensor:
    """The plain sum without bias, minus what the box takes, in `unit_part`'s form."""
    plain, times = here.plain_sum(False)
    middle = here.middle(box).reshape(-1)
    z = Denominator(((plain, 1.0),), times * here.network.biases[here.layer] - middle).whole()
    return here.add_edges(z, box, -1.0) if here.conv else z


Z_BOX = ZBox()
