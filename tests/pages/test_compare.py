"""Every action of the Compare page, and how often it computes."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from vislrp_ui import service, state_compare
from vislrp_ui.state import Visit

Open = Callable[..., AppTest]


def visit_of(app: AppTest) -> Visit:
    return app.session_state["_visit"]


def shown(app: AppTest) -> state_compare.CompareState:
    return state_compare.of(visit_of(app))


def test_opens_on_the_image_of_design_with_two_classes(open_page: Open) -> None:
    app = open_page("2_Compare")
    assert len(shown(app).rows) == 2
    assert [column.id for column in shown(app).columns][:2] == ["configuration_1", "configuration_2"]
    assert app.selectbox(key="compare-target-1").value != app.selectbox(key="compare-target-2").value
    assert service.counters.propagations > 0
