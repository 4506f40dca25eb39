"""Ten people on one link for a quarter of a minute: the address shows every edit, and every page responds."""

from __future__ import annotations

from benchmarks.classroom import Report, lesson, server_behind
from tests.support.tab import Tab


def test_no_edit_is_lost_and_every_page_answers(app_url: str) -> None:
    report = lesson([(app_url, server_behind(app_url))], pupils=10, seconds=16, pace=5, opening=3)
    assert not report.lost, "\n".join(report.lost)
    assert not report.errors, "\n".join(report.errors)
    assert report.actions >= 10 and report.memory > 0


def test_the_report_counts_what_was_heard() -> None:
    report = Report(
        pupils=3, seconds=24, opening=1.5, actions=5, lost=["one"], by_action={"class": (5, 0.5, 0.1)}, processor=2.0
    )
    table = report.table()
    assert "| actions done (the pace is 6) | 5 |" in table and "| lost edits | 1 |" in table
    assert "| median of 5 × class | 0.50 s |" in table and "| the same per action | 0.40 s |" in table


def test_the_address_tells_an_edit_before_the_browser_has_said_what_it_keeps(app_url: str) -> None:
    tab = Tab(app_url, "Design")
    assert tab.wait(lambda: tab.has("final") and tab.has("design-classes")) and not tab.address
    bars = tab.payload("design-classes")
    other = next(row["index"] for row in bars["rows"] if row["index"] != bars["target"])
    tab.pick("design-classes", other)
    assert tab.wait(lambda: tab.address.get("target") == str(other))
    tab.settle()
    assert "runs begun" in tab.plight() and "no run is under way" in tab.plight()
    tab.close()
