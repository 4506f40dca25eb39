"""Each guided case walked step by step: "Show me" does what the step says, the strip notices, its text has numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import CLASSES, visit_of
from vislrp_ui import rooms, state_compare, state_flipping
from vislrp_ui.lessons import catalogue, drafts, files, worksheet
from vislrp_ui.lessons.catalogue import LESSONS
from vislrp_ui.lessons.model import UNKNOWN
from vislrp_ui.lessons.questions.catalogue import QUESTIONS
from vislrp_ui.shared import embedded
from vislrp_ui.state import LessonPlace

Open = Callable[..., AppTest]


def line(app: AppTest) -> str:
    """The line of steps as HTML; empty where no strip is shown."""
    return next((one.proto.body for one in app.get("html") if 'class="v-lesson"' in one.proto.body), "")


def words(app: AppTest) -> str:
    """The text of the present step."""
    return next((one.value for one in app.markdown if one.value.startswith("**Do:**")), "")


def ticks(app: AppTest) -> int:
    return line(app).count("✓")


def press(app: AppTest, key: str, name: str) -> None:
    """A trigger of a component, as the browser sends it."""
    element = next(one for one in app.get("bidi_component") if one.proto.id.endswith(f"-{key}"))
    states = app._tree.get_widget_states()
    states.widgets.append(WidgetState(id=element.proto.id, json_trigger_value=json.dumps({"event": name, "value": True})))
    app._run(states)


@pytest.mark.parametrize("key", LESSONS)
def test_a_case_step_by_step(open_page: Open, key: str) -> None:
    lesson = LESSONS[key]
    app = open_page()
    app.button(key=f"open-{key}").click().run()
    assert visit_of(app).lesson == LessonPlace(key) and app.button(key="lesson-show").label == "Show me"
    for number, step in enumerate(lesson.steps):
        assert 'aria-current="step"' in line(app).split(step.title)[0].rsplit("<li", 1)[1]
        app.button(key="lesson-show").click().run()
        assert not app.exception and not app.warning, (step.title, app.exception)
        assert app.button(key="lesson-show").label == "Show me", "the step's page is open"
        visit = visit_of(app)
        assert visit.lesson == LessonPlace(key, number)
        if step.done is not None:
            assert step.done(visit), step.title
        assert ticks(app) == number + (step.done is not None)
        text = words(app)
        assert "{" not in text and UNKNOWN not in text, text
        if number < len(lesson.steps) - 1:
            app.button(key="lesson-next").click().run()
            assert not app.exception
    following = catalogue.after(key)
    assert (following is None) == (key == list(LESSONS)[-1]) == ("lesson-following" not in {one.key for one in app.button})
    if following is not None and key == "configurations":
        app.button(key="lesson-following").click().run()
        assert not app.exception and visit_of(app).lesson == LessonPlace(following.key)
        assert following.steps[0].title in line(app) and not app.get("error")
        return
    app.button(key="lesson-next").click().run()
    assert visit_of(app).lesson is None and not line(app)


def test_the_strip_folds_goes_back_closes_and_costs_nothing_without_a_lesson(open_page: Open) -> None:
    app = open_page("1_Design", lesson="v2~case:configurations~step:2")
    assert "Show me on Compare" in [one.label for one in app.button] and words(app)
    app.button(key="lesson-fold").click().run()
    assert visit_of(app).lesson == LessonPlace("configurations", 1, True) and not words(app) and line(app)
    app.button(key="lesson-fold").click().run()
    app.button(key="lesson-back").click().run()
    assert visit_of(app).lesson == LessonPlace("configurations", 0) and app.button(key="lesson-back").disabled
    app.button(key="lesson-close").click().run()
    assert visit_of(app).lesson is None and not line(app)
    assert not [key for key in ("_lesson_words", "_lesson_waits") if key in open_page("1_Design").session_state]


def test_a_step_or_a_lesson_that_there_is_not(open_page: Open) -> None:
    app = open_page(lesson="v2~case:rules~step:40")
    assert LESSONS["rules"].steps[-1].title in line(app).split('aria-current="step"')[1]
    app = open_page(lesson="v2~case:nothing")
    assert any("no lesson “nothing”" in one.value for one in app.caption)
    app.button(key="lesson-close").click().run()
    assert visit_of(app).lesson is None


def test_the_person_does_a_step_and_the_strip_notices(open_page: Open) -> None:
    app = open_page("2_Compare", lesson="v2~case:rules~step:2")
    assert ticks(app) == 1
    app.segmented_control(key="compare-share").set_value("all").run()
    assert ticks(app) == 2
    app = open_page("3_Pixel_Flipping", lesson="v2~case:flipping~step:2")
    app.segmented_control(key="flip-mode").set_value("relevance").run()
    app.selectbox(key="flip-sign").set_value("negative").run()
    assert ticks(app) == 2 and state_flipping.of(visit_of(app)).row().sign == "negative"
    app.selectbox(key="target").set_value(3).run()
    assert CLASSES[3] in words(app)


KEPT = {
    "home": {"home-image", "home-map", "home-classes"},
    "design": {"design-image", "final-map", "design-classes"},
    "compare": {"compare-row-1"},
    "flipping": {"flip-result-1"},
    "ablation": {"abl-result", "abl-chips"},
    "search": set(),
    "hand": {"handnet", "hand-rule"},
}
"""What a frame on a course page still shows, by page."""


def test_every_page_draws_the_strip_and_fits_a_frame(open_page: Open) -> None:
    """In a frame the tools are left out; pictures, maps, predictions and the strip stay, and a link to the whole program."""
    drawn: set[str] = set()
    for room in rooms.ROOMS:
        page = room.file.removeprefix("pages/").removesuffix(".py") or None
        app = open_page(page, lesson="v2~case:rules", image="kitten", cut1="zero~30:2-5~", chosen="23:1.4")
        assert LESSONS["rules"].title in line(app), room.key
        assert not whole(app) and embedded.CSS not in [one.proto.body for one in app.get("html")], "no frame"
        here = f"http://lecture.example/vislrp/{rooms.path(room)}"
        app.context = {"is_embedded": True, "url": here}
        app.run()
        assert not app.exception and LESSONS["rules"].title in line(app), room.key
        assert embedded.CSS in [one.proto.body for one in app.get("html")]
        assert f'href="{here}?' in whole(app) and "lesson=v2~case:rules" in whole(app) and "embed=" not in whole(app)
        keys = keys_of(app)
        drawn |= keys
        assert KEPT[room.key] | {"lesson-place"} <= keys - set(embedded._HIDDEN), room.key
        foot = " ".join(one.value for one in app.caption)
        assert ("**Kitten" in foot) == (room.key in ("home", "design", "flipping", "ablation")), foot
    missing = set(embedded._HIDDEN) - drawn
    assert missing <= {"flip-results", "plain-hint"}, "drawn after a measurement, and below LRP-0"


def keys_of(app: AppTest) -> set[str]:
    """Keys of all that the page draws."""
    found, waiting = set(), [app._tree]
    while waiting:
        one = waiting.pop()
        waiting += getattr(one, "children", {}).values()
        id = getattr(getattr(one, "proto", None), "id", "")
        found.add(id.split("-", 2)[2] if id.count("-") > 1 else "")
    return found


def whole(app: AppTest) -> str:
    """The link to the whole program below a view in a frame; empty elsewhere."""
    return next((one.proto.body for one in app.get("html") if "Open in VisLRP Designer" in one.proto.body), "")


LECTURE = [
    (
        "Compare?image=kitten&row1=v2~image:kitten&col1=m~configuration_2&col2=m~overview_composite",
        "Two composites: which is *tidier*?",
    ),
    ("?image=oranges_and_lemons", "Home shows {this}."),
    ("Design?image=two_jaguars&target=3", "And a class of your own."),
]


def test_a_lecturers_lesson_steps_through_its_views(open_page: Open) -> None:
    packed = files.pack(files.lesson("Monday", LECTURE))
    app = open_page(lesson=f"v2~data:{packed}")
    assert visit_of(app).lesson == LessonPlace("own", packed=packed) and len(state_compare.of(visit_of(app)).columns) == 2
    assert app.button(key="lesson-show").label == "Show me on Compare" and ticks(app) == 1
    assert any(r"which is \*tidier\*?" in one.value for one in app.markdown)
    for number, page in enumerate(("Compare", "Home", "Design")):
        app.button(key="lesson-show").click().run()
        assert not app.exception and app.button(key="lesson-show").label == "Show me", page
        assert visit_of(app).lesson == LessonPlace("own", number, packed=packed) and ticks(app) == number + 1
        assert f"step {number + 1} of 3" in line(app) and not visit_of(app).aside
        app.button(key="lesson-next").click().run()
    assert visit_of(app).lesson is None and visit_of(app).target == 3
    app = open_page(image="kitten", lesson="v2~data:AAAA")
    assert any("The lesson in the address is damaged" in one.value for one in app.caption)


def test_a_lesson_is_composed_from_views_and_started(open_page: Open) -> None:
    app = open_page("1_Design", image="kitten", target="2")
    press(app, "tools", "share")
    code = next(one.value for one in app.code if one.language is None or "iframe" not in one.value)
    assert code == "http://localhost:8501/Design?image=kitten&target=2&model=" + code.rpartition("=")[2]
    assert any(one.value == embedded.snippet(code) and "&amp;embed=true" in one.value for one in app.code)
    assert any('alt="QR code of the link http://localhost' in one.proto.body for one in app.get("html"))
    app.button(key="share-add").click().run()
    assert any("Write what one should look at first." in one.value for one in app.caption) and not visit_of(app).draft
    for sentence in ("First <b>", "Second"):
        app.text_area(key="share-sentence").set_value(sentence).run()
        app.button(key="share-add").click().run()
    app.button(key="share-compose").click().run()
    app.text_input(key="lesson-title").set_value("Tuesday").run()
    app.button(key="lesson-up-1").click().run()
    app.text_area(key="lesson-text-0").set_value("Now first").run()
    made = drafts.of(visit_of(app))
    assert made is not None and made.title == "Tuesday" and [step.text for step in made.steps] == ["Now first", "First <b>"]
    assert made.steps[0].address.startswith("Design?image=kitten&target=2")
    app.text_area(key="lesson-text-0").set_value(" ").run()
    assert any("words that can be seen" in one.value for one in app.warning) and drafts.of(visit_of(app)) == made
    app.button(key="lesson-remove-1").click().run()
    app.button(key="lesson-start").click().run()
    assert "Tuesday" in line(app) and ticks(app) == 1 and visit_of(app).draft and not app.exception


@pytest.mark.parametrize("key", LESSONS)
def test_a_case_is_a_sheet_of_paper_in_the_words_of_its_lesson(key: str) -> None:
    lesson, link = LESSONS[key], f"http://host.example/Compare?lesson=v2~case:{key}"
    sheet = worksheet.of_case(lesson, link)
    plain = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", sheet)))
    for step in lesson.steps:
        for words_ in (step.do, step.look):
            assert re.sub(r"\*|{\w+}", lambda found: "blank" if found[0] != "*" else "", words_) in plain
    assert sheet.count("<section>") == len(lesson.steps) and "@page{size:A4" in sheet and "<svg" in sheet and link in sheet
    assert "src=" not in sheet and "<script" not in sheet and "{" not in sheet.partition("</style>")[2]
    assert sum(question.title in plain for question in QUESTIONS.values()) >= 2
    own = worksheet.of_file(files.lesson("<i>", [("Design?image=kitten", "<script>{x}</script>")]), "http://h/")
    assert "<script" not in own and "&lt;script&gt;{x}" in own and "<h1>&lt;i&gt;</h1>" in own
