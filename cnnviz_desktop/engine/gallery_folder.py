"""Keep on disk the pictures that a layer's channels want, so that each is made once.

A picture is one PNG that any program shows; what is known of it stands in its text. Files are
written whole or not at all, and one that cannot be read, or is not what its name says, counts as
not there. The folder's name tells network, layer and settings.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from cnnviz_desktop.data import Floats, Pixels
from cnnviz_desktop.engine.caches import own_folder
from cnnviz_desktop.whole_file import whole_file

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_FORMAT = 1  # counts up when the same settings come to give other pictures
_KEY = "cnnviz_wanted"
_LARGEST = 4096  # pixels along a side
_MOST = 256 * 2**20  # bytes of a file


@dataclass(frozen=True, eq=False)
class Kept:
    """One channel's picture (H, W, 3) in 0..1, its response and last objective, and a note."""

    picture: Floats
    response: float
    objective: float
    note: str = ""


@dataclass(frozen=True)
class GalleryFolder:
    """The pictures of one network's layer, made with the same settings."""

    path: Path
    identity: str  # what the files have to say: network, layer and settings

    @classmethod
    def of(cls, model: LoadedModel, layer: str, settings: Mapping[str, Any]) -> GalleryFolder:
        """Return the folder, whether or not it is there."""
        text = json.dumps([_FORMAT, model.fingerprint, layer, dict(sorted(settings.items()))])
        identity = hashlib.sha256(text.encode()).hexdigest()
        return cls(_layer_folder(model, layer) / identity[:16], identity)

    def read(self, channel: int) -> Kept | None:
        """Return a channel's picture; None where there is none that can be trusted."""
        return _read(self._file(channel), self.identity, channel)

    def write(self, channel: int, kept: Kept) -> None:
        """Keep a channel's picture; a disk that is full or read-only loses only that."""
        pixels = as_pixels(kept.picture)
        info = PngInfo()
        known = {
            "identity": self.identity,
            "channel": channel,
            "response": kept.response,
            "objective": kept.objective,
            "note": kept.note,
            "pixels": hashlib.sha256(pixels.tobytes()).hexdigest(),
        }
        info.add_text(_KEY, json.dumps(known))
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format="png", pnginfo=info)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with whole_file(self._file(channel)) as stream:
                stream.write(buffer.getvalue())
        except OSError:
            return

    def channels(self) -> list[int]:
        """Return the channels that have a file, whole or not."""
        try:
            names = [path.stem.removeprefix("channel-") for path in self.path.glob("channel-*.png")]
        except OSError:
            return []
        return sorted(int(name) for name in names if name.isdecimal())

    def _file(self, channel: int) -> Path:
        return self.path / f"channel-{channel:05d}.png"


def as_pixels(picture: Floats) -> Pixels:
    """Return a picture in 0..1 as pixels."""
    return np.round(picture.clip(0, 1) * 255).astype(np.uint8)


def as_values(pixels: Pixels) -> Floats:
    """Return pixels as a picture in 0..1."""
    return np.divide(pixels, np.float32(255), dtype=np.float32)


def newest(model: LoadedModel, layer: str, channel: int) -> Kept | None:
    """Return the picture of a channel that was made last, whatever the settings."""
    root = own_folder() / "gallery"
    if not root.is_dir():  # a fingerprint takes its time
        return None
    name = f"channel-{channel:05d}.png"
    try:
        found = [path for path in _layer_folder(model, layer).glob(f"*/{name}") if path.is_file()]
        found.sort(key=lambda path: -path.stat().st_mtime)
    except OSError:
        return None
    read = (_read(path, None, channel) for path in found)
    return next((kept for kept in read if kept is not None), None)


def _layer_folder(model: LoadedModel, layer: str) -> Path:
    # A dot alone is no name, and some file systems do not tell capitals apart.
    tag = hashlib.sha256(layer.encode()).hexdigest()[:8]
    name = f"{quote(layer, safe='')[:80]}-{tag}"
    return own_folder() / "gallery" / model.fingerprint[:32] / name


def _read(path: Path, identity: str | None, channel: int) -> Kept | None:
    try:
        if path.stat().st_size > _MOST:
            return None
        content = path.read_bytes()
        with PngImageFile(io.BytesIO(content)) as image:  # no other format, whatever the content
            if max(image.size) > _LARGEST or image.mode != "RGB":
                return None
            known = json.loads(image.text[_KEY])
            pixels = np.asarray(image)
        same = identity is None or known["identity"] == identity
        whole = hashlib.sha256(pixels.tobytes()).hexdigest() == known["pixels"]
        if not (same and whole and known["channel"] == channel):
            return None
        numbers = float(known["response"]), float(known["objective"])
        if not all(map(math.isfinite, numbers)):
            return None
        return Kept(as_values(pixels), *numbers, str(known["note"]))
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, RecursionError):
        return None  # Pillow says SyntaxError of broken PNGs
