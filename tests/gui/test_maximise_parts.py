"""The parts of the tab Maximise: pace, curve, strip, what is meant, what there is to show."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QImage
from PySide6.QtTest import QTest

from cnnviz_desktop.data import Box, Inverted, Maximised, Prediction
from cnnviz_desktop.engine.techniques import ActivationMaximization, DeepDream
from cnnviz_desktop.figures.growth import encode_growth
from cnnviz_desktop.gui import maximise_curve, maximise_sheet, theme
from cnnviz_desktop.gui.maximise_curve import Curve, CurveView, round_ticks
from cnnviz_desktop.gui.maximise_grown import grown_of
from cnnviz_desktop.gui.maximise_growth import GrowthStrip, spread
from cnnviz_desktop.gui.maximise_images import GrownImages
from cnnviz_desktop.gui.maximise_pace import Pace
from cnnviz_desktop.gui.maximise_sheet import PictureSheet, SheetTile
from cnnviz_desktop.gui.maximise_stage import MaximiseStage
from cnnviz_desktop.gui.maximise_wants import idle, in_step, steers, with_likeliest
from cnnviz_desktop.gui.session_state import known_targets


def maximised(**changes) -> Maximised:
    values = np.array([[1, 2, 3, 4], [1, 2, np.nan, np.nan], [np.nan] * 4], np.float32)
    made = Maximised(
        title="What conv wants",
        layer="conv",
        wanted=("channel 1", "channel 12", "channel 3"),
        pictures=np.full((3, 4, 4, 3), 0.5, np.float32),
        objectives=values,
        responses=np.array([5, 0.5, 0], np.float32),
        threshold=np.array([2, 2, np.nan], np.float32),
        growth=np.zeros((2, 3, 2, 2, 3), np.float32),
        grown=(0, 3),
        answers=(),
        steps=4,
        seed=0,
    )
    return replace(made, **changes)


def test_the_pace_is_that_of_late() -> None:
    pace = Pace()
    assert pace.rate == 0
    for second in range(5):  # two a second, then ten
        pace.step(float(second), 2 * second, 100)
    assert pace.rate == 2
    for second in range(5, 10):
        pace.step(float(second), 8 + 10 * (second - 4), 100)
    assert pace.rate == 10


def test_ticks_are_round_and_enclose_the_values() -> None:
    assert round_ticks(0, 4321, 4) == [0, 2000, 4000, 6000]
    assert round_ticks(-0.6, 0.0, 4) == pytest.approx([-0.6, -0.4, -0.2, 0])
    assert round_ticks(3, 3, 4)[0] <= 3 < round_ticks(3, 3, 4)[-1]


def test_a_curve_is_one_path_of_at_most_two_points_a_pixel(qtbot) -> None:
    view = CurveView()
    qtbot.addWidget(view)
    view.resize(300, 200)
    curve = Curve(np.linspace(0, 10, 5000, dtype=np.float32), chosen=True)
    view.show_curves([curve], 5000)
    path, plot = view.path_of(curve), view.plot()
    assert path.elementCount() <= 2 * plot.width() + 2
    first, last = path.elementAt(0), path.elementAt(path.elementCount() - 1)
    assert first.y == pytest.approx(plot.bottom(), abs=1)
    assert last.x == pytest.approx(plot.left() + plot.width(), abs=1)
    assert last.y == pytest.approx(plot.bottom() - plot.height(), abs=1)


def test_a_curve_has_gaps_where_there_is_no_number(qtbot) -> None:
    view = CurveView()
    qtbot.addWidget(view)
    view.resize(300, 200)
    curve = Curve(np.array([1, 2, np.nan, 4, 5], np.float32), chosen=True)
    view.show_curves([curve], 5)
    path = view.path_of(curve)
    moves = sum(path.elementAt(n).isMoveTo() for n in range(path.elementCount()))
    assert moves == 2


def test_the_chosen_curve_is_painted_in_the_colour_of_the_theme(qtbot, qapp) -> None:
    view = CurveView()
    qtbot.addWidget(view)
    view.resize(300, 200)
    view.show_curves([Curve(np.full(50, 5, np.float32), chosen=True)], 100)
    for name in ("light", "dark"):
        theme.apply(qapp, name)
        image = view.grab().toImage()
        plot = view.plot()
        column = [image.pixelColor(plot.left() + 20, y) for y in range(plot.top(), plot.bottom())]
        wanted = theme.current().text
        assert min(distance(colour, wanted) for colour in column) < 40
    theme.apply(qapp, "light")


def distance(one: QColor, other: QColor) -> int:
    pairs = zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)
    return sum(abs(a - b) for a, b in pairs)


def test_names_of_curves_that_end_together_stand_apart_above_the_steps() -> None:
    plot = QRect(0, 10, 100, 100)  # its last row is 109
    assert maximise_curve._apart([20, 60], 12, plot) == [20, 60]
    assert maximise_curve._apart([20, 25, 60], 12, plot) == [20, 32, 60]
    assert maximise_curve._apart([103, 103, 103], 12, plot) == [79, 91, 103]


def test_frames_are_spread_over_the_room() -> None:
    assert spread(3, 5) == [0, 1, 2]
    assert spread(33, 5) == [0, 8, 16, 24, 32]
    assert spread(33, 1) == [32]


def test_a_pressed_frame_stays_the_same_while_others_come_and_go(qtbot) -> None:
    strip = GrowthStrip()
    qtbot.addWidget(strip)
    strip.resize(600, 80)
    released, asked = [], []
    strip.frame_released.connect(lambda: released.append(True))
    strip.frame_pressed.connect(asked.append)
    frames = [QImage(8, 8, QImage.Format.Format_RGB32) for _ in range(6)]
    strip.show_frames(frames, (0, 1, 2, 3, 4, 5))
    place = strip.frame_rect(4).center()
    QTest.mousePress(strip, Qt.MouseButton.LeftButton, pos=place)
    assert strip.pressed() == 4
    assert strip.accessibleDescription() == "after step 4"
    strip.show_frames(frames[:5], (0, 2, 4, 6, 7))  # every other one is left out
    assert strip.pressed() == 2
    strip.show_frames(frames[:3], (0, 6, 12))  # itself among those
    assert strip.pressed() == 1 and asked == [4, 2, 1]  # so that the canvas shows what is marked
    assert strip.accessibleDescription() == "after step 6"
    assert not released
    strip.show_frames(frames[:2], (0, 1))  # another run
    assert strip.pressed() == -1
    assert released == [True]
    strip.show_frames((), ())
    assert released == [True]


def test_the_link_has_room_beside_the_growth_also_where_the_run_ended_out_of_sight(qtbot) -> None:
    stage = MaximiseStage()
    qtbot.addWidget(stage)
    stage.resize(800, 520)
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    stage.show_picture(image, "Channel 1", "")
    stage.strip.show_frames([image] * 20, range(20))
    stage.show_growth(True, True)
    assert not stage.strip.geometry().intersects(stage.save.geometry())


def test_pictures_wait_grow_and_are_done() -> None:
    grown = grown_of(maximised(), partial=True)
    assert [picture.done for picture in grown.pictures] == [4, 2, 0]
    assert grown.pictures[2].values is None
    images = GrownImages()
    images.show(grown)
    assert [images.is_waiting(place) for place in range(3)] == [False, False, True]
    assert images.share(1) == 0.5
    kept = images.tiles()
    images.show(grown_of(maximised(), partial=True), afresh=False)
    assert all(now is was for now, was in zip(images.tiles(), kept, strict=True))
    first = images.image(0)
    assert first is images.image(0)
    frames, steps = images.frames(1)
    assert steps == [0, 2]  # the frame after three steps is not one of this picture
    assert frames[-1] is images.image(1)


def test_a_unit_that_a_note_has_no_room_for_is_marked_as_well() -> None:
    note = "Channel 1, channel 7 and 2 more would not fire: no value came above zero."
    result = maximised(notes=(note,), responses=np.array([0, 0.5, -1], np.float32))
    pictures = grown_of(result, partial=False).pictures
    assert [picture.amiss[:8] for picture in pictures] == ["Channel ", "", "It would"]
    whole = maximised(notes=("Channel 1 would not fire.",), responses=result.responses)
    assert grown_of(whole, partial=False).pictures[2].amiss == ""


def test_what_a_unit_gives_is_said_with_what_pictures_give() -> None:
    note = "Channel 12 would not fire: no value came above zero."
    grown = grown_of(maximised(notes=(note,)), partial=False)
    facts = [picture.facts for picture in grown.pictures]
    assert facts[0] == "response 5.00, above the 99.9th percentile of pictures: 2.00"
    assert facts[1] == "response 0.50, below the 99.9th percentile of pictures: 2.00"
    assert facts[2] == "response 0"
    assert [picture.amiss for picture in grown.pictures] == ["", note, ""]  # not channel 1


def test_the_menu_key_is_about_the_chosen_tile_and_only_units_have_cards(
    qtbot, monkeypatch
) -> None:
    menus = []

    def offer(_view, _place, image, _save, *further) -> None:
        menus.append((image, [words for _icon, words, _deed in further]))

    monkeypatch.setattr(maximise_sheet, "offer_picture", offer)
    drawn = [QImage(8, 8, QImage.Format.Format_RGB32) for _ in range(6)]
    tiles = [SheetTile(str(place), make=partial(drawn.__getitem__, place)) for place in range(6)]
    sheet = PictureSheet()
    qtbot.addWidget(sheet)
    sheet.resize(400, 240)
    sheet.show_tiles(tiles, cards=True)
    sheet.select(5)
    assert sheet.accessibleDescription() == "5"
    middle = sheet.rect().center()
    press = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, middle, sheet.mapToGlobal(middle))
    sheet.contextMenuEvent(press)
    assert menus == [(drawn[5], ["Open the unit's card"])]
    sheet.show_tiles(tiles)
    sheet.contextMenuEvent(press)
    assert menus[1:] == [(drawn[5], [])]


def test_an_inversion_of_several_layers_is_a_curve_over_them() -> None:
    picture = np.zeros((6, 6, 3), np.float32)
    result = Inverted(
        title="What b remembers",
        layer="b",
        original=picture,
        picture=picture,
        mse=0.1,
        r2=0.5,
        match=0.9,
        objectives=np.zeros(4, np.float32),
        growth=picture[None],
        grown=(0,),
        layers=("a", "b", "c"),
        pictures=np.zeros((3, 2, 2, 3), np.float32),
        errors=np.array([0.05, 0.1, 0.2], np.float32),
        scores=np.array([0.75, 0.5, 0.0], np.float32),
        matches=np.array([0.9, 0.9, 0.8], np.float32),
        steps=4,
        seed=0,
    )
    grown = grown_of(result, partial=False)
    assert grown.names == ("a", "b", "c")
    assert grown.pictures[1].values is picture  # its own at full size
    assert grown.overall.values.tolist() == [0.75, 0.5, 0.0]
    assert grown.pictures[0].facts == "MSE 0.050 · R² 0.75 · layer's own R² 0.90"


def test_picking_a_class_means_a_class_and_a_channel_means_none() -> None:
    channel = ActivationMaximization(channel=4)
    picked = in_step(channel, replace(channel, target=2))
    assert (picked.objective, picked.target) == ("class", 2)
    again = in_step(picked, replace(picked, objective="channel"))
    assert (again.objective, again.target, again.channel) == ("channel", None, 4)
    pair = replace(channel, objective="direction")
    assert in_step(pair, replace(pair, target=2)).objective == "direction"
    dream = DeepDream()
    assert in_step(channel, dream) is dream


def test_the_second_of_two_channels_is_none_of_two_classes() -> None:
    channels = ActivationMaximization(objective="direction", second=7)
    assert in_step(channels, replace(channels, objective="joint")).second == 7
    classes = in_step(channels, replace(channels, target=2))
    assert classes.second is None
    rival = replace(classes, second=3)
    assert in_step(rival, replace(rival, target=None)).second is None
    labels = ("a", "b", "c", "d")
    assert known_targets(channels, labels).second == 7  # four classes, but more channels
    assert known_targets(replace(rival, second="C"), labels).second == 2


def test_the_likeliest_class_stands_in_where_none_is_said() -> None:
    logits = np.array([0, 3, 1], np.float32)
    shares = np.exp(logits) / np.exp(logits).sum()
    prediction = Prediction(logits, shares, ("a", "b", "c"), Box(0, 0, 1, 1))
    wanted = ActivationMaximization(objective="class")
    assert with_likeliest(wanted, prediction).target == 1
    assert with_likeliest(wanted, None) is wanted
    assert with_likeliest(replace(wanted, target=2), prediction).target == 2
    channel = ActivationMaximization()
    assert with_likeliest(channel, prediction) is channel


def test_some_parameters_act_on_the_run_and_others_wait() -> None:
    now = ActivationMaximization()
    assert steers(now, replace(now, rate=0.1))
    assert steers(now, replace(now, jitter=3, tv=1.0))
    for change in ({"seed": 3}, {"side": 64}, {"channel": 2}, {"steps": 9}):
        assert not steers(now, replace(now, **change))
    assert not steers(now, DeepDream())


def test_what_means_nothing_is_out_of_sight() -> None:
    now = ActivationMaximization()
    assert {"target", "second", "row", "column"} == idle(now)
    assert "row" not in idle(replace(now, objective="neuron"))
    assert {"layer", "channel", "second", "row", "column"} == idle(replace(now, objective="class"))
    assert not {"target", "second"} & idle(replace(now, objective="joint"))
    assert idle(DeepDream()) == frozenset()


def test_a_growth_is_a_gif_that_rests_on_its_last_frame() -> None:
    import io

    from PIL import Image

    frames = np.stack([np.full((8, 12, 3), value, np.uint8) for value in (0, 100, 255)])
    with Image.open(io.BytesIO(encode_growth(frames))) as image:
        assert image.n_frames == 3
        assert image.size == (384, 256)
        pauses = []
        for frame, value in enumerate((0, 100, 255)):
            image.seek(frame)
            pauses.append(image.info["duration"])
            assert image.convert("RGB").getpixel((50, 50)) == (value,) * 3
        assert pauses == [500, 500, 1500]
        assert image.info["loop"] == 0
