"""What a kind of rule is: the one interface between rules and all that uses them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from vislrp_core.notation import Writer
from vislrp_core.parameters import DEFAULTS, EpsilonScale, Values
from vislrp_core.shares import Denominator
from vislrp_core.weighted import WeightedLayer


@dataclass(frozen=True)
class Preset:
    """A named rule: the parameters it sets and those of them that stay free."""

    title: str
    short: str
    values: dict[str, float] = field(default_factory=dict)
    free: tuple[str, ...] = ()
    epsilon_scale: EpsilonScale = "absolute"
    summary: str = ""
    usage: str = ""
    reference: str = ""
    place: int = 50
    """Where its button is among the others."""

    def value(self, key: str) -> float:
        """Value of a parameter in this preset."""
        return self.values.get(key, DEFAULTS[key])


@dataclass(frozen=True)
class Setting:
    """What a step has to know besides the rule.

    Attributes
    ----------
    absorb : bool
        Whether the bias is one more input.
    in_proportion : bool
        Whether R[layer] vanishes with the activation it belongs to, as it does below all rules that multiply by it.
    disposable : bool
        Whether R[layer] may be overwritten.
    """

    absorb: bool
    in_proportion: bool = False
    disposable: bool = False


@dataclass(frozen=True, eq=False)
class Term:
    """One fraction of a rule, factor q / (z + stabilizer) R_j, for all neurons j of one layer and one picture.

    Attributes
    ----------
    factor : float
        What it is multiplied by: alpha, -beta, or 1.
    contribution : callable
        q_ij of an input a_i (), of weights w_ij (n,) and of the input's channel, or its number where it has no position.
    z : Denominator
        Without the stabilizer, of (1, C, H, W) or (1, N) neurons.
    bias : Tensor
        What the bias adds to each, (C,) or (N,).
    damping : float
        Epsilon times its scale plus 1e-9: the stabilizer without the sign of z.
    counts : Tensor, optional
        For which neurons there is this term at all, of the shape of z.
    """

    factor: float
    contribution: Callable[[Tensor, Tensor, int], Tensor]
    z: Denominator
    bias: Tensor
    damping: float
    counts: Tensor | None = None


class RuleKind(ABC):
    """One way to share relevance out, with the presets that belong to it; it keeps no state."""

    presets: Mapping[str, Preset]
    takes_parameters: bool = True
    """Whether any of the ten parameters has a part in it."""
    no_parameters: str = ""
    """What is said in place of the parameters where it takes none."""
    zennit_helper: str = ""
    """Python text of hooks that `zennit` uses and Zennit lacks."""

    @abstractmethod
    def step(self, here: WeightedLayer, rule: Values, relevance: Tensor, setting: Setting) -> Tensor:
        """R[layer - 1] of a batch R[layer]; fully connected inputs as (B, N).

        Raises
        ------
        Doubtful
            If rounding errors of the trace's single precision would show.
        """

    @abstractmethod
    def terms(self, here: WeightedLayer, rule: Values, absorb: bool) -> tuple[Term, ...]:
        """The fractions that `step` adds up, each by itself; for one picture."""

    @abstractmethod
    def formula(self, writer: Writer, rule: Values) -> str:
        """What is to the right of ``R_i =``."""

    @abstractmethod
    def zennit(self, rule: Values, absorb: bool) -> str:
        """The rule as an expression of the exported Zennit script (`templates/zennit_script.py.txt`)."""

    def zennit_limit(self, rule: Values, pixels: bool) -> str:
        """Why Zennit cannot express it, at the pixels or above them; nothing where it can."""
        return ""

    def in_proportion(self, rule: Values) -> bool:
        """Whether what it hands down vanishes with the activation it belongs to."""
        return True

    def may_cancel(self, rule: Values) -> bool:
        """Whether nothing keeps its denominators from nearly vanishing: plain weights and no epsilon."""
        return False

    def short(self, rule: Values) -> str:
        """Name for narrow places, such as ``γ 0.3``."""
        return self.presets[rule.preset].short

    def warnings(self, rule: Values) -> list[str]:
        """Sentences about parameters that are allowed but change the sum of relevance or its meaning."""
        return []
