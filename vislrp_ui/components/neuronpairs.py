"""Neurons as pairs of small maps, relevance next to activation; each opens its large view."""

from __future__ import annotations

from typing import Any

from vislrp_ui.components.assets import register

_pairs = register("neuronpairs", '<div class="neurons"></div>', parts=("nodes", "large"))


def neuron_pairs(key: str, payload: dict[str, Any]) -> None:
    """Draw them.

    Parameters
    ----------
    key : str
        Component key; the component sends nothing back.
    payload : dict
        `sheets` (addresses of two pictures with one cell per neuron, side by side), `name` of the layer, `neurons` (each
        with `neuron`, `sum`, `tip`); the large views are those offered as "relevance-<neuron>" and "activation-<neuron>".
    """
    _pairs(key=key, data=payload)
