"""For lecturers, below the guided cases: a lesson of one's own, and the cases as worksheets."""

from __future__ import annotations

from functools import partial

import streamlit as st

from vislrp_ui import rooms, state_lesson
from vislrp_ui.home.cases import CASES, Case
from vislrp_ui.lessons import worksheet
from vislrp_ui.shared import sharing, widgets
from vislrp_ui.state import LessonPlace


def line() -> None:
    """Draw the buttons."""
    with st.container(horizontal=True, gap="small", key="home-teaching"):
        st.button(
            "Lesson of your own",
            icon=":material/school:",
            type="tertiary",
            key="home-lesson",
            on_click=sharing.to,
            args=(rooms.COMPOSING,),
            help="Views of this program in order, a sentence about each: compose one, or open a lesson's file",
        )
        sheets = widgets.menu(
            "Worksheets", key="menu-sheets", icon=":material/print:", help="The cases on paper, one page each"
        )
        if sheets.open:
            with sheets:
                for case in CASES:
                    st.download_button(
                        case.lesson.title,
                        partial(_sheet, case, sharing.base()),
                        f"{case.key}_worksheet.html",
                        "text/html",
                        key=f"sheet-{case.key}",
                        icon=":material/download:",
                        on_click="ignore",
                        width="stretch",
                    )
                st.caption("HTML, made to be printed on one page (A4).")


def link(case: Case, base: str) -> str:
    """The address that opens a case as its card does."""
    return f"{base}{rooms.path(case.room)}?lesson={state_lesson.to_param(LessonPlace(case.key))}"


def _sheet(case: Case, base: str) -> str:
    return worksheet.of_case(case.lesson, link(case, base))
