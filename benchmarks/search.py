"""How long a search takes: ``python -m benchmarks.search [--trials 60] [--pictures 6] [--workers 2]``.

The trials of `vislrp search` on the first sample photographs, in worker processes that share the cores, without the report
on held-out pictures. Prints what became of the trials, how many measurements they took, the largest process, and the time.
Sixty trials on six pictures may take twenty minutes on two cores.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psutil

from benchmarks.machine import describe
from vislrp_core.experiments import MemoryRecord, NetworkSource, Picture, ProcessPool
from vislrp_core.measures import Settings
from vislrp_core.networks import load_network
from vislrp_core.resources import sample_images
from vislrp_core.search.presets import default_space
from vislrp_core.search.run import STORE_BYTES, Search
from vislrp_core.search.trials import SearchPicture, SearchPlan

MINUTES = 20
"""That sixty trials on six pictures may take on two cores."""
BETWEEN = 0.1
"""Seconds between two looks at the memory."""


class Counted(MemoryRecord):
    """A record that counts what is measured."""

    def __init__(self) -> None:
        super().__init__()
        self.count, self.seconds = 0, 0.0

    def put(self, key: str, packed: Any) -> None:
        """Keep a packed result."""
        super().put(key, packed)
        self.count, self.seconds = self.count + 1, self.seconds + packed["seconds"]


class Memory:
    """The largest memory of this process and of each that it starts, looked at while the block runs."""

    def __init__(self) -> None:
        self.largest: dict[int, int] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look again and again."""
        over = threading.Event()
        thread = threading.Thread(target=self._look, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _look(self, over: threading.Event) -> None:
        own = psutil.Process()
        going = True
        while going:
            going = not over.wait(BETWEEN)
            for process in (own, *own.children(recursive=True)):
                try:
                    used = process.memory_info().rss
                except psutil.Error:
                    continue  # it has just ended
                self.largest[process.pid] = max(self.largest.get(process.pid, 0), used)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--pictures", type=int, default=6, help="to search on")
    parser.add_argument("--workers", type=int, default=2, help="processes (2); 1: this process with all cores")
    parser.add_argument("--network", default="embedded", help="embedded, imagenet or a path")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=14)
    options = parser.parse_args(arguments)
    network = load_network(options.network)
    paths = sorted(sample_images().glob("*.jpg"))[: options.pictures]
    pictures = tuple(SearchPicture(Picture.of(str(path))) for path in paths)
    settings = Settings(seed=options.seed, patch=options.patch, steps=options.steps)
    space = default_space(network.architecture)
    plan = SearchPlan(pictures, (), ("srg",), space, options.trials, options.seed, settings)
    record, memory = Counted(), Memory()
    begin = time.perf_counter()
    with memory.watched():
        if options.workers > 1:
            with ProcessPool(NetworkSource(options.network), options.workers, store_bytes=STORE_BYTES).standing() as pool:
                trials = list(Search(network, plan, record=record, pool=pool, lanes=options.workers).run())
        else:
            trials = list(Search(network, plan, record=record).run())
    seconds = time.perf_counter() - begin
    states = Counter(one.state for one in trials)
    told = ", ".join(f"{states[one]} {one}" for one in ("complete", "pruned", "screened", "failed") if states[one])
    print(f"{describe()}; {network.title}, {options.workers} process(es), {len(pictures)} search pictures")
    print(f"trials: {len(trials)} ({told})")
    print(f"measurements: {record.count}, those of the first stage included; {record.seconds / 60:.1f} minutes added up")
    print(f"memory: {max(memory.largest.values()) / 1e6:.0f} MB in the largest process")
    print(f"time: {seconds / 60:.2f} minutes, {60 * len(trials) / seconds:.1f} trials a minute")
    if (options.trials, options.pictures) == (60, 6):
        print(f"at most {MINUTES} minutes: {'yes' if seconds <= 60 * MINUTES else 'NO'}")


if __name__ == "__main__":
    main()
