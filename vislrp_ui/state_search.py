"""What the Search page keeps, and the pure functions that change it: what is asked for, and which search is shown.

The search itself, its trials and its report, are on the server (`vislrp_ui.search.found`); here is its name alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from vislrp_core.measures.catalogue import NEED_BOXES
from vislrp_core.search.trials import OBJECTIVES
from vislrp_ui.address import one_of, read_fields, whole, write_fields
from vislrp_ui.state import StateError, Visit

KEY = "search"
PRESETS = {
    "anything": "Anything",
    "parameters": "My segments, other parameters",
    "segments": "My segments, any rules",
    "borders": "My rules, other borders",
}
"""Spaces to begin with; the last three are made around the active model."""
OFFERED = tuple(key for key in OBJECTIVES if key not in NEED_BOXES)
"""Objectives that need no boxes of objects."""
FREE = ("pixel_rule", "pooling", "bias")
"""Conventions that a search may choose."""
MIN_TRIALS, MAX_TRIALS = 20, 500
MAX_MINUTES = 240
MAX_IMAGES = 40
MAX_SEED = 9999
ID = re.compile(r"[A-Za-z0-9_-]{22}")
"""Name of a search: nobody guesses one."""
UPLOAD = "upload-"
_IMAGE = re.compile(r"[a-z0-9_]{1,60}|upload-[0-9a-f]{64}")
_RULE = re.compile(r"[a-z0-9_]{1,20}")


@dataclass(frozen=True)
class SegmentEdit:
    """What is changed of one segment of a space.

    Attributes
    ----------
    place : int
        Which segment, from 0.
    low, high : int
        Rows between which it ends; 0 and 0 as in the preset.
    rules : tuple of str
        Keys of the rules that it may have (`spaces.menu`); none as in the preset.
    """

    place: int
    low: int = 0
    high: int = 0
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class SearchState:
    """What is asked for, and what is shown.

    Attributes
    ----------
    images : tuple of str or None
        Samples by their ids, uploads as ``upload-`` and theirs; None for all samples.
    objectives : tuple of str
        The first one orders the results.
    preset : str
        A key of `PRESETS`.
    edits : tuple of SegmentEdit
        At most one for each segment.
    free : tuple of str or None
        Conventions that may be chosen; None as in the preset.
    minutes, trials, seed : int
    id : str
        The search that is shown; empty for none.
    selected : int or None
        Number of the trial whose map is shown; None is the best one.
    shown : str
        The picture on which maps are shown, as in `images`; empty for the first one.
    """

    images: tuple[str, ...] | None = None
    objectives: tuple[str, ...] = ("srg",)
    preset: str = "anything"
    edits: tuple[SegmentEdit, ...] = ()
    free: tuple[str, ...] | None = None
    minutes: int = 10
    trials: int = 60
    seed: int = 0
    id: str = ""
    selected: int | None = None
    shown: str = ""

    @property
    def uploads(self) -> list[str]:
        """Ids of the visitor's own pictures among them."""
        return [one.removeprefix(UPLOAD) for one in self.images or () if one.startswith(UPLOAD)]

    def to_params(self, room: int = 0) -> dict[str, str]:
        """As part of an address."""
        edits = ".".join(f"{one.place}-{one.low}-{one.high}-{'_and_'.join(one.rules)}" for one in self.edits)
        values = {
            "images": "all" if self.images is None else ".".join(self.images),
            "objectives": ".".join(self.objectives),
            "preset": self.preset,
            "edits": edits,
            "free": "preset" if self.free is None else ".".join(self.free),
            "minutes": str(self.minutes),
            "trials": str(self.trials),
            "seed": str(self.seed),
            "id": self.id,
            "selected": "" if self.selected is None else str(self.selected),
            "shown": self.shown,
        }
        return {KEY: write_fields(values, _FIELDS)}


_FIELDS = {
    "images": "all",
    "objectives": "srg",
    "preset": "anything",
    "edits": "",
    "free": "preset",
    "minutes": "10",
    "trials": "60",
    "seed": "0",
    "id": "",
    "selected": "",
    "shown": "",
}
"""Fields of an address with their defaults; new ones come at the end."""


def from_params(params: Mapping[str, str]) -> SearchState | None:
    """What an address says (ValueError if it is damaged)."""
    if KEY not in params:
        return None
    said = read_fields(params[KEY], _FIELDS)
    images = None if said["images"] == "all" else _words(said["images"], _IMAGE, MAX_IMAGES)
    objectives = tuple(one_of(one, OFFERED) for one in said["objectives"].split("."))
    free = None if said["free"] == "preset" else tuple(one_of(one, FREE) for one in said["free"].split(".") if one)
    edits = tuple(_edit(one) for one in said["edits"].split(".")[:12] if one)
    if len({one.place for one in edits}) < len(edits) or len(set(objectives)) < len(objectives):
        raise ValueError(params[KEY][:40])
    if (said["id"] and not ID.fullmatch(said["id"])) or (said["shown"] and not _IMAGE.fullmatch(said["shown"])):
        raise ValueError(params[KEY][:40])
    return SearchState(
        images,
        objectives,
        one_of(said["preset"], PRESETS),
        edits,
        free,
        whole(said["minutes"], 1, MAX_MINUTES),
        whole(said["trials"], MIN_TRIALS, MAX_TRIALS),
        whole(said["seed"], 0, MAX_SEED),
        said["id"],
        whole(said["selected"], 0, MAX_TRIALS) if said["selected"] else None,
        said["shown"],
    )


def _words(text: str, form: re.Pattern[str], most: int) -> tuple[str, ...]:
    found = tuple(one for one in text.split(".") if one)
    if len(found) > most or not all(form.fullmatch(one) for one in found):
        raise ValueError(text[:40])
    return found


def _edit(text: str) -> SegmentEdit:
    parts = text.split("-")
    if len(parts) != 4:
        raise ValueError(text[:40])
    place, low, high = (whole(one, 0, 999) for one in parts[:3])
    rules = tuple(one for one in parts[3].split("_and_") if one)
    if low > high or len(rules) > 20 or not all(_RULE.fullmatch(one) for one in rules):
        raise ValueError(text[:40])
    return SegmentEdit(place, low, high, rules)


def of(visit: Visit) -> SearchState:
    """The page's state of a visit."""
    kept = visit.page(KEY)
    return kept if isinstance(kept, SearchState) else SearchState()


def changed(visit: Visit, change: Callable[..., SearchState], *arguments: object, **named: object) -> Visit:
    """The visit with the page's state changed by a pure function of it."""
    after = change(of(visit), *arguments, **named)
    return visit.with_page(KEY, None if after == SearchState() else after)


# --- what is asked for --------------------------------------------------------------------------------------------------


def set_images(asked: SearchState, images: Sequence[str]) -> SearchState:
    """Other pictures, each once (StateError: too many)."""
    chosen = tuple(dict.fromkeys(images))
    if len(chosen) > MAX_IMAGES:
        raise StateError(f"A search takes {MAX_IMAGES} pictures: leave some out.")
    return replace(asked, images=chosen)


def add_image(asked: SearchState, image: str, all_of: Sequence[str]) -> SearchState:
    """One picture more; `all_of` is what None stands for."""
    return set_images(asked, [*(all_of if asked.images is None else asked.images), image])


def without_upload(asked: SearchState, id: str) -> SearchState:
    """Without a picture of the visitor's own that was deleted."""
    gone = UPLOAD + id
    if gone not in (asked.images or ()):
        return asked
    shown = "" if asked.shown == gone else asked.shown
    return replace(asked, images=tuple(one for one in asked.images or () if one != gone), shown=shown)


def set_objectives(asked: SearchState, objectives: Sequence[str]) -> SearchState:
    """Other objectives, in their order (StateError: none)."""
    if not objectives:
        raise StateError("A search needs at least one objective: choose one.")
    return replace(asked, objectives=tuple(dict.fromkeys(objectives)))


def set_preset(asked: SearchState, preset: str) -> SearchState:
    """Begin with another space; edits of the last one are gone."""
    return asked if preset == asked.preset else replace(asked, preset=preset, edits=(), free=None)


def _edited(asked: SearchState, place: int, **changes: object) -> SearchState:
    known = next((one for one in asked.edits if one.place == place), SegmentEdit(place))
    after = replace(known, **changes)  # type: ignore[arg-type]
    others = tuple(one for one in asked.edits if one.place != place)
    # The newest comes last: it pushes the borders of the others.
    return replace(asked, edits=others if after == SegmentEdit(place) else (*others, after))


def pushed(ends: tuple[int, int], place: int, moved: int, to: tuple[int, int]) -> tuple[int, int]:
    """Rows between which the segment at a place ends, once the one at `moved` ends between others: order is kept."""
    if place == moved:
        return to
    keep = max if place > moved else min
    return keep(ends[0], to[0]), keep(ends[1], to[1])


def set_border(asked: SearchState, place: int, ends: tuple[int, int], shown: Sequence[tuple[int, int]] = ()) -> SearchState:
    """Rows between which a segment ends; the same twice is a fixed border.

    Parameters
    ----------
    shown : sequence of pairs
        Where all borders lie now: those that are pushed along stay there when this one is moved again.
    """
    to = min(ends), max(ends)
    for other, was in enumerate(shown):
        after = pushed(was, other, place, to)
        if other != place and after != was:
            asked = _edited(asked, other, low=after[0], high=after[1])
    return _edited(asked, place, low=to[0], high=to[1])


def set_rules(asked: SearchState, place: int, rules: Sequence[str]) -> SearchState:
    """Rules that a segment may have (StateError: none)."""
    if not rules:
        raise StateError("A segment needs at least one rule: choose one.")
    return _edited(asked, place, rules=tuple(rules))


def set_free(asked: SearchState, free: Sequence[str]) -> SearchState:
    """Conventions that may be chosen, in their own order."""
    return replace(asked, free=tuple(one for one in FREE if one in free))


def unedited(asked: SearchState) -> SearchState:
    """The space as the preset makes it."""
    return replace(asked, edits=(), free=None)


def set_minutes(asked: SearchState, minutes: int) -> SearchState:
    """Another budget."""
    return replace(asked, minutes=max(1, min(int(minutes), MAX_MINUTES)))


def set_trials(asked: SearchState, trials: int) -> SearchState:
    """At most so many models."""
    return replace(asked, trials=max(MIN_TRIALS, min(int(trials), MAX_TRIALS)))


def set_seed(asked: SearchState, seed: int) -> SearchState:
    """Another seed: other suggestions, and other pictures held out."""
    return replace(asked, seed=max(0, min(int(seed), MAX_SEED)))


# --- what is shown ------------------------------------------------------------------------------------------------------


def begin(asked: SearchState, id: str) -> SearchState:
    """Show a search that has begun."""
    return replace(asked, id=id, selected=None)


def leave(asked: SearchState) -> SearchState:
    """Show none: another one may be asked for."""
    return replace(asked, id="", selected=None)


def select(asked: SearchState, trial: int | None) -> SearchState:
    """Show a trial's map; None for the best one's."""
    return replace(asked, selected=trial)


def show_on(asked: SearchState, image: str) -> SearchState:
    """Show maps of another picture."""
    return replace(asked, shown=image)
