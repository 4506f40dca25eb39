"""Which value of a message is an edit, and which an echo."""

from __future__ import annotations

from vislrp_ui.echoes import MAX_SHOWN, Ledger


def shown(*values: str) -> Ledger:
    """A select that was set to these values one after the other: numbers 1, 2, ..."""
    told = Ledger()
    for value in values:
        told.show("select", value)
    return told


def test_the_value_before_is_an_echo_until_the_new_one_is_drawn() -> None:
    told = shown("a")
    assert told.is_echo("select", "a", 1)
    told.show("select", "b")
    assert told.is_echo("select", "a", 1), "the answer to another gesture has not come yet"
    assert not told.is_echo("select", "a", 2), "drawn, and set back by hand"


def test_another_value_is_an_edit_whatever_has_been_drawn() -> None:
    told = shown("a", "b")
    assert not told.is_echo("select", "c", 1)
    assert told.is_echo("select", "c", 1), "sent along with the next gesture"
    assert not told.is_echo("select", "a", 1), "and back, both before anything was drawn"


def test_a_value_drawn_just_before_its_number_is_an_echo() -> None:
    told = shown("a", "b")
    assert told.is_echo("select", "b", 1)


def test_what_the_browser_shows_needs_not_be_set_again() -> None:
    told = shown("a")
    assert not told.shows("select", "a")
    told.begin()
    told.is_echo("select", "a", 1)
    assert told.shows("select", "a") and not told.shows("select", "b")
    told.begin()
    assert not told.shows("select", "a"), "the widget is not on the page any more"


def test_an_edit_of_an_old_page_is_shown_again_as_the_answer_under_way_will_hide_it() -> None:
    told = shown("a", "b")
    told.begin()
    assert not told.is_echo("select", "c", 1)
    assert not told.shows("select", "c")


def test_a_value_that_reads_otherwise_under_new_limits_is_an_echo() -> None:
    told = shown("a")
    told.is_echo("select", "a", 1, b"38")
    told.show("select", "b")
    assert told.is_echo("select", "1, as 38 is too large now", 1, b"38")


def test_widgets_that_the_server_does_not_set_have_no_echo() -> None:
    assert not shown("a").is_echo("file", "x", 1)


def test_memory_is_bounded() -> None:
    told = shown(*map(str, range(10 * MAX_SHOWN)))
    assert len(told._held["select"].shown) == MAX_SHOWN


def test_after_a_lost_connection_everything_is_shown_again() -> None:
    told = shown("a")
    told.is_echo("select", "a", 1)
    assert told.shows("select", "a")
    told.distrust()
    assert not told.shows("select", "a")
    told.begin()
    assert told.is_echo("select", "a", 1)
    assert not told.shows("select", "a"), "not before the page was drawn on the new connection"
