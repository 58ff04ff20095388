"""Hold a network's modules as a Qt item model, and narrow it to what is searched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)

from cnnviz_desktop.data import LayerNode
from cnnviz_desktop.gui import labels

Family = Literal[
    "conv", "activation", "pool", "norm", "linear", "dropout", "flatten", "container", "module"
]
Index = QModelIndex | QPersistentModelIndex

NODE = Qt.ItemDataRole.UserRole + 1
HEALTH = Qt.ItemDataRole.UserRole + 2
IS_DEFAULT = Qt.ItemDataRole.UserRole + 3

_ACTIVATIONS = (
    *("relu", "elu", "gelu", "silu", "swish", "mish", "sigmoid", "tanh", "softmax", "softplus"),
    *("softsign", "hardshrink", "softshrink", "prelu", "selu", "celu", "glu"),
)

# What a person may type for a kind, beside the class's own name.
_WORDS: dict[Family, str] = {
    "conv": "conv convolution",
    "activation": "activation nonlinearity",
    "pool": "pool pooling",
    "norm": "norm normalisation normalization batchnorm",
    "linear": "linear dense fully connected fc",
    "dropout": "dropout",
    "flatten": "flatten",
    "container": "block container",
    "module": "",
}


@dataclass(frozen=True)
class Health:
    """How a layer's channels fare over the session's images.

    `fires` is the share of positive values, `dead` the share of channels that never fire: `silent`
    of `channels` over so many `pictures`, `unlearned` of them because their weights are zero.
    `broken` counts values that are NaN or infinite.
    """

    fires: float
    dead: float = 0.0
    channels: int = 0
    silent: int = 0
    unlearned: int = 0
    broken: int = 0
    pictures: int = 0


def kind_family(kind: str) -> Family:
    """Return the family of a module's class name, which gives its glyph."""
    low = kind.lower()
    if low.startswith(("conv", "lazyconv")) and "norm" not in low:
        return "conv"
    if "norm" in low:
        return "norm"
    if "pool" in low:
        return "pool"
    if "dropout" in low or "stochasticdepth" in low:
        return "dropout"
    if low.endswith("linear"):
        return "linear"
    if "flatten" in low or low == "identity":
        return "flatten"
    if any(low.startswith(word) or low.endswith(word) for word in _ACTIVATIONS):
        return "activation"
    if low.startswith(("sequential", "modulelist", "moduledict")):
        return "container"
    return "module"


class LayerTreeModel(QAbstractItemModel):
    """The modules of a network, one column, in the order of `named_modules()`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.root: LayerNode | None = None
        self.default = ""
        self.reason = ""
        self.health: Mapping[str, Health] = {}
        self._nodes: list[LayerNode] = []
        self._parents: list[int] = []  # -1 for rows at the top
        self._rows: list[int] = []
        self._children: list[list[int]] = []
        self._top: list[int] = []
        self._by_name: dict[str, int] = {}

    def show_layers(self, root: LayerNode | None, default: str, reason: str) -> None:
        """Take another network."""
        self.beginResetModel()
        self.root, self.default, self.reason = root, default, reason
        self.health = {}
        self._nodes, self._parents, self._rows, self._children = [], [], [], []
        self._by_name = {}
        shown = () if root is None else root.children or (root,)
        self._top = [self._take(node, -1, row) for row, node in enumerate(shown)]
        self.endResetModel()

    def set_health(self, health: Mapping[str, Health]) -> None:
        """Take the layers' health."""
        self.health = health
        self.dataChanged.emit(QModelIndex(), QModelIndex(), [HEALTH])

    def nodes(self) -> list[LayerNode]:
        """Return every node that has a row, parents first."""
        return self._nodes

    def index_of(self, name: str) -> QModelIndex:
        """Return the index of a layer, an invalid one for an unknown name."""
        place = self._by_name.get(name)
        return QModelIndex() if place is None else self._index(place)

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        """Return the index of a row below a parent."""
        rows = self._children[parent.internalId()] if parent.isValid() else self._top
        if column != 0 or not 0 <= row < len(rows):
            return QModelIndex()
        return self._index(rows[row])

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008
        """Return the index one level up."""
        if not index.isValid():
            return QModelIndex()
        above = self._parents[index.internalId()]
        return QModelIndex() if above < 0 else self._index(above)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Count the rows below a parent."""
        return len(self._children[parent.internalId()] if parent.isValid() else self._top)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Return one: the delegate paints all there is to see."""
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a layer's label, tooltip, words for a screen reader, or the node itself."""
        if not index.isValid():
            return None
        node = self._nodes[index.internalId()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return node.label or node.kind
            case Qt.ItemDataRole.ToolTipRole:
                return self._tip(node)
            case Qt.ItemDataRole.AccessibleTextRole:
                health = self.health.get(node.name)
                silent = health.silent if health is not None else 0
                dead = f", {labels.many(silent, 'dead channel')}" if silent else ""
                return f"{node.name}, {node.kind}, output {labels.shape(node.output_shape)}{dead}"
            case _ if role == NODE:
                return node
            case _ if role == HEALTH:
                return self.health.get(node.name)
            case _ if role == IS_DEFAULT:
                return bool(self.default) and node.name == self.default
        return None

    def _take(self, node: LayerNode, parent: int, row: int) -> int:
        """Give a node and all below it their places."""
        place = len(self._nodes)
        self._nodes.append(node)
        self._parents.append(parent)
        self._rows.append(row)
        self._children.append([])
        self._by_name[node.name] = place
        self._children[place] = [
            self._take(child, place, below) for below, child in enumerate(node.children)
        ]
        return place

    def _index(self, place: int) -> QModelIndex:
        return self.createIndex(self._rows[place], 0, place)

    def _tip(self, node: LayerNode) -> str:
        """Return what the row has no room for."""
        name = escape(node.name) or "the whole network"
        lines = [f"<b>{name}</b> {labels.DOT} {escape(node.kind)}"]
        if node.alias:
            lines.append(f"known as {escape(node.alias)}")
        if node.output_shape is None:
            lines.append("gives no tensor" if node.calls else "is not called in a pass")
        elif node.has_maps:
            channels, height, width = node.output_shape
            maps = labels.many(channels, "map")
            lines.append(f"{maps} of {height}×{width} (rows × columns)")
        else:
            lines.append(f"output {labels.shape(node.output_shape)}, no maps to show")
        weights = labels.many(node.parameters, "parameter") if node.parameters else "no parameters"
        lines.append(f"{weights} {labels.DOT} {labels.many(node.calls, 'call')} per pass")
        health = self.health.get(node.name)
        if health is not None:
            lines += _health_lines(health, inside=bool(node.children))
        if self.default and node.name == self.default:
            lines.append(f"<i>Default layer.</i> {self.reason}".strip())
        return "<br>".join(lines)


def _health_lines(health: Health, inside: bool) -> list[str]:
    """Say in words and counts what the strip at the right of a row shows."""
    dead = f"{labels.percent(health.dead)} of channels never fire"
    if health.channels:
        never = labels.whole(health.silent) if health.silent else "none"
        dead = f"{never} of {labels.whole(health.channels)} channels never fire"
    lines = [f"{labels.percent(health.fires)} of values positive {labels.DOT} {dead}"]
    if health.unlearned:
        lines.append(f"{labels.whole(health.unlearned)} of these cannot: their weights are zero")
    if health.broken:
        lines.append(f"NaN or infinite: {labels.many(health.broken, 'value')}")
    if health.pictures:
        pictures = (
            "the picture" if health.pictures == 1 else labels.many(health.pictures, "picture")
        )
        lines.append(f"<i>over {pictures}{', all layers inside together' if inside else ''}</i>")
    return lines


class LayerFilter(QSortFilterProxyModel):
    """Keep the rows that match every word of a search, and the rows above them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words: list[str] = []
        self._conv_only = False
        self.setRecursiveFilteringEnabled(True)

    def narrow(self, text: str, conv_only: bool) -> None:
        """Search for other words."""
        words = text.lower().split()
        if (words, conv_only) != (self._words, self._conv_only):
            self._words, self._conv_only = words, conv_only
            self.invalidate()

    def matches(self, node: LayerNode) -> bool:
        """Tell whether a layer is itself what is searched."""
        family = kind_family(node.kind)
        if self._conv_only and family != "conv":
            return False
        text = f"{node.name} {node.alias} {node.kind} {labels.shape(node.output_shape)}"
        text = f"{text} {_WORDS[family]}".lower()
        text += text.replace(labels.TIMES, "x") if self._words else ""
        return all(word in text for word in self._words)

    def hides(self, node: LayerNode) -> bool:
        """Tell whether a layer and all below it are filtered out."""
        return not any(self.matches(below) for below in node.walk())

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        """Keep a row that matches."""
        node = self.sourceModel().index(row, 0, parent).data(NODE)
        return isinstance(node, LayerNode) and self.matches(node)
