"""Measure how fast a run goes: steps per second of late."""

from __future__ import annotations

from collections import deque

_SPAN = 3.0  # seconds that the pace of late is measured over


class Pace:
    """The steps of a run by the seconds of work they took."""

    def __init__(self) -> None:
        self.done = 0
        self.total = 0
        self._late: deque[tuple[float, int]] = deque()

    def step(self, seconds: float, done: int, total: int) -> None:
        """Take down how many of how many steps are done after so many seconds of work."""
        if done < self.done:
            self._late.clear()
        self.done, self.total = done, total
        self._late.append((seconds, done))
        while len(self._late) > 2 and seconds - self._late[1][0] >= _SPAN:
            self._late.popleft()

    @property
    def rate(self) -> float:
        """Return the steps per second of late; 0 while that is not known."""
        if len(self._late) < 2:
            return 0.0
        (first, before), (last, done) = self._late[0], self._late[-1]
        return (done - before) / (last - first) if last > first else 0.0
