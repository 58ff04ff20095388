"""Find where the object of a picture is: a mask or boxes that lie in a folder under its name."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from cnnviz_desktop.data import Flags, ImageInput
from cnnviz_desktop.engine.images import SUFFIXES, load_image
from cnnviz_desktop.errors import ParameterError

FOLDER = "masks"  # beside a picture, where no other is named

_BRIGHT = 64  # of 255, in any colour: the object's; a JPEG's black is not quite black
_LARGEST_FILE = 2**20  # bytes of boxes


def object_mask(image: ImageInput, folder: Path | None = None) -> Flags | None:
    """Return the pixels (H, W) of the object in a picture, or None where nothing says where it is.

    Looks in the folder, else in "masks" beside the picture, for a file of the picture's name: a
    picture that is black but for the object, or boxes as Pascal VOC writes them (.xml).
    """
    if folder is not None and not folder.is_dir():
        raise ParameterError(f"There is no folder {folder}: name the one that holds the masks.")
    if image.path is None:
        return None
    place = folder or image.path.parent / FOLDER
    boxes = place / f"{image.path.stem}.xml"
    if boxes.is_file():
        return _from_boxes(boxes, image)
    names = (place / f"{image.path.stem}{suffix}" for suffix in sorted(SUFFIXES))
    found = next((path for path in (place / image.path.name, *names) if path.is_file()), None)
    return None if found is None else _from_picture(found, image)


def _from_picture(path: Path, image: ImageInput) -> Flags:
    mask: Flags = load_image(path).pixels.max(axis=2) >= _BRIGHT
    if mask.shape != image.pixels.shape[:2]:
        said = "×".join(map(str, reversed(mask.shape)))
        wanted = "×".join(map(str, reversed(image.pixels.shape[:2])))
        raise ParameterError(
            f"The mask {path} has {said} pixels, its picture {wanted}: make them the same."
        )
    return mask


def _from_boxes(path: Path, image: ImageInput) -> Flags:
    height, width = image.pixels.shape[:2]
    mask = np.zeros((height, width), np.bool_)
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError
        for box in ElementTree.fromstring(path.read_bytes()).iter("bndbox"):
            left, top, right, bottom = (
                round(float(box.findtext(name) or "")) for name in ("xmin", "ymin", "xmax", "ymax")
            )
            # Counted from 1, the last pixel included.
            mask[max(top - 1, 0) : max(bottom, 0), max(left - 1, 0) : max(right, 0)] = True
    except (OSError, ValueError, OverflowError, ElementTree.ParseError) as error:
        raise ParameterError(
            f"{path} holds no boxes as Pascal VOC writes them (<bndbox> with <xmin> …)."
        ) from error
    return mask
