"""Know where downloaded weights are kept, by whichever program, and what took long to compute.

Needs neither torch nor huggingface_hub, so that listing all models is quick.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs

from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.paths import expanded

FOLDER_VARIABLE = "CNNVIZ_CACHE_DIR"  # set, it holds what took long: for tests and portable use

# As timm asks a repository for its weights, the likeliest first.
HUB_FILES = ("model.safetensors", "pytorch_model.bin")

OWN_PARTS = ("gallery", "exemplars")  # folders of the own one; nothing else in it is touched

_chosen: list[Path] = []  # by the person, in the settings


def own_folder(name: str = "") -> Path:
    """Return where this program keeps what took long to compute, or a part of it; it may not exist.

    Everything in it can be made again, so a person may delete it at any time.
    """
    told = os.environ.get(FOLDER_VARIABLE)
    if told:
        whole = Path(told)
    elif _chosen:
        whole = _chosen[0]
    else:
        whole = platformdirs.user_cache_path("cnnviz-desktop", False)
    return whole / name if name else whole


def use_own_folder(folder: Path | None) -> None:
    """Keep what took long to compute in another folder from now on; None is the usual one."""
    _chosen[:] = [] if folder is None else [expanded(folder)]


def own_size() -> int:
    """Return how many bytes this program's own folder holds."""
    return sum(path.stat().st_size for path in _own_files())


def clear_own() -> None:
    """Delete what took long to compute; raise `ExportError` where something cannot be deleted.

    Only files are deleted and folders that are empty then: nobody else's are lost where the folder
    was chosen badly.
    """
    try:
        for path in _own_files():
            path.unlink(missing_ok=True)
        folders = [path for name in OWN_PARTS for path in [*own_folder(name).rglob("*/")]]
        for folder in sorted((*folders, *map(own_folder, OWN_PARTS)), reverse=True):
            if folder.is_dir():
                folder.rmdir()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(
            f"{error.filename} cannot be deleted ({reason}). Close other programs that use it."
        ) from error


def _own_files() -> list[Path]:
    """List the files in the parts of this program's own folder."""
    found = (path for name in OWN_PARTS for path in own_folder(name).rglob("*"))
    return [path for path in found if path.is_file() and not path.is_symlink()]


def checkpoints_folder() -> Path:
    """Return where torch.hub keeps weights, whether or not it is there."""
    hub = sys.modules.get("torch.hub")
    if hub is not None:
        return Path(hub.get_dir()) / "checkpoints"
    home = os.getenv("TORCH_HOME") or Path(os.getenv("XDG_CACHE_HOME") or "~/.cache") / "torch"
    return expanded(os.path.expandvars(home)) / "hub" / "checkpoints"


def hub_folder() -> Path:
    """Return where Hugging Face's programs keep repositories, whether or not it is there."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.getenv(name):
            return expanded(os.path.expandvars(os.environ[name]))
    home = os.getenv("HF_HOME") or Path(os.getenv("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return expanded(os.path.expandvars(home)) / "hub"


def repository_folder(repository: str) -> Path:
    """Return the folder of a Hugging Face repository such as “timm/resnet18.a1_in1k”."""
    return hub_folder() / f"models--{repository.replace('/', '--')}"


def repository_file(repository: str) -> Path | None:
    """Return the weights of a repository as Hugging Face's cache holds them, or None."""
    folder = repository_folder(repository)
    try:
        revision = (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    if not revision.isalnum():  # a commit's hash: anything else is no place to look in
        return None
    found = (folder / "snapshots" / revision / name for name in HUB_FILES)
    return next((path for path in found if path.is_file()), None)
