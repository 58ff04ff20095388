"""Read pictures: any common file, raw bytes or an array becomes upright 8-bit RGB.

Pillow decodes. Its guard against decompression bombs is one process-wide setting that warns at 89
megapixels and refuses at 179, so files are opened through Pillow's registry of formats, which has
no guard, and their size is checked here, between header and pixels. Nothing global is changed.
"""

from __future__ import annotations

import codecs
import errno
import importlib
import io
import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.ImageFile import ImageFile

from cnnviz_desktop.data import ImageInput, Pixels
from cnnviz_desktop.errors import ImageError, did_you_mean, quoted
from cnnviz_desktop.paths import expanded

LARGEST_PIXELS = 400_000_000  # 1.2 GB as RGB, as much again while decoding
LARGE_PIXELS = 64_000_000  # from here on a note says why it takes a while

# In the order tried; each knows its files by their first bytes. Formats known by nothing but their
# suffix (TGA), that run other programs (EPS) or need plugins of their own (WMF, GRIB) stay out.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
FORMAT_NAMES = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, JPEG 2000 and PPM"
# fmt: off
SUFFIXES = frozenset([
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".tif", ".tiff",
    ".avif", ".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm",
])
# fmt: on

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_ORIENTATION = 0x0112  # the EXIF tag
_PHOTOMETRIC, _BITS, _SAMPLE_FORMAT = 262, 258, 339  # TIFF tags
_WHITE_IS_ZERO = 0


def load_image(source: Path | str | bytes | NDArray[Any] | ImageInput) -> ImageInput:
    """Read a picture from a path, a file:// URL, a file's bytes or an (H, W[, 1, 3 or 4]) array."""
    if isinstance(source, ImageInput):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _decode(io.BytesIO(source), "This picture", None)
    if not isinstance(source, (str, os.PathLike)):
        raise ImageError(
            f"A picture is given as a path, bytes or a NumPy array, not as {type(source).__name__}."
        )
    path = _local_path(source)
    try:
        if path.is_dir():
            raise ImageError(f"{path} is a folder: name a picture in it.")
        if not path.exists():
            raise _missing(path)
        if not path.is_file():
            raise ImageError(f"{path} is not a file: name a picture's file.")
        with path.open("rb") as stream:
            return _decode(stream, str(path), path)
    except OSError as error:
        raise _unreadable(path, error) from error


def image_files(folder: Path) -> tuple[Path, ...]:
    """List the pictures directly inside a folder, as their suffixes tell, img2 before img10."""
    folder = _local_path(folder)
    try:
        with os.scandir(folder) as entries:
            names = [
                entry.name
                for entry in entries
                if Path(entry.name).suffix.lower() in SUFFIXES
                and not entry.name.startswith(".")  # macOS leaves "._photo.jpg": no picture
                and entry.is_file()
            ]
    except FileNotFoundError as error:
        raise _missing(folder, "folder") from error
    except NotADirectoryError as error:
        raise ImageError(f"{folder} is a file: name the folder it is in.") from error
    except OSError as error:
        raise _unreadable(folder, error) from error
    if not names:
        raise ImageError(
            f"There are no pictures directly inside {folder}: name a folder that holds files"
            f" of the formats {FORMAT_NAMES}."
        )
    return tuple(folder / name for name in sorted(names, key=natural))


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return what names are sorted by, so that img2 comes before img10."""
    pieces = re.split(r"([0-9]+)", name.casefold())
    return [(int(p), "") if p.isdecimal() else (0, p) for p in pieces], name


# ------------------------------------------------------------------------------------------ paths


def _local_path(source: str | os.PathLike[str]) -> Path:
    text = os.fspath(source)
    if isinstance(source, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", text):
        scheme = text.partition(":")[0].lower()
        if scheme == "file":
            text = _file_url_path(text)
        elif scheme in ("http", "https", "ftp"):
            raise ImageError(f"{text} is a web address: save the picture first and open the file.")
        elif scheme == "data":
            raise ImageError("This is a data: address: save the picture first and open the file.")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise ImageError(f"{quoted(text)} is not a path: it has a broken character.") from error
    if "\0" in text:
        raise ImageError(f"{quoted(text)} is not a path: it has a zero character.")
    return expanded(text)


def _file_url_path(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ImageError(f"{url} is not a sound file address: give the file's path.") from error
    if parts.netloc.lower() in ("", "localhost"):
        return url2pathname(parts.path)
    if os.name == "nt":
        return url2pathname(f"//{parts.netloc}{parts.path}")
    raise ImageError(f"{url} is on another machine: copy the picture to this one first.")


def _missing(path: Path, kind: str = "file") -> ImageError:
    if not path.parent.is_dir():
        hint = f" The folder {path.parent} does not exist either: check the path."
    else:
        siblings: list[str] = []
        with suppress(OSError), os.scandir(path.parent) as entries:
            siblings = [entry.name for entry in islice(entries, 5000)]
        hint = did_you_mean(path.name, siblings) or " Check the name."
    return ImageError(f"There is no {kind} {path}.{hint}")


def _unreadable(path: Path, error: OSError) -> ImageError:
    if isinstance(error, PermissionError):
        return ImageError(
            f"{path} may not be read by you: change its permissions or ask its owner."
        )
    if error.errno == errno.ENAMETOOLONG:
        return ImageError("The path of this picture is longer than the system allows: check it.")
    reason = error.strerror or str(error)
    return ImageError(f"{path} cannot be read ({reason}): check the path and the disk.")


# --------------------------------------------------------------------------------------- decoding


def _decode(stream: IO[bytes], name: str, path: Path | None) -> ImageInput:
    with _quiet_pillow():
        image = _opened(stream, name)
        notes = [*_size_notes(image, name)]
        try:
            image.load()
        except Exception as error:
            raise _undecodable(image.format, name, error) from error
        try:
            pixels = _upright(_rgb(image, notes), image)
        except MemoryError as error:
            raise _undecodable(image.format, name, error) from error
        notes += _frame_notes(image)
    return ImageInput(_frozen(pixels), path, tuple(notes))


def _opened(stream: IO[bytes], name: str) -> ImageFile:
    """Return the lazily opened file, its header read and its pixels not yet."""
    head = stream.read(1024)
    if not head:
        raise ImageError(f"{name} is empty (0 bytes): copy or download it again.")
    Image.init()  # fills the registry, once
    for kind in (*FORMATS, *_heif_format(head, name)):
        factory, accepts = Image.OPEN[kind]
        # A string is a reason why this build of Pillow lacks the format.
        if accepts is None or accepts(head[:16]) is True:
            stream.seek(0)
            try:
                return factory(stream, "")
            except Exception as error:
                raise _undecodable(kind, name, error) from error
    if _is_text(head):
        raise ImageError(f"{name} holds text, not a picture: save the picture itself again.")
    raise ImageError(
        f"{name} is not in a format that can be read: convert it to PNG or JPEG."
        f" Known are {FORMAT_NAMES}."
    )


def _heif_format(head: bytes, name: str) -> tuple[str, ...]:
    """Return ("HEIF",) for a HEIC file where pillow-heif can read it, () for other files."""
    brands = head[8 : int.from_bytes(head[:4], "big")]
    if head[4:8] != b"ftyp" or any(brand in brands for brand in _AVIF_BRANDS):
        return ()
    if not any(brand in brands for brand in _HEIF_BRANDS):
        return ()
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except ImportError as error:
        raise ImageError(
            f"{name} is a HEIC picture: convert it to PNG or JPEG, or install pillow-heif."
        ) from error
    return ("HEIF",)


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # its end may cut a letter
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\t\r\n\f\ufeff" for letter in text)


def _undecodable(kind: str | None, name: str, error: Exception) -> ImageError:
    """Put into a sentence what a decoder raised: on damaged bytes that can be nearly any type."""
    if isinstance(error, ImageError):
        return error
    if isinstance(error, Image.DecompressionBombError):
        return ImageError(
            f"{name} is too large for the {kind} decoder: make it smaller or save it as PNG."
        )
    if isinstance(error, MemoryError):
        return ImageError(f"{name} does not fit into memory: make the picture smaller.")
    return ImageError(
        f"{name} cannot be decoded, its {kind} data is damaged, cut short or of a rare kind:"
        " get the file again, or save it as an 8-bit PNG."
    )


def _size_notes(image: Image.Image, name: str) -> Iterator[str]:
    width, height = image.size
    size = f"{width} x {height} pixels ({width * height / 1e6:.0f} megapixels)"
    if width * height > LARGEST_PIXELS:
        raise ImageError(
            f"{name} has {size}, more than the {LARGEST_PIXELS / 1e6:.0f} megapixels that can be"
            " opened: make it smaller or cut out a part."
        )
    if width * height > LARGE_PIXELS:
        yield f"The picture has {size}: networks see it scaled down, a smaller copy would do."


def _frame_notes(image: Image.Image) -> Iterator[str]:
    if image.format == "MPO":  # phones keep previews and depth maps so: not worth a word
        return
    try:
        several = bool(getattr(image, "is_animated", False))
    except Exception:  # the first frame is sound and a later one is not
        several = True
    if several and image.format == "TIFF":
        yield "The file has several pages: the first is used."
    elif several:
        yield "The picture is animated: its first frame is used."


class _QuietPillow:
    """Silence Pillow's warnings on odd metadata while any thread decodes.

    `catch_warnings` belongs to the process, not to the thread, so decodes that overlap share one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._caught = warnings.catch_warnings()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._caught.__exit__(None, None, None)


_quiet_pillow = _QuietPillow()


# ---------------------------------------------------------------------------------------- colours


def _rgb(image: ImageFile, notes: list[str]) -> Pixels:
    """Turn a loaded picture of any mode into uint8 (H, W, 3)."""
    if image.mode.startswith(("I", "F")):
        return np.repeat(_grey_levels(image, notes)[:, :, np.newaxis], 3, axis=2)
    profile = image.info.get("icc_profile")
    colour, alpha = _split_alpha(image)
    if colour.mode == "CMYK":
        notes.append("CMYK inks were converted to RGB.")
    if profile:
        colour = _to_srgb(colour, profile, notes)
    return np.asarray(_on_white(colour.convert("RGB"), alpha, notes))


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the picture as L, RGB or CMYK, and its alpha channel if it has one."""
    if image.has_transparency_data:
        whole = {"La": "LA", "RGBa": "RGBA"}.get(image.mode)  # premultiplied: divide first
        rgba = (image.convert(whole) if whole else image).convert("RGBA")
        return rgba.convert("RGB"), rgba.getchannel("A")
    if image.mode in ("L", "RGB", "CMYK"):
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _on_white(colour: Image.Image, alpha: Image.Image | None, notes: list[str]) -> Image.Image:
    if alpha is None or alpha.getextrema() == (255, 255):
        return colour
    notes.append("Transparent places were put on white.")
    page = Image.new("RGB", colour.size, "white")
    page.paste(colour, mask=alpha)
    return page


def _to_srgb(colour: Image.Image, profile: bytes, notes: list[str]) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        title = ImageCms.getProfileDescription(source).strip()
        if title.startswith("sRGB"):
            return colour
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(colour, source, target, outputMode="RGB")
    except Exception:  # damaged, for another mode, or Pillow built without LittleCMS
        return colour
    if converted is None:
        return colour
    notes.append(f"Colours were converted from the profile “{title}” to sRGB.")
    return converted


def _grey_levels(image: ImageFile, notes: list[str]) -> Pixels:
    """Reduce a 16-bit, 32-bit or float grey picture (modes I;16*, I, F) to uint8 (H, W)."""
    tags = getattr(image, "tag_v2", {})
    values: NDArray[Any] = np.asarray(image)
    if image.format == "PPM" and image.mode == "I":
        values = values.astype(np.uint16)  # Pillow has scaled it to 0..65535
    elif image.mode == "I" and tags.get(_BITS) == (32,) and tags.get(_SAMPLE_FORMAT) == (1,):
        values = values.view(np.uint32)  # Pillow's mode I is signed
    top = 4095 if tags.get(_BITS) == (12,) else 65535
    levels = _levels(values, notes, top)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow inverts up to 8 bits only
        levels = 255 - levels
    transparent = image.info.get("transparency")
    if isinstance(transparent, int) and (holes := values == transparent).any():
        notes.append("Transparent places were put on white.")
        levels = np.where(holes, np.uint8(255), levels)
    return levels


def _levels(values: NDArray[Any], notes: list[str], top: int = 65535) -> Pixels:
    """Map numbers of any type to 0..255: whole 16 bits by value, others 0..1 or lowest..highest."""
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind == "u" and values.itemsize == 2:
        notes.append(f"{top.bit_length()} bits per channel were reduced to 8.")
        table: Pixels = np.rint(np.minimum(np.arange(65536) / top, 1) * 255).astype(np.uint8)
        reduced: Pixels = table[values]
        return reduced
    finite = np.isfinite(values)
    if not finite.all():
        notes.append("Values that are not finite became black.")
    if not finite.any():
        return np.zeros(values.shape, np.uint8)
    low, high = float(values[finite].min()), float(values[finite].max())
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    notes.append(f"Values {low:g} to {high:g} were scaled to 0 to 255.")
    half = (high / 2 - low / 2) or 1.0  # halves: the whole span of float64 overflows
    shares = (np.where(finite, values, low).astype(np.float64) / 2 - low / 2) / half
    whole: Pixels = np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8)
    return whole


# ----------------------------------------------------------------------------------------- pixels


def _from_array(values: NDArray[Any]) -> ImageInput:
    shape = values.shape
    if len(shape) not in (2, 3) or 0 in shape or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
        first = len(shape) == 3 and shape[0] in (1, 3, 4)
        remedy = " Put channels last: array.transpose(1, 2, 0)." if first else ""
        raise ImageError(
            f"A picture's array is (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {shape}.{remedy}"
        )
    if values.dtype.kind not in "buif":
        raise ImageError(f"A picture's array holds numbers, not {values.dtype}: convert it first.")
    notes: list[str] = []
    tells_white = values.dtype.kind in "bu" and values.itemsize <= 2
    if not tells_white and values.min() >= 0 and 1 < values.max() <= 255:
        values = np.rint(values).astype(np.uint8)  # 8-bit values in a wider type
    levels = np.atleast_3d(_levels(values, notes))
    if levels.shape[2] == 4:
        colour, alpha = _split_alpha(Image.fromarray(np.ascontiguousarray(levels)))
        return ImageInput(_frozen(np.asarray(_on_white(colour, alpha, notes))), notes=tuple(notes))
    pixels = np.broadcast_to(levels, (*levels.shape[:2], 3))
    return ImageInput(_frozen(pixels.copy()), notes=tuple(notes))


def _upright(pixels: Pixels, image: ImageFile) -> Pixels:
    """Turn the pixels as EXIF says; a TIFF file is turned by Pillow on loading."""
    try:
        orientation = 1 if image.format == "TIFF" else image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged metadata is no reason to refuse sound pixels
        return pixels
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _frozen(pixels: Pixels) -> Pixels:
    pixels = np.ascontiguousarray(pixels)
    pixels.flags.writeable = False
    return pixels
