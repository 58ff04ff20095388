"""A network learns new classes, is left as it came, and what was learned opens by itself."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import Plain, Residual
from new_pictures import CLASSES as DRAWN
from new_pictures import write_pictures
from PIL import Image
from torch import Tensor, nn

from cnnviz_desktop import load_image, load_model
from cnnviz_desktop.data import Curves
from cnnviz_desktop.engine.augmentation import augmented
from cnnviz_desktop.engine.datasets import open_dataset
from cnnviz_desktop.engine.evaluation import evaluate
from cnnviz_desktop.engine.fine_tuning import FineTuning, Tally, fine_tune
from cnnviz_desktop.engine.heads import Standardised, features_of, find_head, spread_of
from cnnviz_desktop.engine.inspection import inspect
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.training_pictures import training_pictures
from cnnviz_desktop.engine.tuned_files import read_origin
from cnnviz_desktop.errors import Cancelled, CnnvizError, ModelError, ParameterError

COLOURS = {"blue": (20, 40, 220), "green": (30, 200, 40), "red": (210, 30, 20)}


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """Ten noisy pictures of each of three colours."""
    return write_colours(tmp_path / "colours", 10)


def write_colours(folder: Path, each: int, first: int = 0) -> Path:
    for label, (name, colour) in enumerate(COLOURS.items()):
        (folder / name).mkdir(parents=True)
        for number in range(first, first + each):
            rng = np.random.default_rng((label, number))
            noise = rng.integers(-20, 21, (128, 128, 3)) + np.array(colour)
            pixels = np.clip(noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


class ConvHead(nn.Module):
    """SqueezeNet's end: a convolution of 1x1, a ReLU and an average."""

    def __init__(self, relu: bool) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.stem = nn.Conv2d(3, 5, 3, padding=1)
        self.last = nn.Conv2d(5, 3, 1)
        self.end = nn.ReLU() if relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.last(self.stem(x).relu())).mean((2, 3))


class NoHead(nn.Module):
    """Scores that no layer with weights gives."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).amax((2, 3))


# --------------------------------------------------------------------------------------------- head


@pytest.mark.parametrize(
    ("net", "name", "features", "tail"),
    [
        (Plain, "fc", 6, ""),
        (Residual, "fc", 4, ""),
        (lambda: ConvHead(False), "last", 5, "mean"),
        (lambda: ConvHead(True), "last", 5, "relu mean"),
    ],
)
def test_head_is_found(load, net: Callable[[], nn.Module], name, features, tail) -> None:
    model = load(net())
    head = find_head(model)
    assert (head.name, head.features, head.tail, head.classes) == (name, features, tail, 3)
    inputs = torch.rand(2, 3, 8, 8)
    given = features_of(model, head, inputs)
    with torch.no_grad():
        said = head.scores(model.module.get_submodule(name)(given))
        wanted = model.module(inputs)
    torch.testing.assert_close(said, wanted)


def test_no_head_is_said(load) -> None:
    with pytest.raises(ModelError, match="No head was found in tiny"):
        find_head(load(NoHead()))


def test_softmax_at_the_end_is_seen_through(load) -> None:
    model = load(nn.Sequential(*Plain().children(), nn.Softmax(1)))
    assert find_head(model).name == "6"


@pytest.mark.parametrize("kind", [nn.Linear, nn.Conv2d])
def test_standardised_head_folds_into_plain_weights(kind) -> None:
    """The folded layer says the same, and taking its weights up again changes nothing."""
    torch.manual_seed(0)
    layer = kind(4, 3) if kind is nn.Linear else kind(4, 3, 1)
    mean, spread = torch.tensor([1.0, -2, 0, 5]), torch.tensor([0.5, 2, 1, 3])
    wrapped = Standardised(layer, mean, spread)
    plain = kind(4, 3) if kind is nn.Linear else kind(4, 3, 1)
    plain.load_state_dict(wrapped.plain())
    given = torch.randn(5, 4) if kind is nn.Linear else torch.randn(5, 4, 2, 2)
    torch.testing.assert_close(wrapped(given), plain(given), atol=1e-5, rtol=1e-4)
    fresh = Standardised(kind(4, 3) if kind is nn.Linear else kind(4, 3, 1), mean, spread)
    fresh.take(plain.weight.detach(), plain.bias.detach())
    torch.testing.assert_close(fresh(given), plain(given), atol=1e-5, rtol=1e-4)


def test_spread_by_hand() -> None:
    parts = [torch.tensor([[1.0, 7], [3, 7]]), torch.tensor([[5.0, 7]])]
    mean, spread = spread_of(iter(parts), is_maps=False)
    assert mean.tolist() == [3, 7]
    assert spread[0] == pytest.approx(math.sqrt(8 / 3))
    assert spread[1] == pytest.approx(math.sqrt(8 / 3) / 2)  # never changes: the usual spread


# ------------------------------------------------------------------------------------------ numbers


def test_measures_are_those_of_evaluate_by_hand() -> None:
    tally = Tally(2)
    # probabilities 3/4, 1/4 for the first; 1/2, 1/2 for the second, which argmax calls class 0
    tally.add(torch.tensor([[math.log(3), 0.0], [0.0, 0.0]]), torch.tensor([0, 1]))
    loss, accuracy, mse, r2 = tally.measures()
    assert loss == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    assert accuracy == 0.5
    assert mse == pytest.approx((2 / 16 + 2 / 4) / 4)
    assert r2 == pytest.approx(1 - (2 / 16 + 2 / 4) / 1)


def test_held_out_numbers_are_those_of_the_written_network(load, colours: Path, tmp_path) -> None:
    """What `evaluate` measures on a folder held out is what the training said of it."""
    root = tmp_path / "apart"
    root.mkdir()
    colours.rename(root / "train")
    write_colours(root / "val", 5, first=100)
    model = load_model("bundled")
    made = fine_tune(model, FineTuning(data=str(root), epochs=4), tmp_path / "new.safetensors")
    found = evaluate([load_model(str(made.path))], open_dataset(root, "test")).models[0]
    assert len(found.truth) == 15
    assert (found.top1, found.loss) == pytest.approx((made.accuracy, made.loss), rel=1e-4)
    assert (found.mse, found.r2) == pytest.approx((made.mse, made.r2), rel=1e-4)


# ----------------------------------------------------------------------------------------- pictures


def test_split_is_of_each_class_and_of_the_seed(load, colours: Path) -> None:
    (colours / "red" / "8.png").write_bytes(b"no picture")
    preprocessing = load(Plain()).preprocessing
    parts = []
    for seed in (0, 0, 1):
        with training_pictures(str(colours), preprocessing, 0.2, seed, Run()) as pictures:
            assert pictures.classes == ("blue", "green", "red")
            assert len(pictures.truth) == 29
            assert pictures.truth[pictures.held_out].bincount().tolist() == [2, 2, 2]
            assert pictures.truth[pictures.training].bincount().tolist() == [8, 8, 7]
            assert "red/8.png" in pictures.notes[0]
            parts.append(pictures.held_out.tolist())
    assert parts[0] == parts[1] != parts[2]


def test_pictures_are_the_network_s_inputs(colours: Path) -> None:
    """Held as whole numbers, they are exactly what the network is fed otherwise."""
    model = load_model("bundled")
    mean = torch.tensor(model.preprocessing.mean).view(-1, 1, 1)
    std = torch.tensor(model.preprocessing.std).view(-1, 1, 1)
    with training_pictures(str(colours), model.preprocessing, 0.2, 0, Run()) as pictures:
        wanted = model.prepare(load_image(colours / "blue" / "0.png"))[0][0]
        torch.testing.assert_close((pictures.of(torch.tensor([0]))[0] - mean) / std, wanted)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda root: [p.unlink() for p in (root / "red").iterdir()], None),
        (lambda root: [p.write_bytes(b"") for p in (root / "red").iterdir()], "no picture of red"),
        (lambda root: [p.write_bytes(b"") for p in root.glob("*/*")], "None of the .* can be read"),
        (
            lambda root: [p.unlink() for n in ("red", "blue") for p in (root / n).iterdir()],
            "one class alone",
        ),
        (
            lambda root: [p.unlink() for c in root.iterdir() for p in list(c.iterdir())[1:]],
            "none can be held out",
        ),
    ],
)
def test_what_cannot_be_learned_is_said(load, colours: Path, spoil, words) -> None:
    spoil(colours)
    preprocessing = load(Plain()).preprocessing
    if words is None:  # an empty folder is no class
        with training_pictures(str(colours), preprocessing, 0.2, 0, Run()) as pictures:
            assert pictures.classes == ("blue", "green")
        return
    with (
        pytest.raises(ParameterError, match=words),
        training_pictures(str(colours), preprocessing, 0.2, 0, Run()),
    ):
        pass


def test_a_list_without_classes_is_said(load, colours: Path) -> None:
    listing = colours / "list.csv"
    picture = next(colours.glob("red/*")).relative_to(colours).as_posix()
    listing.write_text(f"{picture},\n{picture},red\n", encoding="utf-8")  # the first counts
    preprocessing = load(Plain()).preprocessing
    with (
        pytest.raises(ParameterError, match=r"No picture of “list\.csv” has a class"),
        training_pictures(str(listing), preprocessing, 0.2, 0, Run()),
    ):
        pass


def test_augmentation_keeps_shape_range_and_seed() -> None:
    pictures = torch.rand(6, 3, 12, 10, generator=torch.Generator().manual_seed(1))
    for kinds in (("flip",), ("crop",), ("colour",), ("flip", "crop", "colour")):
        first, again, other = (
            augmented(pictures, kinds, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)
        )
        assert first.shape == pictures.shape
        assert float(first.min()) >= 0 and float(first.max()) <= 1
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
    flipped = augmented(pictures, ("flip",), torch.Generator().manual_seed(3))
    for one, made in zip(pictures, flipped, strict=True):
        assert torch.equal(made, one) or torch.equal(made, one.flip(2))
    assert augmented(pictures, (), torch.Generator()) is pictures


# ----------------------------------------------------------------------------------------- training


def test_new_head_is_learned_and_opens_by_itself(colours: Path, tmp_path: Path, watch) -> None:
    model = load_model("bundled")
    watch(model.module)
    before = model.fingerprint
    previews: list[Curves] = []
    run = Run(on_preview=previews.append)
    made = fine_tune(
        model, FineTuning(data=str(colours), epochs=12), tmp_path / "new.safetensors", run
    )
    assert made.accuracy == 1.0
    assert made.labels == ("blue", "green", "red")
    assert load_model("bundled").fingerprint == before
    assert len(previews) == made.epochs
    assert previews[-1].names[:2] == ("loss/train", "loss/held out")
    assert len(made.curves.values[0]) == made.epochs
    assert made.curves.last("accuracy/held out") == 1.0
    opened = load_model(str(made.path))
    assert (opened.name, opened.weights) == ("bundled", str(made.path))
    assert opened.labels == made.labels
    assert opened.preprocessing == model.preprocessing
    assert "100.0%" in opened.findings[0].detail
    for name in COLOURS:
        said = inspect(opened, load_image(colours / name / "3.png"))
        assert said.labels[int(said.probabilities.argmax())] == name
    again = load_model("bundled", made.path)
    assert again.labels == made.labels
    assert again.fingerprint == opened.fingerprint
    backbone = {k: v for k, v in opened.module.state_dict().items() if not k.startswith("head")}
    for key, value in backbone.items():
        assert torch.equal(value, model.module.state_dict()[key])


def test_weights_alone_open_without_their_words(colours: Path, tmp_path: Path) -> None:
    """Other programs drop metadata: then the network is guessed and its classes have numbers."""
    from safetensors.torch import load_file, save_file

    made = fine_tune(
        load_model("bundled"),
        FineTuning(data=str(colours), epochs=1),
        tmp_path / "new.safetensors",
    )
    bare = tmp_path / "bare.safetensors"
    save_file(load_file(made.path), bare)
    assert read_origin(bare) is None
    assert load_model(str(bare)).labels == ("class 0", "class 1", "class 2")


def test_seed_decides_everything(colours: Path, tmp_path: Path) -> None:
    model = load_model("bundled")
    for thaw in (False, True):
        contents = []
        for number, seed in enumerate((0, 0, 1)):
            settings = FineTuning(
                data=str(colours), epochs=2, thaw=thaw, augment=("flip", "crop"), seed=seed
            )
            path = fine_tune(model, settings, tmp_path / f"{number}.safetensors").path
            contents.append(path.read_bytes())
        assert contents[0] == contents[1] != contents[2]


def test_whole_network_learns_and_its_norms_keep_their_statistics(
    load, colours: Path, tmp_path: Path
) -> None:
    model = load(Residual(), size=(16, 16))
    before = {key: item.clone() for key, item in model.module.state_dict().items()}
    settings = FineTuning(data=str(colours), epochs=2, thaw=True, batch=8)
    from safetensors.torch import load_file

    state = load_file(fine_tune(model, settings, tmp_path / "new.safetensors").path)
    assert state["fc.weight"].shape == (3, 4)
    assert not torch.equal(state["conv1.weight"], before["conv1.weight"])
    for key in ("bn1.running_mean", "bn2.running_var", "bn1.num_batches_tracked"):
        assert torch.equal(state[key], before[key])
    for key, item in model.module.state_dict().items():
        assert torch.equal(item, before[key])


class Lonely(Plain):
    """Takes one picture at a time, as what was exported for one."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.reshape(1, 3, 8, 8))


def test_a_network_that_takes_one_picture_is_refused(load, colours: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="takes one picture at a time"):
        fine_tune(load(Lonely()), FineTuning(data=str(colours)), tmp_path / "new.safetensors")


class Forgetting(nn.Sequential):
    """A network that forgets nearly all it sees, but only while it is trained."""

    def __init__(self) -> None:
        torch.manual_seed(4)
        parts = (nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        super().__init__(*parts, nn.Dropout(0.9), nn.Linear(6, 3))


def test_held_out_pictures_are_measured_without_dropout(
    load, colours: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    model = load(Forgetting(), size=(16, 16))
    settings = FineTuning(data=str(colours), epochs=2, thaw=True, batch=8, patience=0)
    tuned = fine_tune(model, settings, tmp_path / "new.safetensors")

    model.module.load_state_dict(load_file(tuned.path))
    with training_pictures(str(colours), model.preprocessing, 0.2, 0, Run()) as pictures:
        rows = pictures.held_out
        mean, std = (
            torch.tensor(item).view(3, 1, 1)
            for item in (model.preprocessing.mean, model.preprocessing.std)
        )
        with torch.no_grad():
            scores = model.module((pictures.of(rows) - mean) / std)
        tally = Tally(3)
        tally.add(scores, pictures.truth[rows])
    assert tally.measures()[:2] == pytest.approx((tuned.loss, tuned.accuracy), rel=1e-5)


class Stopping(Run):
    """A run that is cancelled, or asked for what there is, after so many reports."""

    def __init__(self, after: int, how: str) -> None:
        super().__init__()
        self.left, self.how = after, how

    def report(self, label: str, done: int, total: int, elapsed: float) -> None:
        if label == "Fine-tuning":
            self.left -= 1
            if self.left == 0:
                getattr(self, self.how)()
        super().report(label, done, total, elapsed)


@pytest.mark.parametrize("thaw", [False, True])
def test_cancelled_keeps_the_best_and_goes_on_as_if_never_stopped(
    colours: Path, tmp_path: Path, thaw: bool
) -> None:
    model = load_model("bundled")
    settings = FineTuning(data=str(colours), epochs=5, thaw=thaw, batch=8, augment=("flip",))
    whole = fine_tune(model, settings, tmp_path / "whole.safetensors")
    path = tmp_path / "part.safetensors"
    with pytest.raises(Cancelled):
        fine_tune(model, settings, path, Stopping(9, "cancel"))  # within the third of the epochs
    assert load_model(str(path)).labels == whole.labels
    assert path.with_name("part.safetensors.resume").is_file()
    made = fine_tune(model, settings, path, resume=True)
    assert path.read_bytes() == whole.path.read_bytes()
    for one, other in zip(made.curves.values, whole.curves.values, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not path.with_name("part.safetensors.resume").exists()
    with pytest.raises(ParameterError, match="to go on from"):
        fine_tune(model, settings, path, resume=True)


def test_resume_of_another_training_is_refused(colours: Path, tmp_path: Path) -> None:
    model = load_model("bundled")
    path = tmp_path / "part.safetensors"
    settings = FineTuning(data=str(colours), epochs=5)
    made = fine_tune(model, settings, path, Stopping(3, "finish"))
    assert made.epochs < 5
    with pytest.raises(ParameterError, match="another seed"):
        fine_tune(model, FineTuning(data=str(colours), seed=3), path, resume=True)
    path.with_name("part.safetensors.resume").write_bytes(b"damaged")
    with pytest.raises(ParameterError, match="damaged"):
        fine_tune(model, settings, path, resume=True)


def test_stopped_before_the_first_epoch_writes_nothing(colours: Path, tmp_path: Path) -> None:
    path = tmp_path / "none.safetensors"
    settings = FineTuning(data=str(colours), epochs=5, batch=4)
    with pytest.raises(CnnvizError, match="before the first epoch"):
        fine_tune(load_model("bundled"), settings, path, Stopping(2, "finish"))
    assert not path.exists()


def test_ends_early_and_keeps_the_best_epoch(colours: Path, tmp_path: Path) -> None:
    """At a pace far too high the loss gets worse: what was best is what is written."""
    settings = FineTuning(
        data=str(colours), epochs=40, patience=3, learning_rate=2.0, optimiser="sgd"
    )
    made = fine_tune(load_model("bundled"), settings, tmp_path / "new.safetensors")
    assert made.epochs == made.epoch + 3 < 40
    held = made.curves.values[made.curves.names.index("accuracy/held out")]
    assert made.accuracy == pytest.approx(float(held[made.epoch - 1]))
    origin = read_origin(made.path)
    assert origin is not None
    assert origin.made["epoch"] == made.epoch


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 0}, "epochs must be from 1"),
        ({"held_out": 1.0}, "between 0 and 1"),
        ({"augment": ("turn",)}, "no augmentation “turn”"),
        ({"learning_rate": -1.0}, "learning rate"),
        ({"optimiser": "lion"}, "adam or sgd"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, words) -> None:
    with pytest.raises(ParameterError, match=words):
        FineTuning(data="x", **change)


def test_wrong_files_are_refused_before_the_work(colours: Path, tmp_path: Path) -> None:
    model = load_model("bundled")
    for out, words in (("new.pth", "choose new.safetensors"), ("folder.safetensors", "a folder")):
        path = tmp_path / out
        if "folder" in out:
            path.mkdir()
        with pytest.raises(ParameterError, match=words):
            fine_tune(model, FineTuning(data=str(colours)), path)


# -------------------------------------------------------------------------------------- what opens


def test_own_network_of_a_python_file_opens_with_its_new_head(
    colours: Path, tmp_path: Path
) -> None:
    source = tmp_path / "net.py"
    source.write_text(
        "from torch import nn\n\n\n"
        "def make_model():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),\n"
        "                         nn.Flatten(), nn.Linear(4, 7))\n"
    )
    model = load_model(f"{source}:make_model", trust=True)
    made = fine_tune(model, FineTuning(data=str(colours), epochs=2), tmp_path / "new.safetensors")
    opened = load_model(str(made.path))
    assert opened.name == f"{source}:make_model"
    assert opened.labels == ("blue", "green", "red")
    assert opened.module.get_submodule("4").weight.shape == (3, 4)
    assert load_model(opened.name, opened.weights).fingerprint == opened.fingerprint


def test_words_of_a_stranger_s_file_do_no_harm(colours: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    made = fine_tune(
        load_model("bundled"),
        FineTuning(data=str(colours), epochs=1),
        tmp_path / "new.safetensors",
    )
    state = load_file(made.path)
    origin = read_origin(made.path)
    assert origin is not None
    said = json.loads(origin.to_json())
    for change in (
        {"labels": "abc"},
        {"labels": []},
        {"model": 3},
        {"format": 9},
        {"preprocessing": {}},
        {"preprocessing": {**said["preprocessing"], "size": [10**9, 1]}},
        {"preprocessing": {**said["preprocessing"], "std": [0, 0, 0]}},
    ):
        path = tmp_path / "strange.safetensors"
        save_file(state, path, metadata={"cnnviz": json.dumps({**said, **change})})
        assert read_origin(path) is None
    save_file(state, path, metadata={"cnnviz": json.dumps({**said, "model": str(path)})})
    with pytest.raises(ModelError):
        load_model(str(path))


def test_training_goes_on_from_a_tuned_file(colours: Path, tmp_path: Path) -> None:
    """The same classes: the head goes on from where it was instead of being drawn anew."""
    settings = FineTuning(data=str(colours), epochs=10)
    first = fine_tune(load_model("bundled"), settings, tmp_path / "one.safetensors")
    more = FineTuning(data=str(colours), epochs=1)
    again = fine_tune(load_model(str(first.path)), more, tmp_path / "two.safetensors")
    anew = fine_tune(load_model("bundled"), more, tmp_path / "three.safetensors")
    assert again.loss < 1.05 * first.loss < anew.loss
    origin = read_origin(again.path)
    assert origin is not None
    assert origin.model == "bundled"


def test_real_squeezenet_learns_and_opens(real: Path, colours: Path, tmp_path: Path) -> None:
    model = load_model("squeezenet1_0", real / "squeezenet1_0-imagenet.pth")
    assert find_head(model).tail == "relu mean"
    settings = FineTuning(data=str(colours), epochs=6)
    made = fine_tune(model, settings, tmp_path / "new.safetensors")
    assert made.accuracy == 1.0
    opened = load_model(str(made.path))
    assert (opened.name, opened.labels) == ("squeezenet1_0", ("blue", "green", "red"))
    said = inspect(opened, load_image(colours / "green" / "3.png"))
    assert said.labels[int(said.probabilities.argmax())] == "green"


@pytest.mark.slow
def test_five_new_classes_in_five_minutes(tmp_path: Path) -> None:
    """The bundled model's backbone learns five other shapes to 90 % of the held-out pictures."""
    folder = write_pictures(tmp_path / "five", 200)
    start = time.process_time()
    settings = FineTuning(data=str(folder), epochs=12, thaw=True, augment=("flip",))
    made = fine_tune(load_model("bundled"), settings, tmp_path / "five.safetensors")
    # of the processor: other programs may have a part of the cores
    assert time.process_time() - start < 2 * 300
    assert made.accuracy >= 0.9
    assert load_model(str(made.path)).labels == DRAWN


@pytest.mark.parametrize("thaw", [False, True])
def test_log_is_read_back_and_changes_nothing(colours: Path, tmp_path: Path, thaw: bool) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    model = load_model("bundled")
    settings = FineTuning(data=str(colours), epochs=3, thaw=thaw, batch=12)
    logged = fine_tune(model, settings, tmp_path / "logged.safetensors", log_dir=tmp_path / "log")
    plain = fine_tune(model, settings, tmp_path / "plain.safetensors")
    assert logged.path.read_bytes() == plain.path.read_bytes()
    found = accumulator.EventAccumulator(str(tmp_path / "log"))
    found.Reload()
    held = found.Scalars("accuracy/held_out")
    assert [item.step for item in held] == [1, 3, 5]  # two steps an epoch
    values = logged.curves.values[logged.curves.names.index("accuracy/held out")]
    np.testing.assert_allclose([item.value for item in held], values)
    assert [item.step for item in found.Scalars("loss/train")] == [0, 2, 4]
    assert ("cam/blocks.3.conv2" in found.Tags()["images"]) == thaw
