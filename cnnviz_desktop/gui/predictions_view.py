"""Show what the network answers: the current picture's classes and every picture in a table."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QTimer
from PySide6.QtGui import QImage, QShowEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from cnnviz_desktop.data import Prediction
from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.display import CANVAS, reduced, scaled
from cnnviz_desktop.gui.picture_view import PictureView
from cnnviz_desktop.gui.pictures import Picture
from cnnviz_desktop.gui.prediction_panel import PredictionPanel
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import EXPLAIN, PREDICTIONS, Session
from cnnviz_desktop.gui.work import Inspected

_SOON = 100  # milliseconds


class PredictionsView(ResultView):
    """The picture, its likeliest classes, and the table. A class that is clicked is explained."""

    tab = PREDICTIONS

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.hide_bar()
        self.view = PictureView()
        named(
            self.view,
            "predictedPicture",
            "The picture",
            "The outlined part is what the network sees; wheel zooms, drag moves, 0 fits",
        )
        self.view.set_empty_text("No picture yet.", "Drop one, or press Ctrl+O.")
        self.panel = PredictionPanel()
        self.panel.add_picture(self.view)
        self.canvas.addWidget(self.panel, 1)
        self.panel.target_picked.connect(self._explain)
        self.panel.image_picked.connect(session.pictures.select)
        self.panel.csv_requested.connect(self.save_table)
        self._soon = QTimer(self)  # the answers to a folder's pictures come one after the other
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON)
        self._soon.timeout.connect(self._refresh)
        session.predictions.added.connect(self._added)
        session.pictures.selected.connect(self._show_picture)
        session.pictures.removed.connect(self._refresh)
        session.models.changed.connect(self._refresh)

    def title(self) -> tuple[str, str]:
        """Return the likeliest class, how sure the network is, and the picture."""
        prediction, current = self.session.predictions.current(), self.session.pictures.current
        if prediction is None or current is None:
            return self.tab, current.image.name if current else ""
        _index, name, share = prediction.top(1)[0]
        sure = labels.percent(share)
        model = self.session.model.title if self.session.model else ""
        return name, middle(sure, model, current.image.name)

    def can_copy(self) -> bool:
        """Tell whether there is an answer to copy."""
        return len(self.session.predictions) > 0

    def copy(self) -> QMimeData | None:
        """Return the table as CSV."""
        text = self.panel.csv_text()
        if not text:
            return None
        data = QMimeData()
        data.setText(text)
        return data

    def picture(self) -> QImage | None:
        """Return the picture that was asked about."""
        return self.view.image()

    def save_table(self) -> None:
        """Ask for a file and write the table as CSV."""
        from cnnviz_desktop.gui.export_options import completed

        chosen, _kind = QFileDialog.getSaveFileName(
            self, "Save the table", "predictions.csv", "CSV (*.csv)"
        )
        if chosen:
            path = completed(chosen, ".csv")
            try:
                path.write_text(self.panel.csv_text(), encoding="utf-8", newline="")
            except OSError as error:
                why = error.strerror or "it cannot be written"
                message = f"{path.name} was not saved: {why}. Choose another folder."
                self.session.failed.emit("", ExportError(message))

    def showEvent(self, event: QShowEvent) -> None:
        """List what was answered while another tab was in view."""
        super().showEvent(event)
        self._list()

    def _list(self) -> None:
        """Write the answers to all pictures into the table."""
        session = self.session
        current = session.pictures.current
        rows: list[tuple[int, str, Prediction]] = [
            (key, session.pictures[key].image.name, session.predictions[key])
            for key in session.pictures
            if key in session.predictions
        ]
        self.panel.show_table(rows, current.key if current else None)

    def _explain(self, target: int) -> None:
        self.session.pick_target(target)
        self.session.set_tab(EXPLAIN)

    def can_export(self) -> bool:
        """Tell whether the model has answered to the picture in view."""
        return self.session.predictions.current() is not None

    def _show_picture(self, picture: Picture | None) -> None:
        if picture is None:
            self.view.show_pixels(None)
        else:
            self.view.set_name(picture.image.name)
            self.view.show_pixels(reduced(picture.image, CANVAS)[0].pixels)
        self._refresh()

    def _added(self, found: Inspected) -> None:
        """Show the answer to the picture in view at once, the others together."""
        current = self.session.pictures.current
        if current is not None and found.key == current.key:
            self._refresh()
        elif not self._soon.isActive():
            self._soon.start()

    def _refresh(self) -> None:
        """Show what is known: of the picture in view, and of all where they are in sight."""
        self._soon.stop()
        session = self.session
        current = session.pictures.current
        prediction = session.predictions.current()
        self.panel.show_prediction(prediction)
        if self.isVisible():
            self._list()
        marks = []
        if prediction is not None and current is not None:
            whole = current.image.whole
            if prediction.region != whole:
                marks = [scaled(prediction.region, reduced(current.image, CANVAS)[1])]
        self.view.set_marks(marks)
        self.retitled.emit()
