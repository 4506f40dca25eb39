"""Tables that leave the program: read right and never run by a spreadsheet, from every place that writes one."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.networks import random_image, tiny_network
from vislrp_core.model import LRPModel
from vislrp_core.network import forward
from vislrp_core.neurons import score
from vislrp_core.propagation import propagate
from vislrp_core.tables import TableFile, cell, csv_bytes
from vislrp_ui.shared.frames import table_of

ROOT = Path(__file__).resolve().parents[2]
MARK = b"\xef\xbb\xbf"


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_a_table_with_its_mark_all_digits_and_empty_cells():
    content = csv_bytes(
        ("model", "gini", "row"), [("γ, ε", 0.123456789, 1), ('say "hi"', float("nan"), None), ("", -1.5, -2)]
    )
    assert content.startswith(MARK) and content.count(MARK) == 1
    assert read(content) == [
        ["model", "gini", "row"],
        ["γ, ε", "0.123456789", "1"],
        ['say "hi"', "", ""],
        ["", "-1.5", "-2"],
    ]
    assert read(csv_bytes(("a",), [(0.123456789,)], digits=6)) == [["a"], ["0.123457"]]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", '=HYPERLINK("http://x")'])
def test_a_text_that_would_run_gets_an_apostrophe(text):
    disarmed = "'" + text.replace("\r", " ")
    assert cell(text) == disarmed and cell(f" {text}x")[0] == " "
    assert read(csv_bytes((text,), [(text,)])) == [[disarmed], [disarmed]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-1.5, "-1.5"),
        (-3, "-3"),
        (np.float32(-0.5), "-0.5"),
        (np.int64(-7), "-7"),
        (float("-inf"), ""),
        (None, ""),
        (True, "True"),
        (1e-300, "1e-300"),
    ],
)
def test_numbers_are_no_formulas(value, text):
    assert cell(value) == text


def test_half_an_emoji_does_not_stop_a_table():
    assert read(csv_bytes(("name",), [("a\ud83d",)])) == [["name"], ["a\\ud83d"]]


def test_a_file_that_grows(tmp_path):
    with TableFile(tmp_path / "table.csv", ("image", "srg")) as file:
        file.write({"image": "=a.jpg", "srg": -0.25}, {"image": "b.jpg", "srg": None})
        assert (tmp_path / "table.csv").read_bytes().startswith(MARK)
        file.write({"srg": 1.0})
    content = (tmp_path / "table.csv").read_bytes()
    assert read(content) == [["image", "srg"], ["'=a.jpg", "-0.25"], ["b.jpg", ""], ["", "1.0"]]
    assert content.count(MARK) == 1


def test_a_frame_of_a_page():
    frame = pd.DataFrame({"model": ["=A1", "b"], "seed": [None, 1.0], "n": [1, 2], "x": [np.nan, -0.1]})
    assert read(table_of(frame)) == [["model", "seed", "n", "x"], ["'=A1", "", "1", ""], ["b", "1.0", "2", "-0.1"]]
    assert table_of(frame).startswith(MARK)


def test_the_table_of_neurons():
    network = tiny_network()
    trace = forward(network, random_image())
    found = score(31, propagate(network, trace, LRPModel.basic(), 0, layers=(31,)).at(31), trace.activation(31)).to_csv()
    assert found.startswith(MARK) and read(found)[0][0] == "neuron" and len(read(found)) == 33


def test_no_table_is_written_by_other_means():
    """One writer for all: nobody else makes CSV."""
    for folder in ("vislrp_core", "vislrp_ui"):
        for file in (ROOT / folder).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            if file.name != "tables.py":
                assert not re.search(r"csv\.(writer|DictWriter)|\.to_csv\(.*index", text), file
