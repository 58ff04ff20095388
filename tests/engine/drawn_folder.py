"""A folder of pictures for each of three classes that the bundled model knows."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from cnnviz_desktop.bundled.pictures import CLASSES, draw

LABELS = (0, 3, 7)


def drawn_folder(root: Path, count: int) -> Path:
    """Draw so many pictures of each class, 0.png and on, in a folder of its name."""
    for label in LABELS:
        folder = root / CLASSES[label].replace(" ", "_")
        folder.mkdir(parents=True)
        for number in range(count):
            Image.fromarray(draw(1_000_000 + number, label).pixels).save(folder / f"{number}.png")
    return root
