"""The comparison as a figure: both files show the same, nothing a name holds can break them."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from vislrp_core import figure
from vislrp_core.figure import Comparison, FigureCell, FigureColumn, FigureRow, Part, comparison_png, comparison_svg, fitted
from vislrp_core.fonts import typeface

SVG = "{http://www.w3.org/2000/svg}"
RED = np.full((224, 224, 3), (200, 20, 30), np.uint8)
PARTS = (Part(10, "#A5DAF4", "#10171E", "γ 0.3", "LRP-γ 0.3  conv1_1 – pool2"), Part(28, "#D8BC58", "#10171E", "0", "LRP-0"))


def comparison(
    *,
    rows: int = 2,
    name: str = "Configuration 1",
    dark: bool = False,
    limit: float | None = None,
    row_limit: float | None = None,
) -> Comparison:
    photograph = Image.new("RGB", (224, 224), (10, 90, 10))
    cells = (FigureCell(RED, "Σ 1.16 · Gini 0.6", None if limit or row_limit else 0.02), FigureCell(None, "not computed"))
    one = FigureRow(photograph, "electric guitar", "rank 2, 13.0 %", cells, row_limit)
    columns = (FigureColumn(name, PARTS, "cosine of classes 0.24"), FigureColumn("Second", PARTS[:1]))
    return Comparison(columns, (one,) * rows, "blue-white-red", dark, limit, "Embedded VGG16; range: 99.5th percentile")


def drawn(shown: Comparison, scale: int = 2) -> Image.Image:
    return Image.open(io.BytesIO(comparison_png(shown, scale))).convert("RGB")


@pytest.mark.parametrize("dark", [False, True])
def test_png_shows_maps_photographs_and_paper(dark):
    image = drawn(comparison(dark=dark))
    colours = {colour: count for count, colour in image.getcolors(1 << 24)}
    assert colours[(200, 20, 30)] == 2 * (2 * figure.CELL) ** 2
    assert colours[(10, 90, 10)] == 2 * (2 * figure.LABEL) ** 2
    assert image.getpixel((2, 2)) == ((18, 22, 27) if dark else (255, 255, 255))
    assert Image.open(io.BytesIO(comparison_png(comparison()))).info["dpi"][0] == pytest.approx(192, abs=1)


def test_scale_and_rows_grow_the_picture():
    one, two = drawn(comparison(rows=1)), drawn(comparison(rows=2))
    assert two.width == one.width and two.height - one.height == 2 * (figure.CELL + figure.BELOW)
    assert drawn(comparison(rows=1), 1).width * 2 == pytest.approx(one.width, abs=2)


def test_svg_holds_the_same_texts_and_pictures():
    tree = ElementTree.fromstring(comparison_svg(comparison()))
    texts = [element.text for element in tree.iter(f"{SVG}text")]
    for text in ("Configuration 1", "electric guitar", "LRP-0", "γ 0.3", "cosine of classes 0.24", "negative"):
        assert text in texts
    assert texts.count("not computed") == 2
    assert len(list(tree.iter(f"{SVG}image"))) == 2 + 2 + 1
    assert all(element.get("href").startswith("data:image/png;base64,") for element in tree.iter(f"{SVG}image"))
    assert float(tree.get("width")) * 2 == pytest.approx(drawn(comparison()).width, abs=2)


@pytest.mark.parametrize(("shown", "bars"), [(comparison(limit=0.25), 1), (comparison(row_limit=0.25), 2)])
def test_shared_ranges_have_their_numbers(shown, bars):
    texts = [element.text for element in ElementTree.fromstring(comparison_svg(shown)).iter(f"{SVG}text")]
    assert texts.count("−0.25") == texts.count("+0.25") == bars
    assert "negative" not in texts and not any("±" in text for text in texts)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", 'a "b" & \u0000 \x1b c', "∑" * 300, "]]>", "😀"])
def test_hostile_names(name):
    tree = ElementTree.fromstring(comparison_svg(comparison(name=name)))
    assert {element.tag for element in tree.iter()} <= {f"{SVG}{tag}" for tag in ("svg", "rect", "text", "image")}
    assert drawn(comparison(name=name)).width > 0


def test_a_line_that_is_too_long_is_cut():
    line = fitted("a rather long name of a model that nobody can read", 14, 120)
    assert line.endswith("…") and typeface(14).getlength(line) <= 120
    assert fitted(" two\n words ", 14, 500) == "two words"
