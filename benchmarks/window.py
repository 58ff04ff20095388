"""The window: first paint, stalls, layers walked, cancel; each in processes of its own.

Every stall stands beside that of an empty window which beat in the same seconds on the same
machine: what both have is the machine's, what ours has beyond it is ours. "own" is the processor
time that the window's thread itself spent in its longest turn, which no neighbour can stretch.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from tempfile import TemporaryDirectory
from typing import IO, Any, Literal

from benchmarks.ratio import Row
from cnnviz_desktop.settings import FOLDER_VARIABLE

BARE = """
import os, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
def painted():
    print(time.perf_counter(), flush=True)
    os._exit(0)
class Bare(QMainWindow):
    def paintEvent(self, event):
        QTimer.singleShot(0, painted)
app = QApplication([])
window = Bare()
window.resize(1440, 900)
window.show()
app.exec()
"""
# The seam: once its picture is handed to the screen, the window loads what the picture needs not.
OURS = """
import os, time
from cnnviz_desktop.gui import app, late
def painted(name):
    print(time.perf_counter(), flush=True)
    os._exit(0)
late.load = painted
app.main([])
"""
ROUNDS = 5
BEAT = 0.005
FIRST_PAINT, STALL, FRAMES, BEYOND, CANCEL = 300.0, 50.0, 33.3, 17.0, 200.0
FRAME = 1000 / 60

Environment = dict[str, str]


def rows() -> Iterator[Row]:
    """Yield the rows offscreen and, where there is Xvfb, on a virtual screen."""
    with TemporaryDirectory() as folder:
        yield from rows_on("offscreen", {"QT_QPA_PLATFORM": "offscreen"}, folder)
        if shutil.which("Xvfb"):
            with virtual_screen() as display:
                yield from rows_on("Xvfb", {"QT_QPA_PLATFORM": "xcb", "DISPLAY": display}, folder)


def rows_on(screen: str, variables: Environment, folder: str) -> Iterator[Row]:
    """Yield the rows on one screen; all but the first read the same sessions."""
    own = {FOLDER_VARIABLE: folder, "XDG_CONFIG_HOME": folder}
    environment = {**os.environ, **own, **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody compiles the package at each start
    yield Row(
        name=f"first paint, {screen}",
        contenders={
            "bare Qt window": partial(first_paint, BARE, environment),
            "cnnviz": partial(first_paint, OURS, environment),
        },
        rounds=9,
        limit_ms=FIRST_PAINT,
        reported=True,
    )
    sessions = Sessions(environment)
    for phase in PHASES:
        yield Row(
            name=f"stall while {phase}, {screen}",
            contenders={
                "empty window": sessions.reader("floors", phase),
                "cnnviz": sessions.reader("stalls", phase),
                "own": sessions.reader("owns", phase),
            },
            rounds=ROUNDS,
            limit_ms=STALL,
            reported=True,
        )
    for name, floor, parts, limit in TIMES:
        yield Row(
            name=f"{name}, {screen}",
            contenders={shown: sessions.reader("seconds", key) for shown, key in (floor, *parts)},
            rounds=ROUNDS,
            limit_ms=limit,
            reported=True,
        )


PHASES = (
    "torch imports",
    "the first maps come",
    "squeezenet1_0 is built",
    "techniques run on squeezenet1_0",
    "vgg16 is built",
    "techniques run on vgg16",
    "figures export",
    "layers are walked",
    "a photograph of 24 Mpx opens",
    "a photograph of 24 Mpx is explained",
    "opacity is dragged",
    "64 maps of 224x224 come",
    "2048 maps of 7x7 come",
    "2048 maps scroll",
    "2048 maps scroll by the wheel",
    "2048 maps zoom by the wheel",
    "the theme changes",
)

# A row's name, its floor and its contenders as (shown, key of the session's seconds), its limit.
Named = tuple[str, str]
TIMES: tuple[tuple[str, Named, tuple[Named, ...], float], ...] = (
    (
        "a layer picked, beyond the pass to it",
        ("the pass", "pass"),
        (
            ("cnnviz", "pick beyond"),
            ("9 of 10 layers", "pick beyond, 9 of 10"),
            ("own", "pick own"),
        ),
        BEYOND,
    ),
    (
        "a layer picked that is cached",
        ("one frame", "frame"),
        (
            ("cnnviz", "cached pick"),
            ("9 of 10 layers", "cached pick, 9 of 10"),
            ("own", "cached pick own"),
        ),
        FRAMES,
    ),
    *(
        (
            f"a frame of 2048 maps that {name}",
            ("one frame", "frame"),
            (
                ("cnnviz", f"{name} frame"),
                ("99 of 100", f"{name} frame, 99 of 100"),
                ("own, 99 of 100", f"{name} own frame, 99 of 100"),
            ),
            FRAME,
        )
        for name in ("scroll", "zoom")
    ),
    ("cancel frees the window", ("one frame", "frame"), (("cnnviz", "cancel"),), CANCEL),
)


Kind = Literal["stalls", "owns", "floors", "seconds"]
Found = dict[Kind, dict[str, float]]


@dataclass
class Sessions:
    """The sessions played so far: each reader reads one after the other and plays what lacks."""

    environment: Environment
    played: list[Found] = field(default_factory=list)

    def reader(self, kind: Kind, key: str) -> Callable[[], float]:
        """Return a contender that reads a number from one session after the other."""
        numbers = itertools.count()

        def next_number() -> float:
            place = next(numbers)
            while len(self.played) <= place:
                self.played.append(play(self.environment))
            return self.played[place][kind][key]

        return next_number


def play(environment: Environment) -> Found:
    """Play one session beside an empty window that beats meanwhile."""
    idle = started("idle", environment)
    try:
        assert idle.stdout is not None
        idle.stdout.readline()  # it beats
        told = said("session", environment)
        gaps = json.loads(idle.communicate("")[0])["gaps"]
    finally:
        idle.kill()
    if "error" in told:
        raise RuntimeError(told["error"].strip().splitlines()[-1])
    phases = told["phases"]
    return {
        "stalls": {name: phase["stall"] for name, phase in phases.items()},
        "owns": {name: phase["own"] for name, phase in phases.items()},
        "floors": {name: longest(gaps, phase) for name, phase in phases.items()},
        "seconds": {**told["seconds"], "frame": 1 / 60},
    }


def longest(gaps: list[tuple[float, float]], phase: dict[str, float]) -> float:
    """Return the empty window's longest time between two beats while a phase lasted."""
    end = phase["end"] + BEAT
    return max([gap for moment, gap in gaps if phase["begin"] <= moment <= end], default=BEAT)


def first_paint(code: str, environment: Environment) -> float:
    """Return the seconds from the start of a process to its window on screen."""
    start = time.perf_counter()  # a clock of the whole machine
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return float(done.stdout) - start


def said(what: str, environment: Environment) -> dict[str, Any]:
    """Run `window_session` and return what it said last."""
    with started(what, environment) as process:
        out, err = process.communicate()
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError(err.strip().splitlines()[-1] if err.strip() else f"{what} said nothing")
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def started(what: str, environment: Environment) -> subprocess.Popen[str]:
    """Start `window_session` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.window_session", what],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def virtual_screen() -> Iterator[str]:
    """Run an X server without a screen and give its display."""
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1920x1080x24", "-nolisten", "tcp"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        out: IO[str] | None = server.stdout
        assert out is not None
        yield f":{out.readline().strip()}"
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)
