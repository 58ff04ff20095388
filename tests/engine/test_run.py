"""Progress is that of the whole work, and time that is spent waiting is not counted as work."""

from __future__ import annotations

from cnnviz_desktop.engine import run as runs
from cnnviz_desktop.engine.run import Part, Progress, Run


def test_a_part_leaves_out_the_time_for_which_the_whole_was_held(monkeypatch):
    seen: list[Progress] = []
    now = [100.0]

    class Held(Run):
        """Held once for a minute, at the first pause."""

        def pause(self) -> None:
            if not self._waited:
                now[0] += 60.0
                self._waited += 60.0

    monkeypatch.setattr(runs.time, "perf_counter", lambda: now[0])
    part = Part(Held(on_progress=seen.append), "All of it", 2)
    for _item in part.track("ab", "One of two"):
        now[0] += 1.0

    assert [(item.label, item.done, item.total) for item in seen] == [
        ("All of it", 0, 4),
        ("All of it", 1, 4),
        ("All of it", 2, 4),
    ]
    assert [item.elapsed for item in seen] == [0.0, 1.0, 2.0]
    assert seen[-1].remaining == 2.0


def test_a_part_says_what_the_whole_waits_for():
    part = Part(Part(Run(on_wait=lambda: True), "All of it"), "One of two")

    assert part.awaited
    assert not Part(Run(), "All of it").awaited
