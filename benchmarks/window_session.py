"""Drive the real window by real events in this process and print how it kept up, as JSON.

`python -m benchmarks.window_session session` is started by `benchmarks/window.py`; with `idle` an
empty window beats instead, to show which stalls are the machine's. A heartbeat of 5 ms in the
window's thread finds them: the longest time between two beats of a phase, and the processor time
that this thread itself spent meanwhile.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QSlider, QWidget

if TYPE_CHECKING:
    from cnnviz_desktop.gui.feature_grid import FeatureGrid
    from cnnviz_desktop.gui.main_window import MainWindow
    from cnnviz_desktop.gui.session import Session

BEAT = 0.005
PATIENCE = 120.0
SCROLLS = 400  # turns of the wheel by a quarter of a notch
PICKS = 14  # layers walked through with the arrow keys, first new to the cache, then known to it


class Heartbeat(QObject):
    """Beat every 5 ms in this thread and remember each beat as (wall time, own processor time)."""

    def __init__(self) -> None:
        super().__init__()
        self.beats: list[tuple[float, float]] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(round(BEAT * 1000))
        self._timer.timeout.connect(self.beat)
        self._timer.start()
        self.beat()

    def beat(self) -> None:
        """Remember this moment."""
        self.beats.append((time.perf_counter(), time.thread_time()))


class Watch:
    """Name the phases of the session and measure the stalls in each."""

    def __init__(self) -> None:
        self.heart = Heartbeat()
        self.phases: dict[str, dict[str, float]] = {}
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure the longest stall while the block runs and until the window has caught up."""
        self._another_beat()
        first = len(self.heart.beats) - 1
        yield
        self._another_beat()
        beats_here = self.heart.beats[first:]
        pairs = list(pairwise(beats_here))
        self.phases[name] = {
            "begin": beats_here[0][0],
            "end": beats_here[-1][0],
            "stall": max(after[0] - before[0] for before, after in pairs),
            "own": max(after[1] - before[1] for before, after in pairs),
        }

    def _another_beat(self) -> None:
        beats = len(self.heart.beats)
        until(lambda: len(self.heart.beats) > beats)


class Painted(QObject):
    """Notice when maps have been painted and their window's picture handed to the screen."""

    def __init__(self, grid: FeatureGrid) -> None:
        super().__init__(grid)
        self.at = 0.0
        self.own = 0.0
        self._armed = self._seen = False
        self._window = grid.window()
        grid.viewport().installEventFilter(self)
        self._window.installEventFilter(self)
        self._paint_now = grid.paint_now
        grid.paint_now = self.paint_now  # type: ignore[method-assign]

    def paint_now(self) -> None:
        """Let new maps be painted, which hands them over at once, and note when that is done."""
        self._paint_now()
        self._note()

    def _note(self) -> None:
        self._armed = False
        self.at, self.own = time.perf_counter(), time.thread_time()

    def arm(self) -> None:
        """Wait for the next painting."""
        self._armed, self.at = True, 0.0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's
        """Let the window paint and hand over what is due, and note when that is done."""
        if not self._armed:
            return False
        if event.type() == QEvent.Type.Paint and watched is not self._window:
            self._seen = True
        elif event.type() == QEvent.Type.UpdateRequest and watched is self._window:
            self._seen = False
            watched.event(event)
            if self._seen:
                self._note()
            return True
        return False


def until(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Turn the event loop until the condition holds."""
    end = time.perf_counter() + patience
    while not condition():
        if time.perf_counter() > end:
            raise TimeoutError(f"still waiting after {patience:.0f} s")
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


class Script:
    """What is done with the window, phase by phase."""

    def __init__(self, window: MainWindow, session: Session, watch: Watch, folder: Path) -> None:
        self.window = window
        self.session = session
        self.watch = watch
        self.folder = folder
        self.maps_painted = Painted(window.tabs.feature_maps.grid)
        window.resize(1440, 900)  # the offscreen screen is small

    def play(self) -> None:
        """Do all of it."""
        session, phase = self.session, self.watch.phase
        with phase("torch imports"):
            until(lambda: session.models.machine is not None)
        with phase("the first maps come"):
            until(lambda: "Feature maps" in session.answers and self.idle())
        for name in ("squeezenet1_0", "vgg16"):
            with phase(f"{name} is built"):
                self.load(name)
            with phase(f"techniques run on {name}"):
                self.techniques()
        with phase("figures export"):
            self.exports()
        self.picks()
        self.cancel()
        self.large()
        with phase("the theme changes"):
            for _ in range(2):
                self.window.appearance.toggle()
                self.settle()

    def idle(self) -> bool:
        """Tell whether nothing waits or runs."""
        return not self.session._jobs.busy()

    def settle(self) -> None:
        """Let the window paint what is due."""
        until(self.idle)
        done: list[bool] = []
        QTimer.singleShot(20, lambda: done.append(True))
        until(lambda: bool(done))

    def load(self, name: str) -> None:
        """Build a network with random weights."""
        self.session.models.load(name, "none")
        until(lambda: self.session.model is not None and self.session.model.name == name)
        self.settle()

    def techniques(self) -> None:
        """Run every technique that a click may run with its own defaults, its tab in view."""
        from cnnviz_desktop.engine.techniques import TECHNIQUES

        for kind in TECHNIQUES:
            if not kind().is_quick():
                continue
            self.turn_to(kind.tab)
            self.session.set_technique(kind.tab, kind())
            self.session.run(kind.tab)
            self.settle()

    def turn_to(self, tab: str) -> None:
        """Bring a tab into view."""
        views = [view.tab for view in self.window.tabs.views]
        self.window.tabs.setCurrentIndex(views.index(tab))

    def exports(self) -> None:
        """Write each tab's figure."""
        from cnnviz_desktop.gui.export_options import ExportOptions

        for tab, answer in list(self.session.answers.items()):
            self.turn_to(tab)
            self.settle()
            for suffix in ("png", "pdf"):
                path = self.folder / f"{answer.technique.command}.{suffix}"
                with self.watch.phase(f"{answer.technique.command} exports as {suffix}"):
                    shown = self.window.exporting.shown()
                    if shown is not None:
                        options = ExportOptions(suffix=path.suffix)
                        self.window.exporting.write(shown, options, path)
                    self.settle()
                if not path.exists():
                    raise RuntimeError(f"no {path.name} was written")

    def picks(self) -> None:
        """Walk down the layers by key, each new to the cache, and up again, each in the cache."""
        from PySide6.QtTest import QTest

        self.turn_to("Feature maps")
        tree = self.window.model_panel.tree
        self.session.cache.clear()
        self.session.pick_layer("features.0", "Feature maps")
        self.settle()
        beyond, passes, own, cached, cached_own = [], [], [], [], []
        view = tree.view()

        def press(key: Qt.Key) -> tuple[float, float]:
            self.maps_painted.at = 0.0
            start, own_start = time.perf_counter(), time.thread_time()
            QTest.keyClick(view, key)
            until(lambda: self.maps_painted.at > 0)
            took = self.maps_painted.at - start, self.maps_painted.own - own_start
            self.settle()
            return took

        with self.watch.phase("layers are walked"):
            for _ in range(PICKS):
                took, spent = press(Qt.Key.Key_Down)
                alone = self.forward(tree.selected())
                passes.append(alone)
                beyond.append(took - alone)
                own.append(spent)
            for _ in range(PICKS):
                took, spent = press(Qt.Key.Key_Up)
                cached.append(took)
                cached_own.append(spent)
        seconds = self.watch.seconds
        seconds["pass"] = float(np.median(passes))
        seconds["pick beyond"] = float(np.median(beyond))
        seconds["pick beyond, 9 of 10"] = float(np.quantile(beyond, 0.9))
        seconds["pick own"] = float(np.median(own))
        seconds["cached pick"] = float(np.median(cached))
        seconds["cached pick, 9 of 10"] = float(np.quantile(cached, 0.9))
        seconds["cached pick own"] = float(np.median(cached_own))

    def forward(self, name: str) -> float:
        """Return the seconds of the bare pass to a layer, in the engine's thread like ours."""
        import torch

        model, current = self.session.model, self.session.pictures.current
        assert model is not None
        assert current is not None
        module, image = model.module, current.image
        found: list[float] = []

        class Stop(BaseException):
            pass

        def stop(*_args: object) -> None:
            raise Stop

        def work(_run: object) -> None:
            tensor, _region = model.prepare(image)
            handle = module.get_submodule(name).register_forward_hook(stop)
            start = time.perf_counter()
            with torch.inference_mode(), suppress(Stop):
                module(tensor)
            found.append(time.perf_counter() - start)
            handle.remove()

        self.session._jobs.submit(work, "The bare pass")
        until(lambda: bool(found))
        self.settle()
        return found[0]

    def cancel(self) -> None:
        """Press Cancel while work runs that hears nothing for seconds."""
        import torch
        from PySide6.QtTest import QTest

        panel = self.window.technique_panel
        going: list[bool] = []

        def deaf(_run: object) -> None:
            going.append(True)
            end = time.perf_counter() + 1.5
            matrix = torch.rand(1024, 1024)
            while time.perf_counter() < end:
                torch.mm(matrix, matrix)

        self.session._jobs.submit(deaf, "Deaf work", "Feature maps")
        self.session.requested.emit("Feature maps")
        until(lambda: bool(going) and panel.cancel_button.isEnabled())
        free: list[float] = []
        start = time.perf_counter()
        QTest.mouseClick(panel.cancel_button, Qt.MouseButton.LeftButton)
        QTimer.singleShot(0, lambda: free.append(time.perf_counter()))
        until(lambda: bool(free) and panel.run_button.isEnabled())
        self.watch.seconds["cancel"] = time.perf_counter() - start
        until(self.idle)
        time.sleep(1.5)  # the deaf work comes to its end
        self.settle()

    def large(self) -> None:
        """Look at a large photograph and at layers of many maps."""
        phase, session = self.watch.phase, self.session
        rows, columns = np.mgrid[0:4000, 0:6000].astype(np.float32)
        waves = np.stack([np.sin(rows / 90), np.sin(columns / 70), np.cos(rows / 50)], axis=2)
        photograph = (127 + 120 * waves).astype(np.uint8)
        with phase("a photograph of 24 Mpx opens"):
            before = len(session.pictures)
            session.pictures.open([photograph])
            until(lambda: len(session.pictures) > before)
            self.settle()
        with phase("a photograph of 24 Mpx is explained"):
            self.turn_to("Explain")
            self.settle()
        with phase("opacity is dragged"):
            slider = self.window.tabs.explain.findChild(QSlider, "heatOpacity")
            assert isinstance(slider, QSlider)
            for place in range(slider.maximum()):
                slider.setValue(place)
                self.settle()
        self.turn_to("Feature maps")
        with phase("64 maps of 224x224 come"):
            session.pick_layer("features.1", "Feature maps")
            self.settle()
        with phase("2048 maps of 7x7 come"):
            self.load("resnet50")
            session.pick_layer("layer4", "Feature maps")
            self.settle()
        grid = self.window.tabs.feature_maps.grid
        with phase("2048 maps scroll"):
            bar = grid.verticalScrollBar()
            for place in range(0, bar.maximum(), max(1, bar.maximum() // 20)):
                bar.setValue(place)
                self.settle()
        with phase("2048 maps scroll by the wheel"):
            self.frames("scroll", [(0, -30)] * SCROLLS)
        with phase("2048 maps zoom by the wheel"):
            self.frames("zoom", [(1, 15)] * 60 + [(1, -15)] * 120)

    def frames(self, name: str, turns: list[tuple[int, int]]) -> None:
        """Turn the wheel over the tiles, (with Ctrl, by how much), and time each painted frame."""
        grid = self.window.tabs.feature_maps.grid
        modifiers = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier)
        grid.verticalScrollBar().setValue(0)
        self.settle()
        times, own = [], []
        for ctrl, turned in turns:
            before = grid.verticalScrollBar().value(), grid.look().tile_side
            self.maps_painted.arm()
            start, own_start = time.perf_counter(), time.thread_time()
            turn_wheel(grid.viewport(), turned, modifiers[ctrl])
            if (grid.verticalScrollBar().value(), grid.look().tile_side) == before:
                continue  # at an end, or less than a pixel: nothing to paint
            until(lambda: self.maps_painted.at > 0)
            times.append(self.maps_painted.at - start)
            own.append(self.maps_painted.own - own_start)
        self.settle()
        for what, found in ((name, times), (f"{name} own", own)):
            self.watch.seconds[f"{what} frame"] = float(np.median(found))
            self.watch.seconds[f"{what} frame, 99 of 100"] = float(np.quantile(found, 0.99))


def turn_wheel(widget: QWidget, turned: int, modifiers: Qt.KeyboardModifier) -> None:
    """Turn the wheel in the middle of a widget, as a touchpad does: by eighths of a degree."""
    place = QPointF(widget.rect().center())
    nothing, steady = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    at, turn = widget.mapToGlobal(place), QPoint(0, turned)
    wheel = QWheelEvent(place, at, QPoint(), turn, nothing, modifiers, steady, False)
    QApplication.sendEvent(widget, wheel)


def session_in_window() -> None:
    """Play the script in the real window and print what was measured."""
    from cnnviz_desktop.gui import opening
    from cnnviz_desktop.gui.app import main
    from cnnviz_desktop.gui.main_window import MainWindow

    began = opening.Opening.begin
    found: dict[str, Any] = {}

    def begin(first: opening.Opening) -> None:
        watch = Watch()

        def play() -> None:
            shown = QApplication.topLevelWidgets()
            window = next(widget for widget in shown if isinstance(widget, MainWindow))
            with tempfile.TemporaryDirectory() as folder:
                try:
                    Script(window, first._session, watch, Path(folder)).play()
                    found.update(phases=watch.phases, seconds=watch.seconds)
                except Exception:  # the window would show it in a dialog
                    found["error"] = traceback.format_exc()
                finally:
                    window.close()

        QTimer.singleShot(0, play)
        began(first)

    setattr(opening.Opening, "begin", begin)  # noqa: B010 - the seam: what follows the first paint
    main([])
    say(found)


def idle_window() -> None:
    """Beat in a window with nothing to do, and print the late beats once told to stop by EOF."""
    import threading

    app = QApplication([])
    window = QMainWindow()
    window.show()
    heart = Heartbeat()

    told: list[str] = []
    threading.Thread(target=lambda: told.append(sys.stdin.read()), daemon=True).start()
    say({"ready": True})
    until(lambda: bool(told), patience=3600)
    times = [moment for moment, _own in heart.beats]
    gaps = [(after, after - before) for before, after in pairwise(times)]
    say({"gaps": [gap for gap in gaps if gap[1] > 1.2 * BEAT]})
    window.close()
    app.quit()


def say(what: dict[str, Any]) -> None:
    """Print a line of JSON."""
    print(json.dumps(what), flush=True)


def main() -> None:
    """Do what the parent process asks."""
    idle_window() if sys.argv[1] == "idle" else session_in_window()


if __name__ == "__main__":
    main()
