"""Check before Qt is loaded that a window can open here, and say what to do where it cannot.

Qt itself aborts the process with "could not load the platform plugin"; nothing here imports it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

HEADLESS = "To work without a window: cnnviz tour --out DIR (cnnviz --help lists everything)."

# Library -> the Debian and Ubuntu package that has it.
_ALWAYS = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libX11.so.6": "libx11-6",
}
_XCB = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libX11-xcb.so.1": "libx11-xcb1",
}

Opener = Callable[[str], object]


def obstacle(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """Return a sentence on why no window can open here, or ""."""
    found = unsound_qt(sys.version_info[:2], _installed_qt())
    if found or not platform.startswith("linux"):
        return found
    chosen = environ.get("QT_QPA_PLATFORM", "").partition(":")[0].partition(";")[0]
    if chosen in ("", "xcb", "wayland") and not has_display(environ):
        return f"There is no display to open a window on. {HEADLESS}"
    needs_xcb = chosen == "xcb" or (not chosen and not environ.get("WAYLAND_DISPLAY"))
    return missing_libraries(needs_xcb)


def unsound_qt(python: tuple[int, ...], qt: str) -> str:
    """Return a sentence for the Qt release that crashes on this Python, or ""."""
    numbers = qt.split(".")
    if python < (3, 12) and numbers[:2] == ["6", "12"]:
        return (
            f"PySide6 {qt} crashes on Python {python[0]}.{python[1]}. Install an earlier one: "
            'pip install "PySide6-Essentials<6.12" (or use Python 3.12 or newer).'
        )
    return ""


def has_display(environ: Mapping[str, str]) -> bool:
    """Tell whether a Wayland or X server answers."""
    wayland = environ.get("WAYLAND_DISPLAY")
    if wayland and (Path(environ.get("XDG_RUNTIME_DIR", "/")) / wayland).exists():
        return True
    display = environ.get("DISPLAY", "")
    return bool(display) and _x_server_answers(display)


def missing_libraries(needs_xcb: bool, opener: Opener = ctypes.CDLL) -> str:
    """Return a sentence that names the system libraries Qt would miss, or ""."""
    wanted = _ALWAYS | (_XCB if needs_xcb else {})
    missing = [name for name in wanted if not _opens(name, opener)]
    if not missing:
        return ""
    packages = " ".join(sorted({wanted[name] for name in missing}))
    libraries = ", ".join(missing)
    return (
        f"The window needs system libraries that are not installed: {libraries}. "
        f"On Debian and Ubuntu: sudo apt-get install -y {packages}\n{HEADLESS}"
    )


def _opens(name: str, opener: Opener) -> bool:
    try:
        opener(name)
    except OSError:
        return False
    return True


def _x_server_answers(display: str) -> bool:
    """Connect as Qt will; without libxcb leave the answer to the check for libraries."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
    xcb.xcb_connection_has_error.argtypes = (ctypes.c_void_p,)
    xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    connection = xcb.xcb_connect(display.encode(), None)
    failed = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not failed


def _installed_qt() -> str:
    """Read Qt's release off the name of its metadata, whose own reader takes 14 ms to import."""
    spec = find_spec("PySide6")
    if spec is None or spec.origin is None:
        return ""
    packages = Path(spec.origin).parent.parent
    found = [*packages.glob("[Pp]y[Ss]ide6_[Ee]ssentials-*.dist-info")]
    return found[0].stem.partition("-")[2] if found else ""
