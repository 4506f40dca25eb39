"""The dialog of a question: predict, reveal, see the maps and the reason, take the view to Compare."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from vislrp_core import metrics
from vislrp_core.baselines import Baseline
from vislrp_core.heatmap import format_value
from vislrp_core.network import Network
from vislrp_ui import service, session, state_compare
from vislrp_ui.answers import Maps
from vislrp_ui.baseline_maps import baseline_maps
from vislrp_ui.components.addresses import data_url
from vislrp_ui.lessons.numbers import share, signed
from vislrp_ui.lessons.questions.catalogue import QUESTIONS
from vislrp_ui.lessons.questions.model import LearnerQuestion, Panel, class_at
from vislrp_ui.shared import table
from vislrp_ui.shared.literal import escaped
from vislrp_ui.state import Visit
from vislrp_ui.state_compare import GridColumn


@st.dialog("Questions", width="large")
def ask(network: Network, place: str) -> None:
    """The questions of a place, or one of them by its key, as a dialog."""
    draw(network, place)


def draw(network: Network, place: str) -> None:
    """A choice first, then what the engine says."""
    found = {key: one for key, one in QUESTIONS.items() if place in ("", key, *one.places)}
    key = st.selectbox("Question", list(found), format_func=lambda one: found[one].title, key=f"question-of-{place}")
    question = found[key]
    answer = st.radio("What will happen?", question.choices, index=None, key=f"question-{key}")
    if st.button("Reveal", type="primary", disabled=answer is None, key="question-reveal", icon=":material/visibility:"):
        right = answer == question.choices[question.right]
        st.markdown(("**Right.** " if right else f"**It is: {question.choices[question.right]}.** ") + question.reason)
        _answer(network, question)
    st.button(
        "Open on Compare", icon=":material/grid_view:", key="question-open", on_click=_mark, args=(key,), type="tertiary"
    )
    if st.session_state.pop(_OPEN, None) == key:
        table.open_case(question.title, lambda visit, running: laid(visit, running, question))
        st.switch_page("pages/2_Compare.py")


_OPEN = "_question_open"
LEGEND = (
    "Σ is what the pixels add up to, of the relevance at the start; “negative” is the share of what speaks against the "
    "class. Cosine: 1 is the same pattern, 0 an unrelated one, −1 the opposite."
)


def _mark(key: str) -> None:
    st.session_state[_OPEN] = key


def computed(network: Network, question: LearnerQuestion, panel: Panel) -> Maps:
    """The map of a panel, from the caches or through the gate."""
    target = class_at(network, question.image, panel.target)
    if isinstance(panel.model, Baseline):
        return baseline_maps(network, question.image, panel.model, target, None)
    return service.maps(network, question.image, panel.model, target)


def laid(visit: Visit, network: Network, question: LearnerQuestion) -> Visit:
    """The maps of a question on Compare: a row per class, a column per model."""
    panels = question.panels(network)
    columns = tuple(
        dict.fromkeys(
            GridColumn(baseline=one.model.method) if isinstance(one.model, Baseline) else GridColumn(model=one.model)
            for one in panels
        )
    )
    targets = dict.fromkeys(class_at(network, question.image, one.target) for one in panels)
    visit = state_compare.load(visit, (), [(question.image, target) for target in targets])
    visit = state_compare.changed(visit, state_compare.set_columns, columns)
    return state_compare.changed(visit, state_compare.set_share, "all" if question.shared else "each")


def _answer(network: Network, question: LearnerQuestion) -> None:
    panels = question.panels(network)
    look = session.get_visit().look
    maps = [computed(network, question, panel) for panel in panels]
    values = [one.maps.get(0) if one.error is None else None for one in maps]
    drawn = [one for one in values if one is not None]
    together = service.limit_of(drawn, look) if question.shared and drawn else None
    for place, (column, panel) in enumerate(zip(st.columns(len(panels), gap="small"), panels, strict=True)):
        with column:
            st.markdown(f"**{panel.caption}**  \n{escaped(network.classes[maps[place].target])}")
            shown = values[place]
            if shown is None:
                st.caption(escaped(str(maps[place].error)))
                continue
            own = panel.look or look
            limit = together or service.limit_of(shown, own)
            key = (network.digest, question.image, maps[place].model_key, maps[place].target, 0)
            file = service.heatmap_png(shown, key, own, limit=limit)
            st.html(
                f'<img class="v-question" src="{data_url(file)}" alt="Heatmap: {escape(panel.caption)}" style="width:100%">'
            )
            st.caption(facts(maps[place], shown, values[0]))
    st.caption(LEGEND)
    if question.note is not None:
        st.markdown(question.note(network, question.image))


def facts(maps: Maps, shown: np.ndarray, first: np.ndarray | None) -> str:
    """Sum, start, share of negative relevance, and the cosine with the first map."""
    start = float(maps.total[-1])
    told = [f"Σ {format_value(float(maps.total[0]))}"]
    if np.isfinite(start):
        told[0] += f" of {format_value(start)}"
    told.append(f"negative {share(1 - metrics.positive_share(shown))}")
    if first is not None and shown is not first:
        told.append(f"cosine with the first {signed(metrics.cosine(shown, first))}")
    return " · ".join(told).replace("-", "−")
