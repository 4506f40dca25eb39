"""The scores of a layer's neurons as a table and as a CSV file."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from vislrp_core.architecture import Architecture
from vislrp_core.neurons import SCORES, NeuronScores
from vislrp_ui.state_ablation import AblationState

HEIGHT = 430


def frame(held: AblationState, scores: NeuronScores) -> pd.DataFrame:
    """One row per neuron: number, selected or not, the six scores."""
    chosen = set(held.neurons)
    columns = {SCORES[key].title: scores.column(key) for key in SCORES}
    return pd.DataFrame({"neuron": range(len(scores)), "selected": [n in chosen for n in range(len(scores))], **columns})


def table(held: AblationState, scores: NeuronScores) -> None:
    """Draw it; the heads sort, and show each score's definition on hover."""
    settings = {
        SCORES[key].title: st.column_config.NumberColumn(help=SCORES[key].definition, format="%.4g") for key in SCORES
    }
    share = SCORES["active_share"].title
    settings[share] = st.column_config.NumberColumn(help=SCORES["active_share"].definition, format="%.3f")
    st.dataframe(
        frame(held, scores),
        hide_index=True,
        width="stretch",
        height=HEIGHT,
        key="abl-table",
        column_config={
            "neuron": st.column_config.NumberColumn(width="small"),
            "selected": st.column_config.CheckboxColumn(width="small"),
            **settings,
        },
    )


def csv_button(rows: Architecture, held: AblationState, scores: NeuronScores) -> None:
    """The same numbers as the command `neurons` writes."""
    st.download_button(
        "",
        scores.to_csv,
        f"neurons_{rows.name(held.layer)}.csv",
        "text/csv",
        icon=":material/download:",
        type="tertiary",
        key="abl-csv",
        on_click="ignore",
        help="Scores of all neurons (CSV)",
    )
