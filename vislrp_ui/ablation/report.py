"""The report of Neuron Ablation: predictions without the neurons, what these pass on, the sets, and the curves.

Measuring draws the curves' part of the page alone: it notes here what it shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vislrp_core import heatmap
from vislrp_core.ablation import VALUES
from vislrp_core.architecture import Architecture
from vislrp_core.heatmap import format_value
from vislrp_core.network import Prediction
from vislrp_core.neurons import SCORES, NeuronScores, format_neurons
from vislrp_core.report import ReportPart, ReportPicture, ReportTable, map_picture
from vislrp_ui import service
from vislrp_ui.ablation import curves_chart, kept, pixels, work
from vislrp_ui.ablation.work import ExplanationKey
from vislrp_ui.shared import charts, reporting
from vislrp_ui.shared.file_names import file_stem
from vislrp_ui.shared.reporting import Surroundings, ViewReport
from vislrp_ui.state import Visit
from vislrp_ui.state_ablation import AblationState, CurveMeasurement

ADDS = (
    "Predictions before and after, the selected neurons with their scores, what they pass on, kept sets, curves, the model."
)
MOST_NEURONS = 60
"""Selected neurons whose scores are listed, the strongest positive relevance first."""


@dataclass
class AblationShown:
    """What the page shows now.

    Attributes
    ----------
    whole, part : ndarray or None
        Relevance of the pixels, and what the chosen part of the neurons passes to them.
    measured : tuple or None
        Settings and curves of the measurement.
    """

    whole: NDArray[np.float32] | None = None
    part: NDArray[np.float32] | None = None
    measured: tuple[CurveMeasurement, curves_chart.Measured] | None = None


@dataclass(frozen=True, eq=False)
class Predicted:
    """Predictions of the whole network, without the ablated neurons, and those of the kept sets as rows of a table."""

    before: Sequence[Prediction]
    after: Sequence[Prediction]
    sets: Sequence[Mapping[str, object]]


def offer(
    visit: Visit, asked: ExplanationKey, held: AblationState, scores: NeuronScores | None, error: str, shown: AblationShown
) -> None:
    """The button."""
    network, target = asked.network, asked.target
    before = work.before(network, visit.image)
    after = before if held.ablated is None else work.without(network, visit.image, held.ablated)
    predicted = Predicted(before, after, kept.comparison(network, visit, held, target) if held.kept else ())
    around, seen = reporting.surroundings(network), service.view(visit.image)
    stem = file_stem(f"ablation_{visit.image.id[:24]}_{network.classes[target]}_{visit.model.plan.name(held.layer)}")
    reporting.button(partial(report_of, around, visit, target, seen, held, predicted, scores, error, shown), stem, ADDS)


def report_of(
    around: Surroundings,
    visit: Visit,
    target: int,
    seen: Image.Image,
    held: AblationState,
    predicted: Predicted,
    scores: NeuronScores | None,
    error: str,
    shown: AblationShown,
) -> ViewReport:
    """What the page shows."""
    network, rows, look = around.network, visit.model.plan, visit.look
    name = network.classes[target]
    link = around.link(visit, [visit.image])
    fits = held.kept_in_address()
    lost = [f"set {row.letter}" for row in held.kept if not fits[row.id]] + (["the selection"] if not fits[0] else [])
    if lost:
        link["link_notes"] += (f"The link does not carry {', '.join(lost)}: too many neurons.",)
    parts = [_predictions(rows, held, predicted, target), *_passed(visit, seen, held, scores, shown)]
    parts += _selected(rows, held, scores)
    if predicted.sets:
        parts.append(_sets(rows, held, predicted.sets))
    return ViewReport(
        "Neuron Ablation",
        f"Neurons of {rows.name(held.layer)} for “{name}” · {visit.entry().name}",
        reporting.photograph(visit.image, seen),
        predicted.before[:6],
        target,
        models=(reporting.model_of(visit.model, None, look),),
        parts=(*parts, *_measured(rows, visit, held, shown, name)),
        settings=(
            ("Target class", f"{name} (class {target})"),
            ("Layer", f"{held.layer} {rows.name(held.layer)}"),
            *reporting.settings(look),
        ),
        origin=around.origin(),
        **link,
        warnings=(f"{error}.",) if error else (),
    )


def _predictions(rows: Architecture, held: AblationState, predicted: Predicted, target: int) -> ReportPart:
    cut = held.ablated
    if cut is None:
        return ReportPart("Ablation", ("Nothing is ablated.",))
    value = "0" if cut.value == "zero" else "their mean"
    sentences = [f"{cut.title(rows)} set to {value}. {VALUES[cut.value]}", *_listed(rows, cut.sets)]
    if cut != held.cut:
        sentences.append("The neurons selected now are others.")
    table = reporting.before_and_after("Predictions before and after", predicted.before, predicted.after, target)
    return ReportPart("Ablation", tuple(sentences), tables=(table,))


def _listed(rows: Architecture, sets: Sequence[tuple[int, Sequence[int]]]) -> list[str]:
    return [f"{rows.name(layer)}: neurons {format_neurons(neurons)}." for layer, neurons in sets]


def _passed(
    visit: Visit, seen: Image.Image, held: AblationState, scores: NeuronScores | None, shown: AblationShown
) -> list[ReportPart]:
    if shown.whole is None or scores is None:
        return []
    look, size = visit.look, len(scores)
    limit = heatmap.limit(shown.whole, look.range)
    found: list[ReportPicture] = []
    for title, values in ((pixels.part_title(held, size), shown.part), (f"all {size}", shown.whole)):
        if values is not None:
            total = pixels.signed(float(values.sum(dtype=np.float64)))
            found.append(
                map_picture(
                    f"{title}, Σ {total}",
                    values,
                    limit=limit,
                    spectrum=look.spectrum,
                    dark=reporting.is_dark(look),
                    below=seen if look.overlay else None,
                    opacity=look.opacity,
                )
            )
    where = visit.model.plan.name(held.layer)
    return [ReportPart(f"What neurons of {where} pass to the pixels", ("The maps share one range.",), tuple(found))]


def _selected(rows: Architecture, held: AblationState, scores: NeuronScores | None) -> list[ReportPart]:
    if not held.selected:
        return [ReportPart("Selected neurons", ("None.",))]
    tables: tuple[ReportTable, ...] = ()
    if held.neurons and scores is not None:
        ranked = sorted(held.neurons, key=lambda neuron: (-scores.positive_relevance[neuron], neuron))[:MOST_NEURONS]
        left = len(held.neurons) - len(ranked)
        body = tuple(
            (str(neuron), *(format_value(float(scores.column(key)[neuron])) for key in SCORES)) for neuron in ranked
        )
        tables = (
            ReportTable(
                f"Scores at {rows.name(held.layer)}",
                ("Neuron", *(one.title for one in SCORES.values())),
                body,
                frozenset(range(len(SCORES) + 1)),
                note=f"{left} more are selected; the file of all scores has them." if left else "",
            ),
        )
    return [ReportPart("Selected neurons", tuple(_listed(rows, held.selected)), tables=tables)]


def _sets(rows: Architecture, held: AblationState, compared: Sequence[Mapping[str, object]]) -> ReportPart:
    head = tuple(compared[0])
    body = tuple(
        tuple(str(value).replace("-", "−") if key == "logit" else str(value) for key, value in row.items())
        for row in compared
    )
    sentences = tuple(f"{row.letter}: {' '.join(_listed(rows, row.cut.sets))}" for row in held.kept)
    return ReportPart(
        "Kept sets", sentences, tables=(ReportTable("Predictions without each set", head, body, frozenset((1, 3, 4))),)
    )


def _measured(rows: Architecture, visit: Visit, held: AblationState, shown: AblationShown, target: str) -> list[ReportPart]:
    if shown.measured is None:
        return []
    settings, curves = shown.measured
    where = rows.name(held.layer)
    if not curves:
        return [ReportPart("Ablation curves", ("Not measured.",))]
    drawn = curves_chart.chart(curves, settings.scale, target, visit.entry().name, False).properties(width=560, height=320)
    words = f"The {settings.scale} of “{target}” while neurons of {where} are ablated, by {', '.join(curves)}"
    areas = curves_chart.table_frame(curves_chart.areas_frame(curves), settings.scale)
    digits, unit = (2, "") if settings.scale == "logit" else (1, "\u202f%")
    body = tuple(
        (str(row[0]), *(reporting.number(value, digits, unit) for value in row[1:3]), reporting.number(row[3], 0))
        for row in areas.itertuples(index=False)
    )
    table = ReportTable(
        f"Areas by {settings.scale}", tuple(areas.columns), body, frozenset((1, 2, 3)), note=curves_chart.CAPTION
    )
    picture = ReportPicture("", None, words, svg=charts.svg_of(drawn))
    return [ReportPart("Ablation curves", (f"{words}.",), (picture,), (table,), wide=True)]
