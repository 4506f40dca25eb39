"""Any gesture at any moment of a running page counts, and nothing is undone that nobody has undone.

All pairs of what can be done on a page: the second gesture leaves the browser before it has drawn the answer to the first,
or when it has drawn the first half of it, or both leave and the connection is lost. At the end the page is as if the second
had waited for the first.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.protocol.gestures import Gesture, gestures
from tests.support.tab import Tab

EVERY = int(os.environ.get("VISLRP_PAIRS", "61"))
"""One in so many pairs is tried; 1 tries all: VISLRP_PAIRS=1 python -m pytest tests/protocol/every_gesture_counts.py"""
PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "design": ("Design", ()),
    "design, menus": ("Design", ("menu-twin", "menu-conventions", "menu-models", "menu-look")),
    "compare": ("Compare", ("menu-columns",)),
    "flipping": ("Pixel_Flipping", ()),
    "ablation": ("Neuron_Ablation", ("menu-neurons",)),
    "home": ("", ()),
}
PATIENCE_SECONDS = 20
MODES = ("at once", "half drawn", "connection lost")


@dataclass
class Outcome:
    """What a visit ends with: its address, and what its widgets show."""

    address: str
    shown: dict[str, Any] = field(default_factory=dict)


def opened(url: str, page: str, menus: tuple[str, ...]) -> Tab:
    tab = Tab(url, page)
    tab.settle()
    for menu in menus:
        tab.open(menu)
        tab.settle()
    assert not tab.errors, tab.errors
    return tab


def outcome(tab: Tab) -> Outcome:
    assert not tab.errors, tab.errors
    return Outcome(tab.query, {key: value for key, value in tab.shown().items() if (not key.startswith(("stamp-", "menu-"))
                               and not isinstance(value, str | bytes)) or key in ("target", "abl-layer")})


def hurried(tab: Tab, first: Gesture, second: Gesture, mode: str, wanted: Outcome) -> Outcome:
    if mode == "half drawn":
        first.do(tab)
        tab.hold_answer()
        tab.release(len(tab.arrived) // 2)
        if not second.possible(tab):
            tab.release()
        second.do(tab)
    else:
        tab.hold = True
        first.do(tab)
        second.do(tab)
        if mode == "connection lost":
            tab.drop()
            tab.connect()
    tab.hold = False
    tab.release()
    # How many runs are still to come cannot be known: pages begin anew by themselves.
    tab.wait(lambda: tab.idle and outcome(tab) == wanted, PATIENCE_SECONDS)
    tab.settle()
    return outcome(tab)


@pytest.mark.parametrize("name", PAGES)
def test_pairs(app_url: str, name: str) -> None:
    page, menus = PAGES[name]
    tab = opened(app_url, page, menus)
    todo = gestures(tab)
    tab.close()
    assert len(todo) >= 2
    pairs = [(first, second) for first in todo for second in todo]
    wrong, tried = [], 0
    for number, (first, second) in enumerate(pairs):
        if number % EVERY:
            continue
        patient = opened(app_url, page, menus)
        first.do(patient)
        patient.settle()
        if not second.possible(patient):
            patient.close()
            continue
        second.do(patient)
        patient.settle()
        wanted = outcome(patient)
        patient.close()
        mode = MODES[number // EVERY % len(MODES)]
        quick = opened(app_url, page, menus)
        found = hurried(quick, first, second, mode, wanted)
        quick.close()
        tried += 1
        if found != wanted:
            wrong.append(f"{first.name}, then {second.name} ({mode}): {_differences(found, wanted)}")
    assert tried
    assert not wrong, f"{len(wrong)} of {tried} pairs:\n" + "\n".join(wrong)


def _differences(found: Outcome, wanted: Outcome) -> str:
    parts = [f"{key} {found.shown.get(key)} in place of {value}" for key, value in wanted.shown.items()
             if found.shown.get(key) != value]
    if found.address != wanted.address:
        parts.append(f"address {found.address} in place of {wanted.address}")
    return "; ".join(parts)
