"""Show a page of help: Markdown in the fonts and colours of the window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QUrl, Signal
from PySide6.QtGui import (
    QDesktopServices,
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import QFrame, QTextBrowser

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.resources import resource

_LINE = 128  # per cent of the font's own line
_WIDTHS = {2: (45, 55), 3: (24, 26, 50), 4: (22, 20, 13, 45)}  # per cent, by number of columns
_ROLES: dict[int, theme.FontRole] = {1: "display", 2: "title"}


class HelpPage(QTextBrowser):
    """One page. Signals: `page_wanted` (name) a link to another page was followed."""

    page_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        named(self, "helpPage", "Help")
        self._text = ""
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setSearchPaths([str(resource("help"))])
        self.anchorClicked.connect(self._follow)

    def show_text(self, text: str) -> None:
        """Show a page of Markdown from its beginning."""
        self._text = text
        self._render()
        self.moveCursor(QTextCursor.MoveOperation.Start)
        self.verticalScrollBar().setValue(0)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the size of the interface."""
        super().changeEvent(event)
        kinds = (QEvent.Type.PaletteChange, QEvent.Type.ApplicationFontChange)
        if event.type() in kinds and self._text:
            bar = self.verticalScrollBar()
            read = bar.value() / max(1, bar.maximum())
            self._render()
            bar.setValue(round(read * bar.maximum()))

    def _render(self) -> None:
        document = self.document()
        document.setDefaultFont(theme.font("body"))
        document.setDocumentMargin(theme.px(20))
        document.setMarkdown(self._text, QTextDocument.MarkdownFeature.MarkdownDialectGitHub)
        _set_lines(document)
        for frame in document.rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                _set_table(frame)

    def _follow(self, url: QUrl) -> None:
        if url.isRelative():
            self.page_wanted.emit(url.path().removesuffix(".md"))
        else:
            QDesktopServices.openUrl(url)


def _set_lines(document: QTextDocument) -> None:
    """Give headings their fonts, and lines room to be read."""
    block = document.begin()
    while block.isValid():
        cursor = QTextCursor(block)
        level = block.blockFormat().headingLevel()
        room = QTextBlockFormat()
        kind = QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
        holds_picture = "\N{OBJECT REPLACEMENT CHARACTER}" in block.text()
        room.setLineHeight(100 if holds_picture else _LINE, kind)
        if level:
            room.setTopMargin(theme.px(14 if level > 1 else 0))
            room.setBottomMargin(theme.px(6))
            letters = QTextCharFormat()
            letters.setFont(theme.font(_ROLES.get(level, "strong")))
            cursor.movePosition(
                QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor
            )
            cursor.mergeCharFormat(letters)
        elif cursor.currentTable() is not None:
            room.setTopMargin(0)
            room.setBottomMargin(0)
        elif block.textList() is not None:
            room.setBottomMargin(theme.px(4))
        else:
            room.setBottomMargin(theme.px(8))
        cursor.mergeBlockFormat(room)
        block = block.next()


def _set_table(table: QTextTable) -> None:
    """Draw a table as rows with a line below each, its head in bold."""
    now = theme.current()
    style = table.format()
    style.setBorder(0)
    style.setCellSpacing(0)
    style.setCellPadding(theme.px(4))
    style.setBorderCollapse(True)
    style.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
    widths = _WIDTHS.get(table.columns(), ())
    style.setColumnWidthConstraints(
        [QTextLength(QTextLength.Type.PercentageLength, share) for share in widths]
    )
    table.setFormat(style)
    for row in range(table.rows()):
        for column in range(table.columns()):
            cell = table.cellAt(row, column)
            shown = cell.format().toTableCellFormat()
            shown.setBottomBorder(1)
            shown.setBottomBorderBrush(now.border)
            shown.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            if row == 0:
                shown.setFontWeight(QFont.Weight.DemiBold)
                shown.setForeground(now.muted)
            cell.setFormat(shown)
