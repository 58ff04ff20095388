"""The command line's `evidence`: figures and tables for any number of pictures, and their mean."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.data import Evidence, ImageInput, Record, Table
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.errors import Cancelled, CnnvizError, ExportError, ParameterError
from cnnviz_desktop.figure_options import (
    check_figure_options,
    say_idle_options,
    unlike_stems,
    write_result,
    writing_to,
)
from cnnviz_desktop.model_options import load
from cnnviz_desktop.terminal import say, shown_run, table_text

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

Command = Callable[[argparse.Namespace], int]

_MEAN = "mean"  # the stem of the files over all pictures
_SOME_FAILED = 2


def add_pictures(parser: argparse.ArgumentParser) -> None:
    """Add the further pictures that the command takes."""
    parser.add_argument(
        "more",
        nargs="*",
        type=Path,
        metavar="IMAGE",
        help="more pictures or folders: --out is then a folder for a figure, a table (.csv) and "
        "JSON of each, and for the mean over all",
    )


def command(one: Command, technique_from: Callable[[argparse.Namespace], Technique]) -> Command:
    """Return what carries `evidence` out; `one` does it for a single picture."""

    def evidence(options: argparse.Namespace) -> int:
        from cnnviz_desktop.figures.export import DATA_SUFFIXES, FIGURE_SUFFIXES

        several = bool(options.more) or (options.image is not None and options.image.is_dir())
        is_file = options.out.suffix.lower() in FIGURE_SUFFIXES + DATA_SUFFIXES
        if options.image is None or (is_file and not several):
            return one(options)
        if is_file and not options.out.is_dir():
            raise ParameterError(
                f"The evidence for several pictures goes into a folder: give --out one, such as "
                f"{options.out.stem}."
            )
        technique = technique_from(options)
        batch = _Batch(options, technique)
        model = load(options)
        technique.resolved(model)  # what is wrong with it is so for every picture
        try:
            batch.gather(model)
        finally:  # also where somebody ends it: what is done is kept
            mean = batch.finish()
        if mean is not None:
            print(table_text(mean))
            print(f"Wrote {options.out}")
        return _SOME_FAILED if batch.skipped else 0

    return evidence


@dataclass(eq=False)
class _Batch:
    """The pictures of one call, and what became of them."""

    options: argparse.Namespace
    technique: Technique
    found: dict[Path, Evidence] = field(default_factory=dict)
    skipped: dict[Path, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from cnnviz_desktop.engine.images import image_files
        from cnnviz_desktop.figures.writing import make_folder

        one = Path("a.png")  # as all are; the folder may be made yet
        check_figure_options(writing_to(self.options, one))
        places = [self.options.image, *self.options.more]
        self.files = list(
            dict.fromkeys(
                file
                for place in places
                for file in (image_files(place) if place.is_dir() else (place,))
            )
        )
        make_folder(self.options.out)

    def gather(self, model: LoadedModel) -> None:
        """Look at one picture after the other and write what was found of each."""
        from cnnviz_desktop.engine.images import load_image
        from cnnviz_desktop.engine.technique import record

        stems = unlike_stems(self.files, taken=(_MEAN,))
        for number, (file, stem) in enumerate(zip(self.files, stems, strict=True), start=1):
            try:
                image = load_image(file)
                result = self.technique(model, image, shown_run())
                assert isinstance(result, Evidence)
                if not self.found:
                    say_idle_options(writing_to(self.options, Path(f"{stem}.png")), result)
                self._write(stem, result, image, record(self.technique, model, image))
            except (Cancelled, ExportError):
                raise
            except CnnvizError as error:  # one bad picture does not cost the others theirs
                self.skipped[file] = str(error)
                say(f"cnnviz: {error}")
                continue
            self.found[file] = result
            say(f"{number} of {len(self.files)}: {file}")

    def _write(self, stem: str, result: Evidence, image: ImageInput, made: Record) -> None:
        """Write the figure, the table and the JSON of one picture."""
        from cnnviz_desktop.figures.evidence_table import evidence_json, evidence_table
        from cnnviz_desktop.figures.tables import delimited
        from cnnviz_desktop.figures.writing import write_whole

        folder = self.options.out
        write_result(writing_to(self.options, folder / f"{stem}.png"), result, image, made)
        said = {"picture": str(image.path), **evidence_json(result)}
        table = delimited(evidence_table(result))
        write_whole(
            {
                folder / f"{stem}.csv": table.encode("utf-8", "backslashreplace"),
                folder / f"{stem}.json": _as_json(said),
            }
        )

    def finish(self) -> Table | None:
        """Write the mean over the pictures that got done and return it; None where none did."""
        from cnnviz_desktop.figures.evidence_table import mean_table
        from cnnviz_desktop.figures.tables import delimited
        from cnnviz_desktop.figures.writing import write_whole

        if not self.found:
            return None
        mean = mean_table(list(self.found.values()))
        said = {
            "pictures": [str(file) for file in self.found],
            "skipped": [
                {"picture": str(file), "reason": why} for file, why in self.skipped.items()
            ],
            "rows": [dict(zip(mean.columns, row, strict=True)) for row in mean.rows],
        }
        folder = self.options.out
        write_whole(
            {
                folder / f"{_MEAN}.csv": delimited(mean).encode("utf-8", "backslashreplace"),
                folder / f"{_MEAN}.json": _as_json(said),
            }
        )
        return mean


def _as_json(value: Any) -> bytes:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"
