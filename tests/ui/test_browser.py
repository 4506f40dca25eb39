"""A session and its browser: first hear, then write; reloads, other tabs, deletion, trouble, hostile messages."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.ui.test_desk import fresh, worked
from vislrp_core.images import network_view, read_image
from vislrp_ui import browser, desk, kept, permalink, state, uploads
from vislrp_ui.browser import Exchange
from vislrp_ui.state import ImageRef, Visit

SID = "s"


def picture(width: int = 300, height: int = 240, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8))


def opened(address: dict[str, str] | None = None) -> tuple[Exchange, Visit]:
    """A session that has just begun."""
    held = Exchange()
    visit, _ = permalink.from_params(address or {}, fresh())
    held.entered, held.began = dict(address or {}), visit
    return held, visit


def say(held: Exchange, visit: Visit, kind: str, **content: Any) -> tuple[Visit, list[str]]:
    message = json.loads(json.dumps({"n": held.heard + 1, "kind": kind, **content}))
    return held.hear({"sid": SID, "messages": [message]}, SID, visit)


def stored(held: Exchange, visit: Visit) -> dict[str, Any]:
    """What the browser has after a run, as its next hello says it."""
    payload = json.loads(json.dumps(held.payload(visit, {})))
    files = [{key: file[key] for key in ("id", "crop", "squash")} for file in payload["files"]]
    index = [{**{key: file[key] for key in ("id", "title", "thumb")}, "time": 1} for file in payload["files"]]
    return {"models": payload["models"], "desk": payload["desk"], "pictures": index, "files": files, "nav": "reload"}


def test_nothing_is_written_before_the_browser_was_heard() -> None:
    held, visit = opened()
    assert held.payload(worked(), {}) == {"restored": False, "heard": 0}
    say(held, visit, "hello", nav="navigate")
    assert held.payload(visit, {})["desk"] is None, "an empty table is not kept"


def test_a_reload_brings_everything_back_once() -> None:
    held, visit = opened()
    visit, _ = say(held, visit, "hello", nav="navigate")
    ref = ImageRef("upload", held.add(uploads.reduce(picture()), "noise.png"))
    visit = state.choose_image(worked(), ref)
    again, shown = opened(permalink.to_params(visit))
    back, sentences = say(again, shown, "hello", **stored(held, visit))
    assert back == visit and sentences == [] and again.uploads[ref.id] == held.uploads[ref.id]
    assert say(again, back, "hello", **stored(held, visit))[0] == back, "heard once"


def test_a_reload_of_an_active_own_model_does_not_double_it() -> None:
    held, visit = opened()
    visit, _ = say(held, visit, "hello", nav="navigate")
    visit = state.duplicate(visit)
    address = permalink.to_params(visit)
    for nav, table in (("reload", True), ("navigate", True), ("navigate", False)):
        again, shown = opened(address)
        kept_there = stored(held, visit) | {"nav": nav} | ({} if table else {"desk": None})
        back, _ = say(again, shown, "hello", **kept_there)
        assert [e.name for e in back.models if e.origin == "own"] == [visit.entry().name] and back.active == visit.active


def test_own_models_come_to_a_second_tab_and_its_link_stays_open() -> None:
    held, visit = opened()
    visit, _ = say(held, visit, "hello", nav="navigate")
    visit = worked()
    there = stored(held, visit)
    link = {"image": "kitten", "target": "3", "model": "example-example_one"}
    second, shown = opened(link)
    other = [{"tab": "abc", "time": 5, "desk": there["desk"], "open": True}]
    back, _ = say(second, shown, "hello", **{**there, "desk": None, "nav": "navigate", "others": other})
    assert [e.id for e in browser.own_models(back)] == [e.id for e in browser.own_models(visit)]
    assert (back.image.id, back.target, back.active, back.look) == ("kitten", 3, "example_one", shown.look)
    assert not back.aside


def test_a_new_tab_takes_the_colours_and_offers_the_work_of_the_closed_one() -> None:
    held, visit = opened()
    say(held, visit, "hello", nav="navigate")
    visit = worked()
    there = stored(held, visit)
    for open_ in (False, True):
        second, shown = opened()
        other = [{"tab": "abc", "time": 5, "desk": there["desk"], "open": open_}]
        back, _ = say(second, shown, "hello", **{**there, "desk": None, "nav": "navigate", "others": other})
        assert back.look == visit.look and back.image == shown.image
        assert [piece.title for piece in back.aside] == ([] if open_ else [browser.EARLIER])
        if not open_:
            assert desk.same(desk.take_back(back), visit)
            assert second.payload(back, {})["orders"] == [{"n": 1, "desks": ["abc"]}]


def test_another_address_in_the_same_tab_puts_its_work_aside() -> None:
    held, visit = opened()
    say(held, visit, "hello", nav="navigate")
    there = stored(held, worked()) | {"nav": "navigate"}
    again, shown = opened({"image": "kitten", "target": "first", "model": "example-example_one"})
    back, _ = say(again, shown, "hello", **there)
    assert (back.image.id, len(back.aside)) == ("kitten", 1)
    assert desk.take_back(back).page("flipping") == worked().page("flipping")


def test_changes_of_another_tab_arrive_and_deletions_too() -> None:
    held, visit = opened()
    visit, _ = say(held, visit, "hello", nav="navigate")
    new = state.duplicate(fresh()).entry()
    visit, _ = say(held, visit, "news", models=[kept.write_model(new)], gone=[], pictures=[])
    assert visit.entry(new.id) == new
    visit, _ = say(held, visit, "news", models=[], gone=[new.id], pictures=[])
    assert not browser.own_models(visit) and held.payload(visit, {})["gone"] == []


def test_deleted_models_are_named_so_that_the_browser_deletes_them() -> None:
    held, visit = opened()
    visit, _ = say(held, visit, "hello", nav="navigate")
    visit = state.duplicate(visit)
    id = visit.active
    held.payload(visit, {})
    assert held.payload(state.delete(visit), {})["gone"] == [id]
    assert held.payload(state.undo(state.delete(visit)), {})["gone"] == []


def test_a_picture_is_fetched_where_a_page_shows_it() -> None:
    held, visit = opened()
    visit, _ = say(held, visit, "hello", nav="navigate")
    id = held.add(uploads.reduce(picture()), "a.png")
    there = stored(held, visit)
    second, shown = opened()
    shown, _ = say(second, shown, "hello", **{**there, "files": []})
    shown = state.choose_image(shown, ImageRef("upload", id))
    assert second.awaited(id) and second.payload(shown, {})["want"] == [id]
    shown, _ = say(second, shown, "files", files=there["files"], missing=[])
    assert second.uploads[id] == held.uploads[id] and second.payload(shown, {})["want"] == []
    say(second, shown, "files", files=[], missing=["f" * 64])
    assert not second.awaited("f" * 64)


@pytest.mark.parametrize("size", [(300, 240), (241, 301), (224, 224), (5000, 200), (200, 5000), (30, 20), (777, 501)])
def test_what_is_kept_of_a_picture_shows_the_network_the_same_pixels(size: tuple[int, int]) -> None:
    whole = picture(*size)
    small = uploads.reduce(whole)
    for fit in ("crop", "squash"):
        again = network_view(read_image(small.file(fit)), fit)
        assert np.array_equal(np.asarray(again), np.asarray(network_view(whole, fit)))
    assert uploads.checked(small.crop, small.squash).id == small.id == uploads.reduce(whole).id


def _file(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_hostile_pictures_are_left_out_with_one_sentence() -> None:
    good = uploads.reduce(picture())
    crop, squash = (base64.b64encode(data).decode() for data in (good.crop, good.squash))
    bad = [
        {"id": good.id, "crop": crop, "squash": _file(picture())},
        {"id": good.id, "crop": "%%", "squash": squash},
        {"id": good.id, "crop": crop[:800], "squash": squash},
        {"id": "a" * 64, "crop": crop},
        7,
        None,
        {"id": good.id, "crop": "A" * 5_000_000, "squash": squash},
    ]
    held, visit = opened()
    _, sentences = say(held, visit, "hello", files=bad, pictures=[{"id": 3}, "x"])
    assert held.uploads == {} and len(sentences) == 1 and "pictures" in sentences[0]
    held, visit = opened()
    say(held, visit, "hello", files=[{"id": "b" * 64, "crop": crop, "squash": squash}])
    assert list(held.uploads) == [good.id], "a picture goes by its own hash, whatever the browser calls it"


@pytest.mark.parametrize(
    "said",
    [
        None,
        7,
        {},
        {"sid": SID},
        {"sid": SID, "messages": 5},
        {"sid": SID, "messages": [None, 1, {}]},
        {"sid": SID, "messages": [{"n": 1, "kind": []}, {"n": True, "kind": "hello"}]},
        {"sid": "other", "messages": [{"n": 1, "kind": "hello"}]},
        {"sid": SID, "messages": [{"n": 1, "kind": "_take"}, {"n": 10**12, "kind": "hello"}]},
    ],
)
def test_messages_that_make_no_sense_change_nothing(said: Any) -> None:
    held, visit = opened()
    assert held.hear(said, SID, visit) == (visit, []) and not held.restored


@pytest.mark.parametrize("desk_", [7, [], {"v": 2}, {"v": 1}, {"v": 1, "params": {"image": "\x00"}, "working": 3}])
def test_a_damaged_table_costs_one_sentence_and_models_stay(desk_: Any) -> None:
    new = state.duplicate(fresh()).entry()
    held, visit = opened()
    back, sentences = say(
        held, visit, "hello", desk=desk_, models=[kept.write_model(new)], nav="reload", others=[desk_] * 40
    )
    assert back.entry(new.id) == new and len(sentences) == 1


def test_deleting_all_leaves_nothing_here_and_in_other_tabs() -> None:
    held, visit = opened()
    visit, _ = say(held, visit, "hello", nav="navigate")
    id = held.add(uploads.reduce(picture()), "a.png")
    visit = held.drop_all(state.choose_image(worked(), ImageRef("upload", id)))
    payload = held.payload(visit, {})
    assert visit == fresh() and payload["orders"] == [{"n": 1, "all": True}]
    assert payload["models"] == [] and payload["files"] == [] and payload["desk"] is None
    other, there = opened()
    there, _ = say(other, worked(), "cleared")
    assert there == fresh()


def test_a_deleted_picture_is_shown_nowhere_any_more() -> None:
    held, visit = opened()
    visit, _ = say(held, visit, "hello", nav="navigate")
    id = held.add(uploads.reduce(picture()), "a.png")
    visit = held.drop_picture(id, state.choose_image(visit, ImageRef("upload", id)))
    assert visit.image == ImageRef() and not held.uploads and not held.payload(visit, {})["files"]


def test_only_the_newest_pictures_are_held() -> None:
    held, _ = opened()
    ids = [held.add(uploads.reduce(picture(60, 50, seed)), "") for seed in range(uploads.MAX_KEPT + 3)]
    assert list(held.uploads) == ids[3:]


def test_storage_that_is_off_or_full_is_said_and_the_visit_goes_on() -> None:
    held, visit = opened()
    assert say(held, visit, "hello", nav="navigate") == (visit, [])
    for what in ("off", "full", "junk"):
        say(held, visit, "trouble", what=what)
        assert browser.TROUBLE[held.trouble].count(".") <= 2
