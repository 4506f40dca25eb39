"""Ten people on one link for half a minute: every edit is told by the address, and every page answers."""

from __future__ import annotations

from benchmarks.classroom import Report, lesson, server_behind


def test_no_edit_is_lost_and_every_page_answers(app_url: str) -> None:
    report = lesson(app_url, server_behind(app_url), pupils=10, seconds=25, pace=5, opening=3)
    assert not report.lost, "\n".join(report.lost)
    assert not report.errors, "\n".join(report.errors)
    assert report.actions >= 10 and report.memory > 0


def test_the_report_counts_what_was_heard() -> None:
    report = Report(pupils=3, seconds=24, opening=1.5, actions=5, lost=["one"], by_action={"class": (5, 0.5)})
    table = report.table()
    assert "| actions done (the pace is 6) | 5 |" in table and "| lost edits | 1 |" in table
    assert "| median of 5 × class | 0.50 s |" in table
