"""One pupil of `benchmarks.classroom`: a tab, what its address must say, and the next thing to do."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from websockets.exceptions import WebSocketException

from tests.support.tab import NoAnswer, Tab
from vislrp_core import compact
from vislrp_core.model import ModelError

PATIENCE_SECONDS = 60.0
PAGES = ("Design", "Compare", "Pixel_Flipping", "Neuron_Ablation")
SAMPLES = (
    "kitten",
    "cathedral",
    "coffee_cup",
    "german_shepherd",
    "scarlet_macaw",
    "two_jaguars",
    "drum_and_wine",
    "clownfish_in_anemone",
    "bee_and_blossom",
    "castle_on_lake",
    "guitar_and_drums",
    "oranges_and_lemons",
    "ring_tailed_lemurs",
    "wine_glass_and_bottle",
)
Sees = Callable[[dict[str, str]], bool]


@dataclass(frozen=True)
class Answer:
    """How long an answer took, and whether somebody had seen the same view before."""

    action: str
    seconds: float
    seen: bool
    processor: float
    """Processor seconds of the server meanwhile: of this answer where nobody else asks for anything."""


@dataclass
class Heard:
    """What the whole class has met with; shared by its threads."""

    opened: list[float] = field(default_factory=list)
    drawn: list[float] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seen: set[tuple[str, ...]] = field(default_factory=set)
    processor: Callable[[], float] = lambda: float("nan")
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Action:
    """Something to do, and how the address tells that it was done.

    Attributes
    ----------
    sets : dict
        What the address must say afterwards, by name.
    told : callable
        Further words about the address.
    opens : str
        Button whose dialog it needs.
    changes : str
        What else it changes in the address.
    to : str
        The page that it leads to.
    """

    name: str
    do: Callable[[Tab], None]
    sets: dict[str, str] = field(default_factory=dict)
    told: Sees = lambda address: True
    opens: str = ""
    changes: str = ""
    to: str = ""

    @property
    def label(self) -> str:
        """What a report calls it."""
        return f"{self.name} {self.to}".rstrip()

    @property
    def touches(self) -> frozenset[str]:
        """Names of what it changes in the address: two actions that touch the same are not made at once."""
        return frozenset(self.sets) | ({self.changes} if self.changes else set())


class Pupil:
    """A visitor.

    Parameters
    ----------
    link : str
        What follows the question mark in the link that the class was given.
    """

    def __init__(self, number: int, url: str, link: str, dice: random.Random, heard: Heard) -> None:
        self._number, self._url, self._link, self._dice, self._heard = number, url, link, dice, heard
        self._tab: Tab | None = None
        self._page = PAGES[0]
        self._wanted: dict[str, str] = {}

    # --- the lesson -----------------------------------------------------------------------------------------------------

    def enter(self, within: float) -> None:
        """Open the link at some moment."""
        time.sleep(self._dice.uniform(0, within))
        begin = time.monotonic()
        try:
            self._open(self._link)
            assert self._tab is not None
            there = self._tab.wait(lambda: self._tab is not None and self._tab.has("final"), PATIENCE_SECONDS)
            with self._heard.lock:
                self._heard.opened.append(time.monotonic() - begin if there else PATIENCE_SECONDS)
            self._tab.settle(PATIENCE_SECONDS)
            self._note_seen()
        except (NoAnswer, OSError, WebSocketException) as error:
            self._error(f"opening: {error or type(error).__name__}")

    def work(self, end: float, pace: float, stay: int = 0) -> None:
        """Act until the lesson ends; after `stay` actions, if any, somebody else takes the place."""
        done = 0
        due = time.monotonic() + self._dice.uniform(0, pace)
        while (now := time.monotonic()) < end:
            if now < due:
                time.sleep(min(due, end) - now)
                continue
            due = max(due + pace * self._dice.uniform(0.8, 1.2), now)
            done += 1
            try:
                if stay and done % stay == 0:
                    self.leave()
                    self._page = PAGES[0]
                    self._open(self._link)
                    assert self._tab is not None
                    self._tab.settle(PATIENCE_SECONDS)
                self._act()
            except (NoAnswer, OSError, WebSocketException, KeyError, IndexError, StopIteration) as error:
                self._error(f"{type(error).__name__}: {error}")
                self._again()

    def leave(self) -> None:
        """Close the tab."""
        if self._tab is not None:
            self._tab.close()

    def _open(self, link: str) -> None:
        self._tab = Tab(self._url, self._page, link)
        self._wanted = dict(part.split("=", 1) for part in link.split("&"))

    def _again(self) -> None:
        """Load the page anew, as one does when nothing comes."""
        self.leave()
        try:
            self._page = PAGES[0]
            self._open(self._link)
            assert self._tab is not None
            self._tab.settle(PATIENCE_SECONDS)
        except (NoAnswer, OSError, WebSocketException) as error:
            self._error(f"opening again: {error or type(error).__name__}")

    def _error(self, sentence: str) -> None:
        with self._heard.lock:
            self._heard.errors.append(f"pupil {self._number}, {self._page}: {sentence}")

    # --- one action -----------------------------------------------------------------------------------------------------

    def _act(self) -> None:
        tab = self._tab
        if tab is None:
            self._again()
            return
        self._unchanged(tab)
        first = self._choose(tab, repeat=self._dice.random() < 1 / 3)
        if first.opens:
            runs = tab.runs
            tab.click(first.opens)
            try:
                tab.settle(PATIENCE_SECONDS)
            except NoAnswer as error:
                raise NoAnswer(f"{first.opens}: {error}: {tab.plight(since=runs)}") from error
        second = self._second(tab, first) if self._dice.random() < 0.2 else None
        drops = self._dice.random() < 0.1
        todo = [first] + ([second] if second is not None else [])
        wanted = dict(self._wanted)
        for one in todo:
            wanted.update(one.sets)
        seen = self._view(wanted) in self._heard.seen
        what = " then ".join(one.label for one in todo) + (", connection lost" if drops else "")
        begin, spent, runs = time.monotonic(), self._heard.processor(), tab.runs
        for place, one in enumerate(todo):
            if place:
                tab.wait(lambda: False, self._dice.uniform(0.05, 0.5))
            one.do(tab)
        if drops:
            # Once the server has begun to answer: a click that is under way when a connection breaks is not repeated by
            # Streamlit's browser part, and whether it has arrived cannot be known here.
            tab.wait(lambda: tab.answering, PATIENCE_SECONDS)
            tab.drop()
            time.sleep(self._dice.uniform(0.1, 1.0))
            tab.connect()
        try:
            self._answered(tab, lambda: all(_is_told(one, tab.address) for one in todo))
        except NoAnswer as error:
            raise NoAnswer(f"{what}: {error}: {tab.plight(since=runs)}") from error
        taken, spent = time.monotonic() - begin, self._heard.processor() - spent
        for one in todo:
            if one.name == "page":
                self._page = one.to
        address = tab.address
        with self._heard.lock:
            self._heard.answers.append(Answer(first.label, taken, seen, spent))
            for one in todo:
                if not _is_told(one, address):
                    self._heard.lost.append(
                        f"pupil {self._number}, {self._page}: {what}: {one.name} {one.sets} not in {address}"
                    )
            self._heard.errors += [f"pupil {self._number}, {self._page}: {error}" for error in tab.errors]
        tab.errors.clear()
        self._wanted = address
        self._note_seen()

    def _answered(self, tab: Tab, told: Callable[[], bool]) -> None:
        """Wait for the page to be at rest and to tell what was done; NoAnswer if it works on for too long."""
        end, last = time.monotonic() + PATIENCE_SECONDS, time.monotonic()
        while not (tab.idle and told()):
            now = time.monotonic()
            if tab.receive(0.05):
                last = now
            elif not tab.running and now - last > (1.0 if told() else PATIENCE_SECONDS / 2):
                break  # runs that are given up before they draw anything are not told of
            if now > end:
                raise NoAnswer(f"no answer within {PATIENCE_SECONDS:g} s")
        tab.begin_anew()

    def _unchanged(self, tab: Tab) -> None:
        """What came since the last answer must not have changed anything."""
        while tab.receive(0):
            pass
        now = tab.address
        # The address is written once the browser has said what it keeps, or after five seconds.
        changed = {key: (value, now.get(key)) for key, value in self._wanted.items() if now and now.get(key) != value}
        if changed:
            self._error(f"changed by itself: {changed}")
            self._wanted = tab.address

    def _view(self, wanted: dict[str, str]) -> tuple[str, ...]:
        return (self._page, *(wanted.get(key, "") for key in ("image", "target", "model", "neurons", "flip", "layer")))

    def _note_seen(self) -> None:
        if self._tab is not None:
            with self._heard.lock:
                self._heard.seen.add(self._view(self._tab.address))

    # --- what to do -------------------------------------------------------------------------------------------------------

    def _choose(self, tab: Tab, repeat: bool) -> Action:
        actions = list(self._possible(tab))
        if repeat:
            again = [one for one in actions if one.sets and self._view({**self._wanted, **one.sets}) in self._heard.seen]
            if again:
                return self._dice.choice(again)
        kinds = sorted({one.name for one in actions})
        kind = self._dice.choices(kinds, [WEIGHTS.get(name, 1.0) for name in kinds])[0]
        return self._dice.choice([one for one in actions if one.name == kind])

    def _second(self, tab: Tab, first: Action) -> Action | None:
        """Something else than the first, which leaves the page as it is and needs no dialog."""
        others = [
            one
            for one in self._possible(tab)
            if one.name not in (first.name, "page", "image") and not one.touches & first.touches and first.name != "page"
        ]
        return self._dice.choice(others) if others else None

    def _possible(self, tab: Tab) -> Iterator[Action]:
        for page in PAGES:
            if page != self._page:
                yield Action("page", _bound(Tab.go, page), to=page)
        if self._page == "Design":
            yield from self._on_design(tab)
        elif self._page == "Neuron_Ablation":
            held = tab.payload("abl-layers")["selected"]
            for layer in (1, 4, 9, 16, 26, 30):  # the address leaves out the default, 23
                if layer != held:
                    yield Action("layer", _bound(Tab.pick, "abl-layers", layer), told=_field("neurons", "layer", layer))
        elif self._page == "Pixel_Flipping":
            width = round(self._dice.uniform(19, 40))  # the address leaves out the default, 18
            yield Action(
                "width",
                _bound(Tab.give, "flip-width", double_array_value=[float(width)]),
                told=_field("flip", "width", width),
            )
        elif self._page == "Compare":
            for key, _ in tab.widgets():
                if key.startswith("compare-row-"):
                    data = tab.payload(key)
                    yield Action("fold", _bound(Tab.edit, key, kind="fold", row=data["row"]))

    def _on_design(self, tab: Tab) -> Iterator[Action]:
        bars, cards = tab.payload("design-classes"), tab.payload("model-cards")
        for row in bars["rows"]:
            if row["index"] != bars["target"]:
                yield Action("class", _bound(Tab.pick, "design-classes", row["index"]), {"target": str(row["index"])})
        for card in cards["cards"]:
            if card["tag"] == "example" and card["id"] != cards["active"]:
                yield Action("model", _bound(Tab.pick, "model-cards", card["id"]), {"model": f"example-{card['id']}"})
        for sample in SAMPLES:
            if self._wanted.get("image") != sample:
                yield Action("image", _bound(Tab.click, f"sample-{sample}"), {"image": sample}, opens="open-gallery")
        rule = tab.payload("rule-panel")
        value = round(self._dice.uniform(0.05, 1.0), 3)
        yield Action(
            "slider",
            _bound(Tab.edit, "rule-panel", kind="parameter", segment=rule["segment"], key="epsilon", value=value),
            told=_epsilon(rule["segment"], value),
            changes="model",
        )


WEIGHTS = {"class": 3.0, "model": 2.5, "slider": 2.5, "image": 1.5, "page": 1.5}
"""How often each kind is chosen; others 1."""


def _is_told(action: Action, address: dict[str, str]) -> bool:
    return all(address.get(key) == value for key, value in action.sets.items()) and action.told(address)


def _bound(method: Callable[..., None], *arguments: Any, **named: Any) -> Callable[[Tab], None]:
    return lambda tab: method(tab, *arguments, **named)


def _field(key: str, name: str, value: int) -> Sees:
    """Whether the address has a named value, as `vislrp_ui.address` writes them."""
    return lambda address: f"{name}:{value}" in address.get(key, "").split("~")


def _epsilon(segment: int, value: float) -> Sees:
    def told(address: dict[str, str]) -> bool:
        try:
            return abs(compact.decode(address["model"]).segments[segment].rule.epsilon - value) < 1e-6
        except (KeyError, IndexError, ModelError):
            return False

    return told
