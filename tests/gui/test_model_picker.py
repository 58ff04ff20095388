"""The list of networks: searched by keyboard, grouped by family, nothing built for it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from person import answered, click, find
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QListView, QPushButton

from cnnviz_desktop.engine.catalogue import CatalogueEntry
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.gui.model_list import ModelList
from cnnviz_desktop.gui.model_rows import Heading

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

ENTRIES = (
    CatalogueEntry("bundled", None, None, 1.2, True, "CNNviz", None, "bundled"),
    CatalogueEntry("densenet121", 7_978_856, 74.4, 32.3, False, "DenseNet", 2016),
    CatalogueEntry("resnet18", 11_689_512, 69.8, 46.8, True, "ResNet", 2015),
    CatalogueEntry("resnet50", 25_557_032, 80.9, 102.5, False, "ResNet", 2015),
    CatalogueEntry("timm:resnet50", 25_557_032, 80.9, 102.5, False, "ResNet", 2015, "timm"),
    CatalogueEntry("timm:ecaresnet50t", 25_570_000, 82.4, 102.6, False, "ECA-Net", 2019, "timm"),
    CatalogueEntry(
        "timm:resnetv2_50",
        25_549_352,
        80.4,
        102.4,
        False,
        "ResNet V2",
        2016,
        "timm",
        aliases=("resnet50v2",),
    ),
    CatalogueEntry("timm:new_net", 9_000_000, None, 0.0, False, "", None, "timm", published=False),
)


@pytest.fixture
def networks(qtbot, qapp: QApplication) -> ModelList:
    theme.apply(qapp, "light")
    made = ModelList()
    qtbot.addWidget(made)
    made.set_entries(ENTRIES)
    made.resize(600, 400)
    made.show()
    return made


def listed(networks: ModelList) -> list[str]:
    """Say what is in the list: families in brackets."""
    rows = [networks.rows.row(networks.rows.index(i)) for i in range(networks.rows.rowCount())]
    return [
        f"[{row.title}]"
        if isinstance(row, Heading)
        else row.name
        if isinstance(row, CatalogueEntry)
        else row.title
        for row in rows
    ]


def write(networks: ModelList, words: str) -> None:
    networks.search.clear()
    QTest.keyClicks(networks.search, words)


def test_all_by_family(networks: ModelList) -> None:
    assert listed(networks) == [
        "[CNNviz]",
        "bundled",
        "[DenseNet]",
        "densenet121",
        "[ECA-Net]",
        "timm:ecaresnet50t",
        "[new_net]",
        "timm:new_net",
        "[ResNet]",
        "resnet18",
        "resnet50",
        "timm:resnet50",
        "[ResNet V2]",
        "timm:resnetv2_50",
    ]
    assert networks.current() == ModelChoice("bundled")
    assert networks.findChild(QLabel, "modelCount").text() == "8 networks"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        # what is called so comes first, then what begins so, then what holds it
        ("resnet50", ["resnet50", "timm:resnet50", "timm:resnetv2_50", "timm:ecaresnet50t"]),
        ("resnet50v2", ["timm:resnetv2_50"]),
        ("2016", ["densenet121", "timm:resnetv2_50"]),
        ("<10M >70", ["densenet121"]),
        (">81", ["timm:ecaresnet50t"]),
        ("here <100MB", ["bundled", "resnet18"]),
        ("timm resnet", ["timm:resnet50", "timm:resnetv2_50", "timm:ecaresnet50t"]),
        ("nonsense", []),
    ],
)
def test_search(networks: ModelList, words: str, found: list[str]) -> None:
    write(networks, words)
    assert [name for name in listed(networks) if not name.startswith("[")] == found
    current = networks.current()
    assert (current.name if current else None) == (found[0] if found else None)


def test_numbers_in_names_are_in_their_order(networks: ModelList) -> None:
    names = ("timm:resnet18", "resnet101", "resnet18", "resnet50")
    networks.set_entries([CatalogueEntry(name, 1, None, 1.0, False, "ResNet") for name in names])
    assert listed(networks)[1:] == ["resnet18", "resnet50", "resnet101", "timm:resnet18"]


def test_keys_walk_over_headings_and_enter_picks(networks: ModelList, qtbot) -> None:
    picked: list[ModelChoice] = []
    networks.picked.connect(picked.append)
    for _ in range(2):
        QTest.keyClick(networks.search, Qt.Key.Key_Down)
    assert networks.current() == ModelChoice("timm:ecaresnet50t")
    assert networks.search.accessibleDescription().startswith("timm:ecaresnet50t, ")
    QTest.keyClick(networks.search, Qt.Key.Key_Up)
    QTest.keyClick(networks.search, Qt.Key.Key_Up)
    QTest.keyClick(networks.search, Qt.Key.Key_Up)  # there is none above the first
    assert networks.current() == ModelChoice("bundled")
    QTest.keyClick(networks.search, Qt.Key.Key_PageDown)
    QTest.keyClick(networks.search, Qt.Key.Key_PageDown)
    assert networks.current() == ModelChoice("timm:resnetv2_50")
    QTest.keyClick(networks.search, Qt.Key.Key_Return)
    assert picked == [ModelChoice("timm:resnetv2_50")]


def test_a_click_picks_and_a_heading_does_not(networks: ModelList) -> None:
    picked: list[ModelChoice] = []
    networks.picked.connect(picked.append)
    view = networks.findChild(QListView, "modelChoices")
    for row in (2, 3):  # DenseNet, densenet121
        place = view.visualRect(networks.rows.index(row)).center()
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert picked == [ModelChoice("densenet121")]


def test_what_nothing_fits_can_be_asked_for(networks: ModelList) -> None:
    entered: list[str] = []
    networks.entered.connect(entered.append)
    write(networks, "vgg61")
    QTest.keyClick(networks.search, Qt.Key.Key_Return)
    assert entered == ["vgg61"]
    assert "No network fits" in networks.findChild(QLabel, "modelCount").text()


def test_files_opened_before_stand_first(networks: ModelList) -> None:
    file = ModelChoice("/models/cat net.onnx")
    weights = ModelChoice("resnet50", "/models/mine.pth")
    networks.set_recent([weights, file])
    assert listed(networks)[:4] == ["[Recent files]", "mine.pth", "cat net.onnx", "[CNNviz]"]
    write(networks, "mine")
    assert listed(networks) == ["[Recent files]", "mine.pth"]
    assert networks.findChild(QLabel, "modelCount").text() == "1 recent file"
    assert networks.current() == weights
    assert ModelChoice.from_text(weights.text) == weights
    assert ModelChoice.from_text(file.text) == file


def test_a_row_says_all_it_shows(networks: ModelList) -> None:
    role = Qt.ItemDataRole.AccessibleTextRole
    rows = networks.rows
    spoken = [rows.index(i).data(role).replace("\u2009", " ") for i in range(rows.rowCount())]
    assert "ResNet 2015" in spoken
    assert (
        "resnet18, 11.7 M parameters, top-1 69.8 per cent, 47 MB, torchvision, on this machine"
        in spoken
    )
    assert (
        "timm:new_net, 9.00 M parameters, no published weights, timm, not on this machine" in spoken
    )
    assert not networks.grab().isNull()


def test_a_thousand_networks_are_searched_while_one_types(networks: ModelList, qapp) -> None:
    many = tuple(
        CatalogueEntry(f"timm:net{i}_{i % 7}", 10**6 + i, 70.0, 4.0, False, f"Net {i % 90}", 2020)
        for i in range(1000)
    )
    networks.set_entries(many)
    worst = 0.0
    for letter in "net9 >60":
        start = time.perf_counter()
        QTest.keyClicks(networks.search, letter)
        qapp.processEvents()
        worst = max(worst, time.perf_counter() - start)
    assert networks.rows.count > 100
    assert worst < 0.1  # 10 ms here; a stall is what 50 ms are


# ------------------------------------------------------------------------------- in the window


def test_typing_on_the_field_opens_the_list(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        field, popup = find(window, "modelPicker", QComboBox), find(window, "modelPopup")
        search = find(window, "modelSearch")
        assert not popup.isVisible()
        QTest.keyClicks(field, "r")
        assert popup.isVisible()
        assert search.text() == "r"
        QTest.keyClick(search, Qt.Key.Key_Escape)
        assert not popup.isVisible()
        assert window.tabs._session.model.name == "bundled"
        click(field)
        assert popup.isVisible()
        assert search.text() == ""
        QTest.keyClicks(search, "resnet50v2")
        QTest.keyClick(search, Qt.Key.Key_Return)
        assert not popup.isVisible()
        qtbot.waitUntil(lambda: window.tabs._session.model.name == "timm:resnetv2_50")
        assert field.currentText() == "timm:resnetv2_50"

    drive(script, picture)
    assert engine.loaded == ["bundled", "timm:resnetv2_50"]


def test_the_list_is_there_before_the_engine(drive, qtbot, picture, engine) -> None:
    import threading

    gate, start = threading.Event(), engine.start

    def late(run):
        assert gate.wait(20)
        return start(run)

    engine.start = late

    def script(window) -> None:
        rows = window.model_panel.picker.list.rows
        qtbot.waitUntil(lambda: rows.count == 6)
        assert window.tabs._session.models.machine is None
        gate.set()
        answered(window, qtbot)

    drive(script, picture)


def test_a_file_that_was_opened_is_offered_again(
    drive, qtbot, picture, engine, tmp_path: Path
) -> None:
    file = tmp_path / "vgg16-cats.pth"
    file.write_bytes(b"\x80\x02")

    def first(window) -> None:
        answered(window, qtbot)
        window.commands.open_paths([file])
        qtbot.waitUntil(lambda: window.tabs._session.model.name == "vgg16")
        names = [action.text() for action in window.deeds.menus["recent_models"].actions()]
        assert names == ["vgg16-cats.pth", "bundled"]

    def second(window) -> None:
        answered(window, qtbot)
        click(find(window, "modelPicker"))
        search = find(window, "modelSearch")
        QTest.keyClicks(search, "cats")
        QTest.keyClick(search, Qt.Key.Key_Return)
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.model.weights == str(file))
        assert session.model.name == "vgg16"

    drive(first, picture)
    drive(second, picture)


def test_the_panel_leads_to_files_and_to_what_was_downloaded(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        click(find(window, "modelPicker"))
        click(find(window, "pickerWeights", QPushButton))
        assert not find(window, "modelPopup").isVisible()
        dialog = find(window, "weightsDialog")
        assert dialog.isVisible()
        dialog.reject()

    drive(script, picture)
