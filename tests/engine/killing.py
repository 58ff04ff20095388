"""Fill an index again and again in children that are killed; run as a program by a test.

Arguments: folder of pictures, cache folder, how many kills. Prints how many children were killed
with some of the pictures done.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path

import torch
from networks import Residual
from torch import nn

from cnnviz_desktop.engine.datasets import open_dataset
from cnnviz_desktop.engine.exemplar_index import index_path
from cnnviz_desktop.engine.exemplars import fill
from cnnviz_desktop.engine.loaded_model import LoadedModel, ready
from cnnviz_desktop.engine.preprocessing import Preprocessing

LAYERS = ("conv1", "relu")
BATCH = 3


def network() -> LoadedModel:
    preprocessing = Preprocessing((8, 8), 8, (0.0,) * 3, (1.0,) * 3, fit="squash")
    module: nn.Module = Residual()
    return ready("tiny", module, ("a", "b", "c"), preprocessing, torch.device("cpu"), "none")


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of an index."""
    base = sqlite3.connect(path)
    names = [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: sorted(base.execute(f"SELECT * FROM {name}"), key=repr) for name in names}
    base.close()
    return found


def main(folder: str, cache: str, kills: int) -> None:
    torch.set_num_threads(1)
    model, dataset = network(), open_dataset(folder)
    os.environ["CNNVIZ_CACHE_DIR"] = str(Path(cache) / "whole")
    fill(model, dataset, LAYERS, batch=BATCH)
    wanted = contents(index_path(model, dataset))
    os.environ["CNNVIZ_CACHE_DIR"] = str(Path(cache) / "again")
    start = time.perf_counter()
    fill(model, dataset, LAYERS, batch=BATCH)
    taken = time.perf_counter() - start
    assert contents(index_path(model, dataset)) == wanted
    drawn = random.Random(0)
    killed = halfway = rounds = 0
    while killed < kills:
        rounds += 1
        os.environ["CNNVIZ_CACHE_DIR"] = str(Path(cache) / f"round {rounds}")
        path = index_path(model, dataset)
        whole = False
        while not whole:
            child = os.fork()
            if child == 0:
                fill(model, open_dataset(folder), LAYERS, batch=BATCH)
                os._exit(0)
            if killed < kills:
                time.sleep(drawn.uniform(0, taken))
                os.kill(child, signal.SIGKILL)
            _pid, status = os.waitpid(child, 0)
            whole = os.WIFEXITED(status)
            assert not whole or os.WEXITSTATUS(status) == 0
            if not whole:
                killed += 1
                halfway += is_halfway(path)
        assert contents(path) == wanted, f"round {rounds} differs from an unbroken run"
    sys.stdout.write(f"{killed} {halfway} {rounds}\n")


def is_halfway(path: Path) -> bool:
    """Tell whether some pictures are done and others not."""
    if not path.exists():
        return False
    base = sqlite3.connect(path)
    try:
        row = base.execute("SELECT min(frontier), (SELECT max(id) FROM images) FROM layers")
        done, last = row.fetchone()
    except sqlite3.OperationalError:  # killed before there was a table
        return False
    finally:
        base.close()
    return bool(done and last and 0 < done < last)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
