"""A comparison as one figure for papers and talks: rows of image and class, columns of models, as PNG or SVG.

The layout is made once, as texts, boxes and pictures at places in units of 1/96 inch; two writers turn it into files.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vislrp_core.fonts import typeface
from vislrp_core.heatmap import format_value, picture
from vislrp_core.spectra import LEVELS, find_spectrum, rgb, table

MARGIN, GAP, CELL, LABEL, BELOW = 20, 14, 200, 124, 40
TITLE, BODY, SMALL = 14, 11, 10
FONTS = "DejaVu Sans, Verdana, sans-serif"


@dataclass(frozen=True)
class Part:
    """One segment in the head of a column: its share of the layers, colours, short name, and its line of text."""

    layers: int
    fill: str
    ink: str
    short: str
    line: str


@dataclass(frozen=True)
class FigureColumn:
    """Head of a column, and the facts of its model over all rows."""

    title: str
    parts: tuple[Part, ...]
    facts: str = ""


@dataclass(frozen=True, eq=False)
class FigureCell:
    """Coloured map (H, W, 3) uint8, or None with the reason in `note`; `limit` where the map has a range of its own."""

    pixels: NDArray[np.uint8] | None
    note: str = ""
    limit: float | None = None


@dataclass(frozen=True, eq=False)
class FigureRow:
    """Image, class and maps; `limit` where the row's maps share a range."""

    image: Image.Image
    title: str
    subtitle: str
    cells: tuple[FigureCell, ...]
    limit: float | None = None


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that the figure shows.

    Attributes
    ----------
    limit : float or None
        Value of the strongest colour where all maps share it.
    spectrum : str
        Key of `SPECTRA`.
    caption : str
        Last line: network, range.
    """

    columns: tuple[FigureColumn, ...]
    rows: tuple[FigureRow, ...]
    spectrum: str
    dark: bool = False
    limit: float | None = None
    caption: str = ""


@dataclass(frozen=True)
class _Text:
    x: float
    y: float
    text: str
    size: int
    colour: str
    anchor: str = "start"


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    width: float
    height: float
    fill: str


@dataclass(frozen=True, eq=False)
class _Picture:
    x: float
    y: float
    width: float
    height: float
    image: Image.Image


@dataclass
class _Sheet:
    paper: str
    ink: str
    muted: str
    frame: str
    items: list[_Text | _Box | _Picture] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    def write(
        self,
        x: float,
        y: float,
        text: str,
        size: int = BODY,
        *,
        room: float,
        muted: bool = False,
        colour: str = "",
        anchor: str = "start",
    ) -> None:
        """One line whose top is at y, cut where it is wider than the room."""
        if text:
            ink = colour or (self.muted if muted else self.ink)
            self.items.append(_Text(x, y, fitted(text, size, room), size, ink, anchor))


def fitted(text: str, size: int, room: float) -> str:
    """One line that is not wider than the room, cut with "…"."""
    font, line = typeface(size), " ".join(text.split())
    if font.getlength(line) <= room:
        return line
    while line and font.getlength(line + "…") > room:
        line = line[:-1]
    return line.rstrip() + "…"


def _sheet(shown: Comparison) -> _Sheet:
    sheet = (
        _Sheet("#12161B", "#E6EAEF", "#9AA4B0", "#3A434D")
        if shown.dark
        else _Sheet("#FFFFFF", "#1B2430", "#5E6976", "#DDE2E8")
    )
    left = MARGIN + LABEL + GAP
    sheet.width = left + len(shown.columns) * (CELL + GAP) - GAP + MARGIN
    y = _heads(sheet, shown, left)
    for row in shown.rows:
        y = _row(sheet, shown, row, left, y)
    if any(column.facts for column in shown.columns):
        for place, column in enumerate(shown.columns):
            sheet.write(left + place * (CELL + GAP), y, column.facts, BODY, room=CELL)
        sheet.write(MARGIN, y, "Mean of the rows", SMALL, room=LABEL, muted=True)
        y += BODY + 12
    if shown.limit is not None or all(row.limit is None for row in shown.rows):
        _bar(sheet, shown, sheet.width - MARGIN - CELL, y, CELL, shown.limit)
    sheet.write(MARGIN, y, shown.caption, SMALL, room=sheet.width - 2 * MARGIN - CELL - GAP, muted=True)
    sheet.height = y + 22 + MARGIN
    return sheet


def _heads(sheet: _Sheet, shown: Comparison, left: float) -> float:
    for place, column in enumerate(shown.columns):
        x, y = left + place * (CELL + GAP), float(MARGIN)
        sheet.write(x, y, column.title, TITLE, room=CELL)
        y += TITLE + 8
        whole, at = sum(part.layers for part in column.parts), x
        for part in column.parts:
            width = CELL * part.layers / whole
            sheet.items.append(_Box(at, y, width - 1, 15, part.fill))
            if typeface(SMALL).getlength(part.short) <= width - 6:
                sheet.write(at + width / 2, y + 1.5, part.short, SMALL, room=width, colour=part.ink, anchor="middle")
            at += width
        y += 21
        for part in column.parts:
            sheet.items.append(_Box(x, y + 2, 7, 7, part.fill))
            sheet.write(x + 12, y, part.line, SMALL, room=CELL - 12)
            y += SMALL + 4
    return MARGIN + TITLE + 8 + 21 + max(len(column.parts) for column in shown.columns) * (SMALL + 4) + 6


def _row(sheet: _Sheet, shown: Comparison, row: FigureRow, left: float, y: float) -> float:
    sheet.items.append(_Picture(MARGIN, y, LABEL, LABEL, row.image))
    sheet.write(MARGIN, y + LABEL + 6, row.title, TITLE - 1, room=LABEL)
    sheet.write(MARGIN, y + LABEL + 6 + TITLE + 4, row.subtitle, SMALL, room=LABEL, muted=True)
    if row.limit is not None:
        _bar(sheet, shown, MARGIN, y + LABEL + 46, LABEL, row.limit)
    for place, cell in enumerate(row.cells):
        x = left + place * (CELL + GAP)
        sheet.items.append(_Box(x - 1, y - 1, CELL + 2, CELL + 2, sheet.frame))
        if cell.pixels is None:
            sheet.items.append(_Box(x, y, CELL, CELL, sheet.paper))
            sheet.write(x + CELL / 2, y + CELL / 2, cell.note, BODY, room=CELL - 16, muted=True, anchor="middle")
            continue
        sheet.items.append(_Picture(x, y, CELL, CELL, picture(cell.pixels)))
        sheet.write(x, y + CELL + 5, cell.note, SMALL, room=CELL, muted=True)
        if cell.limit is not None:  # a line of its own: a number must not be cut
            sheet.write(x, y + CELL + 18, f"± {format_value(cell.limit)}", SMALL, room=CELL, muted=True)
    return y + CELL + BELOW


def _bar(sheet: _Sheet, shown: Comparison, x: float, y: float, width: float, limit: float | None) -> None:
    """Colour bar with numbers, or with words where each map has its own range."""
    levels = np.rint(np.linspace(0, LEVELS - 1, 256)).astype(np.intp)
    strip = table(find_spectrum(shown.spectrum), shown.dark)[levels][None].repeat(8, axis=0)
    sheet.items.append(_Picture(x, y, width, 8, Image.fromarray(np.ascontiguousarray(strip))))
    texts = ("negative", "0", "positive") if limit is None else (f"−{format_value(limit)}", "0", f"+{format_value(limit)}")
    for text, at, anchor in zip(texts, (x, x + width / 2, x + width), ("start", "middle", "end"), strict=True):
        sheet.write(at, y + 11, text, SMALL, room=width / 2, muted=True, anchor=anchor)


def comparison_png(shown: Comparison, scale: int = 2) -> bytes:
    """The figure as a PNG file.

    Parameters
    ----------
    shown : Comparison
    scale : int
        Pixels per unit; 2 gives 192 pixels per inch.
    """
    sheet = _sheet(shown)
    image = Image.new("RGB", (round(scale * sheet.width), round(scale * sheet.height)), rgb(sheet.paper))
    draw = ImageDraw.Draw(image)
    for item in sheet.items:
        if isinstance(item, _Box):
            draw.rectangle(
                (
                    round(scale * item.x),
                    round(scale * item.y),
                    round(scale * (item.x + item.width)) - 1,
                    round(scale * (item.y + item.height)) - 1,
                ),
                rgb(item.fill),
            )
        elif isinstance(item, _Picture):
            size = round(scale * item.width), round(scale * item.height)
            image.paste(
                item.image.convert("RGB").resize(size, Image.Resampling.BICUBIC),
                (round(scale * item.x), round(scale * item.y)),
            )
        else:
            anchor = {"start": "la", "middle": "ma", "end": "ra"}[item.anchor]
            draw.text(
                (scale * item.x, scale * item.y), item.text, rgb(item.colour), typeface(scale * item.size), anchor=anchor
            )
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6, dpi=(96 * scale, 96 * scale))
    return buffer.getvalue()


def comparison_svg(shown: Comparison) -> str:
    """The figure as an SVG file: texts stay texts, maps are embedded at their own size."""
    sheet = _sheet(shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{sheet.width:g}" height="{sheet.height:g}" '
        f'viewBox="0 0 {sheet.width:g} {sheet.height:g}" font-family="{FONTS}">',
        f'<rect width="100%" height="100%" fill="{sheet.paper}"/>',
    ]
    for item in sheet.items:
        if isinstance(item, _Box):
            parts.append(
                f'<rect x="{item.x:g}" y="{item.y:g}" width="{item.width:g}" height="{item.height:g}" fill="{item.fill}"/>'
            )
        elif isinstance(item, _Picture):
            parts.append(
                f'<image x="{item.x:g}" y="{item.y:g}" width="{item.width:g}" height="{item.height:g}" '
                f'preserveAspectRatio="none" href="{_address(item.image)}"/>'
            )
        else:
            # y of SVG text is its base line; DejaVu Sans rises 0.93 of its size above it.
            parts.append(
                f'<text x="{item.x:g}" y="{item.y + 0.93 * item.size:g}" font-size="{item.size}" '
                f'fill="{item.colour}" text-anchor="{item.anchor}">{escape(_printable(item.text))}</text>'
            )
    return "\n".join([*parts, "</svg>\n"])


def _printable(text: str) -> str:
    """Without control characters, which XML does not allow."""
    return "".join(character for character in text if character.isprintable())


def _address(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
