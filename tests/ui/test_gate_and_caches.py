"""Queue and caches under several threads."""

from __future__ import annotations

import gc
import math
import platform
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from vislrp_ui import allocator, caches, places
from vislrp_ui.caches import ByteCache, allotted, budget, settle, shares
from vislrp_ui.gate import Gate
from vislrp_ui.streamlit_inside import RerunData, RerunException


def test_the_gate_lets_in_as_many_as_it_has_slots_in_the_order_of_coming():
    gate = Gate(1)
    order: list[int] = []
    queued = [threading.Event() for _ in range(3)]

    def work(number: int) -> None:
        with gate.slot(lambda before: queued[number].set()):
            order.append(number)

    with ThreadPoolExecutor(3) as pool, gate.slot():
        futures = []
        for number in range(3):
            futures.append(pool.submit(work, number))
            assert queued[number].wait(10)
        assert order == []
    for future in futures:
        future.result(10)
    assert order == [0, 1, 2]


def test_ten_computations_of_one_answer_do_not_wait_ten_times_for_everybody(monkeypatch):
    """A comparison in a class of others was sent back to the end of the queue ten times, and had no answer in a minute."""
    session, now = threading.local(), time.monotonic()
    monkeypatch.setattr(places, "raw_state", lambda: getattr(session, "state", None))
    gate = Gate(1)
    order: list[str] = []
    waits = threading.Event()
    others, each = 6, 10

    def compare() -> None:
        session.state = {places._KEY: places.Unanswered(now - each * places.EACH_SECONDS)}
        for _ in range(each):
            with gate.slot(lambda before: waits.set()):
                waits.clear()
                order.append("compare")
        waits.set()

    def others_come() -> None:
        for _ in range(each):
            with gate.slot():
                assert waits.wait(10)  # the comparison's next map is in the queue
                order.append("others")

    with ThreadPoolExecutor(others + 1) as pool:
        for future in [pool.submit(compare), *(pool.submit(others_come) for _ in range(others))]:
            future.result(20)
    last = len(order) - order[::-1].index("compare")
    assert order.count("others") == others * each and last <= 2 * each + 1


def test_who_comes_before_a_computation_is_due_goes_before_it(monkeypatch):
    session, now = threading.local(), time.monotonic()
    monkeypatch.setattr(places, "raw_state", lambda: getattr(session, "state", None))
    gate = Gate(1)
    order: list[str] = []
    begun = {"fifth map": 4, "second map": 1}
    names = ("one", "fifth map", "two", "second map")
    queued = {name: threading.Event() for name in names}

    def work(name: str) -> None:
        if name in begun:  # of an answer that has been worked on for three times as long as two computations may take
            session.state = {places._KEY: places.Unanswered(now - 3 * places.EACH_SECONDS, begun[name])}
        with gate.slot(lambda before: queued[name].set()):
            order.append(name)

    with ThreadPoolExecutor(len(names)) as pool, gate.slot():
        futures = []
        for name in names:
            futures.append(pool.submit(work, name))
            assert queued[name].wait(10)
    for future in futures:
        future.result(10)
    assert order == ["second map", "one", "fifth map", "two"]


def test_an_answer_is_counted_until_it_is_complete(monkeypatch):
    state: dict[str, places.Unanswered] = {}
    times = iter(range(0, 10_000, 100))
    monkeypatch.setattr(places, "raw_state", lambda: state)
    monkeypatch.setattr(places.time, "monotonic", lambda: next(times))
    step = places.EACH_SECONDS

    def page(outcome: BaseException | None = None) -> list[float]:
        asked = [places.due()]
        with suppress(BaseException), places.answering():
            asked.append(places.due())
            places.begin()
            asked.append(places.due())
            if outcome is not None:
                raise outcome
        return asked

    assert page() == [math.inf, step, 2 * step] and state == {}
    assert page(RerunException(RerunData())) == [math.inf, 100 + step, 100 + 2 * step], "the next edit is a new one"
    again = [100 + count * step for count in (2, 2, 3)]
    assert page(ValueError()) == again, "a newer edit, or the page's next map, has waited as long"
    assert state == {}, "a page that ends otherwise has been answered, too"
    monkeypatch.setattr(places, "connection_lost", lambda: True)
    page(ValueError())
    monkeypatch.undo()
    monkeypatch.setattr(places, "raw_state", lambda: state)
    assert places.due() == 200 + 2 * step, "one whose connection was lost waits on"
    monkeypatch.setattr(places, "raw_state", lambda: None)
    assert page() == [math.inf] * 3, "in a thread without a session"


def test_waiting_says_how_many_are_before_and_can_be_given_up():
    gate = Gate(1)

    class Obsolete(BaseException):
        pass

    heard: list[int] = []

    def give_up(before: int) -> None:
        heard.append(before)
        raise Obsolete

    def wait_in_vain() -> None:
        with gate.slot(give_up):
            raise AssertionError("no slot was free")

    with gate.slot(), ThreadPoolExecutor(1) as pool, pytest.raises(Obsolete):
        pool.submit(wait_in_vain).result(10)
    assert heard == [1]
    with gate.slot():  # the place in the queue was given back
        pass


def test_the_cache_holds_its_bytes_and_forgets_the_least_recently_used():
    cache: ByteCache[bytes] = ByteCache(100, len)
    for name in "abc":
        cache.put(name, bytes(40))
        cache.get("a")
    assert cache.get("a") is not None and cache.get("b") is None and cache.get("c") is not None
    assert cache.nbytes <= 100


def test_a_value_larger_than_the_cache_stays_until_the_next_one():
    cache: ByteCache[bytes] = ByteCache(100, len)
    cache.put("large", bytes(500))
    assert cache.get("large") == bytes(500)
    cache.put("small", bytes(10))
    assert cache.get("large") is None and cache.nbytes == 10


def test_equal_requests_at_the_same_time_are_computed_once():
    cache: ByteCache[bytes] = ByteCache(100, len)
    started, go = threading.Event(), threading.Event()
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        started.set()
        assert go.wait(10)
        return b"value"

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(cache.get_or_make, "key", make)
        assert started.wait(10)
        others = [pool.submit(cache.get_or_make, "key", make) for _ in range(3)]
        go.set()
        assert {future.result(10) for future in (first, *others)} == {b"value"}
    assert made == [1]


def test_who_waits_for_a_value_that_is_given_up_and_who_comes_then_compute_it_once():
    cache: ByteCache[bytes] = ByteCache(100, len)
    waits, comes, go = threading.Event(), threading.Event(), threading.Event()
    made: list[int] = []

    def give_up() -> bytes:
        assert waits.wait(10) and cache.awaited("key")
        raise RuntimeError("a newer edit")

    def make() -> bytes:
        made.append(1)
        comes.set()
        assert go.wait(10)
        return b"value"

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(cache.get_or_make, "key", give_up)
        second = pool.submit(cache.get_or_make, "key", make, waits.set)
        assert comes.wait(10)
        third = pool.submit(cache.get_or_make, "key", make, go.set)
        assert second.result(10) == third.result(10) == b"value"
    with pytest.raises(RuntimeError):
        first.result(10)
    assert made == [1] and not cache.awaited("key")


def test_a_failure_is_not_kept_and_passes_through():
    cache: ByteCache[bytes] = ByteCache(100, len)

    def fail() -> bytes:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        cache.get_or_make("key", fail)
    assert cache.get_or_make("key", lambda: b"fine") == b"fine"


def test_a_kept_value_that_is_not_enough_is_replaced():
    cache: ByteCache[bytes] = ByteCache(100, len)
    cache.put("key", b"a")
    assert cache.get_or_make("key", lambda: b"abc", accept=lambda value: len(value) >= 3) == b"abc"


@pytest.mark.parametrize(("text", "megabytes"), [("", 240), ("120", 120), ("nonsense", 240), ("1", 16)])
def test_one_setting_bounds_all_caches(monkeypatch, text, megabytes):
    monkeypatch.setenv("VISLRP_CACHE_MB", text)
    assert budget() == megabytes * 1_000_000


def test_all_caches_together_stay_within_the_one_setting(monkeypatch: pytest.MonkeyPatch):
    before = shares()
    assert sum(before.values()) == pytest.approx(1) and min(before.values()) > 0
    monkeypatch.setenv("VISLRP_CACHE_MB", "100")
    assert sum(allotted(name) for name in shares()) <= 100_000_000
    # One more cache makes itself room, and all others give the same part of theirs.
    monkeypatch.setitem(caches.COMMON, "one more", 0.1)
    after = shares()
    assert sum(after.values()) == pytest.approx(1) and allotted("one more") == pytest.approx(100e6 * 0.1 / 1.1, rel=1e-3)
    for name, share in before.items():
        assert after[name] < share and after[name] / share == pytest.approx(after["traces"] / before["traces"])
    assert sum(allotted(name) for name in after) <= 100_000_000
    with pytest.raises(KeyError):
        allotted("unnamed")


def test_settling_freezes_what_imports_made_once():
    gc.unfreeze()
    caches._modules = 0
    settle()
    frozen = gc.get_freeze_count()
    assert frozen > 10_000
    made = [[] for _ in range(100)]
    settle()
    assert gc.get_freeze_count() <= frozen
    assert len(made) == 100


MAPPED = """
import ctypes, runpy, sys

class MallInfo(ctypes.Structure):  # glibc's struct mallinfo2
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", *"abcde")]

allocator = runpy.run_path(sys.argv[1])
if sys.argv[2] == "bound":
    allocator["bound_heaps"]()
about = ctypes.CDLL(None).mallinfo2
about.restype = MallInfo
for _ in range(2):
    before = about().hblkhd
    block = bytearray(6 * allocator["LARGE_BYTES"])
    print(about().hblkhd - before >= len(block))
    del block
"""


def test_large_tensors_stay_out_of_the_heaps_for_good():
    """Left to itself, glibc puts the second one into a heap: it takes the first one's size for what is usual."""
    if platform.libc_ver()[0] != "glibc":
        return
    for bound, mapped in (("bound", ["True", "True"]), ("free", ["True", "False"])):
        command = [sys.executable, "-c", MAPPED, str(allocator.__file__), bound]  # a heap with room would be used first
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == mapped


@pytest.mark.parametrize("error", [TypeError, OSError, AttributeError])
def test_a_system_without_such_an_allocator_is_left_as_it_is(monkeypatch, error):
    """Windows has no library of the whole program, musl no such functions."""

    def no_library(name: None):
        raise error

    monkeypatch.setattr(allocator.ctypes, "CDLL", no_library)
    allocator._function.cache_clear()
    assert allocator._function("mallopt") is None
    allocator.bound_heaps()
    allocator.give_back_memory()
    allocator._function.cache_clear()


def test_long_work_lets_all_pass_that_somebody_waits_for():
    gate = Gate(1)
    order: list[str] = []
    queued = {name: threading.Event() for name in ("long", "one", "two")}

    def work(name: str) -> None:
        with gate.slot(lambda before: queued[name].set(), patient=name == "long"):
            order.append(name)

    with ThreadPoolExecutor(3) as pool, gate.slot():
        futures = []
        for name in queued:
            futures.append(pool.submit(work, name))
            assert queued[name].wait(10)
        assert gate.wanted and not gate.idle
    for future in futures:
        future.result(10)
    assert order == ["one", "two", "long"]
    assert gate.idle and not gate.wanted


def test_who_holds_a_slot_has_it_for_what_it_needs_on_the_way():
    gate = Gate(1)
    with gate.slot(), gate.slot():
        assert not gate.idle
    assert gate.idle


def test_garbage_is_collected_for_all_sessions_together(monkeypatch):
    times = iter([100.0, 101.0, 104.9, 105.1])
    monkeypatch.setattr(caches.time, "monotonic", lambda: next(times))
    collected: list[int] = []
    monkeypatch.setattr(caches.gc, "collect", lambda generation: collected.append(generation) or 7)
    seldom = caches.Seldom()
    assert [seldom.collect(2) for _ in range(4)] == [7, 0, 0, 7] and collected == [2, 2]


def test_what_was_frozen_with_the_modules_is_looked_through_now_and_then(monkeypatch):
    class Session:
        """Two objects that hold each other, as a session and its runner."""

    now = [100.0]
    monkeypatch.setattr(caches.time, "monotonic", lambda: now[0])
    seldom = caches.Seldom()
    one = Session()
    one.me = one  # type: ignore[attr-defined]
    gone = weakref.ref(one)
    gc.freeze()
    del one
    seldom.collect()
    assert gone() is not None, "frozen"
    now[0] += caches.THAW_SECONDS + 1
    frozen = gc.get_freeze_count()
    seldom.collect()
    assert gone() is None and gc.get_freeze_count() > frozen / 2
