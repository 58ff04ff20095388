"""Lay out the left dock: model picker, layer tree, pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QSplitter, QTabBar, QVBoxLayout, QWidget

from cnnviz_desktop.data import RANDOM
from cnnviz_desktop.gui.controls import Ground, framed, named
from cnnviz_desktop.gui.image_strip import ImageStrip
from cnnviz_desktop.gui.labels import ELLIPSIS
from cnnviz_desktop.gui.layer_health import LayerHealths
from cnnviz_desktop.gui.layer_tree import LayerTree
from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.gui.model_picker import ModelPicker
from cnnviz_desktop.gui.pictures import Picture
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.model_names import file_in, short_name

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


class ModelPanel(Ground):
    """What is looked at: the network, its layers, the pictures.

    Signals: `weights_requested`, `model_requested`, `manager_requested`, `open_requested`,
    `paste_requested` by their buttons; `files_dropped` (paths), `image_dropped` (bytes or pixels),
    `refused` (a sentence) by the strip.
    """

    weights_requested = Signal()
    model_requested = Signal()
    manager_requested = Signal()
    open_requested = Signal()
    paste_requested = Signal()
    files_dropped = Signal(list)
    image_dropped = Signal(object)
    refused = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.AlternateBase, parent)
        named(self, "modelPanel", "Model, layers and pictures")
        self._session = session
        self._met = False  # whether a model has been there
        self.picker = ModelPicker()
        self.tree = LayerTree()
        self.strip = ImageStrip()
        self.healths = LayerHealths(session, self)
        upper = QWidget()
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(8)
        column.addLayout(framed(self.picker))
        column.addWidget(self.tree, 1)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        named(self.splitter, "modelSplitter", "Layers and pictures")
        self.splitter.addWidget(upper)
        self.splitter.addWidget(self.strip)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        self.splitter.setChildrenCollapsible(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.splitter)
        self._connect()

    def next_conv(self) -> None:
        """Go to the next convolution."""
        self.tree.step_conv(1)

    def previous_conv(self) -> None:
        """Go to the convolution before."""
        self.tree.step_conv(-1)

    def _connect(self) -> None:
        models, pictures = self._session.models, self._session.pictures
        self.picker.model_picked.connect(self._picked_model)
        self.picker.weights_picked.connect(self._picked_weights)
        self.picker.weights_requested.connect(self.weights_requested)
        self.picker.file_requested.connect(self.model_requested)
        self.picker.manager_requested.connect(self.manager_requested)
        models.catalogue_changed.connect(self.picker.set_entries)
        models.requested.connect(self._requested_model)
        models.changed.connect(self._changed_model)
        models.cleared.connect(self._lost_model)
        self.tree.picked.connect(self._picked_layer)
        self.healths.changed.connect(self.tree.set_health)
        self._session.layer_picked.connect(self._show_layer)
        self._session.tab_changed.connect(self._show_layer)
        pictures.added.connect(self._added)
        pictures.removed.connect(self.strip.remove)
        pictures.selected.connect(self._selected)
        self.strip.selected.connect(pictures.select)
        self.strip.removed.connect(pictures.remove)
        self.strip.files_dropped.connect(self.files_dropped)
        self.strip.image_dropped.connect(self.image_dropped)
        self.strip.refused.connect(self.refused)
        self.strip.open_requested.connect(self.open_requested)
        self.strip.paste_requested.connect(self.paste_requested)

    def _picked_model(self, choice: ModelChoice) -> None:
        """Load another network; the choice of random weights stays, a file belongs to its own."""
        weights = choice.given
        if choice.file is None and self.picker.weights() == RANDOM:
            weights = RANDOM
        self._session.models.load(choice.name, weights)
        self.tree.setFocus()

    def _picked_weights(self, weights: str | None) -> None:
        model = self._session.model
        if model is not None:
            self._session.models.load(model.name, weights, spec=model.spec)

    def _requested_model(self, name: str) -> None:
        model = self._session.model
        if model is not None and model.name == name:
            self._show_model(model)
            return
        if model is not None:
            self._show_weights(model)
        self.picker.show_model(name, short_name(name), f"Loading{ELLIPSIS}" if name else "")

    def _changed_model(self, model: LoadedModel) -> None:
        self._show_model(model)
        self.tree.show_layers(model.layers, model.default_layer, model.default_reason)
        if not self._met:
            self._met = True
            self._offer_keys()
        self._show_layer()

    def _show_model(self, model: LoadedModel) -> None:
        self.picker.show_model(model.name, model.title, model.summary)
        self._show_weights(model)

    def _show_weights(self, model: LoadedModel) -> None:
        in_file = bool(file_in(model.name)[0])
        self.picker.show_weights(self._session.models.weights, in_file=in_file)

    def _offer_keys(self) -> None:
        """Give the tree the keyboard at first, so that arrow keys walk the layers."""
        held = self.window().focusWidget()
        if held is None or isinstance(held, QTabBar):
            self.tree.setFocus()

    def _lost_model(self) -> None:
        """Name the network that is to come, if any: the layers are no longer known."""
        absent = self._session.models.absent
        name = absent.name if absent is not None else ""
        self.picker.show_model(name, short_name(name), "Not loaded" if name else "")
        self.tree.show_layers(None)

    def _picked_layer(self, name: str) -> None:
        self._session.pick_layer(name, self._session.tab)

    def _show_layer(self) -> None:
        if self._session.model is not None:
            self.tree.select(self._session.layer(self._session.tab))

    def _added(self, picture: Picture) -> None:
        place = list(self._session.pictures).index(picture.key)
        self.strip.add(picture.key, picture.image.name, picture.image.pixels, place)

    def _selected(self, picture: Picture | None) -> None:
        if picture is not None:
            self.strip.select(picture.key)
