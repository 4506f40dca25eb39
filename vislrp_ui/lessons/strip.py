"""The strip at the head of every page while a lesson is open: its steps in one line, below it the text of the present one.

The page's own numbers are known when it has been drawn: `strip` keeps a place for the words, `words` fills it at the end.
"""

from __future__ import annotations

from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vislrp_core.errors import VisLRPError
from vislrp_ui import rooms, running, session, state_lesson
from vislrp_ui.lessons import style
from vislrp_ui.lessons.catalogue import LESSONS
from vislrp_ui.lessons.model import Lesson, Scene, Step
from vislrp_ui.shared import lesson_watch, widgets
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import LessonPlace, Visit

_PLACE, _TOLD = "_lesson_words", "_lesson_told"
PARTS = {"do": "Do", "look": "Look", "means": "What it means"}


def strip() -> None:
    """Draw the line of steps with its buttons, and keep a place for the words."""
    visit = session.get_visit()
    place = visit.lesson
    if place is None:
        return
    st.html(style.CSS)
    lesson = LESSONS.get(place.key)
    if lesson is None:
        _unknown(place.key)
        return
    number = min(place.step, len(lesson.steps) - 1)
    step = lesson.steps[number]
    done = step.done is not None and step.done(visit)
    lesson_watch.watch(step.done)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="lesson-line"):
        st.html(_line(lesson, number, done), width="stretch")
        _buttons(lesson, number, done, place)
    st.session_state[_PLACE] = st.empty()
    told = st.session_state.get(_TOLD)
    if not place.folded and told is not None and told[0] == (lesson.key, number):
        st.session_state[_PLACE].markdown(told[1])  # until the page has computed them anew


def words() -> None:
    """Write the present step's words with the numbers of the page, which has been drawn by now."""
    visit = session.get_visit()
    box: DeltaGenerator | None = st.session_state.pop(_PLACE, None)
    if box is None or visit.lesson is None or visit.lesson.folded or visit.lesson.key not in LESSONS:
        return
    lesson = LESSONS[visit.lesson.key]
    number = min(visit.lesson.step, len(lesson.steps) - 1)
    text = _text(lesson.steps[number], visit)
    st.session_state[_TOLD] = ((lesson.key, number), text)
    box.markdown(text)


def _text(step: Step, visit: Visit) -> str:
    texts = step.texts(Scene(running.network(), visit))
    return " ".join(f"**{title}:** {texts[part]}" for part, title in PARTS.items())


def _unknown(key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="lesson-line"):
        st.caption(f"There is no lesson “{escaped(key)}” here; the view is as its link describes it.", width="stretch")
        st.button("Close", icon=":material/close:", key="lesson-close", on_click=session.update, args=(state_lesson.close,))


def _line(lesson: Lesson, number: int, done: bool) -> str:
    """The title and the numbered steps; what is behind is ticked, and so is the present one once it is done."""
    items = []
    for place, step in enumerate(lesson.steps):
        ticked = place < number or (place == number and done)
        state = "here" if place == number else "behind" if place < number else "ahead"
        current = ' aria-current="step"' if place == number else ""
        mark = '<i aria-hidden="true">✓</i><span class="v-hidden">done: </span>' if ticked else f"<i>{place + 1}</i>"
        items.append(f'<li class="{state}"{current}>{mark}{escape(step.title)}</li>')
    return (
        f'<div class="v-lesson" role="group" aria-label="Guided case"><h2 class="v-head">{escape(lesson.title)}</h2>'
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
        _show(step)
        widgets.answered("lesson-show")
        if room.key != rooms.drawn():
            st.switch_page(room.file)
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


def _show(step: Step) -> None:
    try:
        session.update(step.show, running.network())
    except VisLRPError as error:  # a map that is not finite, a picture that is gone
        session.notify(str(error))
