"""The command line's options of a figure of maps."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

import pytest

from cnnviz_desktop.engine.recipe import as_command, as_python
from cnnviz_desktop.engine.techniques import FeatureMaps
from cnnviz_desktop.figure_options import _given, add_figure_options, unlike_stems

FIGURE = {
    "order": "selectivity",
    "channels": (12, 40, 41),
    "hide_silent": True,
    "high": 2965.0,
    "overlay": True,
}


def given(*words: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    add_figure_options(parser, "where to")
    return _given(parser.parse_args(["--out", "maps.png", *words]))


def test_channels_are_numbers_and_ranges() -> None:
    assert given("--channels", "12,40-42 7") == {"channels": (12, 40, 41, 42, 7)}


@pytest.mark.parametrize("text", ["x", "3-y", "-", "1.5"])
def test_what_names_no_channels_is_refused(capsys, text: str) -> None:
    with pytest.raises(SystemExit):
        given(f"--channels={text}")
    assert "numbers and ranges such as 12,40-47" in capsys.readouterr().err


def test_a_copied_command_says_what_was_drawn() -> None:
    figure = {**FIGURE, "order": "max"}
    words = shlex.split(as_command(FeatureMaps(), "vgg16", figure=figure))
    start = words.index("--order=max")
    assert given(*words[start:]) == figure


def test_copied_lines_name_the_channels() -> None:
    assert "channels=(12, 40, 41)" in as_python(FeatureMaps(), "vgg16", figure=FIGURE)


def test_results_of_files_of_one_name_are_told_apart() -> None:
    files = [Path("one/a.png"), Path("two/A.jpg"), Path("a-2.png"), Path("mean.png")]
    assert unlike_stems(files, taken=("mean",)) == ["a", "A-2", "a-2-2", "mean-2"]
