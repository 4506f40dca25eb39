"""Registration of the inline components: each is a .js and a .css file beside its Python wrapper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).resolve().parent


def register(name: str, html: str, *, parts: Sequence[str] = ()) -> Any:
    """Register `name`.js and `name`.css as the component `vislrp_<name>`; answers its mount function.

    `parts` names further files: each `<part>.js` comes before `name`.js in one module, each `<part>.css`, where there is
    one, before `name`.css.
    """
    names = (*parts, name)
    return st.components.v2.component(
        f"vislrp_{name}", html=html,
        css="\n".join(_text(f"{part}.css") for part in names if (FOLDER / f"{part}.css").exists()),
        js="\n".join(_text(f"{part}.js") for part in names),
    )


def _text(file: str) -> str:
    return (FOLDER / file).read_text(encoding="utf-8")
