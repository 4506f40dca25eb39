"""A report as one HTML file: no script, nothing loaded from elsewhere, every text of users and files escaped.

The text is well-formed XML, too, apart from its first line, so that any parser reads it.
"""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import vislrp_core
from vislrp_core.formula import formula_mathml
from vislrp_core.heatmap import SMOOTH_FROM, colorbar_png, format_value
from vislrp_core.model import Segment
from vislrp_core.parameters import PARAMETERS, format_number
from vislrp_core.report import (
    CITATION,
    CONVENTIONS,
    Cell,
    ReportModel,
    ReportPart,
    ReportPicture,
    ReportSums,
    ReportTable,
    ViewReport,
)
from vislrp_core.report_chart import sums_svg
from vislrp_core.report_style import POLICY, STYLE
from vislrp_core.spectra import find_spectrum
from vislrp_core.texts import as_html as text
from vislrp_core.trace import percent

SIDES = (448, 256, 128, 64)
"""Longer sides of pictures in pixels: the first with which all of them fit."""
MAX_PICTURES = 8_000_000
"""Bytes of all pictures together."""
MAX_SHOWN_LINK = 500
"""Characters of an address that is printed in full."""


def html_of(report: ViewReport) -> str:
    """The file's text, in UTF-8 when it is written.

    Parameters
    ----------
    report : ViewReport

    Returns
    -------
    str
        A whole document; its pictures take at most `MAX_PICTURES` bytes, smaller ones where they are many.
    """
    writer = _Writer(report)
    title = text(f"{report.title} · VisLRP Designer")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}"/>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"/>'
        '<meta name="referrer" content="no-referrer"/>'
        f'<meta name="generator" content="VisLRP Designer {escape(vislrp_core.__version__)}"/>'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body><main>\n{''.join(writer.body())}</main></body></html>\n"
    )


def aligned_numbers(columns: Sequence[NDArray[np.float64]]) -> list[list[str]]:
    """Rows of numbers with as many decimals as the largest needs for four digits, at least three; a dash for NaN."""
    whole = np.stack(columns, axis=1)
    largest = float(np.abs(whole[np.isfinite(whole)]).max(initial=0.0))
    decimals = max(3, 3 - math.floor(math.log10(largest))) if largest > 0 else 3
    # Beyond that many a power of ten is shorter, such as for a start of 1e-12.
    shown = "{:.3e}" if decimals > 9 or largest >= 1e9 else f"{{:.{decimals}f}}"

    def one(value: float) -> str:
        if not math.isfinite(value):
            return "–"
        return shown.format(value + 0.0 if abs(value) >= 0.5 * 10.0**-decimals else 0.0).replace("-", "−")

    return [[one(value) for value in row] for row in whole.tolist()]


class _Writer:
    """Writes one report; how large its pictures are was decided first."""

    def __init__(self, report: ViewReport) -> None:
        self.report = report
        self.sources = _sources(list(_pictures(report)))
        self._bars: dict[tuple[str, bool], str] = {}

    def body(self) -> Iterator[str]:
        """The sections in their order."""
        report = self.report
        yield self._head()
        yield self._view()
        yield from (self._model(one, alone=len(report.models) == 1) for one in report.models)
        if report.sums is not None:
            yield self._sums(report.sums)
        yield from (self._part(one) for one in report.parts)
        yield self._origin()

    def _head(self) -> str:
        report = self.report
        stated = dict(report.origin)
        network = f" · {text(stated['Network'])}" if "Network" in stated else ""
        notes = "".join(f"<p><strong>Note:</strong> {text(one)}</p>" for one in report.warnings)
        return (
            f'<header><p class="quiet">VisLRP Designer · report of {text(report.page)}</p><h1>{text(report.title)}</h1>'
            f'<p class="quiet"><time datetime="{report.made.isoformat(timespec="seconds")}">'
            f"{text(date(report))}</time>{network}</p>{notes}</header>\n"
        )

    def _view(self) -> str:
        report, parts = self.report, []
        if report.picture is not None or report.predictions:
            parts.append(
                f'<section><h2>Picture and predictions</h2><div class="pair">{self._figure(report.picture)}'
                f"<div>{self._predictions()}</div></div></section>\n"
            )
        if report.map is not None or report.facts:
            facts = f"<p>{text(report.facts)}</p>" if report.facts else ""
            parts.append(
                f'<section><h2>Relevance</h2><div class="pair">{self._figure(report.map)}<div>{facts}'
                '<p class="quiet">Positive relevance speaks for the class, negative relevance against it; the neutral '
                "colour is zero.</p></div></div></section>\n"
            )
        return "".join(parts)

    def _predictions(self) -> str:
        report = self.report
        if not report.predictions:
            return ""
        rows = []
        for one in report.predictions:
            explained = one.index == report.target
            bar = (
                '<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none">'
                f'<rect class="fill" width="{100 * one.probability:.2f}" height="10"/></svg>'
            )
            logit = f"{one.logit:.1f}".replace("-", "−")
            mark = " (explained)" if explained else ""
            rows.append(
                f'<tr{_class("marked", explained)}><th scope="row">{text(one.name)}{mark}</th>'
                f'<td class="number">{logit}</td><td class="number">{text(percent(one.probability))}\u202f%</td>'
                f"<td>{bar}</td></tr>"
            )
        return (
            '<table><caption>The most probable classes</caption><thead><tr><th scope="col">Class</th><th scope="col" '
            'class="number">Logit</th><th scope="col" class="number">Probability</th><td></td></tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table>"
        )

    # --- models -------------------------------------------------------------------------------------------------------

    def _model(self, shown: ReportModel, *, alone: bool) -> str:
        model = shown.model
        described = f"<p>{text(model.description)}</p>" if model.description else ""
        chosen = "".join(
            f"<dt>{title}</dt><dd>{text(choices[key := getattr(model, name)].title)}: {text(choices[key].sentence)}</dd>"
            for name, (title, choices) in CONVENTIONS.items()
        )
        segments = "".join(self._segment(shown, place, one) for place, one in enumerate(model.segments))
        title = "Model" if alone else "Model:"
        lead = f"<p><b>{text(model.name)}</b></p>" if alone else ""
        name = "" if alone else f" {text(model.name)}"
        maps = ", each with the map that it hands on; every map has its own range" if shown.maps else ""
        count = len(model.segments)
        return (
            f"<section><h2>{title}{name}</h2>{lead}{described}<h3>Conventions</h3><dl>{chosen}</dl>"
            f'<h3>Segments</h3><p class="quiet">{count} segment{"s" * (count != 1)} from the pixels up{maps}.</p>'
            f"{segments}</section>\n"
        )

    def _segment(self, shown: ReportModel, place: int, segment: Segment) -> str:
        rows, rule = shown.model.plan, segment.rule
        colour = shown.colours[place % len(shown.colours)] if shown.colours else ""
        swatch = f'<span class="swatch" style="background:{escape(colour)}"></span>' if colour else ""
        span = rows.name(segment.first)
        span += f" – {rows.name(segment.last)}" if segment.last > segment.first else ""
        layers = f"layers {segment.first} to {segment.last}" if segment.last > segment.first else f"layer {segment.first}"
        if rule.kind.takes_parameters:
            values = ", ".join(
                f"{one.symbol} = {format_number(getattr(rule, one.key))}".replace("-", "−") for one in PARAMETERS
            )
            values += "; ε relative to rms(z)" if rule.epsilon and rule.epsilon_scale == "relative" else ""
        else:
            values = f"{rule.short} uses no parameter: {rule.kind.no_parameters}"
        picture = shown.maps.get(segment.first - 1)
        told = f"{rule.title} ({rule.short})" if rule.short not in rule.title else rule.title
        warnings = "".join(f"<p><strong>Note:</strong> {text(one)}</p>" for one in rule.warnings())
        return (
            f'<article class="segment"><div><h4>{swatch}Segment {place + 1}: {text(told)}</h4>'
            f'<p class="quiet">{text(span)}, {layers}</p><div class="formula">{formula_mathml(rule)}</div>'
            f'<p class="quiet">{text(values)}</p>{warnings}</div>{self._figure(picture)}</article>'
        )

    # --- conservation -------------------------------------------------------------------------------------------------

    def _sums(self, sums: ReportSums) -> str:
        rows = aligned_numbers((sums.positive, sums.negative, sums.total, sums.absorbed))
        table = ReportTable(
            "Sums of relevance by layer; “absorbed” is what a layer does not hand on",
            ("Layer", "Name", "Positive", "Negative", "Total", "Absorbed"),
            tuple((str(layer), name, *row) for layer, (name, row) in enumerate(zip(sums.names, rows, strict=True))),
            frozenset((0, 2, 3, 4, 5)),
        )
        start, end = rows[-1][2], rows[0][2]
        title = f"Relevance by layer: the sum is {start} at the start and {end} at the pixels; the table has all numbers."
        chart = sums_svg(sums.names, sums.positive.tolist(), sums.negative.tolist(), title) if _any(sums) else ""
        return (
            '<section><div class="keep"><h2>Conservation</h2><p class="quiet">Bars: positive and negative relevance of each '
            f"layer. Line: their sum.</p>{chart}</div>{self._table(table)}</section>\n"
        )

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _part(self, part: ReportPart) -> str:
        sentences = "".join(f"<p>{text(one)}</p>" for one in part.sentences)
        pictures = "".join(map(self._figure, part.pictures))
        if pictures:
            pictures = f'<div class="{"wide" if part.wide else "many"}">{pictures}</div>'
        tables = "".join(map(self._table, part.tables))
        return f"<section><h2>{text(part.title)}</h2>{sentences}{pictures}{tables}</section>\n"

    def _table(self, table: ReportTable) -> str:
        def aligned(column: int) -> str:
            return _class("number", column in table.numeric)

        head = "".join(f'<th scope="col"{aligned(place)}>{text(one)}</th>' for place, one in enumerate(table.head))
        rows = []
        for place, row in enumerate(table.rows):
            first, *others = map(self._cell, row)
            cells = "".join(f"<td{aligned(column)}>{one}</td>" for column, one in enumerate(others, start=1))
            rows.append(f'<tr{_class("marked", place in table.marked)}><th scope="row"{aligned(0)}>{first}</th>{cells}</tr>')
        pictures = any(isinstance(cell, ReportPicture) for row in table.rows for cell in row)
        note = f'<p class="quiet">{text(table.note)}</p>' if table.note else ""
        return (
            f'<div class="scroll"><table{_class("pictures", pictures)}><caption>{text(table.title)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{note}"
        )

    def _cell(self, cell: Cell) -> str:
        return self._figure(cell) if isinstance(cell, ReportPicture) else text(cell)

    def _figure(self, picture: ReportPicture | None) -> str:
        if picture is None:
            return ""
        title = f"<b>{text(picture.title)}</b>" if picture.title else ""
        note = f"<div>{text(picture.note)}</div>" if picture.note else ""
        source = self.sources.get(id(picture), "")
        if picture.image is None and not picture.svg:
            return f'<div class="left-out">{title}{note}</div>'
        if not source:
            note += "<div>Left out: with it the file would be too large.</div>"
            return f'<div class="left-out">{title}{note}</div>'
        image = picture.image
        hard = " hard" if image is not None and max(image.size) < SMOOTH_FROM else ""
        bar = self._bar(picture) if picture.limit is not None else ""
        caption = f"<figcaption>{title}{bar}{note}</figcaption>" if title or bar or note else ""
        return f'<figure><img class="shown{hard}" src="{source}" alt="{text(picture.alt)}"/>{caption}</figure>'

    def _bar(self, picture: ReportPicture) -> str:
        key = (picture.spectrum, picture.dark)
        if key not in self._bars:
            self._bars[key] = _address(colorbar_png(picture.spectrum, picture.dark, width=128, height=6), "png")
        end = format_value(picture.limit or 0.0)
        ends = (f"−{end}", f"+{end}") if find_spectrum(picture.spectrum).diverging else ("0", end)
        return f'<div class="bar"><span>{ends[0]}</span><img src="{self._bars[key]}" alt="to"/><span>{ends[1]}</span></div>'

    def _origin(self) -> str:
        report = self.report

        def listed(pairs: tuple[tuple[str, str], ...]) -> str:
            return "<dl>" + "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in pairs) + "</dl>"

        settings = f"<section><h2>Settings</h2>{listed(report.settings)}</section>\n" if report.settings else ""
        origin = listed((*report.origin, ("Made", date(report))))
        cited = "".join(f"<li>{text(one)}</li>" for one in CITATION)
        return (
            f"{settings}<section><h2>Network and versions</h2>{origin}</section>\n{self._link()}"
            f"<section><h2>How to cite</h2><ul>{cited}</ul></section>\n"
        )

    def _link(self) -> str:
        report = self.report
        if not report.link and not report.link_notes:
            return ""
        shown = f"<p>{text(report.link)}</p>" if report.link else ""
        if re.match(r"https?://", report.link):
            long = len(report.link) > MAX_SHOWN_LINK
            words = f"Open this view (an address of {len(report.link)} characters)" if long else report.link
            shown = f'<p class="link"><a href="{text(report.link)}" rel="noreferrer">{text(words)}</a></p>'
        notes = "".join(f"<p>{text(one)}</p>" for one in report.link_notes)
        code = ""
        if report.link_code:
            size = "code fine" if len(report.link) > MAX_SHOWN_LINK else "code"
            source = _address(report.link_code.encode(), "svg+xml")
            code = f'<img class="{size}" src="{source}" alt="QR code of the link"/>'
        return f"<section><h2>Link to this view</h2>{shown}{notes}{code}</section>\n"


def _class(name: str, on: bool) -> str:
    return f' class="{name}"' if on else ""


def date(report: ViewReport) -> str:
    """When a report was made."""
    made = report.made
    return f"{made.day} {made:%B %Y, %H:%M} {made.tzname() or ''}".strip()


def _any(sums: ReportSums) -> bool:
    return bool(np.isfinite(sums.total).any())


def _pictures(report: ViewReport) -> Iterator[ReportPicture]:
    """All pictures; the first ones are those that are kept where not all fit."""
    yield from (one for one in (report.picture, report.map) if one is not None)
    for model in report.models:
        yield from model.maps.values()
    for part in report.parts:
        yield from part.pictures
        for table in part.tables:
            yield from (cell for row in table.rows for cell in row if isinstance(cell, ReportPicture))


def _sources(pictures: list[ReportPicture]) -> dict[int, str]:
    """Addresses of the pictures by their identity, together at most `MAX_PICTURES` bytes."""
    found: dict[int, str] = {}
    for side in SIDES:
        found = {id(one): _source(one, side) for one in pictures}
        if sum(map(len, found.values())) <= MAX_PICTURES:
            return found
    kept, room = {}, MAX_PICTURES
    for key, source in found.items():
        if len(source) <= room:
            kept[key] = source
            room -= len(source)
    return kept


def _source(picture: ReportPicture, side: int) -> str:
    if picture.svg:
        return _address(picture.svg.encode(), "svg+xml")
    image = picture.image
    if image is None:
        return ""
    longest = max(image.size)
    buffer = io.BytesIO()
    if longest < SMOOTH_FROM and longest <= side:  # few pixels, each of which is a value
        image.save(buffer, "WEBP", lossless=True, method=1)
    else:
        if longest > side:
            size = [max(1, round(length * side / longest)) for length in image.size]
            image = image.resize((size[0], size[1]), Image.Resampling.BICUBIC)
        image.convert("RGB").save(buffer, "WEBP", quality=90, method=2)
    return _address(buffer.getvalue(), "webp")


def _address(file: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(file).decode('ascii')}"
