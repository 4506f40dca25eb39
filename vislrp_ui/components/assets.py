"""Registration of the inline components: each is a .js and a .css file next to its Python wrapper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).resolve().parent


def register(name: str, html: str, *, parts: Sequence[str] = ()) -> Any:
    """Register the files of `bundle` as the component `vislrp_<name>`; returns its mount function."""
    return st.components.v2.component(
        f"vislrp_{name}", html=html, css=bundle(name, ".css", parts), js=bundle(name, ".js", parts)
    )


def bundle(name: str, ending: str, parts: Sequence[str] = ()) -> str:
    """`name`.js or `name`.css with the files of that ending that it builds on before it, as one text.

    Parameters
    ----------
    ending : str
        ".js" or ".css".
    parts : sequence of str
        Names without ending; a part need not have a file of both endings.
    """
    files = [FOLDER / f"{part}{ending}" for part in (*parts, name)]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())
