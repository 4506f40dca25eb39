"""The measures by key: how each is computed, where it comes from, and what it does not prove."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from vislrp_core import masks, metrics
from vislrp_core.batches import logits_of
from vislrp_core.errors import VisLRPError
from vislrp_core.experiments.workspace import Explainer, Picture
from vislrp_core.fills import flip
from vislrp_core.measures.boxes import Box, box_mass, pointing
from vislrp_core.measures.mosaic import as_input, compose, quadrant_share
from vislrp_core.measures.subject import Errors, Map, Subject
from vislrp_core.model import LRPModel
from vislrp_core.network import Trace

OTHER_CLASSES = 4
COPIES, SPREAD = 10, 0.2
SUBSETS, QUARTER = 100, 0.25
OUT_OF_DATA = (
    "Filled pictures leave the data that the network was trained on, so that a fall may come from the fill "
    "itself: compare several fills."
)


@dataclass(frozen=True)
class Question:
    """What a measure is computed from besides picture and model.

    Attributes
    ----------
    boxes : tuple of Box
        As the network sees them.
    mosaics : tuple
        The four mosaics that show the picture, in the order of its quadrants.
    """

    boxes: tuple[Box, ...] = ()
    mosaics: tuple[tuple[Picture, ...], ...] = ()


def _flip_score(name: str) -> Callable[[Subject, Explainer, Question], float]:
    def value(subject: Subject, model: Explainer, question: Question) -> float:
        found = getattr(subject.scores(model), name)
        return math.nan if found is None else float(found)

    return value


def _class_cosine(subject: Subject, model: Explainer, question: Question) -> float:
    order = torch.argsort(subject.trace.logits.double(), descending=True, stable=True).tolist()
    others = [one for one in order if one != subject.target][:OTHER_CLASSES]
    if not others:
        return math.nan
    own = subject.map(model)
    return float(np.mean([metrics.cosine(own, other) for other in subject.maps_of_classes(model, others)]))


def _top_randomised(subject: Subject, model: Explainer, question: Question) -> float:
    return metrics.spearman(np.abs(subject.map(model)), np.abs(subject.map_randomised(model)))


def _mosaic(subject: Subject, model: Explainer, question: Question) -> float:
    side = subject.network.architecture.input_size
    first = subject.first

    def measure(models: Mapping[str, Explainer], errors: Errors) -> dict[str, float]:
        shares: dict[str, list[float]] = {key: [] for key in models}
        for quadrant, pictures in enumerate(question.mosaics):

            def make(pictures: Sequence[Picture] = pictures) -> torch.Tensor:
                return as_input(compose(pictures, side), subject.network)

            x, slopes = subject.workspace.remember("mosaic", pictures, make), subject.workspace.slopes(pictures)
            trace: Trace | None = None
            for key, one in models.items():
                subject.workspace.tell(0)
                if key in errors:
                    continue
                if isinstance(one, LRPModel):
                    trace = trace or subject.workspace.remember("mosaic trace", pictures, lambda x=x: subject.see(x))  # type: ignore[misc]
                    try:
                        found = subject.map_from(one, trace, first)
                    except VisLRPError as error:
                        errors[key] = error
                        continue
                else:
                    found = subject.map_of(one, x, first, slopes)
                shares[key].append(quadrant_share(found, quadrant))
            if trace is not None:
                # Four passes wait for other models. With what was computed beside each they would take 1 GB of VGG16.
                trace.cache.forget()
        return {key: float(np.mean(own)) for key, own in shares.items() if key not in errors}

    return subject.together("mosaic", model, measure, question.mosaics)


def _sensitivity(subject: Subject, model: Explainer, question: Question) -> float:
    def measure(models: Mapping[str, Explainer], errors: Errors) -> dict[str, float]:
        rng = subject.rng()
        own: dict[str, Map] = {}
        changes: dict[str, list[float]] = {}
        for key, one in models.items():
            subject.workspace.tell(0)
            try:
                own[key], changes[key] = subject.map(one), []
            except VisLRPError as error:
                errors[key] = error
        copies = (
            subject.x + torch.from_numpy(rng.uniform(-SPREAD, SPREAD, size=tuple(subject.x.shape[1:]))).to(subject.x)
            for _ in range(COPIES)
        )
        for key, other in subject.maps_of_pictures(models, copies, errors):
            length = float(np.linalg.norm(own[key]))
            changes[key].append(float(np.linalg.norm(other - own[key])) / length if length > 0 else math.nan)
        return {key: float(np.mean(found)) for key, found in changes.items() if key not in errors}

    return subject.together("sensitivity", model, measure)


def _lost(subject: Subject) -> tuple[np.ndarray, np.ndarray]:
    """Subsets of patches, (subsets, patches), and the target's logit lost by filling each; no model changes them."""
    patch, shape = subject.settings.patch, (int(subject.x.shape[-2]), int(subject.x.shape[-1]))
    count = int(np.prod(masks.grid_shape(shape, patch)))

    def measure() -> tuple[np.ndarray, np.ndarray]:
        rng, filled = subject.rng(), subject.filled()
        subsets = np.zeros((SUBSETS, count), dtype=bool)
        for subset in subsets:
            subset[rng.choice(count, round(QUARTER * count), replace=False)] = True
        spread = np.stack([masks.spread(one.reshape(masks.grid_shape(shape, patch)), patch, shape) for one in subsets])
        found = []
        for part in torch.from_numpy(spread).split(subject.workspace.batch):
            with subject.workspace.turn(len(part)):
                shown = flip(subject.x, part, filled)
                found.append(logits_of(subject.network, shown, size=len(part))[:, subject.target].double().cpu())
        return subsets, float(subject.trace.logits[subject.target]) - torch.cat(found).numpy()

    return subject.workspace.remember("lost", subject.key("faithfulness"), measure)


def _faithfulness(subject: Subject, model: Explainer, question: Question) -> float:
    subsets, lost = _lost(subject)
    sums = masks.patch_sums(subject.map(model), subject.settings.patch).reshape(-1)
    return metrics.pearson(subsets @ sums, lost)


def _conservation(subject: Subject, model: Explainer, question: Question) -> float:
    return subject.workspace.explained(subject.picture, model, subject.target)[1]


def _seconds(subject: Subject, model: Explainer, question: Question) -> float:
    begin = time.perf_counter()
    subject.map_of(model, subject.x, subject.target)
    return time.perf_counter() - begin


@dataclass(frozen=True)
class Measure:
    """What a measure is.

    Attributes
    ----------
    better : {"high", "low", ""}
        Which values are better; empty where neither is.
    formula, source, caveat : str
        How it is computed, who introduced it, what it does not prove.
    compute : callable
        Value for a picture and a model; NaN where it is not defined.
    """

    title: str
    better: Literal["high", "low", ""]
    formula: str
    source: str
    caveat: str
    compute: Callable[[Subject, Explainer, Question], float]


MEASURES: dict[str, Measure] = {
    "srg": Measure(
        "SRG",
        "high",
        "Area under the target's probability over the share of patches flipped, least relevant first, minus the "
        "same most relevant first (trapezoid).",
        "Blücher et al. 2024 (TMLR)",
        OUT_OF_DATA,
        _flip_score("srg"),
    ),
    "aopc": Measure(
        "AOPC",
        "high",
        "Mean over all steps of f(x) - f(x_k), patches flipped most relevant first, f the target's probability.",
        "Samek et al. 2017 (IEEE TNNLS 28)",
        OUT_OF_DATA + " It also grows with how fast the fill alone "
        "destroys the class, so values of different fills do not compare.",
        _flip_score("aopc"),
    ),
    "abpc": Measure(
        "ABPC",
        "high",
        "Mean over all steps of f(x_k, least relevant first) - f(x_k, most relevant first).",
        "Samek et al. 2017 (IEEE TNNLS 28)",
        OUT_OF_DATA,
        _flip_score("abpc"),
    ),
    "class_cosine": Measure(
        "Class cosine",
        "low",
        f"Mean over the {OTHER_CLASSES} most probable classes besides the target of R_target · R_class / "
        "(|R_target| |R_class|), the cosine of the two maps.",
        "Sixt, Granz and Landgraf 2020 (ICML)",
        "Maps that differ between classes need not be right for either: random maps have a cosine near 0. "
        "Similar classes share their evidence, so that faithful maps may be alike.",
        _class_cosine,
    ),
    "top_randomised": Measure(
        "Top randomised",
        "low",
        "Spearman correlation of |R| before and after the values of the last layer's weights, then of "
        "its biases, are put in random places; the target stays.",
        "Adebayo et al. 2018 (NeurIPS)",
        "Binder et al. 2023 (CVPR): the layers below keep their features, so that a faithful map may "
        "rank highly alike; noise lowers the value without being a better explanation. It does not "
        "rank methods.",
        _top_randomised,
    ),
    "mosaic": Measure(
        "Mosaic",
        "high",
        "Share of positive relevance in the quadrant of the picture whose first class is explained, mean over "
        "its four places in mosaics of four pictures; 0.25 by chance.",
        "Böhle, Fritz and Schiele 2021 (CVPR); Rao, Böhle and Schiele 2022 (CVPR)",
        "Mosaics leave the training data; the network may really use the other quadrants (context), and the "
        "share says nothing about what is marked inside the right one.",
        _mosaic,
    ),
    "box_mass": Measure(
        "Box mass",
        "high",
        "Share of positive relevance inside the object's box.",
        "Arras, Osman and Samek 2022 (Information Fusion 81), relevance mass accuracy",
        "The network may rightly use what is outside the box; a large box is easy to hit.",
        lambda subject, model, question: box_mass(subject.map(model), question.boxes),
    ),
    "pointing": Measure(
        "Pointing",
        "high",
        "1 if the largest value is in the object's box or at most 15 pixels outside along each axis, otherwise 0.",
        "Zhang et al. 2018 (IJCV 126)",
        "One pixel decides; the centre of the picture does well in most data sets.",
        lambda subject, model, question: pointing(subject.map(model), question.boxes),
    ),
    "sensitivity": Measure(
        "Sensitivity",
        "low",
        f"Mean over {COPIES} copies x + u, u uniform in (-{SPREAD}, {SPREAD}) per preprocessed value, of "
        "|R(x + u) - R(x)| / |R(x)| (Euclidean).",
        "Yeh et al. 2019 (NeurIPS), the mean in place of the maximum",
        "A map that ignores the picture has 0: low is good only together with faithfulness.",
        _sensitivity,
    ),
    "faithfulness": Measure(
        "Faithfulness",
        "high",
        f"Pearson correlation over {SUBSETS} random quarters of the patches of the relevance they hold "
        "and the target's logit lost when they are filled.",
        "Bhatt et al. 2020 (IJCAI)",
        OUT_OF_DATA + " Only the sum over a quarter of the picture is tested, not single patches.",
        _faithfulness,
    ),
    "gini": Measure(
        "Gini",
        "",
        "Gini coefficient of |R|: sum of (2i - n - 1) |R|_i over the pixels, |R| in ascending order, divided by n sum |R|.",
        "Chalasani et al. 2020 (ICML); Quantus, Sparseness",
        "A concentrated map is easier to read, not more faithful.",
        lambda subject, model, question: metrics.gini(subject.map(model)),
    ),
    "entropy": Measure(
        "Entropy",
        "",
        "Entropy in nats: - sum of p ln p over the pixels, p = |R| / sum |R|.",
        "Bhatt et al. 2020 (IJCAI); Quantus, Complexity",
        "A concentrated map is easier to read, not more faithful.",
        lambda subject, model, question: metrics.entropy(subject.map(model)),
    ),
    "conservation": Measure(
        "Conservation",
        "",
        "Sum of the pixels' relevance divided by the sum at the logits; not defined for baselines.",
        "Bach et al. 2015 (PLoS ONE 10(7)), Eq. 2",
        "A rule can conserve relevance and put it in the wrong place.",
        _conservation,
    ),
    "seconds": Measure(
        "Seconds",
        "",
        "Time of one forward pass and one map.",
        "",
        "Depends on the machine and on what else it does.",
        _seconds,
    ),
}
NEED_BOXES = ("box_mass", "pointing")
WITHOUT_MAP = ("mosaic", "seconds")
"""Measures that do not look at the map of the picture as it is."""
