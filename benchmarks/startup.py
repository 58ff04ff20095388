"""Starting: importing the package and painting the first window, each in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

from benchmarks.ratio import Row

BARE_WINDOW = """
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication([])
window = QMainWindow()
window.resize(1280, 800)
window.show()
QTimer.singleShot(0, app.quit)
app.exec()
"""


def rows() -> Iterator[Row]:
    """Yield rows whose floors are a bare interpreter and a bare Qt window."""
    yield Row(
        name="import",
        contenders={
            "python": python("pass"),
            "cnnviz": python("import cnnviz_desktop"),
            "cnnviz forms": python("import cnnviz_desktop.engine.techniques"),
            "torch": python("import torch"),
        },
        rounds=7,
        note="the package and its forms need no torch",
    )
    yield Row(
        name="first paint",
        contenders={
            "bare Qt window": python(BARE_WINDOW),
            "cnnviz": python(
                "from cnnviz_desktop.gui.app import main; main(['--exit-after-first-paint'])"
            ),
        },
        rounds=7,
    )


def python(code: str) -> Callable[[], object]:
    """Return the running of a snippet in a fresh interpreter, offscreen."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}

    def work() -> object:
        return subprocess.run(
            [sys.executable, "-c", code], check=True, env=environment, capture_output=True
        )

    return work
