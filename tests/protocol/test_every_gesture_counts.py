"""Any gesture at any moment of a running page counts, and nothing is undone that nobody has undone.

All pairs of what can be done on a page, read off the page itself: the second gesture leaves the browser before it has drawn
the answer to the first, or when it has drawn half of it, or both leave and the connection is lost. At the end the page is as
in another tab, whose visitor has waited for each answer.

Two tabs walk through all pairs, one in a hurry and one patiently, and must agree after every few gestures. So no pair needs
a visit of its own, and what one pair leaves behind is what the next begins with.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from tests.protocol.gestures import Gesture, gestures
from tests.support.tab import Tab

ALL = os.environ.get("VISLRP_PAIRS") == "1"
"""Whether all gestures of all pages are paired, which takes a quarter of an hour: VISLRP_PAIRS=1 python -m pytest ..."""
SOME: dict[str, tuple[str, ...]] = {
    "home": (),
    "design": ("design-classes", "model-cards", "ruler", "rule-panel"),
    "ablation": ("abl-layers", "abl-by", "abl-all", "abl-matrix"),
}
"""Otherwise all pairs of what these pages are for, by their keys; of Home all."""
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
BURST = 3
"""Gestures of one hurry."""


@dataclass
class Outcome:
    """What a visit ends with: its address, and what its widgets show."""

    address: str
    shown: dict[str, Any] = field(default_factory=dict)


def walk(count: int) -> list[int]:
    """Numbers below a count in an order in which every ordered pair of them, equal ones too, stands side by side once.

    A round trip over all edges of the complete graph (Hierholzer's method).
    """
    left = {one: list(range(count)) for one in range(count)}
    way, path = [0], []
    while way:
        if left[way[-1]]:
            way.append(left[way[-1]].pop())
        else:
            path.append(way.pop())
    return path[::-1]


def test_a_walk_meets_every_pair_once() -> None:
    path = walk(7)
    pairs = list(pairwise(path))
    assert len(pairs) == len(set(pairs)) == 49


class Pair:
    """Two tabs on one page that must agree."""

    def __init__(self, url: str, page: str, menus: tuple[str, ...]) -> None:
        self._visit = url, page, menus
        self.patient, self.quick = (_opened(*self._visit) for _ in range(2))

    def close(self) -> None:
        self.patient.close()
        self.quick.close()

    def again(self) -> None:
        """Begin two new visits."""
        self.close()
        self.patient, self.quick = (_opened(*self._visit) for _ in range(2))

    def wait_for_each(self, todo: Sequence[str]) -> tuple[list[Gesture], Outcome]:
        """Let the patient visitor do what is possible; answers it, and what the page shows then."""
        here = {one.kind: one for one in gestures(self.patient)}
        done = []
        for kind in todo:
            gesture = here.get(kind)
            if gesture is None or not gesture.possible(self.patient):
                continue
            gesture.do(self.patient)
            self.patient.settle()
            done.append(gesture)
        return done, _outcome(self.patient)

    def hurry(self, done: Sequence[Gesture], mode: str, wanted: Outcome) -> Outcome:
        """Let the other one do the same without waiting; answers what the page shows in the end."""
        tab = self.quick
        first, *others = done
        if mode == "half drawn":
            first.do(tab)
            tab.hold_answer()
            tab.release(len(tab.arrived) // 2)
        else:
            tab.hold = True
            first.do(tab)
        for gesture in others:
            if not gesture.possible(tab):
                tab.release()
            gesture.do(tab)
        if mode == "connection lost":
            tab.drop()
            tab.connect()
        tab.hold = False
        tab.release()
        # How many runs are still to come cannot be known: some are given up before they draw anything.
        if not tab.wait(lambda: not tab.running and _outcome(tab) == wanted, PATIENCE_SECONDS):
            tab.settle()
        tab.begin_anew()
        return _outcome(tab)


def _opened(url: str, page: str, menus: tuple[str, ...]) -> Tab:
    tab = Tab(url, page)
    tab.settle()
    tab.say_hello()
    tab.settle()
    for menu in menus:
        tab.open(menu)
        tab.settle()
    assert not tab.errors, tab.errors
    return tab


def _outcome(tab: Tab) -> Outcome:
    assert not tab.errors, tab.errors
    return Outcome(
        tab.query,
        {
            key: value
            for key, value in tab.shown().items()
            if (not key.startswith(("stamp-", "menu-")) and not isinstance(value, str | bytes))
            or key in ("target", "abl-layer")
        },
    )


def _bursts(kinds: Sequence[str]) -> Iterator[list[str]]:
    path = walk(len(kinds))
    for begin in range(0, len(path) - 1, BURST - 1):
        yield [kinds[place] for place in path[begin : begin + BURST]]


@pytest.mark.parametrize("name", PAGES if ALL else SOME)
def test_pairs(app_url: str, name: str) -> None:
    with closing(Pair(app_url, *PAGES[name])) as pair:
        _walk_through(pair, () if ALL else SOME[name])


def _walk_through(pair: Pair, keys: tuple[str, ...]) -> None:
    kinds = [one.kind for one in gestures(pair.quick) if not keys or one.key in keys]
    assert len(kinds) == len(set(kinds)) >= 2
    wrong, tried = [], 0
    for number, todo in enumerate(_bursts(kinds)):
        done, wanted = pair.wait_for_each(todo)
        if not done:
            continue
        mode = MODES[number % len(MODES)]
        found = pair.hurry(done, mode, wanted)
        tried += len(done) - 1
        if found != wanted:
            wrong.append(f"{', then '.join(one.name for one in done)} ({mode}): {_differences(found, wanted)}")
            pair.again()
    assert tried
    assert not wrong, f"{len(wrong)} of {tried} pairs:\n" + "\n".join(wrong)


def _differences(found: Outcome, wanted: Outcome) -> str:
    parts = [
        f"{key} {found.shown.get(key)} in place of {value}"
        for key, value in wanted.shown.items()
        if found.shown.get(key) != value
    ]
    if found.address != wanted.address:
        parts.append(f"address {found.address} in place of {wanted.address}")
    return "; ".join(parts)
