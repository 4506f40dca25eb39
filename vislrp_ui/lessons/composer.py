"""The dialog in which a lecturer composes a lesson: steps in order, their sentences, file, link, worksheet."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vislrp_ui import rooms, session, state_lesson
from vislrp_ui.lessons import drafts, files, worksheet
from vislrp_ui.lessons.files import MAX_LINK, MAX_TEXT, MAX_TITLE, LessonFile
from vislrp_ui.lessons.sharing import code, written
from vislrp_ui.shared import going, sharing, widgets
from vislrp_ui.shared.file_names import file_stem
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import StateError

_TOLD, _START = "_lesson_dialog_told", "_lesson_dialog_start"


@st.dialog("Lesson", width="large", on_dismiss=sharing.close)
def dialog() -> None:
    """Draw it."""
    if st.session_state.pop(_START, False):
        _start()
    if drafts.take_change():
        st.rerun()  # the page below writes the browser's copy
    draft = drafts.of(session.get_visit())
    if draft is None:
        st.markdown(
            "A lesson is a list of views of this program with a sentence each. Set up a view on any page, press **Share** "
            "at the top right, and add it; or open a lesson's file."
        )
    told = st.session_state.pop(_TOLD, "")
    if told:
        st.warning(escaped(told))
    if draft is not None:
        _steps(draft)
        _hand_out(draft)
    st.file_uploader(
        "Open a lesson's file" if draft is None else "Add the steps of a lesson's file",
        type=["json"],
        key="lesson-file",
        on_change=_read,
        max_upload_size=1,
    )


def _steps(draft: LessonFile) -> None:
    key = widgets.mirror("lesson-title", draft.title)
    st.text_input("Title", key=key, max_chars=MAX_TITLE, on_change=_trying, args=(_rename,))
    for number, step in enumerate(draft.steps):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"lesson-step-{number}"):
            key = widgets.mirror(f"lesson-text-{number}", step.text)
            st.text_area(
                f"{number + 1}. {rooms.find(step.page).title}",
                key=key,
                max_chars=MAX_TEXT,
                height="content",
                on_change=_trying,
                args=(_tell, number),
            )
            for name, icon, change in (("Up", "arrow_upward", drafts.up), ("Remove", "delete", drafts.without)):
                st.button(
                    f"{name} step {number + 1}",
                    icon=f":material/{icon}:",
                    type="tertiary",
                    key=f"lesson-{name.lower()}-{number}",
                    help=f"Move step {number + 1} up" if name == "Up" else f"Remove step {number + 1}",
                    disabled=name == "Up" and number == 0,
                    on_click=_trying,
                    args=(drafts.change, number, change),
                )


def _hand_out(draft: LessonFile) -> None:
    link = files.link(sharing.base(), draft)
    stem = file_stem(draft.title)
    with st.container(horizontal=True, gap="small", key="lesson-out"):
        st.button("Start it", icon=":material/play_arrow:", type="primary", key="lesson-start", on_click=_mark)
        st.download_button(
            "File (JSON)",
            files.write(draft),
            f"{stem}.json",
            "application/json",
            key="lesson-json",
            icon=":material/data_object:",
            on_click="ignore",
        )
        st.download_button(
            "Worksheet (HTML, to print)",
            worksheet.of_file(draft, link),
            f"{stem}.html",
            "text/html",
            key="lesson-sheet",
            icon=":material/print:",
            on_click="ignore",
        )
    if len(link) > MAX_LINK:
        st.caption(
            f"As a link this lesson has {len(link)} characters; mail and messengers pass on {MAX_LINK} unharmed. Hand out "
            "the file instead: whoever opens it here can start it."
        )
        return
    words, picture = st.columns([0.66, 0.34], gap="medium")
    with words:
        st.html('<h2 class="v-head">Link for the class</h2>')
        written(link)
        for sentence in sharing.warnings(session.get_visit())[:1]:
            st.caption(escaped(sentence))
    with picture:
        code(link, "qr-lesson")


def _trying(change: Callable[..., None], *arguments: object) -> None:
    """Callback: a change of the lesson, or the sentence that says why it cannot be made."""
    try:
        change(*arguments)
    except StateError as error:
        st.session_state[_TOLD] = str(error)


def _rename() -> None:
    drafts.rename(str(st.session_state["lesson-title"]))


def _tell(number: int) -> None:
    drafts.change(number, drafts.told(str(st.session_state[f"lesson-text-{number}"])))


def _read() -> None:
    file = st.session_state["lesson-file"]
    if file is not None:
        _trying(lambda: drafts.append(files.read(file.getvalue())))


def _mark() -> None:
    st.session_state[_START] = True


def _start() -> None:
    """The lesson as its link opens it."""
    draft = drafts.of(session.get_visit())
    if draft is None:
        return
    session.update(state_lesson.begin, state_lesson.OWN, files.pack(draft))
    session.begin_bare_lesson()
    sharing.close()
    page = rooms.find(draft.steps[0].page)
    if page.key == sharing.page():
        st.rerun()
    going.to(page)
