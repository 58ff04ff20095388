"""Keep records inside exported files and find them again.

The JSON goes in as ASCII (other letters as JSON's own escapes), so that no format's text encoding
can spoil it. Reading trusts nothing: it looks only where this program writes, at a bounded number
of bytes, and parses neither XML nor pickles.
"""

from __future__ import annotations

import html
import json
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from cnnviz_desktop.data import Record

PNG_KEY = "cnnviz_record"
NPZ_KEY = "record"
_MOST = 4 << 20  # bytes, of a record and of the part of a file that is searched for it
_MOST_PARTS = 1000  # chunks of a PNG, members of an archive
_NPY = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '<U(\d{1,7})', 'fortran_order': False, 'shape': \(\), \} *\n",
    re.DOTALL,
)
_SVG = re.compile(rb"<dc:description>([^<]*)</dc:description>")
_PDF = re.compile(rb"/Subject \(((?:[^()\\]|\\.)*)\)", re.DOTALL)


def to_ascii(record: Record) -> str:
    """Return the record's JSON with every other letter as a JSON escape."""
    text = record.to_json()
    if text.isascii():
        return text
    return "".join(c if c.isascii() else json.dumps(c)[1:-1] for c in text)


def beside(path: Path, record: Record | None) -> dict[Path, bytes]:
    """Return the JSON file that goes beside an exported file."""
    if record is None:
        return {}
    # A file name's undecodable bytes arrive as lone surrogates; JSON has escapes for those.
    text = record.to_json().encode("utf-8", "backslashreplace")
    return {path.with_name(f"{path.name}.json"): text + b"\n"}


def read_record(path: Path | str) -> Record:
    """Read the record out of an exported PNG, SVG, PDF or NPZ, or out of its JSON file.

    Raise ValueError, with a sentence to show, where there is none to be read.
    """
    path = Path(path)
    nothing = f"{path.name} holds no CNNviz record that can be read."
    try:
        if not path.is_file():
            raise ValueError(f"There is no file {path}.")
        with path.open("rb") as file:
            text = _find(file)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror or error}).") from error
    try:
        if text is None:
            raise ValueError(nothing)
        return Record.from_json(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(nothing) from error


def _find(file: BinaryIO) -> bytes | None:
    """Return the JSON text in a file by the kind that its first bytes tell."""
    start = file.read(8)
    file.seek(0)
    if start == b"\x89PNG\r\n\x1a\n":
        return _find_in_png(file)
    if start.startswith(b"PK"):
        return _find_in_archive(file)
    if start.startswith(b"%PDF"):
        return _find_in_pdf(file)
    if start.startswith(b"<"):
        found = _SVG.search(file.read(_MOST))
        return html.unescape(found[1].decode("utf-8", "replace")).encode() if found else None
    text = file.read(_MOST + 1)
    return text if len(text) <= _MOST else None


def _find_in_png(file: BinaryIO) -> bytes | None:
    """Look through the chunks before the pixels, where this program writes its text."""
    key = PNG_KEY.encode() + b"\0"
    file.seek(8)
    for _ in range(_MOST_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return None
        length, kind = struct.unpack(">I4s", head)
        if kind in (b"IDAT", b"IEND"):
            return None
        if kind == b"tEXt" and length <= _MOST:
            text = file.read(length)
            if text.startswith(key):
                return text[len(key) :]
            file.seek(4, 1)  # the checksum
        else:
            file.seek(length + 4, 1)
    return None


def _find_in_pdf(file: BinaryIO) -> bytes | None:
    """Look at the end of the file, where matplotlib writes the document's information."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _MOST))
    found = _PDF.search(file.read(_MOST))
    if found is None:
        return None
    plain = {b"n": b"\n", b"r": b"\r"}
    return re.sub(rb"\\(.)", lambda m: plain.get(m[1], m[1]), found[1], flags=re.DOTALL)


def _find_in_archive(file: BinaryIO) -> bytes | None:
    """Read the one member of an NPZ that holds the record, and no more of it than is allowed."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 22))
    end = file.read(22)  # the archive's closing record: how many members to expect
    if len(end) < 22 or end[:4] != b"PK\x05\x06":
        return None
    if struct.unpack("<H", end[10:12])[0] > _MOST_PARTS:
        return None
    try:
        with (
            zipfile.ZipFile(file) as archive,
            archive.open(f"{NPZ_KEY}.npy") as member,
        ):
            content = member.read(4 * _MOST)
    except _ARCHIVE_ERRORS:
        return None
    header = _NPY.match(content)
    if header is None:
        return None
    text = content[header.end() : header.end() + 4 * int(header[1])]
    return text.decode("utf-32-le", "replace").encode()


_ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,  # no such member
    EOFError,
    OSError,
    RuntimeError,  # encrypted
    NotImplementedError,  # an unknown way of packing
    ValueError,
    struct.error,
)
