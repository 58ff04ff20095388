"""Start the window: check that one can open, show it, and only then load the engine."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cnnviz_desktop import __version__
from cnnviz_desktop.gui import late
from cnnviz_desktop.gui.startup import obstacle

if TYPE_CHECKING:
    from PySide6.QtCore import QObject
    from PySide6.QtWidgets import QApplication

    from cnnviz_desktop.gui.desk import Desk
    from cnnviz_desktop.gui.self_test import SelfTest
    from cnnviz_desktop.gui.work import Engine

# What the first picture of the window does without.
_LATE = ("numpy", "cnnviz_desktop.engine.techniques")


def main(argv: list[str] | None = None, engine: Engine | None = None) -> int:
    """Run the window until it is closed; return 2 with a sentence where none can open.

    `engine` stands in for the real one in tests.
    """
    options = _options(sys.argv[1:] if argv is None else argv)
    reason = obstacle()
    if reason:
        print(reason, file=sys.stderr)  # noqa: T201 - there is no window to say it in
        return 2
    if options.self_test:
        for variable in ("CNNVIZ_CONFIG_DIR", "CNNVIZ_CACHE_DIR"):  # the person's stay as they are
            os.environ[variable] = tempfile.mkdtemp()
    first = argv is None and not (options.paths or options.model or options.self_test)
    with _no_collections():
        return _run(options, engine, may_teach=first)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line of the window."""
    parser = argparse.ArgumentParser(
        prog="cnnviz-desktop",
        description="See inside convolutional networks. Without a window: cnnviz --help.",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="pictures, folders, a session (.cnnviz), an exported figure, or a network of your own "
        "(.pth, .safetensors, .pt2, .onnx, .py)",
    )
    parser.add_argument(
        "--model", default="", metavar="NAME", help="the network to begin with, or that of weights"
    )
    parser.add_argument("--version", action="version", version=f"cnnviz-desktop {__version__}")
    parser.add_argument(
        "--self-test",
        action="store_true",
        help="prove this installation: show the window, run a technique of every tab, write a "
        "figure, close; the exit status is 0 where all of it worked",
    )
    return parser.parse_args(argv)


def _application() -> QApplication:
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    app.setApplicationName("CNNviz Desktop")
    app.setApplicationDisplayName("CNNviz")
    return app


def _run(options: argparse.Namespace, engine: Engine | None, may_teach: bool) -> int:
    """Build the window's parts, run the event loop, and take them down in order.

    `may_teach`: a person started it with nothing to open, so the first time has a tour.
    """
    for name in _LATE:
        late.postpone(name)
    from cnnviz_desktop.gui import theme
    from cnnviz_desktop.gui.appearance import look_of
    from cnnviz_desktop.gui.crash_dialog import CrashReporter
    from cnnviz_desktop.gui.jobs import Jobs
    from cnnviz_desktop.gui.main_window import MainWindow
    from cnnviz_desktop.gui.opening import Opening
    from cnnviz_desktop.gui.preferences import Preferences
    from cnnviz_desktop.gui.session import Session
    from cnnviz_desktop.gui.window_memory import WindowMemory
    from cnnviz_desktop.gui.work import TorchEngine

    app = _application()
    jobs = Jobs()
    preferences = Preferences(jobs)
    theme.apply(app, *look_of(preferences.settings))
    engine = engine or TorchEngine()
    session = Session(jobs, engine)
    window = MainWindow(session, jobs, WindowMemory(), preferences)
    crashes = CrashReporter(window)
    crashes.install()
    jobs.crashed.connect(crashes.show_report)
    opening = Opening(session, window.commands, options.paths, options.model, window)
    desks: list[Desk] = []
    tests: list[SelfTest] = []

    def begin() -> None:
        gc.freeze()  # what is built lives as long as the window: collections need not walk it
        from cnnviz_desktop.gui.desk import Desk

        desks.append(Desk(session, jobs, engine, preferences, window))
        desks[0].begin(opening, may_teach)
        if options.self_test:
            from cnnviz_desktop.gui.self_test import SelfTest

            tests.append(SelfTest(window, session))
            tests[0].begin()

    loads = [partial(late.load, name) for name in _LATE]  # while there is no thread but this one
    window.painted.connect(partial(late.in_turns, window, *loads, partial(window.complete, begin)))
    window.show()
    code = app.exec()
    if options.self_test:
        code = tests[0].code if tests else 1
    crashes.uninstall()
    stopped = jobs.close()
    for desk in desks:
        desk.close()
    window.close()
    _delete(app, (window, preferences, session, jobs))
    if not stopped:
        # A thread that does not come to its next check would abort the process when Qt takes it
        # down; everything worth keeping is written by now.
        os._exit(code)
    return code


@contextmanager
def _no_collections() -> Iterator[None]:
    """Rest the automatic collector: it would walk what is being built. The jobs collect later."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _delete(app: QApplication, parts: Sequence[QObject]) -> None:
    """Delete the parts now, in order, while there is still an application."""
    from PySide6.QtCore import QEvent, QEventLoop

    for part in parts:
        part.deleteLater()
    app.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
