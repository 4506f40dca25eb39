"""When single precision is not enough: shares of relevance that notice it, and who must know.

LRP divides by sums that may nearly cancel. Which layer asks for double precision depends on trace, model and relevance
alone, never on what was computed before.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from vislrp_core.parameters import Values
from vislrp_core.shares import STABILIZER, Denominator, divide
from vislrp_core.weighted import WeightedLayer

SAFE_EPSILON = 1e-2
"""A relative epsilon from which no denominator is small enough to ask for more digits."""


class Doubtful(Exception):
    """Rounding errors of a trace in single precision would show: the step is to be repeated on the one in double."""


def _is_damped(rule: Values, z: Denominator) -> bool:
    """Whether epsilon keeps all denominators from nearly vanishing."""
    if rule.epsilon <= 0:
        return False
    if rule.epsilon_scale == "relative":
        return rule.epsilon >= SAFE_EPSILON
    return all(rule.epsilon >= SAFE_EPSILON * rms > 0 for rms in z.rms().tolist())


def shares(
    here: WeightedLayer,
    rule: Values,
    relevance: Tensor,
    factor: float,
    sums: Callable[[], Denominator],
    exactly: Callable[[], Tensor] | None,
    *,
    safe: bool,
    disposable: bool,
) -> Tensor:
    """Factor times R / stab(z), with z in double precision where single precision would not do.

    First all sums of the image are taken from a forward pass in double precision; where z is put together of several sums
    and those nearly cancel, `exactly` gives it as one.

    Raises
    ------
    Doubtful
        If the trace is one in single precision and its rounding errors would show; relevance is not overwritten then.
    """
    z = sums()
    epsilon = damping(rule, z)
    doubtful = not (safe or here.in_double or _is_damped(rule, z))
    s, trusted = divide(relevance, z, epsilon, factor=factor, disposable=disposable, doubtful=doubtful)
    if trusted:
        return s
    if not here.trace.exact:
        raise Doubtful
    if exactly is None:
        return s
    exact = Denominator(((exactly(), 1.0),))
    wide = epsilon.double() if isinstance(epsilon, Tensor) else epsilon
    return divide(relevance.double(), exact, wide, factor=factor, disposable=True)[0].to(relevance.dtype)


def damping(rule: Values, z: Denominator) -> float | Tensor:
    """Epsilon times its scale plus the stabilizer: one number, or one for each picture."""
    if not rule.epsilon or rule.epsilon_scale == "absolute":
        return rule.epsilon + STABILIZER
    rms = z.rms()
    if rms.device.type == "cpu" and len(rms) == 1:
        return rule.epsilon * float(rms) + STABILIZER
    return rule.epsilon * rms + STABILIZER
