"""Panels that show the same part of a picture, by numbers."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, QRectF, QSize

from cnnviz_desktop.gui.linked_view import LinkedView


@pytest.fixture
def view(qapp) -> LinkedView:
    made = LinkedView()
    made.set_picture(300, 200)
    made.set_room(QSize(800, 600))
    return made


def test_one_panel_has_all_the_room_and_fits_the_picture(view) -> None:
    view.set_panels(1, 1)
    room = QRectF(view.places()[0].room)
    assert view.places()[0].whole.size() == QSize(800, 600)
    assert view.scale(room) == pytest.approx(room.width() / 300)
    assert view.to_widget(0, 150, 100) == room.center()
    assert view.to_picture(QPointF(400, 300)) == QPointF(150, 100)
    assert view.to_picture(QPointF(2, 2)) is None


def test_panels_stand_apart_inside_the_room_with_the_pictures_shape(view) -> None:
    for count, columns in ((2, 2), (4, 4), (6, 3), (9, 3), (12, 4)):
        view.set_panels(count, columns)
        places = view.places()
        assert len(places) == count
        for place in places:
            assert place.whole.left() >= 0 and place.whole.right() < 800
            assert place.whole.top() >= 0 and place.whole.bottom() < 600
            assert place.whole.contains(place.room)
            assert place.room.width() / place.room.height() == pytest.approx(1.5, rel=0.02)
        for one in range(count):
            for other in range(one):
                assert not places[one].whole.intersects(places[other].whole)


def test_a_matrix_keeps_its_columns_and_a_row_breaks_as_fits_best(view) -> None:
    view.set_panels(6, 3)
    assert view.across() == 3
    view.set_room(QSize(200, 900))
    assert view.across() == 3
    view.set_panels(4, 4)
    assert view.across() == 1
    view.set_room(QSize(1600, 300))
    assert view.across() == 4


def test_zooming_keeps_the_place_under_the_mouse_in_every_panel(view) -> None:
    view.set_panels(4, 2)
    room = QRectF(view.places()[3].room)
    at = room.center() + QPointF(20, -15)
    place = view.to_picture(at)
    for _ in range(5):
        view.zoom_by(1.25, at)
    assert view.zoom == pytest.approx(1.25**5)
    again = view.to_widget(3, place.x(), place.y())
    assert (again - at).manhattanLength() < 1e-6
    other = view.to_widget(0, place.x(), place.y()) - QRectF(view.places()[0].room).center()
    assert (other - (at - room.center())).manhattanLength() < 1e-6
    for _ in range(9):
        view.zoom_by(0.8, at)
    assert view.zoom == 1.0 and view.centre() == QPointF(150, 100)


def test_the_middle_of_a_panel_stays_on_the_picture(view) -> None:
    view.set_panels(1, 1)
    view.zoom_by(4, None)
    view.move_to(QPointF(-500, 900))
    assert view.centre() == QPointF(0, 200)
    view.zoom_by(10_000, None)
    assert view.scale(QRectF(view.places()[0].room)) == pytest.approx(64)


def test_one_panel_of_several_alone(view) -> None:
    view.set_panels(4, 2)
    small = view.places()[2].room.width()
    view.show_alone(2)
    assert view.shown() == [2] and view.places()[2].room.width() > 1.5 * small
    assert view.places()[0].whole.isEmpty()
    view.show_alone(None)
    assert view.places()[2].room.width() == small


def test_the_panel_that_stood_alone_may_be_gone(view) -> None:
    view.set_panels(3, 3)
    view.show_alone(2)
    view.set_panels(3, 1)
    assert view.shown() == [2]
    view.set_panels(0, 1)
    assert view.shown() == []
    assert view.index_at(QPointF(400, 300)) is None  # a click on the empty canvas
