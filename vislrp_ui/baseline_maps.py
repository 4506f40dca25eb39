"""Maps of baselines as pages draw them, in the cache of all maps."""

from __future__ import annotations

import time

import numpy as np

from vislrp_core.baselines import Baseline
from vislrp_core.network import Network
from vislrp_ui import service
from vislrp_ui.answers import Maps
from vislrp_ui.gate import GATE
from vislrp_ui.service import Watch
from vislrp_ui.state import ImageRef


def baseline_maps(network: Network, ref: ImageRef, baseline: Baseline, target: int, watch: Watch | None = None) -> Maps:
    """The map of the pixels; there are no layers between, and what arrives is not a share of anything.

    Raises
    ------
    MissingImage
    """
    trace = service.trace(network, ref, watch=watch)

    def run() -> Maps:
        if watch is not None:
            watch(f"Computing {baseline.title}", 0.0)
        with GATE.slot():
            begin = time.perf_counter()
            values = baseline.relevance(network, trace.x, target).sum(0).cpu().numpy().astype(np.float32)
        rows = network.architecture.last + 1
        positive, negative = np.full(rows, np.nan), np.full(rows, np.nan)
        positive[0], negative[0] = float(values.clip(min=0).sum()), float(values.clip(max=0).sum())
        return Maps({0: values}, positive, negative, target, baseline.key, seconds=time.perf_counter() - begin)

    return service.kept_maps(network, ref, baseline.key, target, run)
