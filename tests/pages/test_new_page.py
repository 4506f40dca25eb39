"""The recipe of CONTRIBUTING.md for a page: `tests/support/notes` follows it, and one declaration makes it a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import visit_of
from vislrp_ui import caches, permalink, rooms, session, state
from vislrp_ui.rooms import Room

NOTES = Room(
    "notes",
    "Notes",
    ":material/notes:",
    "tests.support.notes.page:notes",
    "tests/support/notes/Notes.py",
    state="tests.support.notes.state_notes",
    caches={"note lengths": 0.001},
    remembers=("_note_open",),
)


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "ROOMS", (*rooms.ROOMS, NOTES))


def notes(app: AppTest) -> AppTest:
    app.switch_page(NOTES.file).run()
    assert not app.exception, app.exception
    return app


@pytest.mark.usefixtures("declared")
def test_one_declaration_makes_a_page(open_page: Callable[..., AppTest]):
    app = notes(open_page(note="v2~text:Hello%20there"))
    assert app.text_input(key="note").value == "Hello there"
    assert "11 characters at size 12" in [one.value for one in app.caption]
    app.text_input(key="note").set_value("A ~ and ü").run()
    assert "9 characters at size 12" in [one.value for one in app.caption]
    written = {key: value if isinstance(value, str) else value[0] for key, value in dict(app.query_params).items()}
    assert written["note"] == "v2~text:A%20%7E%20and%20%C3%BC"
    opened, damaged = permalink.from_params(written, state.start(session.examples()))
    kept = opened.page("notes")
    assert damaged == () and kept is not None and kept == visit_of(app).page("notes")
    assert caches.allotted("note lengths") == pytest.approx(0.001 * caches.budget(), rel=0.01)


@pytest.mark.usefixtures("declared")
def test_a_damaged_part_of_its_address_costs_that_part(open_page: Callable[..., AppTest]):
    app = notes(open_page(note="v2~size:3", target="7"))
    assert app.text_input(key="note").value == "" and visit_of(app).target == 7
    assert [one.value for one in app.warning] == []  # the sentence was shown on the page that was opened first


def test_the_recipe_names_what_the_page_has():
    recipe = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name in (
        "vislrp_ui/rooms.py",
        "rooms.draw(",
        "KEY",
        "from_params",
        "to_params",
        "write_fields",
        "boot()",
        "tests/support/notes",
    ):
        assert name in recipe
