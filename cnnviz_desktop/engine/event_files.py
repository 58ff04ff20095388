"""Write TensorBoard's event files, where TensorBoard is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.paths import expanded

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

MISSING = 'TensorBoard is not installed: pip install "cnnviz-desktop[tensorboard]" and try again.'


class MissingExtraError(CnnvizError):
    """A package is needed that CNNviz does without otherwise."""


def is_there() -> bool:
    """Tell whether event files can be written."""
    return find_spec("tensorboard") is not None


def writer(folder: Path | str) -> SummaryWriter:
    """Return what writes into a log folder, which is made; close it to have all on disk.

    Raises `MissingExtraError` without TensorBoard and `CnnvizError` where nothing can be written.
    """
    if not is_there():
        raise MissingExtraError(MISSING)
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:  # half of it is there
        raise MissingExtraError(MISSING) from error
    path = expanded(folder)
    try:
        return SummaryWriter(str(path))
    except OSError as error:
        reason = error.strerror or str(error)
        raise CnnvizError(f"{path} cannot be written ({reason}): choose another folder.") from error
