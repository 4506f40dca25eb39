"""Reports: well-formed and closed whatever names, pictures and numbers they are given."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from tests.support.networks import tiny_network
from tests.support.report import MATH, listed, parsed, rows, section, words
from vislrp_core import report_html
from vislrp_core.formula import formula_mathml
from vislrp_core.model import LRPModel, Segment
from vislrp_core.network import Prediction
from vislrp_core.report import (
    CITATION,
    ReportModel,
    ReportPart,
    ReportPicture,
    ReportSums,
    ReportTable,
    ViewReport,
    look_settings,
    map_picture,
    origin_of,
    segment_maps,
)
from vislrp_core.report_html import aligned_numbers, html_of
from vislrp_core.rules import Rule

ROOT = Path(__file__).resolve().parents[2]
EVIL = "<script>alert(1)</script>\" onload='x' &amp; ]]> \x00\x0b\ud800\u202e\ufffe<img src=http://x.org/y>"
SHOWN = "<script>alert(1)</script>\" onload='x' &amp; ]]> \ufffd\ufffd\ufffd\ufffd<img src=http://x.org/y>"
MANY = LRPModel(
    name="Many", segments=tuple(Segment(first=k, last=k, rule=Rule.of("gamma", gamma1p=k / 100)) for k in range(1, 39))
)


def noise(width: int, height: int) -> Image.Image:
    dice = np.random.default_rng(width)
    return Image.fromarray(dice.integers(0, 255, (height, width, 3), dtype=np.uint8))


def sums(count: int = 39, scale: float = 1.0) -> ReportSums:
    dice = np.random.default_rng(0)
    return ReportSums(tuple(f"row{k}" for k in range(count)), scale * (1 + dice.random(count)), -scale * dice.random(count))


def test_whatever_users_and_files_name_is_text() -> None:
    picture = ReportPicture(EVIL, noise(40, 30), EVIL, EVIL, 1.5)
    network = replace(tiny_network(), title=EVIL, digest=EVIL)
    model = LRPModel.basic("x").model_copy(update={"name": EVIL, "description": EVIL})
    report = ViewReport(
        EVIL,
        EVIL,
        picture,
        (Prediction(0, EVIL, -1.25, 1e-9), Prediction(1, "b", 3.0, 1 - 1e-9)),
        1,
        picture,
        EVIL,
        (ReportModel(model, {0: picture}, ('red"><script>',)),),
        replace(sums(3), names=(EVIL, "a", "b")),
        (ReportPart(EVIL, (EVIL,), (picture,), (ReportTable(EVIL, (EVIL, "x"), ((EVIL, picture),), note=EVIL),)),),
        ((EVIL, EVIL),),
        origin_of(network, Streamlit=EVIL),
        "javascript:alert(1)//" + EVIL,
        (EVIL,),
        (EVIL,),
    )
    root = parsed(html_of(report))
    assert words(root.find(".//h1")) == words(SHOWN) and not list(root.iter("a"))
    assert rows(section(root, "Picture"))[0][:3] == [words(SHOWN), "−1.2", "<0.1 %"]
    assert rows(section(root, "Picture"))[1][:3] == ["b (explained)", "3.0", ">99.9 %"]
    policy = next(one.attrib["content"] for one in root.iter("meta") if "http-equiv" in one.attrib)
    assert "default-src 'none'" in policy and "script" not in policy


def test_every_segment_has_its_formula_its_map_and_its_alt_text() -> None:
    maps = {segment.first - 1: np.full((7, 7), segment.first, dtype=np.float32) for segment in MANY.segments[1:]}
    shown = ReportModel(MANY, segment_maps(MANY, maps), ("#A5DAF4", "#D8BC58"))
    root = parsed(html_of(ViewReport("Design", "t", models=(shown,), sums=sums())))
    articles = list(section(root, "Model").iter("article"))
    assert len(articles) == 38
    for number, (article, segment) in enumerate(zip(articles, MANY.segments, strict=True), start=1):
        assert words(article.find(".//h4")).startswith(f"Segment {number}: LRP-γ")
        assert words(article.find(f".//{MATH}math")) == words(re.sub("<[^>]+>", "", formula_mathml(segment.rule)))
        assert (article.find(".//img") is not None) == (number > 1)  # the first one's map is not known
    assert len(list(section(root, "Model").iter("dt"))) == 5
    assert "sum 98" in str(articles[1].find(".//img").attrib["alt"])  # type: ignore[union-attr]


def test_pictures_are_bounded_one_by_one_and_together(monkeypatch: pytest.MonkeyPatch) -> None:
    large = ReportPicture("large", noise(1600, 1200), "far larger than a report shows")
    assert len(html_of(ViewReport("Design", "t", large))) < 400_000
    many = tuple(ReportPicture(str(k), noise(230 + k, 230), "noise") for k in range(12))
    monkeypatch.setattr(report_html, "MAX_PICTURES", 100_000)
    small = parsed(html_of(ViewReport("Compare", "t", parts=(ReportPart("p", pictures=many),))))
    assert sum(len(one.attrib["src"]) for one in small.iter("img")) <= 100_000
    assert len(list(small.iter("img"))) == 12, "smaller ones first"
    monkeypatch.setattr(report_html, "MAX_PICTURES", 5_000)
    fewer = parsed(html_of(ViewReport("Compare", "t", parts=(ReportPart("p", pictures=many),))))
    assert 0 < len(list(fewer.iter("img"))) < 12 and "Left out" in words(fewer)


@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e-3, 1.0, 3e4, 1e20])
def test_the_chart_and_the_table_hold_for_any_size_of_relevance(scale: float) -> None:
    held = sums(scale=scale)
    root = parsed(html_of(ViewReport("Design", "t", sums=held)))
    told = rows(section(root, "Conservation"))
    for row, positive, absorbed in zip(told, held.positive, held.absorbed, strict=True):
        assert float(row[2].replace("−", "-")) == pytest.approx(positive, rel=1e-3)
        assert float(row[5].replace("−", "-")) == pytest.approx(absorbed, abs=1e-3 * scale)
    chart = section(root, "Conservation").find(".//{http://www.w3.org/2000/svg}svg")
    assert chart is not None and row[4] in chart.attrib["aria-label"]
    heights = [float(one.attrib["height"]) for one in chart.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(heights) == 78 and max(heights) <= 231 and (max(heights) > 100) == (scale > 0)


def test_what_is_not_known_is_a_dash_and_has_no_bar() -> None:
    held = sums()
    held.positive[:10] = held.negative[:10] = np.nan
    missing = ReportPicture("Relevance", None, "", "not finite below conv3_1")
    root = parsed(html_of(ViewReport("Design", "t", map=missing, sums=held, warnings=("It failed.",))))
    told = rows(section(root, "Conservation"))
    assert [row[2] for row in told[:10]] == ["–"] * 10 and "–" not in told[11]
    assert len(list(root.iter("{http://www.w3.org/2000/svg}rect"))) == 58
    assert "not finite below conv3_1" in words(section(root, "Relevance")) and "Note: It failed." in words(root)
    held.positive[:] = np.nan
    assert "–" in rows(section(parsed(html_of(ViewReport("Design", "t", sums=held))), "Conservation"))[20]
    assert aligned_numbers((np.array([-0.0004, 12.0]),)) == [["0.000"], ["12.000"]]


def test_links_are_followed_only_to_the_web_and_long_ones_are_named() -> None:
    short, long = "https://x.org/Design?image=a&target=1", "http://x.org/?model=" + "m" * 5000
    root = parsed(html_of(ViewReport("Design", "t", link=short, link_notes=("No picture.",))))
    assert [(one.attrib["href"], words(one)) for one in root.iter("a")] == [(short, short)]
    assert "No picture." in words(section(root, "Link"))
    assert not list(root.iter("img")), "no code where none was drawn"
    one = next(parsed(html_of(ViewReport("Design", "t", link=long))).iter("a"))
    assert one.attrib["href"] == long and words(one) == f"Open this view (an address of {len(long)} characters)"


def test_settings_versions_and_citation_are_those_in_force() -> None:
    network = tiny_network(dtype=torch.float64)
    root = parsed(
        html_of(
            ViewReport("explain", "t", settings=look_settings("blue-white-red", "p99", 0.4, True), origin=origin_of(network))
        )
    )
    assert listed(section(root, "Settings")) == {
        "Colour map": "Blue, white, red; zero is the neutral colour",
        "Normalization": "range: 99th percentile of absolute values",
        "Over the image": "yes, opacity 0.4",
        "Background of the maps": "dark",
    }
    stated = listed(section(root, "Network"))
    assert stated["Arithmetic"] == "double precision (float64) on cpu" and torch.__version__ in stated["Versions"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    told = words(section(root, "How to cite"))
    assert cited["title"] in told and str(cited["version"]) in told and len(CITATION) == 1 + len(cited["references"])
    assert all(one["doi"] in told and one["title"] in told for one in cited["references"])
    assert map_picture("m", np.zeros((4, 4))).alt == "Heatmap: m, 4 × 4, colours from −0 to 0, sum 0"
