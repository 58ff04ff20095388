"""The pages of the guide lead somewhere: links and pictures are there, and small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
_LINK = re.compile(r'\]\(([^)#\s]+)[^)]*\)|src="([^"]+)"')


def local_links(page: Path) -> list[Path]:
    """List what a page links to in the repository."""
    found = (one or other for one, other in _LINK.findall(page.read_text(encoding="utf-8")))
    return [page.parent / name for name in found if "://" not in name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    missing = [str(path) for path in local_links(page) if not path.exists()]
    assert not missing, missing


def test_the_tour_shows_every_picture_that_its_script_takes():
    taken = set(
        re.findall(
            r'camera\.take\("([\w-]+)"', (ROOT / "docs" / "screenshots.py").read_text("utf-8")
        )
    )
    there = {path.stem for path in (ROOT / "docs" / "images").glob("*.png")}
    shown = {path.stem for page in PAGES for path in local_links(page) if "images" in path.parts}
    assert taken == there == shown


def test_the_pictures_are_small():
    sizes = [path.stat().st_size for path in (ROOT / "docs" / "images").glob("*.png")]
    assert max(sizes) < 260_000
    assert sum(sizes) < 3_000_000
