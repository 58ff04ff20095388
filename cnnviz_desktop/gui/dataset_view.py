"""Show what a folder of pictures says about the network: the pictures that excite each channel."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from cnnviz_desktop.gui.empty_state import EmptyState
from cnnviz_desktop.gui.result_view import ResultView
from cnnviz_desktop.gui.session import DATASET, Session


class DatasetView(ResultView):
    """The result as the figure that Export would write."""

    tab = DATASET
    needs_image = False

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.hide_bar()
        words = "Choose a folder at the right, or none for generated pictures, and press Run (F5)."
        self.canvas.addWidget(EmptyState("No folder was looked at yet.", words), 1)
