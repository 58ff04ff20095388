"""Show the picture that an exemplar is cut from, with its place marked, and what is known of it."""

from __future__ import annotations

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from cnnviz_desktop.data import ExemplarOverview, ImageInput
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import Ground, fix_size, icon_button, named, push_button
from cnnviz_desktop.gui.dataset_work import RowPictures
from cnnviz_desktop.gui.display import CARD, reduced, scaled
from cnnviz_desktop.gui.exemplar_rows import facts_of_channel, facts_of_picture
from cnnviz_desktop.gui.picture_view import PictureView


class ExemplarDetail(Ground):
    """The strip below the sheet (`exemplarDetail`). It says nothing; its buttons are connected."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.Window, parent)
        named(self, "exemplarDetail", "The picked picture")
        fix_size(self, height=176)
        self.view = PictureView()
        named(self.view, "exemplarPicture", "Whole picture", "What the channel sees is outlined")
        self.view.set_empty_text("", "")
        self.view.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        fix_size(self.view, width=208)
        self._title = labels.ElidedLabel(role="strong")
        named(self._title, "exemplarTitle", "Picked unit")
        self._lines = [labels.ElidedLabel(role="secondary", muted=True) for _ in range(4)]
        self.card = push_button("Unit card", "exemplarCard", "Everything about this unit (Enter)")
        self.pin = push_button("Pin", "exemplarPin", "Keep this unit at hand, marked in colour (P)")
        self.close_button = icon_button("close", "exemplarClose", "Close", "Hide this strip")
        words = QVBoxLayout()
        words.setSpacing(3)
        words.addWidget(self._title)
        for line in self._lines:
            words.addWidget(line)
        words.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.card, self.pin):
            button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            buttons.addWidget(button)
        buttons.addStretch(1)
        words.addLayout(buttons)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(16)
        row.addWidget(self.view)
        row.addLayout(words, 1)
        side = QVBoxLayout()
        side.addWidget(self.close_button)
        side.addStretch(1)
        row.addLayout(side)

    def show_exemplar(
        self, found: ExemplarOverview, row: RowPictures | None, channel: int, rank: int
    ) -> None:
        """Say what is known of a channel's picture."""
        self._title.setText(f"{found.layer} {labels.DOT} {channel}")
        lines = [f" {labels.DOT} ".join(facts_of_channel(found, channel))]
        if row is not None and rank < len(row.files):
            box = row.boxes[rank]
            lines = [
                *facts_of_picture(found, row, rank),
                f"sees {box.width}{labels.TIMES}{box.height} pixels, from x {box.left}, "
                f"y {box.top}",
            ]
        for number, line in enumerate(self._lines):
            line.setText(lines[number] if number < len(lines) else "")
            line.setVisible(number < len(lines))

    def show_picture(
        self, image: ImageInput | None, row: RowPictures | None = None, rank: int = 0
    ) -> None:
        """Show the whole picture with what the channel sees outlined; None while it comes."""
        if image is None:
            self.view.show_pixels(None)
            return
        small, factor = reduced(image, CARD)
        self.view.show_pixels(small.pixels)
        self.view.set_name(image.name)
        marks = [scaled(row.boxes[rank], factor)] if row is not None else []
        self.view.set_marks(marks)
        self.view.setFixedWidth(min(theme.px(280), max(theme.px(120), self._fitting(small))))

    def _fitting(self, image: ImageInput) -> int:
        box = image.whole
        return round((self.height() - 16) * box.width / max(1, box.height))
