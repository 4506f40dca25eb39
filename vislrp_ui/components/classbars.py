"""The network's first classes as bars; a click, or Enter on the focused bar, makes a class the target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vislrp_core.network import Prediction
from vislrp_core.trace import percent as percent
from vislrp_ui.components.assets import register
from vislrp_ui.components.protocol import mount_choice

_bars = register(
    "classbars", '<div class="bars" role="radiogroup" aria-label="Target class"></div>', parts=("outbox", "picks")
)


def class_rows(predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """Payload of the bars: index, name, logit and percentage as text, width of the bar in percent of the row."""
    return [
        {
            "index": prediction.index,
            "name": prediction.name,
            "logit": f"{prediction.logit:.1f}".replace("-", "−"),
            "percent": percent(prediction.probability),
            "width": round(100.0 * prediction.probability, 2),
        }
        for prediction in predictions
    ]


def classbars(key: str, predictions: Sequence[Prediction], target: int, on_pick: Callable[[Any], None]) -> None:
    """Draw the bars.

    Parameters
    ----------
    key : str
        Component key.
    predictions : sequence of Prediction
        The classes shown, in order.
    target : int
        Class number of the ringed bar; no bar is ringed if it is not among the classes shown.
    on_pick : callable
        Gets the number of the picked class, unchecked. A click on the class that is already the target does nothing.
    """
    mount_choice(_bars, key, {"rows": class_rows(predictions), "target": target}, on_pick)
