"""Name the arrays that values hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ForwardRef  # noqa: F401 - the names below are looked up here

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Pixels = NDArray[np.uint8]
    Counts = NDArray[np.int64]
    Flags = NDArray[np.bool_]
else:  # asks for no name of NumPy's: a window paints before it is loaded
    Floats = ForwardRef("np.ndarray[tuple[Any, ...], np.dtype[np.float32]]", module=__name__)
    Pixels = ForwardRef("np.ndarray[tuple[Any, ...], np.dtype[np.uint8]]", module=__name__)
    Counts = ForwardRef("np.ndarray[tuple[Any, ...], np.dtype[np.int64]]", module=__name__)
    Flags = ForwardRef("np.ndarray[tuple[Any, ...], np.dtype[np.bool_]]", module=__name__)
