"""The palette, icons and fonts of both themes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QPushButton,
    QSlider,
    QSpinBox,
    QStyle,
    QStyleOptionSlider,
    QStyleOptionSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

import cnnviz_desktop.gui
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import fit_screen, label
from cnnviz_desktop.gui.table_view import TableView
from cnnviz_desktop.resources import resource

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.fixture(autouse=True)
def light(qapp: QApplication) -> Iterator[None]:
    theme.apply(qapp, "light")
    yield
    theme.apply(qapp, "light")


def luminance(colour: QColor) -> float:
    parts = [colour.redF(), colour.greenF(), colour.blueF()]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: QColor, other: QColor) -> float:
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("look", [theme.LIGHT, theme.DARK], ids=lambda look: look.name)
def test_text_is_legible_on_every_ground(look: theme.Theme) -> None:
    for ground in (look.window, look.base, look.panel, look.canvas):
        for text in (look.text, look.muted, look.accent):
            assert contrast(text, ground) >= 4.5
    for text, ground in (
        (look.on_accent, look.accent),
        (look.on_selection, look.selection),
        (look.warning, look.warning_ground),
        (look.error, look.error_ground),
    ):
        assert contrast(text, ground) >= 4.5


def test_switching_reaches_palette_and_icons(qapp: QApplication) -> None:
    icon = theme.icon("folder", "accent")
    theme.apply(qapp, "dark")
    assert theme.current() is theme.DARK
    assert qapp.palette().color(QPalette.ColorRole.Window) == theme.DARK.window
    image = icon.pixmap(QSize(16, 16)).toImage()
    strongest = max(
        (image.pixelColor(x, y) for x in range(16) for y in range(16)), key=QColor.alpha
    )
    assert strongest.blue() > 200 and strongest.red() < 140  # the dark theme's pale blue


def test_every_icon_draws(qapp: QApplication) -> None:
    names = [path.stem for path in resource("icons").glob("*.svg")]
    assert len(names) > 40
    for name in names:
        for ratio in (1.0, 1.25, 2.0):
            pixmap = theme.icon_pixmap(name, "muted", 16, ratio)
            assert pixmap.width() == round(16 * ratio)
            image = pixmap.toImage()
            inked = any(
                image.pixelColor(x, y).alpha() > 100
                for x in range(image.width())
                for y in range(image.height())
            )
            assert inked, name


def test_a_missing_icon_is_found_at_once() -> None:
    with pytest.raises(FileNotFoundError):
        theme.icon("no-such-icon")


def test_disabled_icons_are_paler() -> None:
    icon = theme.icon("folder", "text")
    normal = icon.pixmap(QSize(32, 32)).toImage()
    disabled = icon.pixmap(QSize(32, 32), QIcon.Mode.Disabled).toImage()
    assert normal != disabled


def test_zoom_scales_every_font(qapp: QApplication) -> None:
    before = theme.font("caption").pixelSize()
    theme.apply(qapp, "light", 1.5)
    assert theme.font("caption").pixelSize() > before
    assert theme.font("caption").pixelSize() < theme.font("body").pixelSize()
    assert qapp.font().pixelSize() == theme.font("body").pixelSize()


def test_zoom_reaches_what_has_a_font_of_its_own(qtbot, qapp: QApplication) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    small, table = label("12 classes", "secondary"), TableView("table", "Table")
    column.addWidget(small)
    column.addWidget(table)
    for zoom in (1.5, 1.0, 1.2):
        theme.apply(qapp, "light", zoom)
        assert small.font().pixelSize() == theme.font("secondary").pixelSize()
        assert table.font().pixelSize() == theme.font("body").pixelSize()
        assert table.verticalHeader().defaultSectionSize() == theme.px(28)


def test_parts_of_controls_lie_where_they_are_drawn(qtbot, qapp: QApplication) -> None:
    slider, spin = QSlider(Qt.Orientation.Horizontal), QSpinBox()
    for widget in (slider, spin):
        qtbot.addWidget(widget)
        widget.resize(160, 28)
    kinds, parts = QStyle.ComplexControl, QStyle.SubControl

    def place(kind, option, part, widget):
        widget.initStyleOption(option)
        return widget.style().subControlRect(kind, option, part, widget)

    slider.setRange(0, 10)
    ends = []
    for value in (0, 10):
        slider.setValue(value)
        option = QStyleOptionSlider()
        ends.append(place(kinds.CC_Slider, option, parts.SC_SliderHandle, slider))
    assert ends[0].left() == 0 and ends[1].right() == 159  # the knob whole at both
    up, down = (
        place(kinds.CC_SpinBox, QStyleOptionSpinBox(), part, spin)
        for part in (parts.SC_SpinBoxUp, parts.SC_SpinBoxDown)
    )
    assert (up.left(), up.width()) == (down.left(), down.width())  # one chevron below the other


def test_no_dialog_is_larger_than_its_screen(qtbot, qapp: QApplication) -> None:
    dialog = QWidget()
    qtbot.addWidget(dialog)
    theme.apply(qapp, "light", 2.0)
    fit_screen(dialog, 300, 200)
    assert dialog.size() == QSize(theme.px(300), theme.px(200))
    fit_screen(dialog, 5000, 5000)
    room = dialog.screen().availableSize()
    assert dialog.width() == room.width()
    assert dialog.height() == room.height() - theme.px(32)  # its buttons are in sight


def test_primary_button_is_filled(qtbot, qapp: QApplication) -> None:
    from cnnviz_desktop.gui.flat_style import set_primary

    button = QPushButton("Run")
    qtbot.addWidget(button)
    button.resize(120, 28)
    plain = button.grab().toImage().pixelColor(10, 14)
    set_primary(button, True)
    filled = button.grab().toImage().pixelColor(10, 14)
    assert plain == theme.LIGHT.base and filled == theme.LIGHT.accent


def test_roles_are_all_colours() -> None:
    for look in (theme.LIGHT, theme.DARK):
        colours = [getattr(look, field.name) for field in fields(look) if field.name != "name"]
        assert all(isinstance(colour, QColor) and colour.isValid() for colour in colours)


def test_hex_colours_stand_only_in_the_theme() -> None:
    folder = Path(cnnviz_desktop.gui.__file__).parent
    for path in folder.rglob("*.py"):
        if path.name != "theme.py":
            found = re.findall(r"[\"']#[0-9A-Fa-f]{6}\b", path.read_text(encoding="utf-8"))
            assert not found, path.name


@pytest.mark.parametrize("checked", [False, True])
def test_a_focused_tool_button_has_one_ring(qtbot, qapp: QApplication, checked: bool) -> None:
    theme.apply(qapp, "light")
    button = QToolButton()
    qtbot.addWidget(button)
    button.setAutoRaise(True)
    button.setCheckable(True)
    button.setChecked(checked)
    button.resize(60, 40)
    button.show()
    qtbot.waitExposed(button)
    button.activateWindow()
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    image = button.grab().toImage()
    ratio = image.devicePixelRatio()
    row = [image.pixelColor(x, round(20 * ratio)) for x in range(round(30 * ratio))]
    accent = theme.current().accent
    marked = [colour == accent for colour in row]
    starts = sum(now and not before for before, now in zip([False, *marked], marked, strict=False))
    assert starts == 1
