"""Keep the results of the session's pictures under a budget, the least recently used leaving first.

The budget holds for all that is kept of results: those on screen, which are never let go of, and
what views keep beside them count as well.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine import techniques
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.gui.labels import TIMES, whole
from cnnviz_desktop.gui.work import Answer
from cnnviz_desktop.settings import settings_path

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

BUDGET = 512 * 2**20  # bytes; the settings say another


@dataclass(frozen=True)
class Request:
    """What a result is a result of; models and pictures are told apart by identity."""

    technique: Technique
    model: LoadedModel
    image: ImageInput | None


class ResultCache:
    """Hold answers by request, and count what else is kept of results.

    The newest answer stays whatever its size. `on_screen` tells the results that are shown, which
    stay too: the others make room for them.
    """

    def __init__(
        self,
        budget: int = BUDGET,
        on_screen: Callable[[], Iterable[Any]] = tuple,
    ) -> None:
        self.budget = budget
        self._on_screen = [on_screen]
        self._answers: OrderedDict[Request, Answer] = OrderedDict()
        self._bytes = 0  # of the answers

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def used(self) -> int:
        """Return the bytes of all results that are kept or shown, each counted once."""
        return self._bytes + sum(self._beside().values())

    def set_budget(self, budget: int) -> None:
        """Hold this many bytes at most from now on."""
        self.budget = budget
        self.trim()

    def watch(self, on_screen: Callable[[], Iterable[Any]]) -> None:
        """Count what somebody else keeps: results, or arrays."""
        self._on_screen.append(on_screen)

    def get(self, request: Request) -> Answer | None:
        """Return the answer to the request, if it is still here."""
        answer = self._answers.get(request)
        if answer is not None:
            self._answers.move_to_end(request)
        return answer

    def put(self, request: Request, answer: Answer) -> None:
        """Keep an answer; let go of the oldest ones beyond the budget."""
        self.forget(request)
        self._answers[request] = answer
        self._bytes += result_bytes(answer.result)
        self.trim()

    def forget(self, request: Request) -> None:
        """Let go of an answer, if it is here."""
        answer = self._answers.pop(request, None)
        if answer is not None:
            self._bytes -= result_bytes(answer.result)

    def keep_images(self, images: list[ImageInput]) -> None:
        """Let go of all that was made from other pictures than these."""
        for request in list(self._answers):
            image = request.image
            if image is not None and not any(image is kept for kept in images):
                self.forget(request)

    def hand_over(self, model: LoadedModel) -> None:
        """Count all that is here as that model's: its stand-in gave it."""
        answers = [replace(answer, model=model) for answer in self._answers.values()]
        self.clear()
        for answer in answers:
            self.put(Request(answer.technique, model, answer.image), answer)

    def clear(self) -> None:
        """Let go of everything."""
        self._answers.clear()
        self._bytes = 0

    def trim(self) -> None:
        """Let go of the least recently used answers beyond the budget."""
        beside = self._beside()
        left = self.budget - sum(beside.values())
        if self._bytes <= left:
            return
        shown = {id(result) for source in self._on_screen for result in source()}
        for request in list(self._answers)[:-1]:
            if self._bytes <= left:
                break
            if id(self._answers[request].result) not in shown:
                self.forget(request)

    def _beside(self) -> dict[int, int]:
        """Return the bytes of what is kept elsewhere and not here, by identity."""
        here = {id(answer.result) for answer in self._answers.values()}
        return {
            id(result): result_bytes(result)
            for source in self._on_screen
            for result in source()
            if id(result) not in here
        }


def result_bytes(result: Any) -> int:
    """Count the bytes of a result's arrays, those of its parts included."""
    if isinstance(result, np.ndarray):
        return result.nbytes
    if isinstance(result, (tuple, list)):
        return sum(map(result_bytes, result))
    if is_dataclass(result) and not isinstance(result, type):
        return sum(result_bytes(getattr(result, field.name)) for field in fields(result))
    return 0


def why_too_large(request: Request, budget: int) -> str:
    """Say why a request is not to be begun: its answer alone would break the budget; else ""."""
    technique = request.technique
    if not isinstance(technique, techniques.FeatureMaps) or technique.layer is None:
        return ""
    node = request.model.layers.find(technique.layer)
    shape = node.output_shape if node is not None else None
    size = 4 * math.prod(shape or ())
    if shape is None or size <= budget:
        return ""
    wanted, allowed = (whole(math.ceil(number / 2**20)) for number in (size, budget))
    return (
        f"The maps of {technique.layer} ({TIMES.join(map(str, shape))}) take {wanted} MB, more "
        f"than the {allowed} MB that recorded maps may take. Choose a later layer or a smaller "
        f"input, or raise memory_budget in {settings_path()}."
    )
