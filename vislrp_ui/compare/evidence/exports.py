"""What leaves the panel: values as CSV and parquet, the figure, a LaTeX table, and the text of a methods section."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st
import torch

import vislrp_core
from vislrp_core.fills import FILLS
from vislrp_core.measures import Measured
from vislrp_core.measures.summary import Setup, Summary, latex, methods
from vislrp_ui.compare.evidence import chart
from vislrp_ui.compare.evidence.plan import Key, Plan
from vislrp_ui.shared.frames import table_of

COLUMNS = ("image", "target", "model", "metric", "value", "seed", "seconds")
"""As in the file that the command `measure` writes."""


def values_frame(plan: Plan, known: dict[Key, Measured]) -> pd.DataFrame:
    """One row per picture, model and measure."""
    rows = [
        (subject, plan.network.classes[one.target], model, metric, one.value, plan.settings.seed, one.seconds)
        for (subject, model, metric), one in known.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def summary_frame(tables: dict[str, list[Summary]]) -> pd.DataFrame:
    """One row per model and measure."""
    rows = [
        (one.model, one.metric, one.images, one.mean, one.low, one.high, one.rank, one.best, one.tied)
        for found in tables.values()
        for one in found
    ]
    return pd.DataFrame(
        rows, columns=["model", "metric", "images", "mean", "low", "high", "rank", "best", "not_distinguishable_from_best"]
    )


def parquet(frame: pd.DataFrame) -> bytes:
    """The content of a parquet file."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def setup_of(plan: Plan) -> Setup:
    """What the text states."""
    count = len(plan.subjects)
    images = {
        "rows": f"{count} pairs of a photograph and a class",
        "samples": f"{count} sample photographs",
        "uploads": f"{count} photographs of our own",
    }[plan.shown.over]
    target = "the class named for each" if plan.shown.over == "rows" else "the class with the highest logit"
    one = plan.settings
    return Setup(
        f"{plan.network.title} (weights {plan.network.digest[:12]})",
        tuple(plan.models),
        images,
        target,
        one.patch,
        one.steps,
        FILLS[one.fill].short,
        one.seed,
        f"VisLRP Designer {vislrp_core.__version__}, torch {torch.__version__}",
    )


def text_of(plan: Plan, tables: dict[str, list[Summary]]) -> str:
    """The paragraph; it says what is missing."""
    complete = len(plan.known()) == len(plan.tasks)
    return methods(setup_of(plan), list(tables)) + ("" if complete else " (Not every value is measured yet.)")


def menu(plan: Plan, known: dict[Key, Measured], tables: dict[str, list[Summary]]) -> None:
    """The buttons."""
    frame = values_frame(plan, known)

    def button(label: str, data: str | Callable[[], str | bytes], name: str, mime: str, key: str, icon: str) -> None:
        st.download_button(
            label, data, name, mime, key=f"evidence-{key}", icon=f":material/{icon}:", on_click="ignore", width="stretch"
        )

    button("Values (CSV)", partial(table_of, frame), "evidence.csv", "text/csv", "csv", "table")
    button("Means (CSV)", partial(table_of, summary_frame(tables)), "evidence_means.csv", "text/csv", "means", "table")
    button("Values (Parquet)", partial(parquet, frame), "evidence.parquet", "application/octet-stream", "parquet", "table")
    for format, mime in (("png", "image/png"), ("svg", "image/svg+xml"), ("pdf", "application/pdf")):
        button(
            f"Figure ({format.upper()})", partial(chart.figure, tables, format), f"evidence.{format}", mime, format, "image"
        )
    setup = setup_of(plan)
    caption = (
        f"Means with 95 % intervals over {setup.images}; {setup.network}. Bold: best; dagger: not distinguishable from it."
    )
    button("Table (LaTeX)", partial(latex, tables, caption), "evidence.tex", "text/x-tex", "latex", "functions")
    text = text_of(plan, tables)
    button("Methods paragraph", text, "methods.txt", "text/plain", "methods", "article")
    st.code(text, language=None, wrap_lines=True, height=160)
