"""Time several ways of doing the same work in turns, and compare them by ratios."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One comparison: contenders doing the same work, the first of which is the floor.

    Where `reported`, a contender measures by itself, in a process of its own perhaps, and returns
    the seconds.
    """

    name: str
    contenders: Mapping[str, Work]
    rounds: int = 15
    target: float | None = None  # our own share of the floor that an issue asks for
    limit_ms: float | None = None  # the milliseconds that an issue asks for on a quiet machine
    note: str = ""
    reported: bool = False


@dataclass(frozen=True)
class Measured:
    """What a row gave: the floor's median in milliseconds and every contender's ratio to it."""

    name: str
    floor: str
    floor_ms: float
    ratios: dict[str, tuple[float, float, float]]  # lower quartile, median, upper quartile
    ms: dict[str, float]  # medians
    target: float | None
    limit_ms: float | None
    note: str
    failures: dict[str, str] = field(default_factory=dict)


def measure(row: Row) -> Measured:
    """Run all contenders once to warm up, then in `rounds` rounds, each in a fresh random order.

    A ratio is taken within a round, so that a slow second of the machine hits both sides.
    """
    working = dict(row.contenders)
    failures = {}
    for name, work in row.contenders.items():
        try:
            work()
        except Exception as error:
            failures[name] = f"{type(error).__name__}: {error}"
            del working[name]
    floor = next(iter(row.contenders))
    if floor in failures:
        raise RuntimeError(f"{row.name}: {failures[floor]}")
    shuffled = random.Random(0)
    times: dict[str, list[float]] = {name: [] for name in working}
    for _ in range(row.rounds):
        order = list(working)
        shuffled.shuffle(order)
        for name in order:
            gc.collect()
            gc.disable()
            start = time.perf_counter()
            answer = working[name]()
            taken = time.perf_counter() - start
            gc.enable()
            if row.reported:
                assert isinstance(answer, float)
                taken = answer
            times[name].append(taken)
    ratios = {}
    for name, own in times.items():
        shares = [mine / base for mine, base in zip(own, times[floor], strict=True)]
        low, middle, high = statistics.quantiles(shares, n=4)
        ratios[name] = (low, middle, high)
    ms = {name: statistics.median(taken) * 1000 for name, taken in times.items()}
    return Measured(
        row.name, floor, ms[floor], ratios, ms, row.target, row.limit_ms, row.note, failures
    )
