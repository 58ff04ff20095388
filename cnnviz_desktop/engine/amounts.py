"""Say in a sentence how many there are."""

from __future__ import annotations

SKIPPED = (  # files, in notes
    "file could not be read and was skipped",
    "files could not be read and were skipped",
)


def amount(count: int, one: str, many: str) -> str:
    """Return a count and the words for it: "1 file was", "1,200 files were"."""
    return f"{count:,} {one if count == 1 else many}"
