"""Say how to compare networks where there is no comparison yet, with choices of one click."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget

from cnnviz_desktop.gui.controls import Ground, label, named, push_button


class ComparedStart(Ground):
    """A sentence and the choices. Signals: `classic_wanted`, `drawn_wanted`, `training_wanted`."""

    classic_wanted = Signal()
    drawn_wanted = Signal()
    training_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.Window, parent)
        named(self, "comparedStart", "No comparison yet")
        title = label("No comparison yet.", "strong")
        step = label(
            "Choose up to three models above and press Run (F5), or begin with one of these.",
            "secondary",
            muted=True,
        )
        step.setWordWrap(True)
        step.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.classic = push_button(
            "VGG16, VGG19, ResNet50, Inception v3",
            "presetClassic",
            "Four networks that much of the field was built on; asks before it downloads",
        )
        self.drawn = push_button(
            "This model with random weights",
            "presetRandom",
            "What the training has done: the same network before it",
        )
        self.training = push_button(
            "The bundled model as it learned",
            "presetTraining",
            "Three moments of its training beside what came of it",
        )
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(1)
        column.addWidget(title, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(step)
        column.addSpacing(8)
        for part in (self.classic, self.drawn, self.training):
            column.addWidget(part, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)
        self.classic.clicked.connect(self.classic_wanted)
        self.drawn.clicked.connect(self.drawn_wanted)
        self.training.clicked.connect(self.training_wanted)
