"""The report of Pixel Flipping: marked pixels, predictions before and after, and the measured curves.

A stroke, and a measurement, draw a part of the page alone: each part notes here what it shows.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vislrp_core import heatmap
from vislrp_core.fills import FILLS
from vislrp_core.masks import Mask
from vislrp_core.network import Network, Prediction
from vislrp_core.report import ReportPart, ReportPicture, ReportTable, map_picture
from vislrp_ui import service, state_flipping
from vislrp_ui.flipping import chart, work
from vislrp_ui.flipping.work import Flipped
from vislrp_ui.service import Maps
from vislrp_ui.shared import reporting
from vislrp_ui.shared.file_names import file_stem
from vislrp_ui.shared.reporting import Surroundings, ViewReport
from vislrp_ui.state import Visit
from vislrp_ui.state_flipping import FlippingMeasurement, FlippingRow

ADDS = "Every row's marked pixels, flipped picture and predictions before and after, the measured curves, and the model."


SIGNS = {"positive": "most positive", "negative": "most negative", "least": "least relevant", "random": "at random"}


@dataclass(frozen=True, eq=False)
class ShownRow:
    """What a row shows; `held` are the words below the flipped picture, as HTML."""

    row: FlippingRow
    marked: Mask
    result: Flipped
    held: str


@dataclass
class FlippingShown:
    """What the page shows now.

    Attributes
    ----------
    visit : Visit
        As it was last drawn.
    rows : dict
        By the rows' numbers.
    measured : tuple or None
        Settings and curves of the measurement.
    """

    visit: Visit
    rows: dict[int, ShownRow] = field(default_factory=dict)
    measured: tuple[FlippingMeasurement, chart.Measured] | None = None


def offer(network: Network, shown: FlippingShown, maps: Maps) -> None:
    """The button."""
    ref = shown.visit.image
    around, seen, before = reporting.surroundings(network), service.view(ref), work.before(network, ref)
    stem = file_stem(f"flipping_{ref.id[:24]}_{network.classes[maps.target]}")
    reporting.button(partial(report_of, around, shown, seen, before, maps), stem, ADDS)


def report_of(
    around: Surroundings, shown: FlippingShown, seen: Image.Image, before: Sequence[Prediction], maps: Maps
) -> ViewReport:
    """What the page shows."""
    visit, network, look = shown.visit, around.network, shown.visit.look
    values, flipping = work.values_of(maps), state_flipping.of(shown.visit)
    name = network.classes[maps.target]
    title = f"Relevance for “{name}”"
    if values is None:
        drawn = ReportPicture(title, None, "", f"{maps.error}.")
    else:
        drawn = map_picture(
            title, values, below=seen if look.overlay else None, opacity=look.opacity, **reporting.look_of(look)
        )
    rows = [shown.rows[one.id] for one in flipping.rows if one.id in shown.rows]
    parts = [_row(one, seen, drawn, values, before, maps.target) for one in rows]
    around_link = around.link(visit, [visit.image])
    lost = [one.title for one in flipping.rows if not flipping.kept_in_address()[one.id]]
    if lost:
        around_link["link_notes"] += (f"The link does not carry what is brushed in {', '.join(lost)}: it is too large.",)
    return ViewReport(
        "Pixel Flipping",
        f"Pixel flipping for “{name}” · {visit.entry().name}",
        reporting.photograph(visit.image, seen),
        before[:6],
        maps.target,
        drawn,
        "",
        (reporting.model_of(visit.model, maps, look),),
        reporting.sums_of(maps, network),
        (*parts, *_measured(shown, name)),
        (("Target class", f"{name} (class {maps.target})"), *reporting.settings(look)),
        around.origin(),
        **around_link,
        warnings=() if maps.error is None else (f"{maps.error}.",),
    )


def _row(
    shown: ShownRow,
    seen: Image.Image,
    drawn: ReportPicture,
    values: NDArray[np.float32] | None,
    before: Sequence[Prediction],
    target: int,
) -> ReportPart:
    row, marked, fill = shown.row, shown.marked, FILLS[shown.row.fill]
    share = f"{100 * marked.mean():.1f}\u202f% of the pixels are marked ({int(marked.sum()):,}).".replace(",", "\u202f")
    sentences = [f"{share} Marked pixels: {fill.short}. {fill.sentence}"]
    if row.sign != "none":
        unit = "single pixels" if row.unit == 1 else f"{row.unit} × {row.unit} patches"
        sentences.append(f"Selected: {SIGNS[row.sign]}, {row.share:g}\u202f% of the pixels, {unit}.")
    if values is not None and marked.any():
        sentences.append(f"{plain(shown.held)}.")
    pictures = [_marked("Marked pixels", seen, marked)]
    if values is not None and drawn.image is not None:
        pictures.append(_marked("Marked pixels on the map", drawn.image, marked))
    if marked.any():
        with Image.open(io.BytesIO(shown.result.png)) as opened:
            flipped = opened.convert("RGB")
        pictures.append(ReportPicture("Flipped picture", flipped, f"The picture after flipping: marked pixels {fill.short}"))
    table = reporting.before_and_after("Predictions before and after", before, shown.result.predictions, target)
    return ReportPart(f"Flipping: {row.title}", tuple(sentences), tuple(pictures), (table,))


def _marked(title: str, picture: Image.Image, marked: Mask) -> ReportPicture:
    with Image.open(io.BytesIO(work.marked_picture(heatmap.png(picture), marked))) as opened:
        image = opened.convert("RGB")
    return ReportPicture(title, image, f"{title}: {100 * marked.mean():.1f} % of the picture, in yellow")


def plain(words: str) -> str:
    """Words of the page without their markup."""
    return html.unescape(re.sub("</?b>", "", words.replace("<br>", "; ")))


def _measured(shown: FlippingShown, target: str) -> list[ReportPart]:
    if shown.measured is None:
        return []
    settings, curves = shown.measured
    if not any(name != chart.RANDOM for name in curves):
        return [ReportPart("Measured flipping", ("Not measured.",))]
    active = shown.visit.entry().name
    how = f"{settings.patch} × {settings.patch} patches, {FILLS[settings.fill].short}, {settings.steps} steps"
    svg = chart.figure(curves, settings.scale, target, active, "", "svg").decode()
    lines = "Solid: most relevant first. Dashed: least relevant first. Dotted: random."
    drawing = ReportPicture(
        "", None, f"The {settings.scale} of “{target}” over the share of flipped patches; {lines}", svg=svg
    )
    scores = chart.table_frame(chart.scores_frame(curves), settings.scale)
    rows = tuple(
        (str(row[0]), *(reporting.number(value, 3) for value in row[1:4]), reporting.number(row[4], 1, "\u202f%"))
        for row in scores.itertuples(index=False)
    )
    table = ReportTable(
        f"Scores by {settings.scale}", tuple(scores.columns), rows, frozenset(range(1, 5)), note=chart.CAPTION
    )
    return [ReportPart("Measured flipping", (f"{how}. {lines}",), (drawing,), (table,), wide=True)]
