"""Read and write the zip archive of a session, trusting nothing that it says about itself.

Members are read into memory under the names that are expected and never extracted. What they may
hold is limited three times: by what the archive's directory says, by what its file can hold, and
by what is really read.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

_END = struct.Struct("<4s4H2LH")  # the record that ends an archive
_END_MARK, _ZIP64_MARK = b"PK\x05\x06", b"PK\x06\x07"
_ENCRYPTED = 0x1 | 0x20 | 0x40  # flags: encrypted, patch data, strong encryption
_CHUNK = 2**18


class UnsoundError(ValueError):
    """Say, as a clause, why data is not what a session holds."""


@dataclass(frozen=True)
class Limits:
    """How much a session may hold, in bytes; `ratio` is how far a member may be compressed.

    JSON has the least: lists of nothing grow twentyfold when they become objects.
    """

    members: int = 60_000  # below where a zip archive needs its 64-bit form, which is not read
    member: int = 1_250 * 2**20  # the largest picture that can be opened, as RGB
    total: int = 4 * 2**30  # members and decoded pictures together
    text: int = 8 * 2**20
    ratio: int = 50
    slack: int = 2**16  # up to here any ratio is harmless


class ArchiveReader:
    """Give the members of an archive by name, within the limits of all of them together."""

    def __init__(self, stream: IO[bytes], limits: Limits) -> None:
        self._limits = limits
        self._left = limits.total
        size = stream.seek(0, 2)
        _check_end(stream, size, limits)
        try:
            self._zip = zipfile.ZipFile(stream)
        except Exception as error:  # on damaged bytes that can be nearly any type
            raise UnsoundError("its table of contents is damaged") from error
        members = self._zip.infolist()
        self._members = {member.filename: member for member in members}
        if len(self._members) != len(members):
            raise UnsoundError("it holds two parts of one name")
        for member in members:
            _check_member(member, limits)
        if sum(member.file_size for member in members) > limits.total:
            raise UnsoundError("its parts together are too large")
        if sum(member.compress_size for member in members) > size:
            raise UnsoundError("its parts overlap")

    @property
    def names(self) -> frozenset[str]:
        """Return the names of all members."""
        return frozenset(self._members)

    def read(self, name: str, most: int | None = None) -> bytearray:
        """Return a member's bytes, `most` of them at the most."""
        member = self._members.get(name)
        if member is None:
            raise UnsoundError(f"its part {shown(name)} is missing")
        most = self._limits.member if most is None else most
        if member.file_size > most:
            raise UnsoundError(f"its part {shown(name)} is too large")
        data = bytearray()
        try:
            with self._zip.open(member) as stream:
                while chunk := stream.read(_CHUNK):
                    self.spend(len(chunk))
                    data += chunk
                    if len(data) > most:
                        raise UnsoundError(f"its part {shown(name)} is too large")
        except UnsoundError:
            raise
        except Exception as error:  # as above
            raise UnsoundError(f"its part {shown(name)} is damaged") from error
        if len(data) != member.file_size:
            raise UnsoundError(f"its part {shown(name)} is cut short")
        return data

    def spend(self, size: int) -> None:
        """Count bytes that are about to be held; raise `UnsoundError` where they are too many."""
        self._left -= size
        if size > self._limits.member:
            raise UnsoundError("one of its parts is too large")
        if self._left < 0:
            raise UnsoundError("its parts together are too large")


class ArchiveWriter:
    """Add members to an archive in the order given; equal members give equal bytes."""

    def __init__(self, archive: zipfile.ZipFile, limits: Limits) -> None:
        self._zip = archive
        self._limits = limits

    @contextmanager
    def member(self, name: str) -> Iterator[IO[bytes]]:
        """Open a member to be written as it is: pictures are small and arrays fast that way."""
        with self._zip.open(_information(name), "w") as stream:
            yield stream

    def text(self, name: str, text: str) -> None:
        """Add a text, compressed unless that would look like a bomb."""
        data = text.encode("ascii")
        information = _information(name)
        if len(data) <= self._limits.slack + self._limits.ratio * len(zlib.compress(data)) // 2:
            information.compress_type = zipfile.ZIP_DEFLATED
        self._zip.writestr(information, data)


@contextmanager
def written_archive(stream: IO[bytes], limits: Limits) -> Iterator[ArchiveWriter]:
    """Write an archive into a stream; raise `zipfile.LargeZipFile` where it cannot hold it all."""
    with zipfile.ZipFile(stream, "w", allowZip64=False) as archive:
        yield ArchiveWriter(archive, limits)


def shown(text: object) -> str:
    """Return something out of a file as a sentence may show it: short and on one line."""
    line = repr(text)[:60]
    return f"“{line.strip(chr(39))}”"


def _information(name: str) -> zipfile.ZipInfo:
    information = zipfile.ZipInfo(name)  # dated 1980, as it stands: time must not change the bytes
    information.create_system = 3  # nor the operating system
    information.external_attr = 0o644 << 16
    return information


def _check_end(stream: IO[bytes], size: int, limits: Limits) -> None:
    """Refuse an archive whose table of contents alone would fill the memory.

    The standard library reads all of the table before it says how long it is.
    """
    stream.seek(0)
    if stream.read(4) not in (b"PK\x03\x04", _END_MARK):
        raise UnsoundError("it is not one")
    stream.seek(max(0, size - _END.size - 20))
    tail = stream.read()
    if len(tail) < _END.size:
        raise UnsoundError("it is cut short")
    mark, _, _, _, count, table, _, comment = _END.unpack(tail[-_END.size :])
    # A comment could hide a second end, which other readers take for the first.
    if mark != _END_MARK or comment:
        raise UnsoundError("it is cut short")
    if count > limits.members or table > limits.members * 256:
        raise UnsoundError("it has too many parts")
    if tail.startswith(_ZIP64_MARK):
        raise UnsoundError("it is larger than sessions are")


def _check_member(member: zipfile.ZipInfo, limits: Limits) -> None:
    name = shown(member.filename)
    if member.flag_bits & _ENCRYPTED:
        raise UnsoundError(f"its part {name} is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnsoundError(f"its part {name} is compressed in an unknown way")
    if member.file_size > limits.member:
        raise UnsoundError(f"its part {name} is too large")
    if member.file_size > limits.slack + limits.ratio * member.compress_size:
        raise UnsoundError(f"its part {name} would grow too much")
