"""Carry pixels between numpy arrays and Qt images, and out to the clipboard."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QGuiApplication, QImage, QPainter

from cnnviz_desktop.data import Pixels


def qimage_of(pixels: Pixels) -> QImage:
    """Return an array (H, W, 3) as an image that owns its memory."""
    height, width = pixels.shape[:2]
    rgb = np.ascontiguousarray(pixels)
    view = QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return view.convertToFormat(
        QImage.Format.Format_RGB32
    )  # a copy, and what painting is fast with


def pixels_of(image: QImage) -> Pixels:
    """Return an image as an array (H, W, 3), transparency laid on white."""
    if image.hasAlphaChannel():
        solid = QImage(image.size(), QImage.Format.Format_RGB32)
        solid.fill(0xFFFFFFFF)
        painter = QPainter(solid)
        painter.drawImage(0, 0, image)
        painter.end()
        image = solid
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    flat = rows[:, : 3 * rgb.width()]
    return np.array(flat).reshape(rgb.height(), rgb.width(), 3)


def copy_image(image: QImage) -> None:
    """Put an image on the clipboard."""
    QGuiApplication.clipboard().setImage(image)
