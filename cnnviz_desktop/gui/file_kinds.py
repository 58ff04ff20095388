"""Tell files apart by their first bytes, and by their suffixes where these say nothing.

Light, since the window needs it before its first picture: a model's file is looked into by the
engine, which says what is wrong with it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

SESSION = ".cnnviz"
FIGURES = (".svg", ".pdf", ".npz", ".json")  # a record, and nothing that opens as a picture
EITHER = ".png"  # an exported figure or a plain picture
PYTHON = ".py"

Kind = Literal["picture", "session", "figure", "model"]

PICTURE_FILTER = "Pictures (*.png *.jpg *.jpeg *.webp *.tif *.tiff *.bmp *.gif *.avif *.heic)"
FIGURE_FILTER = "Figures made by CNNviz (*.png *.svg *.pdf *.npz *.json)"
SESSION_FILTER = f"CNNviz sessions (*{SESSION})"
MODEL_FILTER = "Networks and weights (*.pth *.pt *.safetensors *.ckpt *.bin *.pt2 *.onnx *.py)"
PYTHON_FILTER = f"Python files (*{PYTHON})"
WEIGHTS_FILTER = "Weights (*.pth *.pt *.safetensors *.ckpt *.bin)"
LABELS_FILTER = "Class names (*.txt *.json *.csv)"
ANY_FILTER = "All files (*)"

# What holds a network or its weights, or is taken for it: the engine says why it does not.
_MODELS = re.compile(
    r"\.(pth|pt|pt2|safetensors|ckpt|bin|onnx|py|pkl|pickle|th|tar|h5|hdf5|keras|weights)"
)
_PICTURES = tuple(PICTURE_FILTER.partition("(")[2].rstrip(")").replace("*", "").split())
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_HEAD = 128  # bytes that are read
_MOST = 200  # files that are looked into when many are dropped: the window waits for it


def kind_of(path: Path, *, look: bool = True) -> Kind:
    """Return what a file is to the window; without `look` by its name alone.

    A folder counts as pictures, and so does what is not recognised: the reader of pictures says
    what it is.
    """
    found = _by_content(path) if look else None
    if found is not None:
        return found
    suffix = path.suffix.lower()
    if suffix == SESSION:
        return "session"
    if suffix in FIGURES:
        return "figure"
    return "model" if _MODELS.fullmatch(suffix) and not path.is_dir() else "picture"


def sorted_out(paths: list[Path]) -> dict[Kind, list[Path]]:
    """Return files by what they are; a single PNG may be an exported figure."""
    found: dict[Kind, list[Path]] = {"picture": [], "session": [], "figure": [], "model": []}
    for number, path in enumerate(paths):
        kind = kind_of(path, look=number < _MOST)
        alone = kind == "picture" and len(paths) == 1 and path.suffix.lower() == EITHER
        found["figure" if alone and not path.is_dir() else kind].append(path)
    return found


def _by_content(path: Path) -> Kind | None:
    """Return what the first bytes tell, None where they tell nothing."""
    if path.suffix.lower() in (SESSION, *_PICTURES):
        return None  # their readers recognise what they can read
    try:
        if not path.is_file():  # a pipe would be waited for
            return None
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except (OSError, ValueError):
        return None
    if head.startswith(b"PK\x03\x04"):
        return _zipped(head)
    is_safetensors = head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32
    if head[:2] in _PICKLES or is_safetensors:
        return "model"
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*")):
        return "picture"
    return None


def _zipped(head: bytes) -> Kind | None:
    """Tell a zip by the name of its first part."""
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    if first == b"session.json" or first.endswith(b".npy"):
        return "session" if first == b"session.json" else "figure"
    return "model" if b"/" in first else None
