"""What is said where no window can open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnnviz_desktop.gui import startup

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux says it this way")


def run_window(**environ: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if "DISPLAY" not in key}
    kept.pop("QT_QPA_PLATFORM", None)
    command = [sys.executable, "-c", "from cnnviz_desktop.gui.app import main; exit(main([]))"]
    return subprocess.run(
        command, env=kept | environ, capture_output=True, text=True, timeout=60, check=False
    )


@linux
@pytest.mark.parametrize("environ", [{}, {"DISPLAY": ":9871"}, {"WAYLAND_DISPLAY": "none"}])
def test_no_display_names_the_headless_way(environ: dict[str, str]) -> None:
    done = run_window(**environ)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "no display" in done.stderr
    assert "cnnviz tour --out DIR" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_missing_libraries_are_named_with_their_packages() -> None:
    def opener(name: str) -> None:
        if "cursor" in name or "EGL" in name:
            raise OSError(name)

    said = startup.missing_libraries(needs_xcb=True, opener=opener)
    assert "libxcb-cursor.so.0" in said
    assert "sudo apt-get install -y libegl1 libxcb-cursor0\n" in said
    assert "cnnviz tour" in said
    assert startup.missing_libraries(needs_xcb=False, opener=lambda name: None) == ""


def test_offscreen_needs_no_xcb_libraries() -> None:
    asked: list[str] = []
    startup.missing_libraries(needs_xcb=False, opener=asked.append)
    assert not [name for name in asked if "xcb" in name]


def test_the_unsound_qt_is_refused() -> None:
    said = startup.unsound_qt((3, 11), "6.12.0")
    assert "PySide6 6.12.0 crashes on Python 3.11" in said
    assert "PySide6-Essentials<6.12" in said
    assert startup.unsound_qt((3, 12), "6.12.0") == ""
    assert startup.unsound_qt((3, 11), "6.11.3") == ""


def test_nothing_stands_in_the_way_here() -> None:
    assert startup.obstacle({"QT_QPA_PLATFORM": "offscreen"}) == ""


def test_help_needs_no_display() -> None:
    command = [sys.executable, "-c", "from cnnviz_desktop.gui.app import main; main(['--help'])"]
    kept = {key: value for key, value in os.environ.items() if "DISPLAY" not in key}
    kept.pop("QT_QPA_PLATFORM", None)
    done = subprocess.run(command, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "cnnviz-desktop" in done.stdout


def test_the_first_paint_needs_no_torch_no_matplotlib_and_no_numpy(tmp_path: Path) -> None:
    code = """
import os, sys
from cnnviz_desktop.gui import app, late
def painted(name):
    heavy = {"torch", "torchvision", "matplotlib", "numpy.linalg", "PIL"} & set(sys.modules)
    print(*heavy, file=sys.stderr, flush=True)
    os._exit(1 if heavy else 0)
late.load = painted
app.main([])
"""
    environ = os.environ | {"QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
