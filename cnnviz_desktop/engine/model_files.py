"""Recognise what a file holds by its content, never by its ending, and run nothing of it."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import struct
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from cnnviz_desktop.engine.pickles import foreign, names_in
from cnnviz_desktop.errors import ModelError, quoted

Kind = Literal["safetensors", "checkpoint", "pickle", "exported", "script", "onnx", "python"]

LARGEST_HEADER = 100_000_000  # bytes, the limit of safetensors' own readers
LARGEST_RATIO = 10  # a zip may hold so many times its own size: weights hardly compress at all
LEAST_LIMIT = 2**26  # below this nothing is a bomb
LARGEST_SOURCE = 2**22
EXPRESSIONS = "the expressions in its graph"

SCRIPT = (
    "{} is a TorchScript program: its layers cannot be hooked, so neither their maps nor their "
    "gradients can be shown. Export the network it was made from with "
    'torch.export.save(torch.export.export(model.eval(), (example,)), "model.pt2"), or save its '
    'weights with torch.save(model.state_dict(), "model.pth").'
)
NEEDED = (
    "A network or its weights are needed: a state dict or checkpoint, safetensors, .pt2, ONNX, or "
    "a Python file that makes the network."
)


_ENDINGS = (".pth", ".pt", ".pt2", ".onnx", ".safetensors", ".py", ".ckpt", ".bin", ".tar", ".pkl")


@dataclass(frozen=True)
class ModelFile:
    """A file and what it holds.

    `runs` names what opening it would run beyond the reading of numbers; "pickle" and "exported"
    need a person's trust, "checkpoint" only where `runs` names something and no weights are found
    without it.
    """

    path: Path
    kind: Kind
    runs: tuple[str, ...] = ()
    legacy: bool = False  # a checkpoint as PyTorch wrote it before 1.6: no zip


def written_as_path(name: str) -> bool:
    """Tell whether a model's name is clearly that of a file, be there one or not."""
    separators = [item for item in (os.sep, os.altsep, "/") if item]
    return name.lower().endswith(_ENDINGS) or any(item in name for item in separators)


def recognise(path: Path) -> ModelFile:
    """Return what the file holds; raise `ModelError` for what holds no network and no weights."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ModelError(f"{path} is a folder. Choose a file in it.")
        if not stat.S_ISREG(status.st_mode):  # reading a pipe could wait for ever
            raise ModelError(f"{path} is no file on a disk. Choose one.")
        with path.open("rb") as file:
            head = file.read(512)
            if not head:
                raise ModelError(f"{path.name} is empty (0 bytes). Copy or download it again.")
            return _recognised(path, file, head, status.st_size)
    except FileNotFoundError:
        raise ModelError(f"There is no file {path}. Check the path.") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # a path with a NUL in it
        raise ModelError(f"{quoted(str(path))} is no path of a file.") from error


def _recognised(path: Path, file: IO[bytes], head: bytes, size: int) -> ModelFile:
    if head.startswith(b"PK\x03\x04"):
        return _zip(path, file, size)
    if _is_safetensors(head, size):
        return ModelFile(path, "safetensors")
    if head[:2] in _PICKLES:
        return _pickled(path, file)
    if head[257:262] == b"ustar":
        return _tar(path, file)
    for magic, what in _OTHERS:
        if head.startswith(magic):
            raise ModelError(f"{path.name} is {what}. {NEEDED}")
    if _is_onnx(file, size):
        return ModelFile(path, "onnx")
    if b"\0" not in head:
        return _text(path, file, size)
    raise _unknown(path)


def _unknown(path: Path) -> ModelError:
    return ModelError(
        f"{path.name} is no file of a network or of weights, or it is cut off. {NEEDED}"
    )


_OTHERS = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes it: export the network as ONNX"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"RIFF", "a picture or a sound"),
    (b"BM", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "compressed with xz: unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"),
    (b"GGUF", "a GGUF file of a language model"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"version https://git-lfs", "a pointer of Git LFS to the real file: run “git lfs pull”"),
)


# ------------------------------------------------------------------------------------------ zip


def _zip(path: Path, file: IO[bytes], size: int) -> ModelFile:
    try:
        with zipfile.ZipFile(file) as archive:
            members = [item for item in archive.infolist() if not item.is_dir()]
            _check_members(path, members, size)
            return _zip_kind(path, archive, members)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError) as error:
        # A ValueError is an offset before the file's start; a RuntimeError a password.
        raise ModelError(
            f"{path.name} is a damaged or cut-off archive. Copy or download it again."
        ) from error


def _check_members(path: Path, members: list[zipfile.ZipInfo], size: int) -> None:
    seen = set()
    for item in members:
        name = item.orig_filename
        parts = re.split(r"[/\\]", name)
        if ".." in parts or parts[0] in ("", "~") or ":" in parts[0] or "\0" in name:
            raise ModelError(
                f"{path.name} holds a member whose name leads out of it ({quoted(name)}): it is "
                "not opened. Get the file from another place."
            )
        if name.lower() in seen:  # two readers could take different ones
            raise ModelError(
                f"{path.name} holds two members called {name}: it is not opened. Save it again."
            )
        seen.add(name.lower())
    total = sum(item.file_size for item in members)
    if total > max(LEAST_LIMIT, LARGEST_RATIO * size):
        raise ModelError(
            f"{path.name} has {size / 1e6:.1f} MB and would unpack to {total / 1e6:,.0f} MB: it is "
            "not opened. Get the file from another place."
        )


def _zip_kind(path: Path, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> ModelFile:
    names = {item.filename for item in members}
    # torch.save and torch.export put everything into one folder named after the file.
    inner = {name.partition("/")[2]: name for name in names}
    if "archive_format" in inner or "serialized_exported_program.json" in names:
        pickles = [name for name in sorted(names) if _may_hold_pickle(name)]
        runs = [EXPRESSIONS]
        for name in pickles:
            runs += foreign(_zipped_names(archive, name))
        return ModelFile(path, "exported", tuple(dict.fromkeys(runs)))
    if "constants.pkl" in inner or any(name.startswith("code/") for name in inner):
        return ModelFile(path, "script")
    if "data.pkl" in inner:
        data = _member(archive, inner["data.pkl"])
        return ModelFile(path, "checkpoint", foreign(names_in(io.BytesIO(data))))
    what = next(
        (what for name, what in _ARCHIVES if name in names or name in inner), "an archive of files"
    )
    raise ModelError(f"{path.name} is {what}. {NEEDED}")


_ARCHIVES = (
    ("model.weights.h5", "a Keras file: export the network as ONNX"),
    ("session.json", "a CNNviz session: open it as one"),
    ("[Content_Types].xml", "a document of an office program"),
)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read a member without looking at its checksum, which torch.save may be told to leave out."""
    item = archive.getinfo(name)
    file = archive.fp
    if item.compress_type != zipfile.ZIP_STORED or file is None:
        return archive.read(name)
    file.seek(item.header_offset + 26)
    lengths = file.read(4)
    file.seek(sum(struct.unpack("<HH", lengths)) if len(lengths) == 4 else 0, io.SEEK_CUR)
    return file.read(item.file_size)


def _may_hold_pickle(name: str) -> bool:
    parts = PurePosixPath(name)
    return parts.suffix in (".pt", ".pkl") or "custom_obj" in parts.name


def _zipped_names(archive: zipfile.ZipFile, name: str) -> tuple[str, ...]:
    """List what the pickle in a member calls: a plain one or one that torch.save wrote."""
    data = _member(archive, name)
    if not data.startswith(b"PK\x03\x04"):
        return names_in(io.BytesIO(data))
    with zipfile.ZipFile(io.BytesIO(data)) as inside:
        found = [item for item in inside.namelist() if item.endswith("data.pkl")]
        return tuple(word for item in found for word in names_in(io.BytesIO(inside.read(item))))


# -------------------------------------------------------------------------------------- pickles

_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_LEGACY_MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")


def _pickled(path: Path, file: IO[bytes]) -> ModelFile:
    file.seek(0)
    if _LEGACY_MAGIC not in file.read(32):
        file.seek(0)
        names = foreign(names_in(file))
        if not names:  # a network or an array would need some
            raise _unknown(path)
        return ModelFile(path, "pickle", names)
    file.seek(0)
    names = ()
    for _ in range(4):  # magic number, protocol, what the writing system was like, the object
        names = (*names, *names_in(file))
    return ModelFile(path, "checkpoint", foreign(names), legacy=True)


def _tar(path: Path, file: IO[bytes]) -> ModelFile:
    file.seek(0)
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            names = {item.name for item, _ in zip(archive, range(16), strict=False)}
            if names >= {"storages", "tensors", "pickle"}:
                member = archive.extractfile("pickle")
                runs = foreign(names_in(member)) if member else ()
                return ModelFile(path, "pickle", runs or ("pickle.load",), legacy=True)
    except (tarfile.TarError, KeyError, ValueError, EOFError):
        pass
    raise ModelError(f"{path.name} is a tar archive of files: unpack it first. {NEEDED}")


# -------------------------------------------------------------------------------- other formats


def _is_safetensors(head: bytes, size: int) -> bool:
    if len(head) < 9 or head[8:9] != b"{":
        return False
    length = int.from_bytes(head[:8], "little")
    # A file that is cut off within its header is one as well: its reader says so.
    return 2 <= length <= LARGEST_HEADER and (length + 8 <= size or head[8:10] == b'{"')


_MODEL_PROTO = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}


def _is_onnx(file: IO[bytes], size: int) -> bool:
    """Walk over the outermost fields of what may be a ModelProto: does one of them hold a graph?"""
    file.seek(0)
    found: set[int] = set()
    for _ in range(100_000):
        position = file.tell()
        if position == size:
            break
        key = _varint(file)
        if key is None or _MODEL_PROTO.get(key >> 3) != key & 7:
            return False
        value = _varint(file)
        if value is None:
            return False
        if key & 7 == 2:
            if value > size - file.tell():
                return False
            file.seek(value, io.SEEK_CUR)
        found.add(key >> 3)
    return 7 in found and (1 in found or 8 in found)


def _varint(file: IO[bytes]) -> int | None:
    value = 0
    for place in range(10):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << 7 * place
        if byte[0] < 0x80:
            return value
    return None


def _text(path: Path, file: IO[bytes], size: int) -> ModelFile:
    file.seek(0)
    try:
        text = file.read(LARGEST_SOURCE).decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    what = ""
    start = text.lstrip()[:1]
    if text and size <= LARGEST_SOURCE:
        if start == "<":
            what = "a web page or another text: perhaps the download failed"
        elif start in ("{", "[") and _is_json(text):
            what = "a JSON text"
        elif path.suffix == ".py" or re.search(r"^\s*(def|class|import|from) \w+", text, re.M):
            return ModelFile(path, "python")
        elif text.isprintable() or "\n" in text:
            what = "a text"
    raise ModelError(f"{path.name} is {what}. {NEEDED}") if what else _unknown(path)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
