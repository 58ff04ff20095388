"""The page on the window says what the window does."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "window.md"


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS spells keys as symbols")
def test_the_table_of_keys_is_the_real_one(qapp) -> None:
    from cnnviz_desktop.gui.about import key_table

    text = PAGE.read_text(encoding="utf-8")
    table = key_table()
    assert text.endswith(f"\n{table}\n"), f"docs/window.md should end with this table:\n{table}"


def test_the_page_names_the_tabs_there_are() -> None:
    from cnnviz_desktop.engine.techniques import TECHNIQUES

    named = set(re.findall(r"^- \*\*(.+?)\*\*:", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert named == {"Predictions"} | {kind.tab for kind in TECHNIQUES}
