"""Published weights from download to prediction, from a server on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torchvision
from local_server import Quiet, serving

from cnnviz_desktop.engine import downloads
from cnnviz_desktop.engine.cached_weights import cached
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.run import Progress, Run
from cnnviz_desktop.errors import ModelError

NAME = "squeezenet1_1"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve weights under a published name, with torch.hub's cache in a folder of its own."""
    folder = tmp_path / "server"
    folder.mkdir()
    torch.manual_seed(1)
    torch.save(torchvision.models.get_model(NAME, weights=None).state_dict(), folder / "w.pth")
    prefix = hashlib.sha256((folder / "w.pth").read_bytes()).hexdigest()[:8]
    (folder / "w.pth").rename(folder / f"{NAME}-{prefix}.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    with serving(folder) as site:
        url = f"{site}/{NAME}-{prefix}.pth"
        # An enumeration's members are frozen: the published address is answered for, not changed.
        kind = type(torchvision.models.get_model_weights(NAME).DEFAULT)
        monkeypatch.setattr(kind, "url", property(lambda self: url), raising=False)
        yield url


def test_pretrained_weights_are_downloaded_once_under_torch_hubs_name(served: str) -> None:
    told: list[Progress] = []

    first = load_model(NAME, run=Run(on_progress=told.append))
    again = load_model(NAME)

    path = downloads.hub_file(served)
    assert path.parent == Path(torch.hub.get_dir()) / "checkpoints"
    assert path.name == served.rpartition("/")[2]
    assert len(Quiet.requests) == 1
    assert told[-1].done == told[-1].total == path.stat().st_size
    torch.manual_seed(1)
    wanted = torchvision.models.get_model(NAME, weights=None).state_dict()
    assert all(torch.equal(value, wanted[key]) for key, value in first.module.state_dict().items())
    assert first.fingerprint == again.fingerprint
    assert len(first.labels) == 1000
    assert [item.path for item in cached()] == [path]


def test_a_file_torch_hub_has_fetched_is_used_without_the_network(served: str) -> None:
    path = downloads.hub_file(served)
    path.parent.mkdir(parents=True)
    torch.save(torchvision.models.get_model(NAME, weights=None).state_dict(), path)

    load_model(NAME)

    assert Quiet.requests == []


def test_a_cancelled_download_leaves_no_weights(served: str) -> None:
    run = Run()
    run.cancel()

    with pytest.raises(Exception, match=r"Cancelled\."):
        load_model(NAME, run=run)

    assert not downloads.hub_file(served).exists()


def test_without_a_server_one_sentence_says_what_to_do(
    served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(torchvision.models.get_model_weights(NAME).DEFAULT)
    address = "http://127.0.0.1:9/" + served.rpartition("/")[2]
    monkeypatch.setattr(kind, "url", property(lambda self: address), raising=False)

    with pytest.raises(ModelError, match=r"--weights FILE"):
        load_model(NAME)
