"""A lecturer's lesson: views of this program in order, a sentence about each. As a JSON file, and as text in an address.

Files and addresses are hostile until checked. A view is a page and the fields of its address, never a link to elsewhere.
"""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from vislrp_core import texts
from vislrp_core.errors import InputError
from vislrp_core.findings import Finding, Location
from vislrp_ui import desk, permalink, rooms, session, state, state_lesson
from vislrp_ui.own_networks import OWN
from vislrp_ui.samples import samples
from vislrp_ui.state import StateError, Visit

FORMAT, VERSION = "vislrp-lesson", 1
MAX_STEPS, MAX_TITLE, MAX_TEXT, MAX_VIEW = 20, 80, 300, 4000
MAX_BYTES = 200_000
MAX_LINK = 6000
"""Characters of a link that mail, messengers and servers pass on unharmed."""
_MAX_PLAIN = 100_000
_FIELDS = re.compile(
    r"image|fit|target|network|model|as|based|segment|layer|spectrum|range|overlay|paper|neurons|chosen|ablated|ablate|measure|"
    r"compare|evidence|search|hand|(cut|flip|row|col)\d*"
)
_LEFT_OUT = {"as", "based", state_lesson.PARAM}
"""An own model comes as the working copy; otherwise each look at a step would add one to the list."""
_FRAME = {"embed", "embed_options"}
_PACKED = TypeAdapter(tuple[str, list[tuple[str, str]]])
_PAGES = {rooms.path(room): room.key for room in rooms.ROOMS}
_ADDRESS = rf"^/?({'|'.join(map(re.escape, _PAGES))})(\?.*)?$"
_WORDS = r"\S"
"""What a schema can say of an address and of texts; the rest is checked when the file is read."""


def _line(text: str, most: int) -> str:
    line = texts.one_line("".join(sign if sign.isprintable() else " " for sign in text), most + 1)
    if not line:
        raise ValueError("must hold words that can be seen")
    if len(line) > most:
        raise ValueError(f"must have at most {most} characters")
    return line


class LessonStep(BaseModel):
    """One step: ``page?fields`` as in an address of the program, and what the lecturer says about it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    address: str = Field(
        max_length=MAX_VIEW,
        description="A page and the fields of its address, without the server's name.",
        json_schema_extra={"pattern": _ADDRESS},
    )
    text: str = Field(
        description="What to look at in this view.", json_schema_extra={"maxLength": MAX_TEXT, "pattern": _WORDS}
    )

    @field_validator("text")
    @classmethod
    def _one_line(cls, text: str) -> str:
        return _line(text, MAX_TEXT)

    @field_validator("address")
    @classmethod
    def _own_view(cls, text: str) -> str:
        return written(*read_address(text))

    @property
    def page(self) -> str:
        """Key of its page."""
        return _PAGES[self.address.partition("?")[0]]

    @property
    def params(self) -> dict[str, str]:
        """The fields of its address."""
        return dict(parse_qsl(self.address.partition("?")[2], keep_blank_values=True))


class LessonFile(BaseModel):
    """A lesson."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: Literal["vislrp-lesson"]
    version: Literal[1]
    title: str = Field(
        description="Stands at the head of the strip.", json_schema_extra={"maxLength": MAX_TITLE, "pattern": _WORDS}
    )
    steps: tuple[LessonStep, ...] = Field(min_length=1, max_length=MAX_STEPS)

    @field_validator("title")
    @classmethod
    def _one_line(cls, text: str) -> str:
        return _line(text, MAX_TITLE)


def lesson(title: str, steps: list[tuple[str, str]]) -> LessonFile:
    """A lesson of addresses and texts (StateError with one sentence where they make none)."""
    return _checked(
        {
            "format": FORMAT,
            "version": VERSION,
            "title": title,
            "steps": tuple({"address": address, "text": text} for address, text in steps),
        },
        "The lesson",
    )


def read(data: bytes) -> LessonFile:
    """The lesson of a file.

    Raises
    ------
    StateError
        One sentence: what is wrong, and where.
    """
    if len(data) > MAX_BYTES:
        raise StateError(f"The file is larger than {MAX_BYTES // 1000} kB: it is not a lesson.")
    try:
        text = texts.decoded(data)
    except InputError as error:
        raise StateError(f"The lesson's file {error}.") from error
    return _checked(text, "The file")


def write(file: LessonFile) -> bytes:
    """A file of the lesson, which `read` reads."""
    return file.model_dump_json(indent=1).encode()


def pack(file: LessonFile) -> str:
    """The lesson as text of an address.

    Raises
    ------
    StateError
        It is longer than any address may be.
    """
    plain = _PACKED.dump_json((file.title, [(step.address, step.text) for step in file.steps]))
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = urlsafe_b64encode(squeeze.compress(plain) + squeeze.flush()).rstrip(b"=").decode("ascii")
    if len(packed) > state_lesson.MAX_PACKED:
        raise StateError(
            f"The lesson takes {len(packed)} characters, an address holds {state_lesson.MAX_PACKED}: "
            "make two lessons of it, or simpler views."
        )
    return packed


@lru_cache(64)
def unpack(packed: str) -> LessonFile:
    """The lesson of an address (StateError with one sentence where its text is damaged)."""
    try:
        squeezed = urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        release = zlib.decompressobj(-zlib.MAX_WBITS)
        plain = release.decompress(squeezed, _MAX_PLAIN)
        if not release.eof or release.unused_data:
            raise ValueError("longer than a lesson, or cut")
        title, steps = _PACKED.validate_json(plain)
    except (binascii.Error, zlib.error, ValueError) as error:  # ValidationError is a ValueError
        raise StateError("The lesson in the address is damaged: ask for the link again.") from error
    return lesson(title, steps)


def link(base: str, file: LessonFile) -> str:
    """The address that opens a lesson at its first step.

    Parameters
    ----------
    base : str
        Address of the program, with or without a slash at its end.
    """
    place = state.LessonPlace(state_lesson.OWN, packed=pack(file))
    return f"{base.rstrip('/')}/{rooms.path(rooms.find(file.steps[0].page))}?lesson={state_lesson.to_param(place)}"


# --- views ---------------------------------------------------------------------------------------------------------------


def read_address(text: str) -> tuple[str, dict[str, str]]:
    """Page and fields of an address, as this program would write them.

    Raises
    ------
    ValueError
        What is wrong with it, as the end of a sentence.
    """
    path, _, query = text.strip().partition("?")
    page = _PAGES.get(path.removeprefix("/"))
    if page is None:
        raise ValueError("must begin with a page of this program, as in Compare?image=kitten, without the server's name")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=200, errors="strict")
    except ValueError:
        raise ValueError("has fields that cannot be read: copy the address again") from None
    params = {key: value for key, value in pairs if key not in _LEFT_OUT | _FRAME}
    foreign = next((key for key in params if not _FIELDS.fullmatch(key)), None)
    if foreign is not None:
        raise ValueError(f"names “{texts.one_line(foreign, 40)}”, which is no field of this program's addresses")
    visit, damaged = permalink.from_params(params, state.start(session.examples()))
    if damaged:
        raise ValueError(f"is damaged: {damaged[0].partition(';')[0].rstrip('.')}")
    return page, view_of(visit)


def view_of(visit: Visit) -> dict[str, str]:
    """The fields of an address that show a view to others.

    Raises
    ------
    ValueError
        It shows something that only its own browser has.
    """
    if desk.uploads_of(visit):
        raise ValueError("shows an uploaded picture, which stays in its own browser: choose a sample image")
    if visit.image.id not in samples():
        raise ValueError(f"asks for the sample image “{visit.image.id[:40]}”, which there is not")
    if visit.network == OWN:
        raise ValueError("uses an uploaded network, which stays with its own visit: choose another network")
    return {key: value for key, value in permalink.to_params(visit).items() if key not in _LEFT_OUT}


def written(page: str, params: Mapping[str, str]) -> str:
    """Page and fields as one address."""
    return f"{rooms.path(rooms.find(page))}?{urlencode(params, quote_via=quote, safe='~:,')}"


# --- what is wrong -------------------------------------------------------------------------------------------------------


def _checked(data: Any, what: str) -> LessonFile:
    try:
        return LessonFile.model_validate_json(data) if isinstance(data, str) else LessonFile.model_validate(data)
    except ValidationError as error:
        raise StateError(f"{what} holds no lesson that can be opened: {_sentence(error)}.") from error


def _place(location: Location) -> str:
    """A place as a lecturer counts: step 1 text."""
    words = [str(part + 1) if isinstance(part, int) else str(part)[:40] for part in location]
    return " ".join(["step", *words[1:]] if len(words) > 1 and words[0] == "steps" else words)


def _sentence(error: ValidationError) -> str:
    found = Finding.first(error, _place)
    if found.kind == "json_invalid":
        return "it is not JSON"
    if text := found.common("a lesson"):
        return f"{found.place} {text}"
    if found.kind in ("too_long", "too_short"):
        return f"steps must be 1 to {MAX_STEPS}"
    if found.kind == "string_too_long":
        return f"{found.place} must have at most {found.context['max_length']} characters"
    return f"{found.place or 'the file'} must be of the right form, see the example in the documentation"
