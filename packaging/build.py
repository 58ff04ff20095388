"""Build the one-folder program in a virtual environment of its own, with a CPU-only PyTorch.

    python packaging/build.py [--out FOLDER] [--cuda]

Needs Python 3.11 or newer with pip; takes about five minutes. Exits with 3 where no PyTorch without
CUDA can be had.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
WORK = HERE / "build"
# PyTorch's own index has the builds without CUDA. Where it is out of reach, wheels that pip finds
# elsewhere do, also a torchvision that was built for CUDA: operator_schemas.py lets it import.
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PLAIN = sys.platform == "darwin"  # where no build has CUDA, and none says that it has not
CPU = (
    ("torch==2.13.0" if PLAIN else "torch==2.13.0+cpu",),
    ("torchvision==0.28.0+cpu", "torchvision==0.28.0"),
)
OUT_OF_REACH = 3  # exit status
TORCH = ("torch", "torchvision", "timm")  # and what asks for it: installed without its wishes


def main() -> int:
    """Build it; return PyInstaller's exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE / "dist", metavar="FOLDER")
    parser.add_argument("--cuda", action="store_true", help="keep CUDA: several gigabytes")
    options = parser.parse_args()
    python = _environment()

    def pip(*words: str, check: bool = True) -> bool:
        command = [python, "-m", "pip", "--disable-pip-version-check", "install", "-q", *words]
        return subprocess.run(command, check=check).returncode == 0

    if options.cuda:
        pip("torch", "torchvision")
    else:
        index = ("--extra-index-url", CPU_INDEX, "--retries", "1", "--timeout", "20")
        for number, wanted in enumerate(CPU):
            deps = () if number == 0 else ("--no-deps",)
            if not any(pip(*index, *deps, name, check=False) for name in wanted):
                sys.stderr.write(f"None of {', '.join(wanted)} can be installed.\n")
                return OUT_OF_REACH
    pip("--no-deps", "timm>=1.0.31")
    pip("pyyaml", "huggingface_hub", "pyinstaller>=6.16", *_dependencies())
    folders = ("--distpath", str(options.out), "--workpath", str(WORK / "bundle"))
    command = [python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", *folders]
    kept = {**os.environ, "CNNVIZ_BUNDLE_CUDA": "1" if options.cuda else "0"}
    return subprocess.run([*command, str(HERE / "cnnviz.spec")], env=kept, check=False).returncode


def _environment() -> str:
    """Make a fresh virtual environment; return its Python."""
    folder = WORK / "environment"
    venv.create(folder, clear=True, with_pip=True)
    inside = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    return str(folder.joinpath(*inside))


def _dependencies() -> list[str]:
    """List what the project asks for, but torch and what would bring another torch."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [item for item in project["dependencies"] if not item.startswith(TORCH)]


if __name__ == "__main__":
    sys.exit(main())
