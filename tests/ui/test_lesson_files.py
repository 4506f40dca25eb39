"""A lecturer's lesson as a file and as text of an address: what goes in comes out, and hostile ones cost one sentence."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as hypothesis

from tests.support.networks import tiny_network
from vislrp_ui import permalink, session, state, state_lesson
from vislrp_ui.lessons import files, own
from vislrp_ui.lessons.catalogue import LESSONS
from vislrp_ui.lessons.model import Scene
from vislrp_ui.shared import codes
from vislrp_ui.state import ImageRef, LessonPlace, StateError, Visit

STEPS = [
    (
        "Compare?image=kitten&target=281&row1=v2~image:kitten&col1=m~configuration_2&compare=v2~share:all",
        "Look at the two columns: *which* map is <b>paler</b>? {x} $a$",
    ),
    ("?image=castle_on_lake&model=example-configuration_2", "Home."),
    ("/Design?image=two_jaguars&embed=true&lesson=v2~case:rules", "  Two\n jaguars  "),
]
MESSAGES = [
    ({"title": "x"}, "format is missing"),
    ({"more": 1}, "more is not a field of a lesson"),
    ({"version": 2}, "version must be 1"),
    ({"title": " \u200b"}, "title must hold words that can be seen"),
    ({"title": "x" * 81}, "title must have at most 80 characters"),
    ({"steps": []}, "steps must be 1 to 20"),
    ({"steps": [{"address": "Design?", "text": "x"}] * 21}, "steps must be 1 to 20"),
    (
        {"steps": [{"address": "Design?", "text": "x"}, {"address": "Design?", "text": "x" * 301}]},
        "step 2 text must have at most",
    ),
    (
        {"steps": [{"address": "https://example.org/Design?image=kitten", "text": "x"}]},
        "step 1 address must begin with a page",
    ),
    ({"steps": [{"address": "//example.org/Design", "text": "x"}]}, "must begin with a page"),
    ({"steps": [{"address": "javascript:alert(1)", "text": "x"}]}, "must begin with a page"),
    ({"steps": [{"address": "Design?next=http://example.org", "text": "x"}]}, "“next”, which is no field"),
    ({"steps": [{"address": "Design?image", "text": "x"}]}, "fields that cannot be read"),
    ({"steps": [{"address": "Design?target=x", "text": "x"}]}, "is damaged: The target class"),
    ({"steps": [{"address": "Design?image=nothing", "text": "x"}]}, "sample image “nothing”, which there is not"),
    ({"steps": [{"address": f"Design?image=upload-{'ab' * 32}", "text": "x"}]}, "uploaded picture"),
    ({"steps": [{"address": "Design?network=own", "text": "x"}]}, "uploaded network"),
    ({"steps": [{"address": "Design?" + "x" * 4000, "text": "x"}]}, "step 1 address must have at most 4000"),
    ({"steps": [{"address": 3, "text": "x"}]}, "step 1 address must be of the right form"),
    ({"steps": "many"}, "steps must be of the right form"),
]


def fresh() -> Visit:
    return state.start(session.examples())


def data(**change: Any) -> bytes:
    return json.dumps({"format": "vislrp-lesson", "version": 1, "title": "A lesson", "steps": [], **change}).encode()


def test_a_lesson_goes_through_file_and_address_and_opens_its_views() -> None:
    made = files.lesson("  Rules,\tfor <i>Tuesday</i>", STEPS)
    assert files.read(files.write(made)) == made == files.unpack(files.pack(made))
    assert made.title == "Rules, for <i>Tuesday</i>" and made.steps[2].text == "Two jaguars"
    assert [step.page for step in made.steps] == ["compare", "home", "design"]
    assert "lesson" not in made.steps[2].params and "embed" not in made.steps[2].params
    lesson, network = own.opened(files.pack(made)), tiny_network()
    for number, step in enumerate(lesson.steps):
        shown = step.show(fresh(), network)
        assert [one.done(shown) for one in lesson.steps if one.done] == [place == number for place in range(3)]
        assert permalink.from_params(made.steps[number].params, fresh())[0] == shown
    told = lesson.steps[0].texts(Scene(network, fresh()))["do"]
    assert "{x}" in told and r"\<b>" in told and r"\*which\*" in told and r"\$a\$" in told
    link = files.link("http://lecture.example/vislrp/", made)
    assert link.startswith("http://lecture.example/vislrp/Compare?lesson=v2~data:")
    place = state_lesson.from_param(link.partition("lesson=")[2])
    assert place == LessonPlace(state_lesson.OWN, packed=files.pack(made))
    back, damaged = permalink.from_params({"lesson": state_lesson.to_param(replace(place, step=2, folded=True))}, fresh())
    assert damaged == () and back.lesson == replace(place, step=2, folded=True)


@pytest.mark.parametrize("key", ["rules", "flipping"])
def test_every_field_of_an_address_may_stand_in_a_lesson(key: str) -> None:
    visit = LESSONS[key].prepare(fresh(), tiny_network())
    visit = state.set_look(visit, overlay=True, spectrum="orange-white-purple", range="max", paper="dark")
    visit = state.select_layer(state.choose_network(state.set_fit(visit, "squash"), "embedded"), 3)
    params = files.view_of(visit)
    assert params.keys() >= {"image", "fit", "target", "network", "model", "layer", "spectrum", "range", "overlay", "paper"}
    assert files.read_address(files.written("design", params)) == ("design", params)


@pytest.mark.parametrize(("change", "message"), MESSAGES, ids=[message[:30] for _, message in MESSAGES])
def test_a_damaged_file_is_refused_in_one_sentence(change: dict[str, Any], message: str) -> None:
    content = {"steps": [{"address": "Design?image=kitten", "text": "x"}], **change}
    text = json.dumps(content).encode() if message.startswith("format") else data(**content)
    with pytest.raises(StateError, match=r"^The file holds no lesson that can be opened: [^\n]{1,400}\.$") as refused:
        files.read(text)
    assert message in str(refused.value)


def test_what_is_no_file_of_a_lesson() -> None:
    for content, message in (
        (b"[" * 100_000, "not JSON"),
        (b"\xff", "UTF-8"),
        (b" " * 200_001, "larger than 200 kB"),
        (b"7", "form"),
    ):
        with pytest.raises(StateError, match=message):
            files.read(content)


def test_a_lesson_in_an_address_is_bounded_in_both_directions() -> None:
    heavy = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = urlsafe_b64encode(heavy.compress(b"[" * 9_000_000) + heavy.flush()).decode().rstrip("=")
    assert len(bomb) < state_lesson.MAX_PACKED
    for packed in (bomb, "A", "AAAA", files.pack(files.lesson("A", STEPS))[:-9]):
        with pytest.raises(StateError, match="address is damaged"):
            files.unpack(packed)
    models = [f"{7919 * number % 100_003:05d}" for number in range(4000)]
    noisy = [(f"Design?image=kitten&target={n}", "".join(models[n * 60 : n * 60 + 60])) for n in range(20)]
    assert len(files.pack(files.lesson("Digits", noisy))) <= state_lesson.MAX_PACKED
    for text in ("v2~data:ab.c", "v2~case:rules~data:abc", "v2~data:" + "a" * (state_lesson.MAX_PACKED + 1)):
        back, damaged = permalink.from_params({"image": "kitten", "lesson": text}, fresh())
        assert back.lesson is None and back.image == ImageRef("sample", "kitten") and "lesson" in damaged[0]


@given(hypothesis.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with pytest.raises(StateError):
        files.read(content)
    with pytest.raises(StateError):
        files.unpack(urlsafe_b64encode(content).decode().rstrip("="))


def test_the_example_of_the_documentation_is_a_lesson() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "teach.md").read_text(encoding="utf-8")
    example = text.partition("```json")[2].partition("```")[0]
    assert len(files.read(example.encode()).steps) == 2
    for limit in (files.MAX_STEPS, files.MAX_TEXT, files.MAX_LINK, codes.QR_BYTES):
        assert str(limit) in text
    assert codes.svg("http://h/?" + "x" * codes.QR_BYTES) is None and "QR code holds 2953" in codes.too_long("x" * 3000)
