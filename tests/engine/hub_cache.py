"""Files as huggingface_hub keeps them."""

from __future__ import annotations

from pathlib import Path

from cnnviz_desktop.engine.caches import hub_folder


def put_into_hub(repository: str, name: str = "model.safetensors", content: bytes = b"x") -> Path:
    """Lay a file where huggingface_hub keeps it: a blob, and a link to it in a snapshot."""
    folder = hub_folder() / f"models--{repository.replace('/', '--')}"
    for part in ("blobs", "refs", "snapshots/0123abcd"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "refs" / "main").write_text("0123abcd")
    (folder / "blobs" / "ffff").write_bytes(content)
    link = folder / "snapshots" / "0123abcd" / name
    link.symlink_to("../../blobs/ffff")
    return link
