"""Download weights into torch.hub's own cache: with progress, cancel, resume and a hash check.

The bytes gather in `<target>.partial`; `<target>.partial.json` keeps what the server called them,
so that a later run can go on where this one stopped, and is at the same time the lock that keeps
two programs from writing at once.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import ipaddress
import json
import os
import re
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from cnnviz_desktop.engine.caches import checkpoints_folder
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.errors import ModelError

TIMEOUT = 30.0  # seconds without an answer or a byte
CHUNK = 1 << 16
ATTEMPTS = 5  # connections, as long as each brings something
REPORT_EVERY = 0.05  # seconds
LOCK_BYTE = 1 << 30  # Windows locks bytes against reading too: one far behind the text
USER_AGENT = "cnnviz-desktop (https://pypi.org/project/cnnviz-desktop)"


def hub_file(url: str) -> Path:
    """Return where torch.hub keeps the file of that address, whether or not it is there."""
    return checkpoints_folder() / _file_name(url)


def hash_prefix(url: str) -> str | None:
    """Read the start of the SHA-256 from a name such as vgg16-397923af.pth; None without one."""
    # torch.hub's rule, which also takes a dash and one digit for a hash: eight are the least here.
    found = re.search(r"-([a-f0-9]{8,})\.", _file_name(url))
    return found.group(1) if found else None


def download(url: str, target: Path, *, sha256_prefix: str | None, run: Run = SILENT) -> Path:
    """Bring a file to this machine unless it is there, and return its path.

    Reports bytes; a total that the server does not tell is reported as the bytes so far. Cancelling
    keeps the part that came, and the next call goes on from there. Raises `ModelError`.
    """
    if target.is_file():
        return target
    _check_address(url)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _Download(url, target, sha256_prefix, run).complete()
    except HTTPError as error:
        error.close()
        raise _refused(error, url, target) from error
    except URLError as error:
        raise _unreachable(error, url, target) from error
    except OSError as error:  # of the network only URLError comes so far
        raise _unwritable(error, target) from error
    return target


class _Stale(Exception):
    """The part on the disk is not of the file that the server has now."""


@dataclass
class _State:
    """What the part on the disk belongs to: kept beside it."""

    url: str = ""
    validator: str = ""  # a strong ETag or a date: the server's word for this version of the file
    total: int | None = None

    @classmethod
    def read(cls, file: IO[bytes]) -> _State:
        file.seek(0)
        try:
            state = cls(**json.loads(file.read()))
        except (ValueError, TypeError):  # empty, as a new one is, or damaged
            return cls()
        return state if isinstance(state.total, int) else cls()

    def write(self, file: IO[bytes]) -> None:
        file.seek(0)
        file.truncate()
        file.write(json.dumps(asdict(self)).encode())
        file.flush()


@dataclass
class _Download:
    url: str
    target: Path
    sha256_prefix: str | None
    run: Run
    started: float = field(default_factory=time.perf_counter)
    reported: float = 0.0
    resumed: int = 0  # bytes that an earlier run brought

    @property
    def partial(self) -> Path:
        return self.target.with_name(self.target.name + ".partial")

    def complete(self) -> None:
        with self._claimed() as notes:
            if self.target.is_file():  # another program brought it while this one waited
                return
            self._fetch(notes)
            self._verify()
            self.partial.replace(self.target)

    # ------------------------------------------------------------------------------------- lock

    @contextmanager
    def _claimed(self) -> Iterator[IO[bytes]]:
        """Hold the notes beside the part, locked; wait for another program that holds them."""
        path = self.partial.with_name(self.partial.name + ".json")
        file = self._locked(path)
        try:
            yield file
        finally:
            over = not self.partial.exists()  # nothing to go on from
            if over and sys.platform != "win32":  # under the lock, or another's would be deleted
                path.unlink(missing_ok=True)
            file.close()
            if over and sys.platform == "win32":  # refused while open, by another program too
                with suppress(OSError):
                    path.unlink()

    def _locked(self, path: Path) -> IO[bytes]:
        while True:
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o666), "r+b")
            try:
                if _lock(file) and _is_at(file, path):
                    return file
                name = self.target.name
                self._report(f"Waiting for another program to download {name}", 0, None)
                time.sleep(0.1)
            except BaseException:
                file.close()
                raise
            file.close()

    # ------------------------------------------------------------------------------------ bytes

    def _fetch(self, notes: IO[bytes]) -> None:
        """Bring the partial file to its full length, with a new connection where one breaks."""
        best = -1
        for _ in range(ATTEMPTS):
            try:
                whole = self._connect(notes, self._size())
            except _Stale:
                self.partial.unlink()
                whole = self._connect(notes, 0)
            if whole:
                return
            if self._size() <= best:
                break
            best = self._size()
        total = _State.read(notes).total
        raise ModelError(
            f"The connection to {_host(self.url)} broke off at {_megabytes(self._size())}"
            f" of {_megabytes(total)}: start again, and the download goes on from there."
        )

    def _size(self) -> int:
        return self.partial.stat().st_size if self.partial.exists() else 0

    def _connect(self, notes: IO[bytes], size: int) -> bool:
        """Add to the partial file what one connection brings; tell whether it is whole now."""
        state = _State.read(notes)
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        if size:
            known = state.url == self.url and state.total is not None and size <= state.total
            if not known or not (state.validator or self.sha256_prefix):
                raise _Stale
            if size == state.total:
                return True
            headers["Range"] = f"bytes={size}-"
            if state.validator:
                headers["If-Range"] = state.validator
        self._report(self._label, size, state.total)
        with self._opened(Request(self.url, headers=headers), size) as response:
            if size and response.status == http.client.PARTIAL_CONTENT:
                expected = f"bytes {size}-{(state.total or 0) - 1}/{state.total}"
                if response.headers.get("Content-Range") != expected:
                    raise _Stale
            else:
                size = 0
                state = _State(self.url, _validator(response.headers), _length(response.headers))
                state.write(notes)
            self.resumed = size
            return self._receive(response, size, state.total)

    def _opened(self, request: Request, size: int) -> Any:
        try:
            return _opener(self.url).open(request, timeout=TIMEOUT)
        except HTTPError as error:
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and size:
                error.close()
                raise _Stale from error
            raise
        except URLError:
            raise
        except (OSError, http.client.HTTPException) as error:  # while it waited for the answer
            raise URLError(error) from error

    def _receive(self, response: Any, done: int, total: int | None) -> bool:
        with self.partial.open("ab" if done else "wb") as file:
            while True:
                try:
                    # read1 returns what has come: a slow line does not hold up a cancel.
                    chunk = response.read1(CHUNK)
                except (OSError, http.client.HTTPException):
                    return False
                if not chunk:
                    break
                file.write(chunk)
                done += len(chunk)
                self._report(self._label, done, total)
            file.flush()
            os.fsync(file.fileno())
        return total is None or done == total

    # ---------------------------------------------------------------------------- report, verify

    @property
    def _label(self) -> str:
        return f"Downloading {self.target.name}"

    def _report(self, label: str, done: int, total: int | None) -> None:
        now = time.perf_counter()
        self.run.pause()
        if now - self.reported < REPORT_EVERY and done != total:
            return
        self.reported = now
        elapsed = now - self.started
        if done > self.resumed:
            # As if all had come at this pace: the estimate of what remains divides by all of it.
            elapsed *= done / (done - self.resumed)
        self.run.report(label, done, max(total or done, 1), elapsed)

    def _verify(self) -> None:
        if self.sha256_prefix is None:
            return
        with self.partial.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not digest.startswith(self.sha256_prefix):
            self.partial.unlink()
            raise ModelError(
                f"What {_host(self.url)} sent as {self.target.name} is damaged or another file: its"
                f" SHA-256 begins with {digest[: len(self.sha256_prefix)]}. It was deleted: try"
                " again, or on another network if a proxy changes it."
            )


# ------------------------------------------------------------------------------------------ lock

_BINARY = getattr(os, "O_BINARY", 0)  # Windows


def _lock(file: IO[bytes]) -> bool:
    """Take the lock that ends with the process, however it ends; False where another has it."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(LOCK_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
    else:
        import fcntl

        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Some network file systems know no locks: better none than no weights.
            return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Tell whether the locked file still has its name: its last holder may have deleted it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


# -------------------------------------------------------------------------------------- addresses


def _file_name(url: str) -> str:
    return PurePosixPath(urlsplit(url).path).name


def _host(url: str) -> str:
    return urlsplit(url).hostname or "this machine"


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "file" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _check_address(url: str) -> None:
    try:
        sound = urlsplit(url).scheme == "https" or (
            urlsplit(url).scheme in ("http", "file") and _is_local(url)
        )
    except ValueError:
        sound = False
    if not sound:
        raise ModelError(f"Weights are not fetched from {url}: use an address with https://.")


class _CheckedRedirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        _check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(url: str) -> OpenerDirector:
    if _is_local(url):
        return build_opener(_CheckedRedirects, ProxyHandler({}))
    return build_opener(_CheckedRedirects)


def _validator(headers: Any) -> str:
    etag = str(headers.get("ETag") or "")
    if etag and not etag.startswith("W/"):  # a weak one does not promise equal bytes
        return etag
    return str(headers.get("Last-Modified") or "")


def _length(headers: Any) -> int | None:
    text = str(headers.get("Content-Length") or "")
    return int(text) if text.isdecimal() else None


def _megabytes(count: int | None) -> str:
    return "an unknown size" if count is None else f"{count / 1e6:.1f} MB"


# -------------------------------------------------------------------------------------- sentences


def _no_weights(cause: str, remedy: str, url: str, target: Path) -> ModelError:
    # Hugging Face calls every file alike: its own name is the one it gets here.
    stem = target.stem if _is_of_timm(target) else PurePosixPath(_file_name(url)).stem
    name = re.sub(r"-[a-f0-9]{8,}$", "", stem)
    return ModelError(
        f"The weights of {name} are not on this machine and {_host(url)} {cause}. {remedy}, or"
        f" put {url} at {target}, or choose a file of weights or random ones"
        " (--weights FILE, --weights none)."
    )


def _is_of_timm(target: Path) -> bool:
    return target.suffix == ".safetensors"


def _refused(error: HTTPError, url: str, target: Path) -> ModelError:
    cause = f"answers {error.code} ({error.reason})"
    match error.code:
        case 404 | 410:
            library = "timm" if _is_of_timm(target) else "torchvision"
            return _no_weights(f"does not have them: it {cause}", f"Update {library}", url, target)
        case 401 | 403 | 407 | 451:
            return _no_weights(cause, "Try another network or ask who runs yours", url, target)
        case _:
            return _no_weights(cause, "Try again later", url, target)


def _unreachable(error: URLError, url: str, target: Path) -> ModelError:
    reason = error.reason
    if isinstance(reason, ssl.SSLError):
        cause, remedy = "cannot be trusted: its certificate fails", "Check this machine's clock"
    elif isinstance(reason, TimeoutError):
        cause, remedy = "does not answer", "Try again later"
    else:
        known: dict[object, str] = {
            ConnectionRefusedError: "it refuses the connection",
            socket.gaierror: "its name is not found",
        }
        detail = known.get(type(reason)) or getattr(reason, "strerror", None) or reason
        cause, remedy = f"cannot be reached ({detail})", "Connect to the internet"
    return _no_weights(cause, remedy, url, target)


def _unwritable(error: OSError, target: Path) -> ModelError:
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return ModelError(
            f"The disk is full: make room in {target.parent}, or set TORCH_HOME to a folder on"
            " another disk. The download goes on from where it stopped."
        )
    return ModelError(
        f"{target.parent} cannot be written to ({error.strerror or error}): set TORCH_HOME to a"
        " folder of your own, or choose a file of weights (--weights FILE)."
    )
