"""Ask how the result in view is exported, and show it as it will be while the person chooses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.figures import export, tables
from cnnviz_desktop.figures.result_table import result_table
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import (
    Ground,
    Line,
    fit_screen,
    fix_size,
    label,
    named,
    push_button,
)
from cnnviz_desktop.gui.export_form import ExportForm
from cnnviz_desktop.gui.export_options import (
    DATA,
    FIGURES,
    ExportOptions,
    export_folder,
    fresh,
    remember,
)
from cnnviz_desktop.gui.export_preview import ExportPreview
from cnnviz_desktop.gui.export_work import Draw, Drawn, Measure, Refused, Write
from cnnviz_desktop.gui.file_field import FileField, is_file
from cnnviz_desktop.gui.flat_style import set_primary
from cnnviz_desktop.gui.jobs import Job, Jobs, Priority
from cnnviz_desktop.gui.message_bar import MessageBar
from cnnviz_desktop.gui.shown import Shown

_PAUSE = 120  # milliseconds without a change before a preview is drawn
_REST = 500  # and before the size of a file is counted
_NOTICE = 200  # what is drawn sooner needs no word
_KINDS = {".png": "PNG", ".svg": "SVG", ".pdf": "PDF", ".npz": "NumPy data", ".csv": "Table"}
_ROWS = 40


class ExportDialog(QDialog):
    """The Export dialog of one result.

    Signals: `exported` (path) when a file is written; `python_requested` and `command_requested`
    (`Shown`, `ExportOptions`, path) for the call that does the same.
    """

    exported = Signal(object)
    python_requested = Signal(object, object, object)
    command_requested = Signal(object, object, object)

    def __init__(
        self, shown: Shown, options: ExportOptions, jobs: Jobs, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        named(self, "exportDialog", "Export")
        self.setWindowTitle(f"Export {shown.title}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._shown = shown
        self._jobs = jobs
        self._writing: Job | None = None
        self._drawn: Drawn | None = None
        self._bytes = 0
        self._form = ExportForm(shown, options)
        self.preview = ExportPreview()
        self._file = FileField("exportPath", "File", "Where it is written; type or choose")
        self._file.set_path(fresh(export_folder(options) / f"{shown.stem}{self._suffix()}"))
        self._about = label("", "secondary", muted=True)
        named(self._about, "exportAbout", "What it will be")
        self._busy = label(f"Drawing{labels.ELLIPSIS}", "secondary", muted=True)
        named(self._busy, "exportBusy", "At work")
        self._busy.hide()
        self._note = labels.ElidedLabel(role="secondary", muted=True)
        named(self._note, "exportNote", "What is written")
        self.message = MessageBar()
        named(self.message, "exportMessage", "Message")
        self._timers = [self._timer(pause) for pause in (_PAUSE, _REST, _NOTICE)]
        self._lay_out()
        self._connect()
        fit_screen(self, 1000, 700)
        self._changed_file()

    def options(self) -> ExportOptions:
        """Return what is chosen."""
        path = self._file.path()
        folder = str(path.parent) if path is not None else ""
        return replace(self._form.options(), folder=folder)

    def path(self) -> Path | None:
        """Return the file to write, with the suffix of its kind."""
        path = self._file.path()
        if path is None or path.suffix.lower() == self._suffix():
            return path
        return path.with_name(path.name + self._suffix())

    def accept(self) -> None:
        """Write the file; the dialog closes when it is whole."""
        path = self.path()
        if self._writing is not None:
            return
        if path is None:
            self.message.tell("error", "Write or choose where the file goes.")
            return
        work = Write(self._shown, self.options(), path)
        job = self._jobs.submit(work, f"Writing {path.name}", priority=Priority.RUN)
        self._writing = job
        job.done.connect(self._written)
        job.failed.connect(self._failed)
        job.ended.connect(self._ended)
        self.message.settle("")
        self._show_state()

    def reject(self) -> None:
        """Stop the writing, or close."""
        if self._writing is not None:
            self._writing.cancel()
        else:
            super().reject()

    def done(self, result: int) -> None:
        """Leave no work behind."""
        self._drop_work()
        super().done(result)

    def _drop_work(self) -> None:
        """Stop what is drawn or counted for options that are not those of now."""
        for timer in self._timers:
            timer.stop()
        for slot in ("export preview", "export size"):
            job = self._jobs.current(slot)
            if job is not None:
                job.supersede()

    def _timer(self, pause: int) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(pause)
        return timer

    def _lay_out(self) -> None:
        foot = Ground(QPalette.ColorRole.AlternateBase)
        fix_size(foot, height=36)
        row = QHBoxLayout(foot)
        row.setContentsMargins(16, 0, 16, 0)
        row.addWidget(self._about, 1)
        row.addWidget(self._busy)
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addWidget(self.preview, 1)
        left.addWidget(Line())
        left.addWidget(foot)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._form)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        fix_size(scroll, width=344)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addLayout(left, 1)
        middle.addWidget(Line(Qt.Orientation.Vertical))
        middle.addWidget(scroll)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(middle, 1)
        column.addWidget(Line())
        column.addWidget(self.message)
        column.addLayout(self._make_end())

    def _make_end(self) -> QVBoxLayout:
        """Lay out where it goes, and the buttons."""
        self._python = push_button(
            "Copy as Python", "exportPython", "The lines of Python that make this file", "code"
        )
        self._command = push_button(
            "Copy as command", "exportCommand", "The command that makes this file", "terminal"
        )
        self._cancel = push_button("Cancel", "exportCancel", "Write nothing (Esc)")
        self._export = push_button("Export", "exportWrite", "Write the file (Enter)")
        for button in (self._python, self._command, self._cancel):
            button.setAutoDefault(False)
        self._export.setDefault(True)
        self._export.setMinimumWidth(theme.px(96))
        set_primary(self._export, True)
        first = QHBoxLayout()
        first.setSpacing(12)
        first.addWidget(label("File", muted=True))
        first.addWidget(self._file, 1)
        second = QHBoxLayout()
        second.setSpacing(8)
        second.addWidget(self._note, 1)
        for button in (self._python, self._command, self._cancel, self._export):
            second.addWidget(button)
        end = QVBoxLayout()
        end.setContentsMargins(16, 12, 16, 16)
        end.setSpacing(12)
        end.addLayout(first)
        end.addLayout(second)
        return end

    def _connect(self) -> None:
        draw, measure, notice = self._timers
        draw.timeout.connect(self._draw)
        measure.timeout.connect(self._measure)
        notice.timeout.connect(self._busy.show)
        self._form.changed.connect(self._changed)
        self._file.edited.connect(self._typed_file)
        self.preview.resized.connect(self._wait)
        self._python.clicked.connect(self._copy_python)
        self._command.clicked.connect(self._copy_command)
        self._cancel.clicked.connect(self.reject)
        self._export.clicked.connect(self.accept)

    def _suffix(self) -> str:
        return self._form.format.value()

    def _changed(self) -> None:
        """Follow the kind of file with its name, and draw again."""
        path = self._file.path()
        if path is not None and path.suffix.lower() != self._suffix():
            known = path.suffix.lower() in FIGURES + DATA
            name = (path.stem if known else path.name) + self._suffix()
            self._file.set_path(path.with_name(name))
        self._changed_file()
        self._wait()

    def _typed_file(self) -> None:
        """Follow a suffix that was typed with the kind of file."""
        path = self._file.path()
        before = self._suffix()
        if path is not None:
            self._form.set_suffix(path.suffix.lower())
        self._changed_file()
        if self._suffix() != before:
            self._wait()

    def _changed_file(self) -> None:
        """Say what will be written, and whether something is there already."""
        suffix = self._suffix()
        self._file.set_filter(f"{_KINDS[suffix]} (*{suffix})")
        self._show_state()

    def _show_state(self) -> None:
        path, writing = self.path(), self._writing is not None
        there = path is not None and is_file(path)
        record = f"Its record goes inside and beside it, as {path.name}.json" if path else ""
        self._note.setText(
            f"Writing {path.name}{labels.ELLIPSIS}"
            if writing and path
            else f"{path.name} is there already: it will be replaced"
            if there and path
            else record
        )
        self._note.set_muted(not there)
        self._export.setText("Replace" if there and not writing else "Export")
        for part in (self._form, self._file, self._export):
            part.setEnabled(not writing)

    def _wait(self) -> None:
        """Draw when the person pauses."""
        self._drop_work()
        self._timers[0].start()

    def _draw(self) -> None:
        options = self._form.options()
        if options.is_data:
            self._show_data()
            return
        work = Draw(self._shown, options, self.preview.room())
        job = self._jobs.submit(work, "Drawing the preview", "export preview", Priority.CLICK)
        job.done.connect(self._show_drawn)
        job.failed.connect(self._failed)
        self._timers[2].start()

    def _show_drawn(self, answer: Drawn | Refused) -> None:
        self._timers[2].stop()
        self._busy.hide()
        if isinstance(answer, Refused):
            self.message.tell("error", answer.sentence)
            return
        self.message.settle("")
        options = self._form.options()
        self._drawn, self._bytes = answer, 0
        self.preview.show_figure(answer.pixels, answer.inches, options.transparent, options.dark)
        self._form.show_inches(answer.inches[0])
        self._say_size()
        if options.suffix != ".png":
            self._timers[1].start()

    def _show_data(self) -> None:
        """Show what the file will hold."""
        self._busy.hide()
        self._drawn, self._bytes = None, 0
        result = self._shown.result
        rows: list[tuple[str, ...]]
        table = result_table(result) if self._suffix() == ".csv" else None
        if table is not None:
            rows = [tuple(map(tables.written, row)) for row in table.rows[:_ROWS]]
            rows.insert(0, tuple(tables.heads(table)))
            self.preview.show_rows(f"{labels.whole(len(table.rows))} rows", rows)
        else:
            rows = [("array", "shape", "values")]
            for name, array in export.arrays(result).items():
                shape = labels.shape(array.shape) if array.shape else "one"
                kind = "text" if array.dtype.kind == "U" else array.dtype.name
                rows.append((name, shape, kind))
            rows.append(("record", "one", "text"))
            self.preview.show_rows("Arrays for numpy.load", rows)
        self._say_size()
        self._timers[1].start()

    def _measure(self) -> None:
        work = Measure(self._shown, self._form.options())
        job = self._jobs.submit(work, "Counting bytes", "export size", Priority.BACKGROUND)
        job.done.connect(self._measured)

    def _measured(self, answer: int | Refused) -> None:
        if isinstance(answer, int):
            self._bytes = answer
            self._say_size()

    def _say_size(self) -> None:
        parts = []
        if self._drawn is not None:
            options = self._form.options()
            width, height = self._drawn.inches
            scale, unit = (2.54, "cm") if options.unit == "cm" else (1.0, "in")
            parts.append(f"{width * scale:.2f} × {height * scale:.2f}{labels.THIN}{unit}")
            if options.suffix == ".png":
                across, down = int(width * options.dpi), int(height * options.dpi)
                parts.append(f"{labels.whole(across)} × {labels.whole(down)}{labels.THIN}px")
                parts.append(f"about {_byte_size(self._drawn.size, 1)}")
        if self._bytes:
            parts.append(_byte_size(self._bytes, 2))
        self._about.setText(f"  {labels.DOT}  ".join(parts))

    def _written(self, answer: Path | Refused) -> None:
        self._writing = None
        if isinstance(answer, Refused):
            self.message.tell("error", answer.sentence)
            return
        remember(self.options())
        self.exported.emit(answer)
        super().accept()

    def _failed(self, error: CnnvizError) -> None:
        self._writing = None
        self._busy.hide()
        self.message.tell("error", str(error))
        self._show_state()

    def _ended(self) -> None:
        self._writing = None
        self._show_state()

    def _copy_python(self) -> None:
        self.python_requested.emit(self._shown, self.options(), self.path())

    def _copy_command(self) -> None:
        self.command_requested.emit(self._shown, self.options(), self.path())


def _byte_size(count: int, figures: int) -> str:
    """Return a size as people read it, to so many significant figures."""
    scale, unit = next(
        ((s, u) for s, u in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if count >= s), (1.0, "bytes")
    )
    return f"{float(f'{count / scale:.{figures}g}'):g}{labels.THIN}{unit}"
