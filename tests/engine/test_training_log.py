"""Logs that are read while they grow: TensorBoard's own reader, tables of numbers, what is what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cnnviz_desktop.engine.training_folder import event_folders, look_into
from cnnviz_desktop.engine.training_log import LogReader, measured, rebinned
from cnnviz_desktop.errors import CnnvizError, ParameterError
from cnnviz_desktop.resources import resource


@pytest.fixture
def write(tmp_path: Path):
    """Open writers that are closed after the test."""
    pytest.importorskip("tensorboard")
    from cnnviz_desktop.engine.event_files import writer

    opened = []

    def begin(name: str = "."):
        made = writer(tmp_path / "logs" / name)
        opened.append(made)
        return made

    yield begin
    for made in opened:
        made.close()


def test_only_what_is_new_is_decoded(tmp_path, write, monkeypatch) -> None:
    from cnnviz_desktop.engine import training_log

    decoded = []
    plain = training_log._number
    monkeypatch.setitem(
        training_log._DECODERS, "scalars", lambda proto: decoded.append(1) or plain(proto)
    )
    log = write()
    for step in range(5):
        log.add_scalar("loss/train", 2.0 - step / 4, step)
    log.flush()
    reader = LogReader(tmp_path / "logs")

    (first,) = reader.look().runs
    assert first.name == ""
    assert first.curves.names == ("loss/train",)
    assert first.curves.values[0].tolist() == [2.0, 1.75, 1.5, 1.25, 1.0]
    assert len(decoded) == 5

    log.add_scalar("loss/train", 0.5, 7)
    log.add_scalar("accuracy/held out", 0.25, 7)
    log.flush()
    (grown,) = reader.look().runs

    assert set(grown.curves.names) == {"loss/train", "accuracy/held out"}
    place = grown.curves.names.index("loss/train")
    assert grown.curves.steps[place].tolist() == [0, 1, 2, 3, 4, 7]
    assert grown.curves.values[place][-1] == 0.5
    assert len(decoded) == 7
    assert len(reader.look().runs[0].curves.values[place]) == 6
    assert len(decoded) == 7


def test_histograms_pictures_and_several_runs(tmp_path, write) -> None:
    one, two = write("a"), write("b/deeper")
    values = np.concatenate([np.zeros(30), np.ones(10)])
    for step in (0, 10):
        one.add_histogram("weights/conv1", values + step / 10, step, bins=20)
    one.add_image("maps", np.full((3, 4, 6), 1.0, np.float32), 10)
    two.add_scalar("loss", 1.0, 1)
    one.flush()
    two.flush()

    log = LogReader(tmp_path / "logs").look()

    assert [run.name for run in log.runs] == ["a", "b/deeper"]
    (spread,) = log.runs[0].histograms
    assert spread.steps.tolist() == [0, 10]
    assert spread.counts.sum(axis=1) == pytest.approx([40, 40], rel=1e-4)
    assert spread.edges[0] == pytest.approx(0, abs=0.1)
    assert spread.edges[-1] == pytest.approx(2, abs=0.1)
    low = spread.edges[:-1] < 0.5
    assert spread.counts[0][low].sum() == pytest.approx(30, abs=0.5)
    assert spread.counts[1][low].sum() == pytest.approx(0, abs=0.5)
    (pictures,) = log.runs[0].pictures
    assert pictures.steps == (10,)
    assert pictures.pictures[0].shape == (4, 6, 3)
    assert (pictures.pictures[0] == 255).all()
    assert not log.empty


def test_two_kinds_under_one_name_spoil_nothing(tmp_path, write) -> None:
    log = write()
    for step in (0, 1):
        log.add_histogram("stem", np.arange(3.0), step)
        log.add_image("stem", np.zeros((3, 2, 2), np.float32), step)
        log.add_scalar("both", 2.0, step)
        log.add_histogram("both", np.arange(5.0), step)
        log.add_scalar("loss", 1.0, step)
    log.flush()

    reader = LogReader(tmp_path / "logs")
    found = reader.look()

    assert found.notes == ()
    (run,) = found.runs
    assert set(run.curves.names) == {"both", "loss"}
    assert [values.tolist() for values in run.curves.values] == [[2.0, 2.0], [1.0, 1.0]]
    (spread,) = run.histograms
    assert spread.tag == "stem"
    assert spread.counts.sum(axis=1).tolist() == pytest.approx([3, 3])
    assert reader.look().runs[0].histograms == (spread,), "nothing came: it is the same one"
    log.add_histogram("stem", np.arange(3.0), 2)
    log.flush()
    (grown,) = reader.look().runs[0].histograms
    assert grown.steps.tolist() == [0, 1, 2]


def test_a_name_whose_sample_holds_none_of_its_kind_is_no_curve(
    tmp_path, write, monkeypatch
) -> None:
    from cnnviz_desktop.engine import training_log

    monkeypatch.setattr(training_log, "_KEPT", dict.fromkeys(training_log._KEPT, 3))
    log = write()
    log.add_scalar("odd", 1.0, 0)
    for step in range(1, 60):
        log.add_histogram("odd", np.arange(5.0), step)
    log.add_scalar("loss", 1.0, 0)
    log.flush()

    (run,) = LogReader(tmp_path / "logs").look().runs

    assert run.curves.names == ("loss",)


def test_counts_are_shared_out_among_other_bins() -> None:
    spread = np.array([[0, 2, 8], [2, 4, 4]], np.float32)

    assert rebinned(spread, np.array([0.0, 1, 2, 3, 4])).tolist() == [4, 4, 2, 2]
    assert rebinned(spread, np.array([-1.0, 1, 5])).tolist() == [4, 8]
    assert rebinned(np.array([[1, 1, 5]], np.float32), np.array([0.0, 0.5, 2])).tolist() == [0, 5]
    assert rebinned(spread[:0], np.array([0.0, 1])).tolist() == [0]


def test_the_table_beside_the_bundled_checkpoints_is_read() -> None:
    log = LogReader(resource("bundled/checkpoints")).look()

    (run,) = log.runs
    assert run.curves.names == ("loss", "held out accuracy")
    assert run.curves.steps[0][:2].tolist() == [0, 125]
    assert run.curves.values[1][-1] == 1.0


def test_a_table_with_gaps_and_words(tmp_path) -> None:
    text = "epoch,step,loss/train,val_acc,name\n0,10,1.5,,a\n1,20,,0.5,b\nx,,3,3,c\n"
    (tmp_path / "metrics.csv").write_text(text, encoding="utf-8")

    (run,) = LogReader(tmp_path).look().runs

    assert run.curves.unit_of_steps == "epoch"
    assert run.curves.names == ("loss/train", "val acc")
    assert [steps.tolist() for steps in run.curves.steps] == [[0], [1]]


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("loss/train", ("loss", "train")),
        ("val/loss", ("loss", "val")),
        ("Loss/held out", ("Loss", "held out")),
        ("held out accuracy", ("accuracy", "held out")),
        ("val_acc", ("acc", "val")),
        ("dead/conv1", ("dead/conv1", "")),
        ("lr", ("lr", "")),
    ],
)
def test_what_was_measured_on_what(tag, wanted) -> None:
    assert measured(tag) == wanted


def test_a_folder_is_told_by_what_is_in_it(tmp_path) -> None:
    with pytest.raises(ParameterError, match=r"neither checkpoints .* nor TensorBoard logs"):
        look_into(tmp_path)
    (tmp_path / "step-1.pth").write_bytes(b"")
    assert look_into(tmp_path).checkpoints
    assert not look_into(tmp_path).logs
    run = tmp_path / "runs" / "one"
    run.mkdir(parents=True)
    (run / "events.out.tfevents.1.host").write_bytes(b"")
    found = look_into(tmp_path / "step-1.pth")
    assert (found.path, found.checkpoints, found.logs) == (tmp_path, 1, True)
    assert list(event_folders(tmp_path)) == [run]
    with pytest.raises(ParameterError, match="cannot be read"):
        look_into(tmp_path / "gone" / "deeper")


def test_without_tensorboard_one_sentence_says_what_to_install(tmp_path, monkeypatch) -> None:
    from cnnviz_desktop.engine import training_log

    monkeypatch.setattr(training_log, "is_there", lambda: False)
    (tmp_path / "events.out.tfevents.1.host").write_bytes(b"")

    with pytest.raises(CnnvizError, match=r'pip install "cnnviz-desktop\[tensorboard\]"'):
        LogReader(tmp_path).look()
    (tmp_path / "training.csv").write_text("step,loss\n0,1\n", encoding="utf-8")
    assert len(LogReader(tmp_path).look().runs) == 1


def test_a_file_that_is_cut_off_spoils_nothing(tmp_path, write) -> None:
    log = write()
    log.add_scalar("loss", 1.0, 0)
    log.flush()
    (path,) = (tmp_path / "logs").iterdir()
    with path.open("ab") as file:
        file.write(b"\x18\x00\x00\x00\x00\x00\x00\x00half a record")

    (run,) = LogReader(tmp_path / "logs").look().runs

    assert run.curves.values[0].tolist() == [1.0]
