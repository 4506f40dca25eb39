"""What is picked at the very moment at which the connection breaks counts: the browser says it again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.tab import Tab


def _class(tab: Tab, key: str) -> int:
    data = tab.payload(key)
    return next(row["index"] for row in data["rows"] if row["index"] != data["target"])


PICKS: list[tuple[str, str, Callable[[Tab], object], Callable[[Tab, object], bool]]] = [
    (
        "Design",
        "design-classes",
        lambda tab: _class(tab, "design-classes"),
        lambda tab, picked: tab.address.get("target") == str(picked),
    ),
    (
        "Design",
        "model-cards",
        lambda tab: tab.payload("model-cards")["cards"][-1]["id"],
        lambda tab, picked: tab.address.get("model") == f"example-{picked}",
    ),
    ("Neuron_Ablation", "abl-layers", lambda tab: 5, lambda tab, picked: tab.payload("abl-layers")["selected"] == picked),
]


@pytest.mark.parametrize(("page", "key", "choose", "told"), PICKS, ids=[key for _, key, _, _ in PICKS])
def test_a_pick_that_the_server_never_heard_is_sent_again(
    app_url: str, page: str, key: str, choose: Callable[[Tab], object], told: Callable[[Tab, object], bool]
) -> None:
    tab = Tab(app_url, page)
    tab.settle()
    picked = choose(tab)
    tab.deaf = True
    tab.pick(key, picked)
    tab.drop()
    tab.connect()
    assert tab.wait(lambda: told(tab, picked))
    tab.close()
