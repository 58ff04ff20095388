"""The layer tree: rows, search, keys, clicks."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QToolButton

from cnnviz_desktop.data import LayerNode
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.layer_model import Health, LayerTreeModel, kind_family
from cnnviz_desktop.gui.layer_tree import LayerTree

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


def node(name: str, kind: str, shape: tuple[int, ...] | None, *children: LayerNode) -> LayerNode:
    return LayerNode(name, kind, shape, 10 * (kind == "Conv2d"), int(shape is not None), children)


ROOT = node(
    "",
    "Net",
    (10,),
    node(
        "features",
        "Sequential",
        (8, 4, 4),
        node("features.0", "Conv2d", (4, 8, 8)),
        node("features.1", "ReLU", (4, 8, 8)),
        node("features.2", "Conv2d", (8, 4, 4)),
        node("features.3", "Dropout", None),
    ),
    node("pool", "AdaptiveAvgPool2d", (8, 1, 1)),
    node("head", "Linear", (10,)),
)


@pytest.fixture
def tree(qtbot, qapp: QApplication) -> LayerTree:
    theme.apply(qapp, "light")
    made = LayerTree()
    qtbot.addWidget(made)
    made.resize(288, 400)
    made.show_layers(ROOT, "features", "It ends before pooling.")
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def picked(tree: LayerTree) -> list[str]:
    names: list[str] = []
    tree.picked.connect(names.append)
    return names


def rows(tree: LayerTree) -> list[str]:
    view, found = tree.view(), []
    index = view.model().index(0, 0)
    while index.isValid():
        found.append(index.data())
        index = view.indexBelow(index)
    return found


def click(tree: LayerTree, name: str) -> None:
    tree_view = tree.view()
    model = tree_view.model()
    found = model.match(model.index(0, 0), 0, name, 1, Qt.MatchFlag.MatchRecursive)
    place = tree_view.visualRect(found[0]).center()
    QTest.mouseClick(tree_view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_model_is_sound() -> None:
    model = LayerTreeModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show_layers(ROOT, "features", "why")
    assert model.rowCount() == 3
    features = model.index(0, 0)
    assert model.rowCount(features) == 4
    assert model.parent(model.index_of("features.2")) == features
    assert model.parent(features) == QModelIndex()
    assert model.index_of("nothing") == QModelIndex()
    tip = features.data(Qt.ItemDataRole.ToolTipRole)
    assert "Default layer" in tip and "why" in tip
    unused = model.index_of("features.3").data(Qt.ItemDataRole.ToolTipRole)
    assert "not called" in unused


def test_arrow_keys_walk_and_say_each_layer_once(tree: LayerTree, picked: list[str]) -> None:
    tree.view().setFocus()
    for _ in range(3):
        QTest.keyClick(tree.view(), Qt.Key.Key_Down)
    QTest.keyClick(tree.view(), Qt.Key.Key_Up)
    assert picked == ["features", "features.0", "features.1", "features.0"]
    assert tree.selected() == picked[-1]


def test_click_picks_and_a_second_click_says_nothing(tree: LayerTree, picked: list[str]) -> None:
    click(tree, "pool")
    click(tree, "pool")
    assert picked == ["pool"]


def test_select_is_silent(tree: LayerTree, picked: list[str]) -> None:
    tree.select("features.2")
    assert tree.selected() == "features.2" and picked == []
    tree.select("no such layer")
    assert tree.selected() == ""


def test_search_keeps_matches_and_their_parents(tree: LayerTree, picked: list[str]) -> None:
    search = tree.findChild(QLineEdit, "layerSearch")
    QTest.keyClicks(search, "conv")
    assert rows(tree) == ["features", "0", "2"]
    QTest.keyClicks(search, " 4x4")
    assert rows(tree) == ["features", "2"]
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert picked == ["features.2"] and tree.view().hasFocus()
    QTest.keyClick(search, Qt.Key.Key_Escape)
    assert search.text() == "" and len(rows(tree)) == 7
    assert tree.selected() == "features.2"


def test_search_by_words_of_kind(tree: LayerTree) -> None:
    search = tree.findChild(QLineEdit, "layerSearch")
    for word, found in (("pooling", ["pool"]), ("dense", ["head"]), ("activation", ["1"])):
        search.setText(word)
        assert rows(tree)[-1:] == found


def test_no_match_says_so(tree: LayerTree) -> None:
    tree.findChild(QLineEdit, "layerSearch").setText("zzz")
    assert not tree.view().isVisible()


def test_conv_only(tree: LayerTree) -> None:
    QTest.mouseClick(tree.findChild(QToolButton, "convOnly"), Qt.MouseButton.LeftButton)
    assert rows(tree) == ["features", "0", "2"]


def test_alt_arrows_step_through_convolutions(tree: LayerTree, picked: list[str]) -> None:
    tree.select("features")
    alt = Qt.KeyboardModifier.AltModifier
    QTest.keyClick(tree.view(), Qt.Key.Key_Down, alt)
    QTest.keyClick(tree.view(), Qt.Key.Key_Down, alt)
    QTest.keyClick(tree.view(), Qt.Key.Key_Down, alt)
    QTest.keyClick(tree.view(), Qt.Key.Key_Up, alt)
    assert picked == ["features.0", "features.2", "features.0"]


def test_step_reveals_a_convolution_that_the_search_hides(
    tree: LayerTree, picked: list[str]
) -> None:
    tree.findChild(QLineEdit, "layerSearch").setText("linear")
    tree.step_conv(1)
    assert picked == ["features.0"] and tree.selected() == "features.0"


def test_arrow_opens_and_closes_a_block_without_picking(tree: LayerTree, picked: list[str]) -> None:
    view = tree.view()
    block = view.model().index(0, 0)
    place = view.arrow_rect(block).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert not view.isExpanded(block) and picked == []
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert view.isExpanded(block)


def test_long_names_and_a_single_module(tree: LayerTree) -> None:
    long = "block." + "very_long_name_" * 10
    tree.show_layers(
        node(
            "",
            "Net",
            None,
            node("block", "Block", (2048, 112, 112), node(long, "Conv2d", (1, 1, 1))),
        )
    )
    tree.set_health({long: Health(0.4, 0.01)})
    assert not tree.grab().isNull()
    tree.show_layers(node("", "Conv2d", (4, 8, 8)))
    assert rows(tree) == ["Conv2d"]


def test_what_there_is_one_of_has_no_plural() -> None:
    model = LayerTreeModel()
    act = LayerNode("act", "PReLU<4>", (4, 8, 8), 1, 1)
    model.show_layers(LayerNode("", "Net", (4,), 1, 1, (act,)), "", "")
    model.set_health({"act": Health(0.5, 0.25, 4, silent=1, broken=1, pictures=2)})
    index = model.index_of("act")
    tip = index.data(Qt.ItemDataRole.ToolTipRole)
    assert "PReLU&lt;4&gt;<br>4 maps of 8×8" in tip
    assert "1 parameter · 1 call per pass" in tip
    assert "NaN or infinite: 1 value<" in tip
    said = index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert said.endswith("1 dead channel")


def test_no_model(tree: LayerTree) -> None:
    tree.show_layers(None)
    assert not tree.view().isVisible()
    assert not tree.findChild(QLineEdit, "layerSearch").isEnabled()


def test_families() -> None:
    expected = {
        "Conv2d": "conv",
        "Conv2dNormActivation": "conv",
        "BatchNorm2d": "norm",
        "LocalResponseNorm": "norm",
        "ReLU6": "activation",
        "SiLU": "activation",
        "AdaptiveAvgPool2d": "pool",
        "Linear": "linear",
        "Dropout": "dropout",
        "StochasticDepth": "dropout",
        "Flatten": "flatten",
        "Sequential": "container",
        "Bottleneck": "module",
    }
    assert {kind: kind_family(kind) for kind in expected if kind != "Conv2dNormActivation"} == {
        kind: family for kind, family in expected.items() if kind != "Conv2dNormActivation"
    }


@pytest.mark.parametrize("name", ["light", "dark"])
def test_themes_change_what_is_painted(tree: LayerTree, qapp: QApplication, name) -> None:
    theme.apply(qapp, name)
    tree.select("features.0")
    image = tree.view().viewport().grab().toImage()
    ground = theme.current().selection
    middle = tree.view().visualRect(tree.view().currentIndex()).center()
    assert image.pixelColor(2, middle.y()) != theme.current().panel
    colours = {image.pixelColor(x, middle.y()).name() for x in range(image.width())}
    assert ground.name() in colours
    theme.apply(qapp, "light")


def test_search_answers_to_the_literatures_names(qtbot, qapp: QApplication) -> None:
    conv = LayerNode("features.7", "Conv2d", (128, 8, 8), 10, 1, alias="block2_conv2")
    relu = LayerNode("features.8", "ReLU", (128, 8, 8), 0, 1)
    features = LayerNode("features", "Sequential", (128, 8, 8), 10, 1, (conv, relu))
    made = LayerTree()
    qtbot.addWidget(made)
    made.show_layers(LayerNode("", "VGG", (10,), 10, 1, (features,)))
    search = made.findChild(QLineEdit, "layerSearch")
    QTest.keyClicks(search, "Block2_conv")
    assert rows(made) == ["features", "7"]
    index = made.view().model().index(0, 0, made.view().model().index(0, 0))
    tip = index.data(Qt.ItemDataRole.ToolTipRole)
    assert "known as block2_conv2" in tip
    search.setText("features.8")
    assert rows(made) == ["features", "8"]
