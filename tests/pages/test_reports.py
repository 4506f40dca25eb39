"""The report of each page holds what the page shows, with the same numbers."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from base64 import b64decode
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import net, payload, visit_of
from tests.support.report import MATH, Clicks, listed, rows, section, words
from vislrp_core import compact, edits, masks
from vislrp_core.model import LRPModel
from vislrp_core.rules import Rule
from vislrp_ui import service
from vislrp_ui.caches import ByteCache
from vislrp_ui.design.sums import sums_frame
from vislrp_ui.flipping.measured import _JOB
from vislrp_ui.shared import codes, flipping_job

Open = Callable[..., AppTest]
EVIL = "<script>alert(1)</script> & “Co” ]]> \u202e"


@pytest.fixture
def clicks(monkeypatch: pytest.MonkeyPatch) -> Clicks:
    return Clicks(monkeypatch)


def opened(app: AppTest, *menus: str) -> AppTest:
    for name in menus:
        app.session_state[f"menu-{name}"] = True
    app.run()
    assert not app.exception
    return app


def test_design(open_page: Open, clicks: Clicks) -> None:
    model = LRPModel.load("model_store/configuration_5.json").model_copy(update={"name": EVIL})
    app = opened(
        open_page("1_Design", model=compact.encode(model), spectrum="brown-white-teal", target="3"),
        "export",
        "upload",
        "download",
    )
    before = service.counters.forward_passes, service.counters.propagations
    root = clicks.file()
    assert (service.counters.forward_passes, service.counters.propagations) == before, "nothing is computed for it"
    visit = visit_of(app)
    maps = service.maps(net(), visit.image, visit.model, visit.target)
    assert words(root.find(".//h1")) == "Relevance for “cliff” · <script>alert(1)</script> & “Co” ]]>"
    shown = payload(app, "design-classes")["rows"]
    told = rows(section(root, "Picture"))
    assert [row[:3] for row in told] == [
        [one["name"] + (" (explained)" if one["index"] == 3 else ""), one["logit"], f"{one['percent']} %"] for one in shown
    ]
    bodies = [re.sub("<[^>]+>", "", one.proto.body) for one in app.get("html")]
    assert words(section(root, "Relevance").find(".//p")) in bodies
    segments = list(section(root, "Model").iter("article"))
    assert len(segments) == 4 and all(one.find(".//img") is not None for one in segments)
    for one, card in zip(segments, payload(app, "ruler")["segments"], strict=True):
        assert card["rule"]["title"] in words(one)
        assert words(one.find(f".//{MATH}math")) == words(ET.fromstring(card["rule"]["formula"]))
    frame = sums_frame(maps, net().architecture)
    numbers = rows(section(root, "Conservation"))
    assert [row[1] for row in numbers] == list(frame["name"])
    for row, (_, wanted) in zip(numbers, frame.iterrows(), strict=True):
        for text, key in zip(row[2:], ("positive", "negative", "total", "absorbed"), strict=True):
            assert float(text.replace("−", "-")) == pytest.approx(wanted[key], abs=6e-4)
    assert listed(section(root, "Settings"))["Colour map"].startswith("Brown, white, teal")
    stated = listed(section(root, "Network"))
    assert stated["Digest of its weights"] == net().digest and "Tiny VGG16" in stated["Network"]
    assert "Streamlit" in stated["Versions"] and "float32" in stated["Arithmetic"]
    link = words(section(root, "Link").find("p"))
    assert dict(parse_qsl(urlsplit(link).query)) == dict(app.query_params)
    code = next(one for one in section(root, "Link").iter("img") if one.get("alt") == "QR code of the link")
    assert b64decode(code.attrib["src"].partition(",")[2]) == codes.svg(link)
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 200, 3), dtype=np.uint8)).save(buffer, "PNG")
    app.file_uploader(key="upload").upload("<b>.png", buffer.getvalue(), "image/png").run()
    root = clicks.file()
    assert "does not carry the uploaded picture" in words(section(root, "Link")) and "Your image" in words(root)
    shown = service.known_maps(net(), visit_of(app).image, visit.model, payload(app, "design-classes")["target"])
    assert shown is not None
    numbers = np.load(io.BytesIO(clicks.made("download-npz-pixels")))["0"]
    np.testing.assert_allclose(numbers.sum(0), shown.maps[0], rtol=1e-4, atol=1e-7, err_msg="other files of an upload, too")
    wild = edits.set_rule(LRPModel.basic("Wild"), 0, Rule.of("custom", alpha=1e30, gamma1=1e-3))
    app = opened(open_page("1_Design", model=compact.encode(wild)), "export")
    root = clicks.file()
    assert "not finite" in words(root.find(".//header")) and "not finite" in words(section(root, "Relevance"))
    assert any("–" in row for row in rows(section(root, "Conservation")))


def test_compare(open_page: Open, clicks: Clicks) -> None:
    app = open_page(
        "2_Compare",
        row1="castle_on_lake~crop~0~u",
        row2="kitten~crop~9~",
        col1="m~configuration_2",
        col2="m~overview_composite",
        col3="b~edges",
    )
    app.button(key="compare-evidence").click().run()
    app.session_state["_evidence_job"].join(60)
    app.run()
    root = clicks.file()
    table = rows(section(root, "Comparison"), "Maps")
    assert "“castle”" in table[0][0] and "“kitten”" in table[1][0]
    assert words(section(root, "Comparison")).count("Photograph:") == 2, "a credit for each picture"
    for number, row in enumerate(table, start=1):
        for cell, shown in zip(row[1:], payload(app, f"compare-row-{number}")["columns"], strict=True):
            facts = " · ".join(f"{one['symbol']} {one['text']}".strip() for one in shown["facts"])
            assert words(facts) in cell
    assert "Edges" in words(section(root, "Baselines"))
    assert {words(one.find(".//h2")) for one in root.iter("section")} >= {
        "Model: Configuration 2",
        "Model: Overview composite",
    }
    assert len(list(section(root, "What the segments hand on: Castle").iter("img"))) > 2
    evidence = next(one.value for one in app.dataframe if "Model" in one.value)
    assert rows(section(root, "Evidence"), "Measures") == [
        [words(cell) for cell in row] for row in evidence.astype(str).to_numpy()
    ]


def test_pixel_flipping(open_page: Open, clicks: Clicks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flipping_job, "_curves", ByteCache(1_000_000, lambda packed: 1))
    mask = masks.empty()
    mask[20:60, 30:90] = True
    app = opened(
        open_page(
            "3_Pixel_Flipping",
            flip1=f"mean~none~10~8~{masks.encode(mask)}~first%20%3Ci%3E",
            flip2="invert~positive~25~8~~",
            flip="1~brush~brush~20",
            measure="56~mean~2~1~probability~configuration_2",
        ),
        "report",
    )
    assert "Not measured." in words(section(clicks.file(), "Measured flipping"))
    app.button(key="flip-measure").click().run()
    app.session_state[_JOB].join(120)
    app.run()
    root = clicks.file()
    for number, title in ((1, "Flipping: first <i>"), (2, "Flipping: Row 2")):
        part, shown = section(root, title), payload(app, f"flip-result-{number}")
        wanted = [[f"{one['before']} %", f"{one['after']} %", one["logit"]] for one in shown["rows"]]
        count = len(wanted) if number == 1 else 3
        found = {row[0].split(" (")[0]: [row[1], row[2], row[4]] for row in rows(part)}
        assert [found[one["name"]] for one in shown["rows"][:count]] == wanted[:count]
        assert len(list(part.iter("img"))) == 3
    assert f"{100 * mask.mean():.1f}" in words(section(root, "Flipping: first"))
    scores = app.dataframe[0].value
    assert rows(section(root, "Measured"))[0][:4] == [
        "Configuration 2",
        *(f"{scores[key].iloc[0]:.3f}".replace("-", "−") for key in ("AOPC ↑", "ABPC ↑", "SRG ↑")),
    ]


def test_neuron_ablation(open_page: Open, clicks: Clicks) -> None:
    app = opened(
        open_page("4_Neuron_Ablation", chosen="23:1.4.7", ablated="chosen", cut1="zero~30:2-5~my%20%3Cset%3E"), "report"
    )
    root = clicks.file()
    shown = payload(app, "abl-result")
    assert [row[1:3] for row in rows(section(root, "Ablation"))] == [
        [f"{one['before']} %", f"{one['after']} %"] for one in shown["rows"]
    ]
    assert words("".join(text for text, _ in shown["sentence"])) in words(section(root, "Ablation"))
    compared = app.dataframe[0].value
    sets = rows(section(root, "Kept sets"))
    assert sets[1][0].startswith("A: my <set>") and float(sets[1][4].replace("−", "-")) == compared["logit"].iloc[1]
    passed = section(root, "What neurons of relu4_3 pass")
    told = [one.proto.body for one in app.get("html") if "selected · Σ" in one.proto.body]
    assert "3 selected, Σ" in words(passed) and len(list(passed.iter("figure"))) == 2
    assert told[0].split("<b>")[1].split("</b>")[0] in words(passed)
    assert len(rows(section(root, "Selected neurons"))) == 3 and "Not measured." in words(section(root, "Ablation curves"))
