"""Keep a window's session safe from crashes, and find those that a crash left behind."""

from __future__ import annotations

import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from cnnviz_desktop.errors import SessionError
from cnnviz_desktop.sessions import SUFFIX, SessionState, read_session, write_session

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class Autosave:
    """One window's safety copy in a folder that all windows share.

    Each copy has a lock file beside it. The system holds the lock for as long as the process lives
    and lets go of it however that ends, so a copy whose lock is free was left behind by a crash.
    The methods may run on any thread, one at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self._lock: IO[bytes] | None = None

    def write(self, state: SessionState) -> None:
        """Write the safety copy in place of the last one; raise `SessionError` where it fails."""
        if self._path is None:
            self._begin()
        assert self._path is not None
        write_session(self._path, state)

    def recover(self) -> SessionState | None:
        """Return the newest session that a crash left behind, or None.

        It becomes this window's own copy: no other window finds it, and if this one crashes too it
        is found again. Copies that cannot be read stay where they are.
        """
        for path in sorted(self._folder.glob(f"*{SUFFIX}"), key=_modified, reverse=True):
            if path == self._path:
                continue
            lock = _locked(path.with_suffix(".lock"))
            if lock is None:
                continue
            try:
                state = read_session(path)
            except SessionError:
                _release(lock)
                continue
            self.clear()
            self._path, self._lock = path, lock
            return state
        return None

    def clear(self) -> None:
        """Remove the safety copy: the window closed well, or the person does not want it."""
        if self._path is None or self._lock is None:
            return
        with suppress(OSError):
            self._path.unlink()
        _release(self._lock)
        self._path = self._lock = None

    def leave(self) -> None:
        """Let go of the safety copy but keep it, so that the next start finds it."""
        if self._lock is not None:
            _release(self._lock)
        self._path = self._lock = None

    def _begin(self) -> None:
        path = self._folder / f"{secrets.token_hex(8)}{SUFFIX}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise SessionError(
                f"Safety copies cannot be kept in {self._folder} ({reason}): save the session."
            ) from error
        self._lock = _locked(path.with_suffix(".lock"))
        if self._lock is None:
            raise SessionError(
                f"Safety copies cannot be kept in {self._folder}: save the session yourself."
            )
        self._path = path


def _locked(path: Path) -> IO[bytes] | None:
    """Return the open lock file, or None where another window holds it."""
    try:
        lock = path.open("ab")
    except OSError:
        return None
    try:
        if sys.platform == "win32":
            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def _release(lock: IO[bytes]) -> None:
    lock.close()  # and so unlocked; on Windows an open file cannot be removed
    with suppress(OSError):
        Path(lock.name).unlink()


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # its window closed in between
        return 0.0
