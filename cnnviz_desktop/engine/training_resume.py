"""Keep how far a training is in a file, so that one that was stopped goes on exactly there."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from cnnviz_desktop.errors import ModelError, ParameterError
from cnnviz_desktop.whole_file import whole_file

if TYPE_CHECKING:
    from cnnviz_desktop.engine.learners import Learner


@dataclass(eq=False)
class Course:
    """How far a training is: the epochs done, their measures, which is kept and its weights."""

    epoch: int = 0
    training: list[list[float]] = field(default_factory=list)
    held_out: list[list[float]] = field(default_factory=list)
    kept: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    ended: bool = False


def write_course(
    path: Path, course: Course, identity: Mapping[str, Any], progress: Mapping[str, Any]
) -> None:
    """Write how far a training is, whole or not at all."""
    buffer = io.BytesIO()
    said = {
        "identity": dict(identity),
        "epoch": course.epoch,
        "training": course.training,
        "held_out": course.held_out,
        "kept": course.kept,
        "best": course.best,
        "learner": dict(progress),
    }
    torch.save(said, buffer)
    try:
        with whole_file(path) as stream:
            stream.write(buffer.getbuffer())
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(f"{path} cannot be written ({reason}): choose another file.") from error


def read_course(path: Path, identity: Mapping[str, Any], learner: Learner) -> Course:
    """Return how far a training was, and bring the learner there; nothing in the file is run."""
    if not path.is_file():
        raise ParameterError(
            f"There is no {path.name} to go on from: the training ended by itself, or was of "
            "another file. Leave --resume out to begin anew."
        )
    try:
        said = torch.load(path, map_location="cpu", weights_only=True)
        other = [name for name, value in identity.items() if said["identity"].get(name) != value]
        if not other:
            learner.take_up(said["learner"])
            return Course(
                said["epoch"], said["training"], said["held_out"], said["kept"], said["best"]
            )
    except Exception as error:  # damaged bytes make the reader fail in many ways
        raise ParameterError(
            f"{path.name} is damaged: delete it, and leave --resume out to begin anew."
        ) from error
    words = {"model": "another network", "data": "other pictures"}
    raise ParameterError(
        f"{path.name} is of a training with {words.get(other[0], f'another {other[0]}')}: say the "
        "same again, or leave --resume out to begin anew."
    )
