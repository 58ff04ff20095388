"""Say what a control is for when a person asks with Shift+F1 and a click."""

from __future__ import annotations

import html

from PySide6.QtWidgets import QAbstractButton, QTabBar, QWhatsThis, QWidget

# More than a tooltip has room for, on the parts of the window that hold many things.
_WORDS = {
    "layerTree": (
        "The network, layer by layer, in the order a picture passes through it. The numbers are "
        "channels × height × width of what a layer gives; the strip at the right is how many of "
        "its values fire. Click a layer or walk with the arrow keys."
    ),
    "imageStrip": (
        "The pictures of the session. Click one to look at it; drop more anywhere on the window. "
        "Delete takes it out of the session and leaves the file alone."
    ),
    "modelPanel": "The network and its weights, its layers, and the pictures.",
    "techniquePanel": (
        "What the engine computes for the tab in view. Quick changes act at once, others wait for "
        "Run. Facts and advice on the result stand below."
    ),
    "parameterForm": (
        "The parameters of what is computed. Point at one to learn what it does; F1 has the whole "
        "page."
    ),
    "featureGrid": (
        "One tile for each channel of the layer: its number at the left, its largest value at the "
        "right. A click selects the channel in all tabs; Enter shows it in full size."
    ),
    "canvasTabs": (
        "What is shown: the answer, its reasons, the inside of the network, or the network as a "
        "whole."
    ),
    "canvasTabBar": (
        "What is shown: first the answer and its reasons, then the inside of the network, then "
        "the network as a whole."
    ),
    "explainPicture": (
        "Warm places speak for the class. The wheel zooms, a drag moves, 0 fits; hold O to see "
        "the picture alone."
    ),
    "statusBar": (
        "What has been done and how long it took, what runs now, and how much memory is held."
    ),
    "messageBar": "What went wrong or is worth knowing, and what to do about it.",
    "pageHead": "What is in view and what it was made from; copy and export it at the right.",
    "emptyPage": "There is no picture yet: drop one, paste one, or click a sample.",
    "unitCard": "The selected unit: one channel of one layer. What you write about it is kept.",
    "modelCard": "Facts about the network, and how pictures are fed to it.",
    "doctorNotes": "What is amiss in the network or worth knowing about it.",
    "explanationDoctor": "What is odd about this map, and what to try instead.",
    "pinnedUnits": "The units you keep at hand. P pins the selected one.",
    "mapInspector": (
        "The value under the mouse, the same place in all pinned maps, and the sum it is."
    ),
}


def enter(window: QWidget) -> None:
    """Let the next click say what it meets; Esc goes back."""
    teach(window)
    QWhatsThis.enterWhatsThisMode()


def teach(window: QWidget) -> None:
    """Give every widget of a window its words, as they are now: tooltips change with the state."""
    for widget in (window, *window.findChildren(QWidget)):
        words = words_of(widget)
        if words != widget.whatsThis():
            widget.setWhatsThis(words)


def words_of(widget: QWidget) -> str:
    """Return what is said of a widget, "" where that of its parent has to do."""
    name = widget.accessibleName()
    tip = widget.toolTip()
    more = _WORDS.get(widget.objectName(), "")
    says = more or tip
    if not says and isinstance(widget, (QAbstractButton, QTabBar)):
        says = name
    if not says:
        return ""
    head = f"<p><b>{html.escape(name)}</b></p>" if name and name != says else ""
    said = "".join(f"<p>{html.escape(line)}</p>" for line in says.splitlines() if line)
    return head + said
