"""Keep the results of the session's pictures, the least recently used leaving first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.gui.work import Answer

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

BUDGET = 512 * 2**20


@dataclass(frozen=True)
class Request:
    """What a result is a result of; models and pictures are told apart by identity."""

    technique: Technique
    model: LoadedModel
    image: ImageInput | None


class ResultCache:
    """Hold answers by request up to a number of bytes; the newest one stays whatever its size."""

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.used = 0
        self._answers: OrderedDict[Request, Answer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def set_budget(self, budget: int) -> None:
        """Hold this many bytes at most from now on."""
        self.budget = budget
        self._trim()

    def get(self, request: Request) -> Answer | None:
        """Return the answer to the request, if it is still here."""
        answer = self._answers.get(request)
        if answer is not None:
            self._answers.move_to_end(request)
        return answer

    def put(self, request: Request, answer: Answer) -> None:
        """Keep an answer; let go of the oldest ones beyond the budget."""
        self._drop(request)
        self._answers[request] = answer
        self.used += result_bytes(answer.result)
        self._trim()

    def keep_images(self, images: list[ImageInput]) -> None:
        """Let go of all that was made from other pictures than these."""
        for request in list(self._answers):
            image = request.image
            if image is not None and not any(image is kept for kept in images):
                self._drop(request)

    def hand_over(self, model: LoadedModel) -> None:
        """Count all that is here as that model's: its stand-in gave it."""
        answers = [replace(answer, model=model) for answer in self._answers.values()]
        self.clear()
        for answer in answers:
            self.put(Request(answer.technique, model, answer.image), answer)

    def clear(self) -> None:
        """Let go of everything."""
        self._answers.clear()
        self.used = 0

    def _trim(self) -> None:
        while self.used > self.budget and len(self._answers) > 1:
            self._drop(next(iter(self._answers)))

    def _drop(self, request: Request) -> None:
        answer = self._answers.pop(request, None)
        if answer is not None:
            self.used -= result_bytes(answer.result)


def result_bytes(result: Any) -> int:
    """Count the bytes of a result's arrays."""
    values = (getattr(result, field.name) for field in fields(result))
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray))
