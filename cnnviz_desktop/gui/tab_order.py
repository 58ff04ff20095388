"""Walk the controls of a window with Tab in the order they are seen, whatever was made when."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractButton, QScrollArea, QWidget


def step_focus(window: QWidget, regions: Iterable[QWidget], forward: bool) -> bool:
    """Give the keyboard to the next or previous control; the regions come one after another."""
    stops = [stop for region in regions for stop in tab_stops(region)]
    if not stops:
        return False
    held: QWidget | None = window.focusWidget()
    while held is not None and held not in stops:
        held = held.parentWidget()
    if held is None:
        chosen = stops[0 if forward else -1]
    else:
        chosen = stops[(stops.index(held) + (1 if forward else -1)) % len(stops)]
    reasons = Qt.FocusReason
    chosen.setFocus(reasons.TabFocusReason if forward else reasons.BacktabFocusReason)
    return True


def tab_stops(region: QWidget) -> list[QWidget]:
    """List the controls of a region that take the keyboard, row by row from the left."""
    places = [(_place(widget, region), widget) for widget in region.findChildren(QWidget)]
    places = [(box, widget) for box, widget in places if _takes_tab(widget)]
    places.sort(key=lambda item: item[0].top())
    rows: list[list[tuple[QRect, QWidget]]] = []
    for box, widget in places:
        if rows and box.top() < min(other.center().y() for other, _ in rows[-1]):
            rows[-1].append((box, widget))
        else:
            rows.append([(box, widget)])
    return [widget for row in rows for _, widget in sorted(row, key=lambda item: item[0].left())]


def _place(widget: QWidget, region: QWidget) -> QRect:
    return QRect(widget.mapTo(region, QPoint(0, 0)), widget.size())


def _takes_tab(widget: QWidget) -> bool:
    """Tell whether Tab stops at a widget: not at frames around others, nor at unchosen options."""
    policy = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    if not policy or not widget.isVisible() or not widget.isEnabled():
        return False
    if widget.focusProxy() is not None:
        return False
    if isinstance(widget, QScrollArea) and any(map(_takes_tab, widget.findChildren(QWidget))):
        return False
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    if group is None or not group.exclusive() or group.checkedButton() is None:
        return True
    return group.checkedButton() is widget  # the arrow keys reach the others
