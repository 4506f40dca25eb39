"""The first stage: cheap measures on a few pictures that say which trials cannot be worth an expensive one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

CHEAP = ("class_cosine", "gini", "mosaic")
"""Measures that need maps alone: no filled picture runs through the network."""
FEWEST = 10
"""Finished trials from which a prediction is made."""
RIDGE = 1.0
"""Weight of the penalty, in finished trials: few points do not make steep lines."""


def predict(known: np.ndarray, values: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, float]:
    """Ridge regression of a measure on cheap ones.

    Parameters
    ----------
    known : ndarray
        (trials, measures) of finished trials.
    values : ndarray
        (trials,), the expensive measure.
    new : ndarray
        (candidates, measures).

    Returns
    -------
    ndarray
        Predicted values, (candidates,).
    float
        How far predictions are off: root mean square over finished trials, each left out in turn.
    """
    centre, spread = known.mean(axis=0), known.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)

    def inputs(rows: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(len(rows)), (rows - centre) / spread])

    x = inputs(known)
    penalty = RIDGE * np.eye(x.shape[1])
    penalty[0, 0] = 0.0
    inverse = np.linalg.inv(x.T @ x + penalty)
    weights = inverse @ x.T @ values
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
    left_out = (values - x @ weights) / np.maximum(1 - leverage, 1e-6)
    return inputs(new) @ weights, float(np.sqrt(np.mean(left_out**2)))


def hopeless(
    cheap: Mapping[int, Sequence[float]],
    finished: Mapping[int, Mapping[str, float]],
    candidates: Sequence[int],
    objectives: Mapping[str, bool],
    seen: Mapping[str, int],
) -> set[int]:
    """Candidates of which no objective is likely to reach the median of finished trials.

    Parameters
    ----------
    cheap : mapping
        Cheap measures by trial, of finished trials and candidates.
    finished : mapping
        Objectives by finished trial.
    candidates : sequence of int
    objectives : mapping
        Objectives, and whether low values are better.
    seen : mapping
        Objectives that are among the cheap measures, and their places in them: they are compared as they are.

    Returns
    -------
    set of int
        Candidates whose estimate, raised by the error of prediction, is below the median in every objective.
    """
    basis = [number for number in finished if _finite(cheap[number])]
    judged = [number for number in candidates if _finite(cheap[number])]
    if len(basis) < FEWEST or not judged:
        return set()
    known, new = (np.array([cheap[number] for number in numbers], dtype=np.float64) for numbers in (basis, judged))
    out = np.ones(len(judged), dtype=bool)
    for objective, low_is_better in objectives.items():
        sign = -1.0 if low_is_better else 1.0
        if objective in seen:
            column = seen[objective]
            estimate, middle, error = sign * new[:, column], float(np.median(sign * known[:, column])), 0.0
        else:
            values = np.array([sign * finished[number][objective] for number in basis])
            estimate, error = predict(known, values, new)
            middle = float(np.median(values))
        out &= estimate + error < middle
    return {number for number, bad in zip(judged, out, strict=True) if bad}


def _finite(values: Sequence[float]) -> bool:
    return all(map(math.isfinite, values))
