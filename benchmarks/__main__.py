"""Run the benchmarks: `python -m benchmarks [NAME...]`, modules or parts of rows' names."""

from __future__ import annotations

import argparse
import json
import os
import platform
import warnings
from dataclasses import asdict, replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.ratio import Measured, measure

PARTS = (
    "startup",
    "window",
    "grad_cam",
    "cams",
    "recording",
    "tiles",
    "checkpoint",
    "maximisation",
    "exemplars",
    "tracking",
)
PACKAGES = (
    "torch",
    "torchvision",
    "captum",
    "grad-cam",
    "torchcam",
    "torch-lucent",
    "PySide6-Essentials",
)


def main() -> None:
    """Measure the rows asked for, print them, and save them as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", help=f"{', '.join(PARTS)}, or parts of rows' names; all by default"
    )
    parser.add_argument("--threads", type=int, default=2, help="torch threads (2)")
    parser.add_argument("--quick", action="store_true", help="five rounds a row at most")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "latest.json"
    )
    options = parser.parse_args()

    import torch

    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")  # the peers' own
    found = []
    names = set(options.names)
    for part in PARTS:
        if names and names <= set(PARTS) and part not in names:
            continue  # rows load their networks before they tell their names
        for row in import_module(f"benchmarks.{part}").rows():
            if names and part not in names and not any(name in row.name for name in names):
                continue
            if options.quick:
                row = replace(row, rounds=min(row.rounds, 5))  # noqa: PLW2901
            found.append(measure(row))
            show(found[-1])
    machine = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": options.threads,
        "python": platform.python_version(),
        "system": platform.system(),
        "versions": {name: installed(name) for name in PACKAGES},
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(item) for item in found]
    options.out.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2))
    print(f"Saved {options.out}")


def show(row: Measured) -> None:
    """Print one row as a small table."""
    print(f"\n{row.name}   floor: {row.floor}, {row.floor_ms:.1f} ms here")
    for name, (low, middle, high) in row.ratios.items():
        goal = f"   target {row.target:g}" if name == "cnnviz" and row.target else ""
        if name == "cnnviz" and row.limit_ms:
            goal = f"   at most {row.limit_ms:g} ms"
        shares = f"{middle:6.2f}   ({low:.2f} to {high:.2f})"
        print(f"  {name:<18} {row.ms[name]:8.1f} ms   {shares}{goal}")
    for name, why in row.failures.items():
        print(f"  {name:<18} failed: {why}")
    if row.note:
        print(f"  {row.note}")


def installed(name: str) -> str:
    """Return a package's version, or "missing"."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def processor() -> str:
    """Return the processor's name as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
