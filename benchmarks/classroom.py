"""A class on one link: ``python -m benchmarks.classroom [--pupils 30] [--seconds 180] [--seed 0]``.

Starts the app on 127.0.0.1, lets pupils (tabs without a browser that speak Streamlit's protocol, and two real browsers) open
one link, and then has each act every twelve seconds. Of those without one a third repeats what another has seen, one in
five acts again before the answer has come, one in ten loses the connection. Prints how long answers took, which edits never
reached the address, and what the server used.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from benchmarks.browsers import Reader
from benchmarks.pupil import Heard, Pupil
from tests.browser.conftest import served

ROOT = Path(__file__).resolve().parents[1]
LINK = "image=castle_on_lake&target=first&model=example-overview_composite"
OPENING_SECONDS = 15.0
CURVE_SECONDS = 20.0


@dataclass
class Report:
    """What a lesson was like.

    Attributes
    ----------
    opening : float
        Median of the seconds until the link's map was there.
    drawn : float
        The same where a real browser had to draw it.
    actions, median, late, repeated
        Number of answers; median and 95 % quantile of their seconds; median of the views that somebody had seen before.
    lost, errors : list of str
        Edits that never reached the address; pages without an answer, and values that changed without an edit.
    memory, processor : float
        Highest resident memory in MB and processor time in seconds of the server, this one's own in `own`.
    curve : list of pairs
        Seconds since the first visitor, and megabytes.
    by_action : dict
        Number of answers, median of their seconds, and mean of the server's processor seconds meanwhile.
    """

    pupils: int
    seconds: float
    opening: float = float("nan")
    drawn: float = float("nan")
    actions: int = 0
    median: float = float("nan")
    late: float = float("nan")
    repeats: int = 0
    repeated: float = float("nan")
    lost: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    memory: float = float("nan")
    processor: float = float("nan")
    own: float = float("nan")
    curve: list[tuple[float, float]] = field(default_factory=list)
    by_action: dict[str, tuple[int, float, float]] = field(default_factory=dict)

    def table(self) -> str:
        """The report as rows of a table."""
        pace = int(self.pupils * self.seconds / 12)
        rows = [
            (
                f"{self.pupils} people open one known link within {OPENING_SECONDS:.0f} s after the start: median",
                f"{self.opening:.1f} s",
            ),
            *([("the same on the screen of a browser", f"{self.drawn:.1f} s")] if self.drawn == self.drawn else []),
            (f"actions done (the pace is {pace})", str(self.actions)),
            ("median, 95 % of all actions", f"{self.median:.2f} s, {self.late:.2f} s"),
            (f"median of {self.repeats} repeated views", f"{self.repeated:.2f} s"),
            ("lost edits", str(len(self.lost))),
            ("errors", str(len(self.errors))),
            ("highest resident memory", f"{self.memory:.0f} MB"),
            ("processor time of the server while they act", f"{self.processor:.0f} s"),
            ("the same per action", f"{self.processor / max(1, self.actions):.2f} s"),
            ("processor time of this script", f"{self.own:.0f} s"),
        ]
        alone = self.pupils == 1
        rows += [
            (
                f"median of {count} × {name}" + (", and processor time" if alone else ""),
                f"{seconds:.2f} s" + (f", {spent:.2f} s" if alone else ""),
            )
            for name, (count, seconds, spent) in self.by_action.items()
        ]
        return "\n".join(["| | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows)])


class Meter(threading.Thread):
    """The resident memory of processes together: the highest, and its curve over the minutes."""

    def __init__(self, processes: Sequence[psutil.Process]) -> None:
        super().__init__(daemon=True)
        self.highest = 0.0
        self.curve: list[tuple[float, float]] = []
        self._processes, self._end = processes, threading.Event()

    def run(self) -> None:
        """Look four times a second."""
        begin = time.monotonic()
        while not self._end.wait(0.25):
            try:
                now = sum(one.memory_info().rss for one in self._processes) / 1e6
            except psutil.Error:
                return
            self.highest = max(self.highest, now)
            if not self.curve or time.monotonic() - begin - self.curve[-1][0] >= CURVE_SECONDS:
                self.curve.append((round(time.monotonic() - begin), round(now)))

    def stop(self) -> float:
        """Megabytes."""
        self._end.set()
        return self.highest


def server_behind(url: str) -> psutil.Process:
    """The process that listens at an address of this computer."""
    port = int(url.rsplit(":", 1)[1])
    for child in psutil.Process().children(recursive=True):
        if any(one.laddr.port == port and one.status == psutil.CONN_LISTEN for one in child.net_connections("inet")):
            return child
    raise LookupError(f"nothing listens on port {port}")


@contextmanager
def profiled(process: psutil.Process, file: Path | None, gil: bool) -> Iterator[None]:
    """Sample the server's stacks with py-spy meanwhile, if a file is named."""
    if file is None:
        yield
        return
    spy_file = str(Path(sys.executable).with_name("py-spy"))
    spy_options = ["--rate", "50", "--format", "raw", "--nonblocking", "--threads", "--output"]
    command = [spy_file, "record", "--pid", str(process.pid), *spy_options, str(file), *(["--gil"] if gil else [])]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as spy:
        try:
            yield
        finally:
            spy.send_signal(signal.SIGINT)
            spy.wait(60)


def lesson(
    servers: Sequence[tuple[str, psutil.Process]],
    *,
    pupils: int = 30,
    seconds: float = 180.0,
    pace: float = 12.0,
    opening: float = OPENING_SECONDS,
    stay: int = 0,
    browsers: int = 0,
    seed: int = 0,
    link: str = LINK,
    profile: Path | None = None,
    gil: bool = False,
) -> Report:
    """Let a class use a running app.

    Parameters
    ----------
    servers : sequence of pairs
        Address and process of each replica of the app; a pupil stays with one.
    pace : float
        Seconds between two actions of one pupil.
    opening : float
        Seconds within which all open the link.
    stay : int
        After so many actions a pupil leaves, and another one comes; 0: all stay.
    browsers : int
        So many of the pupils have a real browser.
    """
    urls, processes = [url for url, _ in servers], [process for _, process in servers]
    heard, meter = Heard(processor=lambda: _processor(*processes)), Meter(processes)
    meter.start()
    dice = random.Random(seed)
    class_ = [
        Pupil(number, urls[number % len(urls)], link, random.Random(dice.random()), heard)
        for number in range(pupils - browsers)
    ]
    readers = [
        Reader(number, urls[number % len(urls)], link, random.Random(dice.random()), heard) for number in range(browsers)
    ]
    for reader in readers:
        reader.visit(opening, pace, time.monotonic() + opening + seconds)
    with profiled(processes[0], profile, gil):
        _each(class_, lambda one: one.enter(opening))
        times, own = _processor(*processes), _processor(psutil.Process())
        end = time.monotonic() + seconds
        _each(class_, lambda one: one.work(end, pace, stay))
        spent, spent_here = _processor(*processes), _processor(psutil.Process())
    for one in class_:
        one.leave()
    for reader in readers:
        reader.join()
    report = Report(pupils, seconds, lost=heard.lost, errors=heard.errors, memory=meter.stop(), curve=meter.curve)
    report.processor, report.own = spent - times, spent_here - own
    _measure(report, heard)
    return report


def _processor(*processes: psutil.Process) -> float:
    return float(sum(times.user + times.system for times in (one.cpu_times() for one in processes)))


def _measure(report: Report, heard: Heard) -> None:
    taken = [answer.seconds for answer in heard.answers]
    report.actions = len(taken)
    if heard.opened:
        report.opening = statistics.median(heard.opened)
    if heard.drawn:
        report.drawn = statistics.median(heard.drawn)
    if taken:
        report.median, report.late = statistics.median(taken), sorted(taken)[int(0.95 * (len(taken) - 1))]
    repeated = [answer.seconds for answer in heard.answers if answer.seen]
    report.repeats = len(repeated)
    if repeated:
        report.repeated = statistics.median(repeated)
    for name in sorted({answer.action for answer in heard.answers}):
        these = [answer for answer in heard.answers if answer.action == name]
        report.by_action[name] = (
            len(these),
            statistics.median(answer.seconds for answer in these),
            statistics.mean(answer.processor for answer in these),
        )


def _each(class_: Sequence[Pupil], what: Callable[[Pupil], None]) -> None:
    threads = [threading.Thread(target=what, args=(one,), daemon=True) for one in class_]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def app(log: Path, store: Path, **variables: str) -> Iterator[tuple[str, psutil.Process]]:
    """The app on the embedded network, in a process of its own; what it keeps on disk is in a folder of its own, too."""
    command = [sys.executable, "-m", "streamlit", "run", "Home.py"]
    kept = {"VISLRP_NETWORK": "embedded", "VISLRP_STORE": str(store), "VISLRP_STORE_MB": "3000"}
    with served(command, log, **{**kept, **variables}) as url:
        yield url, server_behind(url)


def main() -> None:
    """Hold a lesson and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pupils", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--pace", type=float, default=12.0, help="seconds between two actions of one pupil")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--stay",
        type=int,
        default=0,
        help="actions after which a pupil leaves and another one comes: "
        "with --seconds 3600 --pupils 20 --pace 120 --stay 6 the server's memory is seen over an hour",
    )
    parser.add_argument(
        "--browsers", type=int, default=2, help="so many of the pupils have a real Chromium (tests/install_browser.py)"
    )
    parser.add_argument(
        "--replicas", type=int, default=1, help="servers with one store of results, each for its share of the class"
    )
    parser.add_argument("--profile", type=Path, help="where py-spy writes the server's stacks; it must be installed")
    parser.add_argument("--gil", action="store_true", help="profile only threads that hold the interpreter's lock")
    parser.add_argument("--store", type=Path, help="folder of kept results; an empty one by default, as after an update")
    parser.add_argument("--json", type=Path, help="also write the report here")
    options = parser.parse_args()
    if not (0 < options.pupils <= 100 and 0 < options.seconds <= 7200):
        parser.error("--pupils: 1 to 100, --seconds: up to 7200")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        store = options.store or Path(folder) / "store"
        logs = [Path(folder) / f"log{number}.txt" for number in range(options.replicas)]
        report = lesson(
            [stack.enter_context(app(log, store)) for log in logs],
            pupils=options.pupils,
            seconds=options.seconds,
            pace=options.pace,
            stay=options.stay,
            browsers=min(options.browsers, options.pupils),
            seed=options.seed,
            profile=options.profile,
            gil=options.gil,
        )
    print(report.table())
    print("memory over the seconds:", ", ".join(f"{when:.0f}: {megabytes:.0f}" for when, megabytes in report.curve))
    for sentence in (*report.lost, *report.errors):
        print("-", sentence)
    if options.json:
        options.json.write_text(json.dumps(asdict(report), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
