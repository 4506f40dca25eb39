"""The exchange with the browser's storage: what it handed over, what it has to write. No Streamlit here; `session` wires it.

A session hears first (`hello`) and writes then: until a browser has said what it keeps, nothing of it can be overwritten.
What it says is hostile until checked, and concerns this session alone.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from vislrp_core import edits
from vislrp_core.adapt import adapt
from vislrp_core.images import ImageError
from vislrp_core.networks import imagenet_on_disk
from vislrp_ui import desk, kept, state, uploads
from vislrp_ui.kept import Damage, Data, KeptError
from vislrp_ui.state import WORKING, Aside, ModelEntry, Visit
from vislrp_ui.uploads import MAX_KEPT, Upload

MAX_MESSAGES = 50
MAX_OTHERS = 8
SEND_SECONDS = 20.0
"""How long a picture goes along with every run, so that a browser which missed one gets the next."""
TROUBLE = {
    "off": "This browser stores nothing for this page (its storage is switched off): export what you want to keep.",
    "full": "This browser's storage is full: newer work is not kept. Export it, or delete some of what is kept.",
}
EARLIER = "your work from an earlier tab"


@dataclass(frozen=True)
class KeptPicture:
    """A picture that the browser keeps."""

    title: str
    thumb: bytes


@dataclass(frozen=True)
class Other:
    """What is on the table of another tab, as that tab wrote it."""

    tab: str
    time: float
    data: Data
    open: bool


@dataclass
class Exchange:
    """One session's exchange with its browser.

    Attributes
    ----------
    entered : dict
        The address that the session began with.
    restored : bool
        Whether the browser has said what it keeps.
    heard : int
        Number of the last message heard.
    trouble : str
        Why nothing is kept, a key of `TROUBLE`; empty where it is.
    pictures : dict
        Pictures that the browser keeps, by id.
    others : tuple of Other
        Tables of other tabs, the newest first.
    claims : dict
        Tokens of measurements that the tab left running, by the key of their job.
    """

    entered: dict[str, str] = field(default_factory=dict)
    began: Visit | None = None
    restored: bool = False
    heard: int = 0
    trouble: str = ""
    pictures: dict[str, KeptPicture] = field(default_factory=dict)
    others: tuple[Other, ...] = ()
    claims: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    _sent: dict[str, float] = field(default_factory=dict)
    _models: set[str] = field(default_factory=set)
    _originals: dict[str, ModelEntry] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)
    _orders: list[Data] = field(default_factory=list)
    _missing: set[str] = field(default_factory=set)

    # --- pictures -----------------------------------------------------------------------------------------------------

    def add(self, upload: Upload, title: str) -> str:
        """Hold a picture for this session, and let the browser keep it; returns its id."""
        id = upload.id
        self.uploads.pop(id, None)
        self.uploads[id] = upload
        self.titles[id] = " ".join(title.split())[:80]
        self._sent.setdefault(id, time.monotonic())
        while len(self.uploads) > MAX_KEPT:
            self.uploads.pop(next(iter(self.uploads)))
        return id

    def awaited(self, id: str) -> bool:
        """Whether a picture that the session lacks may still come from the browser."""
        return id not in self.uploads and (not self.restored or (id in self.pictures and id not in self._missing))

    def wanted(self, visit: Visit) -> list[str]:
        """Pictures that the pages show, and only the browser has."""
        return [
            id for id in desk.uploads_of(visit) if id not in self.uploads and id in self.pictures and id not in self._missing
        ]

    # --- to the browser -----------------------------------------------------------------------------------------------

    def payload(self, visit: Visit, jobs: Mapping[str, str]) -> Data:
        """What the browser has to write.

        Parameters
        ----------
        jobs : mapping
            Tokens of the measurements that run, by the key of their job.
        """
        if not self.restored:
            return {"restored": False, "heard": self.heard}
        own = [entry for entry in visit.models if entry.origin == "own"]
        ids = {entry.id for entry in own}
        self._gone = (self._gone | (self._models - ids)) - ids
        self._models = ids
        return {
            "restored": True,
            "heard": self.heard,
            "models": [kept.write_model(self._original(entry)) for entry in own],
            "gone": sorted(self._gone),
            "desk": self._desk(visit, jobs),
            "files": self._files(),
            "want": self.wanted(visit),
            "orders": self._orders,
        }

    def _original(self, entry: ModelEntry) -> ModelEntry:
        """A model that was only carried over to the running network stays in the browser as it was made."""
        there = self._originals.get(entry.id)
        if there is None or there.model.architecture == entry.model.architecture:
            self._originals[entry.id] = entry
            return entry
        carried = adapt(there.model, entry.model.architecture)
        if carried.key != entry.model.key:
            return entry
        return replace(there, model=edits.rename(there.model, entry.name))

    def _desk(self, visit: Visit, jobs: Mapping[str, str]) -> Data | None:
        if not (desk.holds_work(visit) or visit.aside or visit.opened or visit.draft or jobs):
            return None
        worth = not state.is_untouched(visit.entry(WORKING))
        return kept.write_desk(visit) | {"worth": worth, "jobs": dict(jobs)}

    def _files(self) -> list[Data]:
        now, found = time.monotonic(), []
        for id, since in self._sent.items():
            if id in self.uploads and now - since < SEND_SECONDS:
                upload = self.uploads[id]
                found.append(
                    {
                        "id": id,
                        "title": self.titles.get(id, ""),
                        "thumb": _text(uploads.thumbnail(upload)),
                        "crop": _text(upload.crop),
                        "squash": _text(upload.squash),
                    }
                )
        return found

    def order(self, **what: object) -> None:
        """Have the browser delete something, once: ``pictures``, ``desks``, ``all``."""
        self._orders = [*self._orders, {"n": len(self._orders) + 1, **what}]

    # --- what a person deletes ----------------------------------------------------------------------------------------

    def drop_picture(self, id: str, visit: Visit) -> Visit:
        """Forget a picture, here and in the browser."""
        for held in (self.uploads, self.pictures, self.titles, self._sent):
            held.pop(id, None)
        self.order(pictures=[id])
        return desk.without_upload(visit, id)

    def drop_other(self, tab: str) -> None:
        """Forget the table of another tab."""
        self.others = tuple(one for one in self.others if one.tab != tab)
        self.order(desks=[tab])

    def drop_all(self, visit: Visit) -> Visit:
        """Forget everything, here and in the browser; returns the visit as at the start."""
        self.order(all=True)
        return self.emptied(visit)

    def emptied(self, visit: Visit) -> Visit:
        """Everything was deleted, here or in another tab."""
        for held in (self.uploads, self.pictures, self.titles, self._sent):
            held.clear()
        self.others, self._models, self._gone = (), set(), set()
        return state.start(tuple(entry for entry in visit.models if entry.origin == "example"))

    # --- from the browser ---------------------------------------------------------------------------------------------

    def hear(self, said: object, sid: str, visit: Visit) -> tuple[Visit, list[str]]:
        """The visit after the messages that are new, and a sentence for each thing the person should know."""
        messages = said.get("messages") if isinstance(said, dict) and said.get("sid") == sid else None
        damage, sentences = Damage(), []
        for message in messages[:MAX_MESSAGES] if isinstance(messages, list) else ():
            number = message.get("n") if isinstance(message, dict) else None
            if type(number) is not int or not self.heard < number < 1_000_000:
                continue
            self.heard = number
            read = _READERS.get(message["kind"]) if isinstance(message.get("kind"), str) else None
            if read is not None:
                visit, told = read(self, message, visit, damage)
                sentences += told
        return visit, [*sentences, *([damage.sentence] if damage.count else [])]

    def _hello(self, message: Data, visit: Visit, damage: Damage) -> tuple[Visit, list[str]]:
        if self.restored:
            return visit, []
        self.restored = True
        self._index(message, damage)
        self._take(message, damage)
        self.others = _read_others(message.get("others"), damage)
        untouched = visit is self.began
        models = kept.read_models(message.get("models"), damage)
        self._originals |= {entry.id: entry for entry in models}
        visit, room = kept.merge(visit, models, linked=True)
        self._models = {entry.id for entry in visit.models if entry.origin == "own"}
        sentences = (
            []
            if room
            else [
                "This browser keeps more models of your own than the list can hold: the others stay "
                "in the browser until some are deleted."
            ]
        )
        mine = message.get("desk")
        try:
            if mine is not None:
                table = kept.read_desk(mine, visit.models, damage)
                self.claims = _read_claims(mine.get("jobs"))
                same = mine.get("address") == self.entered
                back = same or message.get("nav") in ("reload", "back_forward")
                visit = _on_the_table(visit, table, whole=same and untouched) if back else _behind(visit, table)
            elif not self.entered:
                visit = self._from_earlier_tab(visit, damage)
        except KeptError:
            damage.note("the last view")
        return _checked(visit), sentences

    def _from_earlier_tab(self, visit: Visit, damage: Damage) -> Visit:
        """A new tab without an address takes the colours of the last one; its work can be taken back."""
        for other in self.others:
            try:
                table = kept.read_desk(other.data, visit.models, damage)
            except KeptError:
                continue
            visit = replace(visit, look=table.look, network=table.network)
            if not other.open and (desk.holds_work(table) or table.aside or table.draft):
                visit = _behind(visit, table)
                self.drop_other(other.tab)
            return visit
        return visit

    def _news(self, message: Data, visit: Visit, damage: Damage) -> tuple[Visit, list[str]]:
        if not self.restored:
            return visit, []
        self._index(message, damage)
        gone = message.get("gone")
        ids = [id for id in gone if isinstance(id, str)] if isinstance(gone, list) else []
        self._models -= set(ids)
        models = kept.read_models(message.get("models"), damage)
        self._originals |= {entry.id: entry for entry in models}
        visit, _ = kept.merge(kept.forget(visit, ids), models)
        self._models |= {entry.id for entry in visit.models if entry.origin == "own"}
        return visit, []

    def _file(self, message: Data, visit: Visit, damage: Damage) -> tuple[Visit, list[str]]:
        self._take(message, damage)
        missing = message.get("missing")
        self._missing |= {id for id in missing if isinstance(id, str)} if isinstance(missing, list) else set()
        return visit, []

    def _cleared(self, message: Data, visit: Visit, damage: Damage) -> tuple[Visit, list[str]]:
        return self.emptied(visit), [
            "Everything that this browser kept was deleted in another tab: this tab starts from the beginning."
        ]

    def _trouble(self, message: Data, visit: Visit, damage: Damage) -> tuple[Visit, list[str]]:
        what = message.get("what")
        self.trouble = what if what in TROUBLE else "off"
        return visit, []

    def _index(self, message: Data, damage: Damage) -> None:
        self.pictures = {}
        for item in kept.listed(message.get("pictures"), MAX_KEPT, "pictures", damage):
            try:
                id, title, thumb = item["id"], item["title"], _bytes(item["thumb"], 12_000)
                if not isinstance(title, str) or not isinstance(id, str) or len(id) != 64:
                    raise ValueError(id)
                self.pictures[id] = KeptPicture(" ".join(title.split())[:80], thumb)
            except (KeyError, TypeError, ValueError):
                damage.note("pictures")

    def _take(self, message: Data, damage: Damage) -> None:
        for item in kept.listed(message.get("files"), MAX_KEPT, "pictures", damage):
            try:
                upload = uploads.checked(_bytes(item["crop"], uploads.MAX_FILE), _bytes(item["squash"], uploads.MAX_FILE))
                self.uploads[upload.id] = upload
                if upload.id != item.get("id"):
                    raise ValueError("another picture")
                self.titles[upload.id] = self.pictures[upload.id].title if upload.id in self.pictures else ""
            except (KeyError, TypeError, ValueError, AttributeError, ImageError):
                self._missing.add(str(item.get("id")) if isinstance(item, dict) else "")
                damage.note("pictures")


_Reader = Callable[[Exchange, Data, Visit, Damage], tuple[Visit, list[str]]]
_READERS: dict[str, _Reader] = {
    "hello": Exchange._hello,
    "news": Exchange._news,
    "files": Exchange._file,
    "cleared": Exchange._cleared,
    "trouble": Exchange._trouble,
}


def _on_the_table(visit: Visit, table: Visit, *, whole: bool) -> Visit:
    """A reload: what the address holds is there already, the tab's table brings the rest."""
    if whole:
        return table
    past, future = table.past, table.future
    if (visit.models, visit.active) != (table.models, table.active):
        past, future = (*past, *visit.past), ()
    past = past[-state.MAX_HISTORY :]
    return replace(visit, past=past, future=future, aside=table.aside, opened=table.opened, draft=table.draft)


def _behind(visit: Visit, table: Visit) -> Visit:
    """Another view is on the table: what was there before is put aside."""
    stack = table.aside
    if desk.holds_work(table):
        stack = (*stack, Aside(EARLIER, replace(table, aside=())))
    return replace(visit, aside=(*visit.aside, *stack)[-desk.MAX_ASIDE :], draft=visit.draft or table.draft)


def _checked(visit: Visit) -> Visit:
    """Without what this server lacks."""
    if visit.network == "own" or (visit.network == "imagenet" and imagenet_on_disk() is None):
        return replace(visit, network=None)
    return visit


def _read_others(data: object, damage: Damage) -> tuple[Other, ...]:
    found = []
    for item in kept.listed(data, MAX_OTHERS, "other tabs", damage):
        tab, stamp, held = (item.get(key) for key in ("tab", "time", "desk")) if isinstance(item, dict) else (None,) * 3
        if not (isinstance(tab, str) and kept.is_id(tab) and isinstance(held, dict) and isinstance(stamp, int | float)):
            damage.note("other tabs")
            continue
        found.append(Other(tab, max(0.0, min(float(stamp), 4e12)), held, item.get("open") is True))
    return tuple(found)


def _read_claims(data: object) -> dict[str, str]:
    if not isinstance(data, dict) or len(data) > 8:
        return {}
    return {key: token for key, token in data.items() if isinstance(token, str) and len(token) < 100}


def own_models(visit: Visit) -> tuple[ModelEntry, ...]:
    """Own models, as the browser keeps them."""
    return tuple(entry for entry in visit.models if entry.origin == "own")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: object, most: int) -> bytes:
    if not isinstance(text, str) or len(text) > 4 * most // 3 + 8:
        raise ValueError("no file")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("no file") from error
