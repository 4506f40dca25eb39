"""Pages are declared once, and everything that counts pages follows; addresses of earlier versions still open."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import pytest

from vislrp_core.model import LRPModel
from vislrp_core.resources import app_script
from vislrp_ui import beforehand, caches, permalink, rooms, state, state_ablation, state_flipping
from vislrp_ui.address import read_fields, write_fields
from vislrp_ui.comparison import CompareState, GridCell, GridColumn, GridRow
from vislrp_ui.evidence import Boxed, Evidence
from vislrp_ui.neuron_sets import Cut, KeptSet
from vislrp_ui.state import ImageRef, ModelEntry, Visit

UPLOAD = "ab" * 32


def fresh() -> Visit:
    return state.start(tuple(ModelEntry(id, LRPModel.basic(id.title()), "example") for id in ("one", "two")))


@pytest.mark.parametrize("room", rooms.ROOMS, ids=lambda room: room.key)
def test_what_a_declaration_names_is_there(room: rooms.Room):
    module, _, name = room.draw.partition(":")
    assert callable(getattr(import_module(module), name))
    if room.file:
        assert f'rooms.draw("{room.key}")' in (app_script().parent / room.file).read_text(encoding="utf-8")
    if room.forget:
        module, _, name = room.forget.partition(":")
        assert callable(getattr(import_module(module), name))
    if room.state:
        known = rooms.states(room)
        assert room.key == known.KEY and known.from_params({}) is None
        assert hasattr(known, "for_network") == room.counts_layers


def test_declarations_do_not_meet():
    names = [name for room in rooms.ROOMS for name in (*room.caches, *room.jobs, *room.remembers)]
    assert len(set(names)) == len(names) and not set(caches.COMMON) & set(names)
    assert len({room.key for room in rooms.ROOMS}) == len(rooms.ROOMS)
    with pytest.raises(KeyError):
        rooms.find("nowhere")


OLD: tuple[tuple[str, Mapping[str, str], object], ...] = (
    (
        "flipping",
        {
            "flip": "2~relevance~lasso~30",
            "flip1": "mean~none~10~8~~first%20row",
            "flip2": "blur~random~30.5~1~~a~b",
            "measure": "56~mean~2~0~logit~one.two",
        },
        state_flipping.FlippingState(
            (
                state_flipping.FlippingRow(1, "first row", fill="mean"),
                state_flipping.FlippingRow(2, "a~b", "", "random", 30.5, 1, "blur"),
            ),
            2,
            "relevance",
            "lasso",
            30,
            state_flipping.FlippingMeasurement(("one", "two"), 56, "mean", 2, 0, "logit"),
        ),
    ),
    (
        "ablation",
        {
            "neurons": "2~mean~table~own~positive_relevance~click~30~negative_relevance~remainder~5",
            "chosen": "2:1-3.7",
            "ablated": "zero~5:4",
            "cut1": "mean~2:1_5:0-2~my%20set",
            "cut2": "zero~3:9~",
            "ablate": "20~5~3~logit~two",
        },
        state_ablation.AblationState(
            2,
            ((2, (1, 2, 3, 7)),),
            "mean",
            Cut(((5, (4,)),)),
            (KeptSet(1, Cut(((2, (1,)), (5, (0, 1, 2))), "mean"), "my set"), KeptSet(2, Cut(((3, (9,)),)))),
            "table",
            "own",
            "positive_relevance",
            "click",
            30,
            "negative_relevance",
            "remainder",
            5,
            state_ablation.CurveMeasurement(("two",), 20, 5, 3, "logit"),
        ),
    ),
    (
        "compare",
        {
            "row1": "kitten~crop~~",
            "row2": f"upload-{UPLOAD}~squash~281~u",
            "col1": "m~one",
            "col2": "m~two",
            "compare": "row~f~1.1~2.2~s",
        },
        CompareState(
            (GridRow(1, ImageRef("sample", "kitten")), GridRow(2, ImageRef("upload", UPLOAD, "squash"), 281, True)),
            (GridColumn("one"), GridColumn("two")),
            "row",
            True,
            (GridCell(1, 0), GridCell(2, 1)),
            True,
        ),
    ),
    (
        "compare",
        {"row1": "kitten~crop~~", "col1": "m~one", "evidence": "rows~gini.box_mass~edges~1_0_0_9_9"},
        CompareState(
            (GridRow(1, ImageRef("sample", "kitten")),),
            (GridColumn("one"),),
            evidence=Evidence("rows", ("gini", "box_mass"), ("edges",), (Boxed(1, 0, 0, 9, 9),)),
        ),
    ),
    (
        "compare",
        {"row1": "kitten~crop~3~", "col1": "m~one", "compare": "each~~~~"},
        CompareState((GridRow(1, ImageRef("sample", "kitten"), 3),), (GridColumn("one"),)),
    ),
)


@pytest.mark.parametrize(("key", "params", "expected"), OLD, ids=[f"{key}-{n}" for n, (key, *_) in enumerate(OLD)])
def test_an_old_address_opens_the_same_view_and_is_written_anew(key: str, params: Mapping[str, str], expected: object):
    opened, damaged = permalink.from_params(params, fresh())
    assert damaged == () and opened.page(key) == expected
    written = permalink.to_params(opened)
    again, damaged = permalink.from_params(written, fresh())
    assert damaged == () and again.page(key) == expected
    several = [text for name, text in written.items() if name in params and not name.startswith(("col", "chosen", "abla"))]
    assert several and all(text.startswith("v2") for text in several)


DEFAULTS = {"layer": "1", "value": "zero", "name": ""}


def test_fields_have_names_and_defaults_are_left_out():
    assert write_fields({"layer": "1", "value": "mean", "name": "a~b"}, DEFAULTS) == "v2~value:mean~name:a%7Eb"
    assert read_fields("v2~name:x:y~layer:3", DEFAULTS) == {"layer": "3", "value": "zero", "name": "x:y"}
    assert read_fields("v2", DEFAULTS) == DEFAULTS
    assert list(read_fields("v2~name:x~value:mean", DEFAULTS)) == list(DEFAULTS)


@pytest.mark.parametrize("text", ["v2~layer", "v2~pages:1", "v2~layer:1~layer:2", "v2~", "1~zero", "v3~layer:1"])
def test_damaged_fields_cost_their_part(text: str):
    with pytest.raises(ValueError, match=r"^.{1,40}$"):
        read_fields(text, DEFAULTS)


def test_the_code_of_all_pages_is_loaded_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(beforehand, "import_module", loaded.append)
    beforehand.load_pages()
    assert loaded == [
        f"vislrp_ui.{key}.page" for key in ("home", "design", "compare", "flipping", "ablation", "search", "hand")
    ]
