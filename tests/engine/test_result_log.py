"""Results in TensorBoard's event files: read back, and served by a real TensorBoard."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from networks import Plain

from cnnviz_desktop.data import Heatmap, Prediction
from cnnviz_desktop.engine.result_log import ResultLog, numbers
from cnnviz_desktop.engine.technique import record
from cnnviz_desktop.engine.techniques import FeatureMaps, GradCam, Timeline
from cnnviz_desktop.engine.training_log import LogReader

pytest.importorskip("tensorboard")


@pytest.fixture
def logged(load, noise, tmp_path) -> Path:
    """Log two maps of a class and a layer's maps."""
    model, picture = load(Plain()), noise()
    log = ResultLog(tmp_path / "logs" / "run")
    figure = np.full((20, 30, 3), 200, np.uint8)
    for technique in (GradCam(target=0), GradCam(target=1)):
        log.add("Grad-CAM", figure, technique(model, picture), record(technique, model, picture))
    maps = FeatureMaps(layer="conv1")
    note = record(maps, model, picture)
    assert log.add("Feature maps", figure, maps(model, picture), note) == 3
    log.close()
    return tmp_path / "logs"


def test_the_event_files_hold_figure_numbers_and_record(logged, load, noise) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(logged / "run"), size_guidance={"tensors": 0})
    events.Reload()
    tags = events.Tags()

    assert set(tags["images"]) == {"Grad-CAM", "Feature maps"}
    assert "Grad-CAM/score" in tags["scalars"]
    assert {"Grad-CAM/values", "Feature maps/values"} <= set(tags["histograms"])
    scores = events.Scalars("Grad-CAM/score")
    assert [item.step for item in scores] == [1, 2]
    heat = GradCam(target=1)(load(Plain()), noise())
    assert isinstance(heat, Heatmap)
    assert scores[1].value == pytest.approx(heat.score, rel=1e-5)
    image = events.Images("Grad-CAM")[0]
    assert (image.width, image.height) == (30, 20)
    (text,) = events.Tensors("Feature maps/record/text_summary")
    words = text.tensor_proto.string_val[0].decode()
    assert json.loads(words.removeprefix("```json\n").removesuffix("\n```"))["technique"] == (
        "feature-maps"
    )


def test_the_window_reads_what_it_logged(logged) -> None:
    (run,) = LogReader(logged).look().runs

    assert run.name == "run"
    assert "Grad-CAM/score" in run.curves.names
    shown = {item.tag: item for item in run.pictures}
    assert shown["Grad-CAM"].steps == (1, 2)
    assert shown["Grad-CAM"].pictures[0].shape == (20, 30, 3)


def test_a_real_tensorboard_answers_with_the_logged_tags(logged) -> None:
    words = ["-m", "tensorboard.main", "--logdir", str(logged), "--host", "127.0.0.1"]
    words += ["--port", "0", "--load_fast", "false", "--reload_interval", "1"]
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    watch = threading.Timer(60, process.kill)
    watch.start()
    try:
        address = ""
        for line in process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+/", line)
            if found:
                address = found.group()
                break
        assert address
        scalars = _asked(address + "data/plugin/scalars/tags", until="Grad-CAM/score")
        assert "Grad-CAM/score" in scalars["run"]
        assert {"Grad-CAM", "Feature maps"} <= set(
            _asked(address + "data/plugin/images/tags")["run"]
        )
        assert "Grad-CAM/values" in _asked(address + "data/plugin/histograms/tags")["run"]
        query = urllib.parse.urlencode({"run": "run", "tag": "Grad-CAM/score"})
        rows = _asked(f"{address}data/plugin/scalars/scalars?{query}")
        assert [row[1] for row in rows] == [1, 2]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        watch.cancel()
        watch.join()


def _asked(address: str, until: str = "") -> dict | list:
    """Return what an endpoint answers, once a word is in it."""
    for _ in range(100):
        with urllib.request.urlopen(address, timeout=30) as answer:
            text = answer.read().decode()
        if until in text:
            return json.loads(text)
        time.sleep(0.2)
    raise AssertionError(text)


def test_numbers_say_what_can_be_followed(load, noise) -> None:
    model, picture = load(Plain()), noise()
    shares = np.array([0.1, 0.7, 0.2], np.float32)
    said = numbers(Prediction(np.log(shares), shares, ("a", "b", "c"), picture.whole))
    assert [item.name for item in said.scalars] == ["b", "c", "a"]
    assert said.scalars[0].value == pytest.approx(0.7)

    line = Timeline(layer="conv1", show=(), pictures=0)(model, picture)
    names = {item.name: item for item in numbers(line).scalars}
    assert names["drift conv1"].value == 0
    assert names["drift conv1"].step == 0
