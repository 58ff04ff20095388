"""Offer what can be done with a picture in view: copy it, save it, what its view can besides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from PySide6.QtCore import QPoint
from PySide6.QtGui import QIcon, QImage
from PySide6.QtWidgets import QMenu, QWidget

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.qimages import copy_image

Entry: TypeAlias = tuple[str, str, Callable[[], object]]  # its icon's name or "", words, deed


def offer_picture(
    view: QWidget,
    place: QPoint,
    image: QImage,
    save: Callable[[], object],
    *further: Entry,
) -> None:
    """Open the menu of a picture at a place on the screen and do what is chosen.

    `further` entries come below.
    """
    menu = QMenu(view)
    deeds: dict[object, Callable[[], object]] = {
        menu.addAction(theme.icon("copy"), "Copy picture"): lambda: copy_image(image),
        menu.addAction(theme.icon("save"), "Save picture…"): save,
    }
    if further:
        menu.addSeparator()
    for icon, words, deed in further:
        deeds[menu.addAction(theme.icon(icon) if icon else QIcon(), words)] = deed
    deed = deeds.get(menu.exec(place), lambda: None)
    menu.deleteLater()
    deed()
