"""The strip at the head of every page while a lesson is open: its steps in one line, below it the text of the present one.

The page's own numbers are known when it has been drawn: `strip` keeps a place for the words, `words` fills it at the end.
"""

from __future__ import annotations

from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vislrp_core.errors import VisLRPError
from vislrp_ui import rooms, running, session, state_lesson
from vislrp_ui.lessons import own, style
from vislrp_ui.lessons.catalogue import LESSONS, after
from vislrp_ui.lessons.model import Lesson, Prepare, Scene, Step
from vislrp_ui.shared import going, lesson_watch, table, widgets
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import LessonPlace, StateError, Visit

_PLACE, _TOLD = "_lesson_words", "_lesson_told"
PARTS = {"do": "Do", "look": "Look", "means": "What it means"}


def strip() -> None:
    """Draw the line of steps with its buttons, and keep a place for the words."""
    visit = session.get_visit()
    place = visit.lesson
    if place is None:
        return
    st.html(style.CSS)
    try:
        lesson = _lesson(place)
    except StateError as error:
        _refused(str(error))
        return
    if session.take_bare_lesson():
        _begin(lesson, place)
    number = min(place.step, len(lesson.steps) - 1)
    step = lesson.steps[number]
    done = step.done is not None and step.done(visit)
    lesson_watch.watch(step.done)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="lesson-line"):
        st.html(_line(lesson, number, done), width="stretch")
        _buttons(lesson, number, done, place)
    st.session_state[_PLACE] = st.empty()
    told = st.session_state.get(_TOLD)
    if not place.folded and told is not None and told[0] == (place.key, place.packed, number):
        st.session_state[_PLACE].markdown(told[1])  # until the page has computed them anew


def _lesson(place: LessonPlace) -> Lesson:
    if place.packed:
        return own.opened(place.packed)
    if place.key not in LESSONS:
        raise StateError(f"There is no lesson “{place.key}” here; the view is as its link describes it.")
    return LESSONS[place.key]


def _begin(lesson: Lesson, place: LessonPlace) -> None:
    """An address that names a lesson and no view: the page as the lesson, or its step, begins."""
    step = lesson.steps[min(place.step, len(lesson.steps) - 1)]
    _lay(lesson, step.show if lesson.own else lesson.prepare)
    st.rerun()


def words() -> None:
    """Write the present step's words with the numbers of the page, which has been drawn by now."""
    visit = session.get_visit()
    box: DeltaGenerator | None = st.session_state.pop(_PLACE, None)
    if box is None or visit.lesson is None or visit.lesson.folded:
        return
    lesson = _lesson(visit.lesson)
    number = min(visit.lesson.step, len(lesson.steps) - 1)
    text = _text(lesson, lesson.steps[number], visit)
    st.session_state[_TOLD] = ((visit.lesson.key, visit.lesson.packed, number), text)
    box.markdown(text)


def _text(lesson: Lesson, step: Step, visit: Visit) -> str:
    texts = step.texts(Scene(running.network(), visit))
    return texts["do"] if lesson.own else " ".join(f"**{title}:** {texts[part]}" for part, title in PARTS.items())


def _refused(sentence: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="lesson-line"):
        st.caption(escaped(sentence), width="stretch")
        st.button("Close", icon=":material/close:", key="lesson-close", on_click=session.update, args=(state_lesson.close,))


def _line(lesson: Lesson, number: int, done: bool) -> str:
    """The title and the numbered steps; what is behind is ticked, and so is the present one once it is done."""
    items = []
    for place, step in enumerate(lesson.steps):
        ticked = place < number or (place == number and done)
        state = "here" if place == number else "behind" if place < number else "ahead"
        current = ' aria-current="step"' if place == number else ""
        title = escape(step.title)
        if lesson.own and place != number:
            title = f'<span class="v-hidden">{title}</span>'
        mark = '<i aria-hidden="true">✓</i><span class="v-hidden">done: </span>' if ticked else f"<i>{place + 1}</i>"
        items.append(f'<li class="{state}"{current}>{mark}{title}</li>')
    kind = "Lesson" if lesson.own else "Guided case"
    return (
        f'<div class="v-lesson" role="group" aria-label="{kind}"><h2 class="v-head">{escape(lesson.title)}</h2>'
        f'<ol style="list-style:none">{"".join(items)}</ol>'
        f'<span class="v-muted v-lesson-count">step {number + 1} of {len(lesson.steps)}</span></div>'
    )


def _buttons(lesson: Lesson, number: int, done: bool, place: LessonPlace) -> None:
    step, last = lesson.steps[number], number == len(lesson.steps) - 1
    room = rooms.find(lesson.page_of(step))
    if widgets.pressed(
        "Show me" if room.key == rooms.drawn() else f"Show me on {room.title}",
        icon=":material/visibility:",
        key="lesson-show",
        help="Set everything as this step asks for it",
    ):
        _show(lesson, step)
        widgets.answered("lesson-show")
        if room.key != rooms.drawn():
            going.to(room)
        st.rerun()
    st.button(
        "Back",
        icon=":material/arrow_back:",
        type="tertiary",
        key="lesson-back",
        disabled=number == 0,
        help="The step before",
        on_click=session.update,
        args=(state_lesson.go, number - 1),
    )
    if last:
        following = None if lesson.own else after(lesson.key)
        if following is not None:
            _offer(following)
        st.button(
            "Finish",
            icon=":material/check:",
            type="primary",
            key="lesson-next",
            help="Close the strip; the view stays",
            on_click=session.update,
            args=(state_lesson.close,),
        )
    else:
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            type="primary" if done or step.done is None else "secondary",
            key="lesson-next",
            help="The next step",
            on_click=session.update,
            args=(state_lesson.go, number + 1),
        )
    st.button(
        "Show the text" if place.folded else "Fold the text away",
        icon=":material/expand_more:" if place.folded else ":material/expand_less:",
        type="tertiary",
        key="lesson-fold",
        help="Show the text" if place.folded else "Fold the text away",
        on_click=session.update,
        args=(state_lesson.fold,),
    )
    st.button(
        "Close",
        icon=":material/close:",
        type="tertiary",
        key="lesson-close",
        help="Close the strip; the view stays",
        on_click=session.update,
        args=(state_lesson.close,),
    )


def _offer(following: Lesson) -> None:
    """The next guided case, as its card on Home opens it."""
    if widgets.pressed(
        "Next case",
        icon=":material/arrow_forward:",
        key="lesson-following",
        help=f"“{escaped(following.title)}”, as its card on Home opens it",
    ):
        widgets.answered("lesson-following")
        table.open_case(following.title, following.prepare)
        session.update(state_lesson.begin, following.key)
        room = rooms.find(following.page)
        if room.key != rooms.drawn():
            going.to(room)
        st.rerun()


def _show(lesson: Lesson, step: Step) -> None:
    if lesson.own:
        _lay(lesson, step.show)
        return
    try:
        session.update(step.show, running.network())
    except VisLRPError as error:  # a map that is not finite, a picture that is gone
        session.notify(str(error))


def _lay(lesson: Lesson, prepare: Prepare) -> None:
    """A view on an empty table, what was there put aside if it is anybody's work; the place in the lesson stays."""
    place = session.get_visit().lesson
    try:
        table.open_case(lesson.title, prepare)
    except VisLRPError as error:
        session.notify(str(error))
    session.update(state_lesson.at, place)
