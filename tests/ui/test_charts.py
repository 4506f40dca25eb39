"""Every chart of the pages follows Vega-Lite's schema, which the pages themselves do not check again."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import jsonschema
import numpy as np
import pandas as pd
import pytest

from vislrp_core.measures.summary import Summary
from vislrp_core.neurons import NeuronScores
from vislrp_ui.ablation import charts
from vislrp_ui.compare.evidence import chart as evidence
from vislrp_ui.design.sums import sums_chart
from vislrp_ui.shared.charts import draw

SCORES = NeuronScores(24, *np.random.default_rng(0).normal(size=(6, 12)))
SUMMARIES = [Summary("A", "gini", 3, 0.5, 0.4, 0.6, 1.0, best=True), Summary("B", "gini", 3, 0.2, 0.1, 0.3, 2.0)]
SUMS = pd.DataFrame(
    {
        "layer": [0, 1],
        "name": ["input", "conv1_1"],
        "positive": [1.0, 2.0],
        "negative": [-1.0, 0.0],
        "total": [0.0, 2.0],
        "absorbed": [0.0, 0.1],
    }
)
CHARTS: dict[str, Callable[[bool], alt.Chart | alt.LayerChart]] = {
    "region": lambda dark: charts.chart(SCORES, "activation_sum", [1], "region", dark),
    "points": lambda dark: charts.chart(SCORES, "positive_relevance", [1], "points", dark),
    "evidence": lambda dark: evidence.chart("gini", SUMMARIES, dark),
    "sums": lambda dark: sums_chart(SUMS, dark),
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_follows_the_schema(name: str, dark: bool) -> None:
    checked = CHARTS[name](dark).to_dict(validate=True)
    assert checked["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    assert CHARTS[name](dark).to_dict(validate=False).keys() == checked.keys()


def test_a_chart_that_does_not_follow_it_is_found() -> None:
    wrong = alt.Chart(SUMS).mark_bar().encode(x=alt.X("layer:Q", axis=alt.Axis(tickCount="several")))
    assert wrong.to_dict(validate=False)["encoding"]["x"]["axis"] == {"tickCount": "several"}
    with pytest.raises(jsonschema.ValidationError):
        wrong.to_dict(validate=True)


def test_a_page_draws_without_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = CHARTS["sums"](False)
    asked: list[bool] = []

    def spec(chart: alt.LayerChart, *, validate: bool = True) -> dict[str, str]:
        asked.append(validate)
        return {"mark": "bar"}

    monkeypatch.setattr(alt.LayerChart, "to_dict", spec)
    draw(drawn, "chart")
    assert asked == [False]
