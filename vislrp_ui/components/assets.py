"""Registration of the inline components: each is a .js and a .css file beside its Python wrapper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).resolve().parent


def register(name: str, html: str) -> Any:
    """Register `name`.js and `name`.css as the component `vislrp_<name>`; answers its mount function."""
    return st.components.v2.component(
        f"vislrp_{name}", html=html,
        css=(FOLDER / f"{name}.css").read_text(encoding="utf-8"),
        js=(FOLDER / f"{name}.js").read_text(encoding="utf-8"),
    )
