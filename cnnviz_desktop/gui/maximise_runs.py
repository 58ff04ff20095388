"""Keep track of runs that can be steered: what was there before, what was changed on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.gui.jobs import Priority
from cnnviz_desktop.gui.work import Answer

# Whose runs can be held, changed on their way and ended early.
TABS = frozenset({"Maximise", "Dataset"})
_SPARE = frozenset({"gallery", "exemplars", "evaluate"})  # commands whose work takes hours
_BETWEEN = ":"


def slot_of(technique: Technique | type[Technique]) -> str:
    """Return the slot of a technique's job: its tab's, or one of its own beside a gallery."""
    tab = technique.tab
    return f"{tab}{_BETWEEN}{technique.command}" if tab in TABS else tab


def tab_of(slot: str) -> str:
    """Return the tab that a slot belongs to."""
    return slot.partition(_BETWEEN)[0]


def priority_of(technique: Technique, usual: Priority) -> Priority:
    """Return how urgent a technique's run is."""
    return Priority.SPARE if technique.command in _SPARE else usual


class SteeredRuns:
    """The runs of one session, by slot."""

    def __init__(self) -> None:
        self._before: dict[str, Answer] = {}
        self._adjusted: set[str] = set()
        self._aside: dict[str, Answer] = {}

    def clear(self) -> None:
        """Forget all: the model is another."""
        self._before.clear()
        self._adjusted.clear()
        self._aside.clear()

    def begin(self, technique: Technique, shown: Answer | None) -> None:
        """Note that a run begins, and what is shown until then."""
        slot = slot_of(technique)
        self._adjusted.discard(slot)
        if shown is not None and not shown.partial and slot_of(shown.technique) == slot:
            self._before[slot] = shown

    def adjust(self, technique: Technique) -> None:
        """Note that a run goes on with other parameters."""
        self._adjusted.add(slot_of(technique))

    def end(self, answer: Answer) -> Answer:
        """Return an answer with whether its parameters were changed on the way."""
        slot = slot_of(answer.technique)
        self._before.pop(slot, None)
        if slot not in self._adjusted:
            return answer
        self._adjusted.discard(slot)
        return replace(answer, altered=True)

    def cancelled(self, is_running: Callable[[str], bool]) -> list[Answer]:
        """Return what was shown before the runs that are no more; nothing of these is kept."""
        for slot in [slot for slot in self._aside if not is_running(slot)]:
            if self._aside[slot].partial:
                del self._aside[slot]
        ended = [slot for slot in self._before if not is_running(slot)]
        return [self._before.pop(slot) for slot in ended]

    def set_aside(self, answer: Answer) -> None:
        """Keep what another method gave until that one is looked at again."""
        self._aside[slot_of(answer.technique)] = answer

    def taken_up(self, technique: Technique) -> Answer | None:
        """Return what a method gave last, if anything."""
        return self._aside.pop(slot_of(technique), None)
