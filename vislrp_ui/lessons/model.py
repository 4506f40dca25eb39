"""A lesson as data: steps that say what to do, can do it themselves, and notice when it is done.

What a step shows and when it is done are functions of the visit and nothing else, so that a lesson can also be read from a
file: there an address says both, the one to open and the one to have arrived at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from vislrp_core.network import Network
from vislrp_ui import service
from vislrp_ui.compare.work import Grid
from vislrp_ui.state import Visit

UNKNOWN = "…"
"""In place of a number that the page has not computed yet."""
Prepare = Callable[[Visit, Network], Visit]


@dataclass(frozen=True, eq=False)
class Scene:
    """What a step's numbers are read from: the running network, and what the page shows with it."""

    network: Network
    visit: Visit

    @cached_property
    def target(self) -> int:
        """The class that the page explains."""
        return service.target_of(self.network, self.visit.image, self.visit.target)

    @cached_property
    def grid(self) -> Grid:
        """What Compare shows; maps that are not computed yet are missing in it."""
        return Grid(self.network, self.visit)


Number = Callable[[Scene], str | None]
"""A number of the running result as text; None while it is not known. It computes nothing that the page has not."""


@dataclass(frozen=True, eq=False)
class Step:
    """One step.

    Attributes
    ----------
    title : str
        Two or three words for the line of steps.
    do, look, means : str
        What to do, where to look, what it means; markdown with ``{name}`` for numbers.
    show : callable
        The visit with the step done, from any visit that the lesson's earlier steps may have left.
    done : callable or None
        Whether a visit has it done; None for a step that is read only.
    numbers : mapping
        What stands for the names in the texts.
    page : str
        Key of the page (`rooms.Room`); empty for the lesson's own.
    """

    title: str
    do: str
    look: str
    means: str
    show: Prepare
    done: Callable[[Visit], bool] | None = None
    numbers: Mapping[str, Number] = field(default_factory=dict)
    page: str = ""

    def texts(self, scene: Scene) -> dict[str, str]:
        """The three texts with the numbers of a scene."""
        values = {name: number(scene) or UNKNOWN for name, number in self.numbers.items()}
        return {part: getattr(self, part).format(**values) for part in ("do", "look", "means")}


@dataclass(frozen=True, eq=False)
class Lesson:
    """A guided case.

    Attributes
    ----------
    key : str
        Its name in addresses.
    title, text : str
        As the card on Home says them.
    page : str
        Key of its page.
    prepare : callable
        The visit with image, class, model and the page's own settings as the case needs them, from an empty table.
    own : bool
        Whether a lecturer made it: its steps are whole views, each on an empty table, with a sentence in `Step.do`.
    """

    key: str
    title: str
    text: str
    page: str
    prepare: Prepare
    steps: tuple[Step, ...]
    own: bool = False

    def page_of(self, step: Step) -> str:
        """Key of the page on which a step happens."""
        return step.page or self.page
