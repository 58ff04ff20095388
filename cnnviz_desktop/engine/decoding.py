"""Decode pictures in a few threads while the network looks at those before them.

No more than a few pictures are held at once, however many there are.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.errors import CnnvizError

Key = TypeVar("Key")
Made = TypeVar("Made")

WORKERS = max(1, min(4, (os.cpu_count() or 1) - 1))
AHEAD = 8  # pictures decoded before they are asked for, besides those being decoded


@dataclass(frozen=True)
class Decoded(Generic[Key, Made]):
    """What was made of one picture; None with a sentence where it cannot be read."""

    key: Key
    made: Made | None
    problem: str = ""


def decoded(
    keys: Iterable[Key],
    read: Callable[[Key], ImageInput],
    make: Callable[[Key, ImageInput], Made],
    ahead: int = AHEAD,
) -> Generator[Decoded[Key, Made]]:
    """Yield in order what `make` makes of each picture; close the iterator to end early."""

    def work(key: Key) -> Decoded[Key, Made]:
        try:
            return Decoded(key, make(key, read(key)))
        except CnnvizError as error:
            return Decoded(key, None, str(error))
        except (OSError, ValueError, MemoryError) as error:  # of a decoder, on damaged bytes
            return Decoded(key, None, f"{key} cannot be read ({error}): get the file again.")

    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="decoding")
    waiting: deque[Future[Decoded[Key, Made]]] = deque()
    try:
        for key in keys:
            waiting.append(pool.submit(work, key))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
