"""What not every device knows is done on the processor."""

from __future__ import annotations

import re
from pathlib import Path

import cnnviz_desktop.engine

# Here nothing comes from a device: maps are NumPy's, scores were brought over before.
_ON_THE_PROCESSOR = {"randomisation.py", "fine_tuning.py"}


def test_double_precision_is_asked_of_the_processor_alone():
    """Apple's devices have no float64: asking one for it is a TypeError."""
    engine = Path(cnnviz_desktop.engine.__file__).parent
    asked = {
        (path.name, line.strip())
        for path in engine.rglob("*.py")
        if path.name not in _ON_THE_PROCESSOR
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"(?<!\.cpu\(\))\.double\(\)|dtype=torch\.float64", line)
    }

    assert asked == {
        (
            "transforms.py",
            "drawn = iter(torch.rand(6, generator=generator, dtype=torch.float64).tolist())",
        )
    }
