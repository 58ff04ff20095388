"""Write a file whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a stream whose content takes the place of `path` once the block has ended well.

    The old file stays until then. Raises `OSError` like `open`.
    """
    target = path.resolve()  # a link stays one: what it points to is replaced
    # In the same folder, since only within one disk is a file replaced in one step; opened plainly,
    # so that it gets the person's usual permissions.
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
