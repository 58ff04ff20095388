"""Prove an installation: drive the real window through one technique of every tab and an export."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.engine.techniques import TECHNIQUES
from cnnviz_desktop.gui.export_options import ExportOptions
from cnnviz_desktop.gui.session import FEATURE_MAPS, Session
from cnnviz_desktop.resources import resource

if TYPE_CHECKING:
    from cnnviz_desktop.gui.main_window import MainWindow

_BEAT = 20  # milliseconds between two looks at what is awaited
_STEPS = 16  # of techniques that go step by step
_PATIENCE = 180.0  # seconds for one step on a slow machine


class SelfTest(QObject):
    """Go through the window step by step and say on stdout what was done.

    `code` is 0 once all of it worked, else 1; the window is closed at the end.
    """

    def __init__(self, window: MainWindow, session: Session) -> None:
        super().__init__(window)
        self.code = 1
        self._window = window
        self._session = session
        self._failure = ""
        self._steps = self._script()
        self._awaited: Callable[[], bool] = lambda: True
        self._until = 0.0
        session.failed.connect(self._failed)
        session._jobs.crashed.connect(self._crashed)
        self._beat = QTimer(self)
        self._beat.setInterval(_BEAT)
        self._beat.timeout.connect(self._look)

    def begin(self) -> None:
        """Start once the window is painted."""
        self._beat.start()

    def _script(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        """Do one thing after the other; yield what to say and what to wait for."""
        session = self._session
        picture = next(resource("samples").glob("*.png"), None)
        if picture is None:
            raise FileNotFoundError("The installation is incomplete: there are no samples.")
        session.pictures.open([picture])
        yield "the bundled model and a picture", lambda: FEATURE_MAPS in session.answers
        for tab in dict.fromkeys(kind.tab for kind in TECHNIQUES):
            kind = next(kind for kind in TECHNIQUES if kind.tab == tab)
            before = session.answers.get(tab)
            session.set_technique(tab, _short(kind))
            session.cache.clear()
            session.run(tab)
            yield f"{kind.title} in the tab {tab}", self._answered(tab, before)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for suffix in (".png", ".pdf"):
                path = Path(folder, f"figure{suffix}")
                shown = self._window.exporting.shown()
                if shown is None:
                    raise RuntimeError("There is nothing to export.")
                self._window.exporting.write(shown, ExportOptions(suffix=suffix), path)
                yield f"a figure as {suffix[1:].upper()}", path.is_file

    def _answered(self, tab: str, before: object) -> Callable[[], bool]:
        def is_answered() -> bool:
            now = self._session.answers.get(tab)
            return now is not None and now is not before and not now.partial

        return is_answered

    def _look(self) -> None:
        """Go on once the awaited is there."""
        if not self._failure and not self._awaited():
            if time.perf_counter() < self._until:
                return
            self._failure = f"nothing came within {_PATIENCE:.0f} s"
        if self._failure:
            self._end(f"FAILED: {self._failure}")
            return
        try:
            said, self._awaited = next(self._steps)
        except StopIteration:
            self.code = 0
            self._end("The self-test passed.")
        except Exception as error:  # whatever it is, it is what the test is for
            self._end(f"FAILED: {error}")
        else:
            self._until = time.perf_counter() + _PATIENCE
            self._say(said)

    def _failed(self, _tab: str, error: Exception) -> None:
        self._failure = str(error)

    def _crashed(self, report: str) -> None:
        self._failure = report

    def _end(self, words: str) -> None:
        self._beat.stop()
        self._say(words)
        self._window.close()

    @staticmethod
    def _say(words: str) -> None:
        if sys.stdout is not None:  # a windowed program on Windows has none
            print(words, flush=True)  # noqa: T201 - this is what it is for


def _short(kind: type[Technique]) -> Technique:
    """Return a technique of few steps."""
    steps = [item for item in kind.parameters() if item.name == "steps"]
    return kind(**{item.name: min(item.default, _STEPS) for item in steps})
