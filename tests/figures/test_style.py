import subprocess
import sys

import matplotlib
import numpy as np
import pytest

from cnnviz_desktop.errors import ParameterError
from cnnviz_desktop.figures import style


@pytest.mark.parametrize("name", [*style.SEQUENTIAL_MAPS, *style.SIGNED_MAPS, "magma_r", "plasma"])
def test_tables_are_matplotlibs_to_the_byte(name: str) -> None:
    rows = matplotlib.colormaps[name](np.arange(256))[:, :3]
    assert np.array_equal(style.lut(name), np.round(rows * 255))


def test_a_table_is_shared_and_cannot_be_spoiled() -> None:
    assert style.lut("magma") is style.lut("magma")
    with pytest.raises(ValueError, match="read-only"):
        style.lut("magma")[0] = 0


def test_rainbows_are_not_offered() -> None:
    assert not {"jet", "rainbow", "hsv"} & {*style.SEQUENTIAL_MAPS, *style.SIGNED_MAPS}
    assert {style.SEQUENTIAL, style.OVERLAY, style.KERNELS} <= set(style.SEQUENTIAL_MAPS)
    assert style.SIGNED in style.SIGNED_MAPS


@pytest.mark.parametrize("name", ["magmma", "", "no such map", "_r"])
def test_an_unknown_map_is_one_sentence(name: str) -> None:
    with pytest.raises(ParameterError, match="There is no colour map named"):
        style.lut(name)


def test_a_misspelt_map_is_recognised() -> None:
    with pytest.raises(ParameterError, match="Did you mean magma"):
        style.lut("magmma")


def test_no_data_looks_like_a_missing_value() -> None:
    for name in (*style.SEQUENTIAL_MAPS, *style.SIGNED_MAPS):
        distance = np.abs(style.lut(name).astype(int) - style.NO_VALUE).sum(axis=1)
        assert distance.min() > 60, name


def test_the_screen_path_imports_no_matplotlib() -> None:
    script = """
import sys
import numpy as np
from cnnviz_desktop.figures import export, pixels
pixels.mosaic(np.ones((3, 4, 4), np.float32), 2)
pixels.kernel_tiles(np.ones((3, 4, 4, 4), np.float32))
sys.exit(sum(name in sys.modules for name in ("matplotlib", "torch", "PySide6")))
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
