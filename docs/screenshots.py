"""Take the pictures of docs/tour.md from the running window, with the bundled model and samples.

python docs/screenshots.py [NAME ...]
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "images"
_SIZE = (1440, 900)
_BEAT = 30  # milliseconds between two looks at what is awaited
_PATIENCE = 240.0  # seconds
_COLOURS = (256, 160, 96, 64)
_LARGEST = 250_000  # bytes
_SAMPLE = "striped-star.png"
_SAMPLES = 10

Wait = Callable[[], bool]


class Camera:
    """Drive the window from one scene to the next and take a picture of each."""

    def __init__(self, wanted: list[str]) -> None:
        from PySide6.QtCore import QTimer

        self.wanted = set(wanted)
        self.left = set(wanted)
        self.failed = ""
        self._scenes: Iterator[Wait] | None = None
        self._awaited: Wait = lambda: True
        self._until = 0.0
        self._beat = QTimer()
        self._beat.setInterval(_BEAT)
        self._beat.timeout.connect(self._look)

    def begin(self) -> None:
        """Begin once the window is there."""
        from PySide6.QtWidgets import QApplication

        from cnnviz_desktop.gui.main_window import MainWindow

        windows = QApplication.topLevelWidgets()
        self.window = next(item for item in windows if isinstance(item, MainWindow))
        self.session = self.window.tabs._session
        self.window.resize(*_SIZE)
        self._scenes = scenes(self)
        self._beat.start()

    def take(self, name: str, widget: Any = None) -> None:
        """Take a picture of the window, or of one in front of it."""
        from PIL import Image
        from PySide6.QtCore import QBuffer, QByteArray

        if self.wanted and name not in self.wanted:
            return
        shot = QByteArray()
        buffer = QBuffer(shot)
        buffer.open(QBuffer.OpenModeFlag.WriteOnly)
        (widget or self.window).grab().save(buffer, "PNG")
        picture = Image.open(io.BytesIO(shot.data())).convert("RGB")
        place = FOLDER / f"{name}.png"
        picture.save(place, "PNG", optimize=True)
        for colours in _COLOURS:
            if place.stat().st_size > _LARGEST:
                palette = picture.quantize(colours, kmeans=1)
                dithered = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
                dithered.save(place, "PNG", optimize=True)
        self.left.discard(name)
        print(f"{place.name}: {place.stat().st_size:,} bytes", flush=True)

    def idle(self) -> bool:
        """Tell whether nothing is computed."""
        return not self.session._jobs.busy()

    def answered(self, tab: str) -> Wait:
        """Return what tells whether a tab has its whole answer."""

        def has() -> bool:
            answer = self.session.answers.get(tab)
            stale = self.session.is_stale(tab)
            return answer is not None and not answer.partial and not stale and self.idle()

        return has

    def widget(self, name: str) -> Any:
        """Return a widget by name."""
        from PySide6.QtWidgets import QWidget

        return self.window.findChild(QWidget, name)

    def _look(self) -> None:
        assert self._scenes is not None
        try:
            if not self._awaited():
                if self._until and time.monotonic() > self._until:
                    raise TimeoutError("A scene did not come.")
                return
            if self.wanted and not self.left:
                raise StopIteration
            self._awaited = next(self._scenes)
            self._until = time.monotonic() + _PATIENCE
        except StopIteration:
            self._close()
        except Exception as error:
            self.failed = repr(error)
            self._close()

    def _close(self) -> None:
        self._beat.stop()
        self.window.close()


def pause(seconds: float) -> Wait:
    """Return what is true after a while: for what is painted a moment later."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


def scenes(camera: Camera) -> Iterator[Wait]:
    """Go through the tour; yield what to wait for."""
    from PySide6.QtWidgets import QLineEdit

    from cnnviz_desktop.engine.techniques import CompareModels, Exemplars, LayerCam
    from cnnviz_desktop.gui.session import (
        COMPARE,
        EXPLAIN,
        FEATURE_MAPS,
        FILTERS,
        MAXIMISE,
        PREDICTIONS,
        TRAINING,
        UNIT,
        Unit,
    )

    session, window = camera.session, camera.window
    yield camera.answered(FEATURE_MAPS)
    pictures = session.pictures
    yield lambda: len(pictures) >= _SAMPLES
    pictures.select(next(key for key in pictures if pictures[key].image.name == _SAMPLE))
    session.pick_layer("blocks.1", FEATURE_MAPS)
    yield camera.answered(FEATURE_MAPS)
    yield pause(1.5)
    window.deeds["tour"].trigger()
    yield pause(0.8)
    camera.take("first-tour")
    camera.widget("tourEnd").click()
    session.pick_unit(Unit("blocks.1", 20))
    yield pause(1.5)
    yield camera.idle
    camera.take("feature-maps-light")
    session.set_tab(PREDICTIONS)
    yield pause(1.0)
    yield camera.idle
    camera.take("predictions")
    session.set_tab(UNIT)
    yield camera.answered(UNIT)
    yield pause(0.8)
    camera.take("unit")
    session.set_tab(EXPLAIN)
    yield camera.answered(EXPLAIN)
    yield pause(0.8)
    camera.take("explain")
    session.set_technique(EXPLAIN, LayerCam(layer="blocks.1", classes=3))
    session.run(EXPLAIN)
    yield camera.answered(EXPLAIN)
    yield pause(0.8)
    camera.take("explain-classes")
    session.set_tab(FILTERS)
    session.pick_layer("blocks.0.conv1", FILTERS)
    yield camera.answered(FILTERS)
    yield pause(0.8)
    camera.take("filters")
    session.pick_layer("blocks.2", FILTERS)
    session.pick_unit(Unit("blocks.2", 8))
    session.set_tab(MAXIMISE)
    grown = replace(session.techniques[MAXIMISE], count=4, steps=160)
    session.set_technique(MAXIMISE, grown)
    session.run(MAXIMISE)
    yield camera.answered(MAXIMISE)
    yield pause(0.8)
    camera.take("maximise")
    window.appearance.toggle()
    yield pause(0.5)
    camera.take("maximise-dark")
    window.appearance.toggle()
    session.set_tab("Dataset")
    session.set_technique("Dataset", replace(Exemplars(), layer="blocks.2"))
    session.run("Dataset")
    yield camera.answered("Dataset")
    yield pause(0.8)
    camera.take("dataset")
    session.set_tab("Statistics")
    session.run("Statistics")
    yield camera.answered("Statistics")
    yield pause(0.8)
    camera.take("statistics")
    session.set_tab(COMPARE)
    session.set_technique(COMPARE, CompareModels(models=("bundled=none",)))
    session.run(COMPARE)
    yield camera.answered(COMPARE)
    yield pause(1.0)
    camera.take("compare")
    session.pick_unit(Unit("blocks.1", 3))
    session.set_tab(TRAINING)
    session.run(TRAINING)
    yield camera.answered(TRAINING)
    yield pause(1.0)
    camera.take("training")
    session.set_tab(EXPLAIN)
    yield camera.answered(EXPLAIN)
    window.exporting.export()
    yield pause(2.5)
    dialog = camera.widget("exportDialog")
    for field in dialog.findChildren(QLineEdit):
        if field.text().endswith(".png"):
            field.setText("figures/layer-cam-striped-star.png")
    yield pause(0.3)
    camera.take("export", dialog)
    dialog.close()
    window.deeds["help"].trigger()
    yield pause(0.8)
    pages = camera.widget("helpWindow")
    camera.take("help", pages)
    pages.close()


def main(wanted: list[str]) -> int:
    """Start the window, take the pictures, close it."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for name in ("CNNVIZ_CONFIG_DIR", "CNNVIZ_CACHE_DIR"):  # the person's stay as they are
        os.environ[name] = tempfile.mkdtemp()
    from PySide6.QtCore import QSettings, QTimer
    from PySide6.QtWidgets import QApplication

    from cnnviz_desktop.gui import app

    held = QApplication(sys.argv[:1])
    form, scope = QSettings.Format.IniFormat, QSettings.Scope.UserScope
    QSettings.setPath(form, scope, tempfile.mkdtemp())
    camera = Camera(wanted)
    QTimer.singleShot(0, held, camera.begin)
    code = app.main(["--model", "bundled"])
    if camera.failed:
        print(camera.failed, file=sys.stderr)
    return 1 if camera.failed else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
