"""The pages of the app, one declaration each: navigation, the visit, addresses and shares of the caches follow from it.

A declaration names modules and functions as text, like an entry point of a package: this module is below all of them,
and a page's code is loaded when the page is first opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol


class PageState(Protocol):
    """What a page keeps of its own; it comes back from an address as it went in."""

    def to_params(self, room: int = ...) -> dict[str, str]:
        """Short text per query parameter; defaults may be left out, and what takes more than so many characters."""


class StateModule(Protocol):
    """The module of a page's state.

    `from_params(params)` returns the page's state, None where the address holds none, and raises ValueError with one
    sentence where what it holds is damaged. A page whose state names models of the visit also has `for_address(visit)`, the
    state as another browser can read it, and `in_visit(state, visit)`, which undoes that there. One whose state counts
    layers has `for_network(visit, architecture)`, the state for another architecture.
    """

    from_params: Callable[[Mapping[str, str]], PageState | None]


@dataclass(frozen=True)
class Room:
    """The declaration of one page.

    Attributes
    ----------
    key : str
        Name of its state in the visit.
    title, icon : str
        As the navigation shows them.
    draw : str
        The function that draws it, ``module:function``.
    file : str
        Its file in ``pages``; the welcome page has none.
    state : str
        Module of its state (`StateModule`), empty where it keeps nothing of its own.
    counts_layers : bool
        Whether that state names layers: it changes with the network's architecture, and undo brings it back with it.
    caches : mapping
        Weights in the budget of all caches (`caches.shares`), by name of the cache; today's add up to about 1.
    jobs : tuple of str
        Keys of the session under which its measurements are held.
    remembers : tuple of str
        Keys of the session that are about the work on the table: they go when the table is cleared.
    forget : str
        A function to be called then, besides.
    """

    key: str
    title: str
    icon: str
    draw: str
    file: str = ""
    state: str = ""
    counts_layers: bool = False
    caches: Mapping[str, float] = field(default_factory=dict)
    jobs: tuple[str, ...] = ()
    remembers: tuple[str, ...] = ()
    forget: str = ""


ROOMS: tuple[Room, ...] = (
    Room("home", "Home", ":material/home:", "vislrp_ui.home.page:home", caches={"rule maps": 0.0019}),
    Room(
        "design",
        "Design",
        ":material/tune:",
        "vislrp_ui.design.page:design",
        "pages/1_Design.py",
        state="vislrp_ui.state_origins",
        counts_layers=True,
        caches={"origins": 0.012},
    ),
    Room(
        "compare",
        "Compare",
        ":material/grid_view:",
        "vislrp_ui.compare.page:compare",
        "pages/2_Compare.py",
        state="vislrp_ui.state_compare",
        caches={"compare predictions": 0.005, "compare facts": 0.005, "compare pictures": 0.02, "evidence": 0.005},
        jobs=("_compare_flipping_job", "_evidence_job"),
        remembers=("_compare_stopped", "_compare_chain", "_compare_open", "compare-set-image"),
    ),
    Room(
        "flipping",
        "Pixel Flipping",
        ":material/ink_eraser:",
        "vislrp_ui.flipping.page:flipping",
        "pages/3_Pixel_Flipping.py",
        state="vislrp_ui.state_flipping",
        caches={
            "flipped": 0.01,
            "flipping marks": 0.01,
            "flipping curves": 0.01,
            "flipping orders": 0.01,
            "flipping ends": 0.001,
        },
        jobs=("_flipping_job",),
        remembers=("_flipping_step",),
    ),
    Room(
        "ablation",
        "Neuron Ablation",
        ":material/hub:",
        "vislrp_ui.ablation.page:ablation",
        "pages/4_Neuron_Ablation.py",
        state="vislrp_ui.state_ablation",
        counts_layers=True,
        caches={
            "neuron sheets": 0.01,
            "neuron relevance": 0.04,
            "neuron scores": 0.005,
            "neuron logits": 0.005,
            "neuron pixels": 0.02,
            "neuron curves": 0.005,
            "neuron orders": 0.005,
        },
        jobs=("_ablation_job",),
        remembers=("_ablation_page",),
        forget="vislrp_ui.ablation.brushes:forget",
    ),
    Room(
        "search",
        "Search",
        ":material/travel_explore:",
        "vislrp_ui.search.page:search",
        "pages/5_Search.py",
        state="vislrp_ui.state_search",
        jobs=("_search_job",),
        remembers=("_search_open",),
    ),
    Room(
        "hand",
        "By hand",
        ":material/calculate:",
        "vislrp_ui.hand.page:hand",
        "pages/6_By_hand.py",
        state="vislrp_ui.state_hand",
    ),
)


_drawn: ContextVar[str] = ContextVar("drawn")
FINISH = "vislrp_ui.shared.entrance:finish"
"""What ends every page."""
STRIP, STRIP_WORDS = "vislrp_ui.lessons.strip:strip", "vislrp_ui.lessons.strip:words"
"""What draws an open lesson at the head of every page, and its words once the page has computed what they tell."""

SHARING, COMPOSING = "vislrp_ui.lessons.sharing:dialog", "vislrp_ui.lessons.composer:dialog"
"""The dialogs that share a view, and that compose a lesson of views."""

QUESTIONS = "vislrp_ui.lessons.questions.dialog:ask"
"""The dialog that a question mark opens."""


def find(key: str) -> Room:
    """The declaration of a page (KeyError if there is none)."""
    for room in ROOMS:
        if room.key == key:
            return room
    raise KeyError(key)


def path(room: Room) -> str:
    """The page's name in addresses, behind the server's; empty for the welcome page."""
    return room.file.removeprefix("pages/").removesuffix(".py").lstrip("0123456789").removeprefix("_")


def with_state() -> tuple[Room, ...]:
    """Pages that keep something of their own."""
    return tuple(room for room in ROOMS if room.state)


def states(room: Room) -> Any:
    """The module of a page's state, see `StateModule`."""
    return import_module(room.state)


def call(place: str, *arguments: object) -> None:
    """Call a function that a declaration names, ``module:function``."""
    module, _, name = place.partition(":")
    getattr(import_module(module), name)(*arguments)


def draw(key: str) -> None:
    """Draw a page."""
    _drawn.set(key)
    call(find(key).draw)
    call(FINISH)


def drawn() -> str:
    """Key of the page that is drawn; empty where none is, such as for a part of a page alone."""
    return _drawn.get("")


def jobs() -> tuple[str, ...]:
    """Keys of the session under which the pages' measurements are held."""
    return tuple(key for room in ROOMS for key in room.jobs)
