"""Every native control of the Design page."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest


def test_opens_with_the_first_class_chosen(open_page: Callable[..., AppTest]) -> None:
    app = open_page("1_Design")
    assert app.selectbox(key="target").value is not None
