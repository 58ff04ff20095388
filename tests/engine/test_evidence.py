"""The matrix of evidence: which cells there are, why one is empty, what is kept when it ends."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from networks import Plain
from PIL import Image
from torch import nn

from cnnviz_desktop.data import Evidence, ImageInput
from cnnviz_desktop.engine.images import load_image
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.object_masks import object_mask
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import TECHNIQUES, CompareMaps, EvidenceMatrix, GradCam
from cnnviz_desktop.engine.techniques.compare_maps import METHODS
from cnnviz_desktop.errors import Cancelled, LayerError, ParameterError

QUICK = {"methods": ("grad-cam", "random"), "metrics": ("drop",)}


def rows(evidence: Evidence) -> dict[tuple[str, str], np.ndarray]:
    return {
        (method, layer): evidence.scores[row, column]
        for row, method in enumerate(evidence.methods)
        for column, layer in enumerate(evidence.layers)
    }


def test_it_has_a_cell_for_every_method_and_layer(load, noise):
    found = EvidenceMatrix(layers=("relu1", "relu2"), target="owl")(load(Plain()), noise())

    assert found.methods == ("Grad-CAM", "HiResCAM", "LayerCAM", "Random map", "Sobel edges")
    assert (found.layers, found.controls, found.target_label) == (("relu1", "relu2"), 2, "owl")
    assert found.metrics == ("ROAD", "insertion", "deletion", "drop")  # nobody knows the object
    assert found.better == ("higher", "higher", "lower", "lower")
    assert found.scores.shape == (5, 2, 4) and np.isfinite(found.scores).all()
    assert [item.values.shape for item in found.maps] == [(8, 8), (4, 4)] * 5
    assert set(found.reasons) == {""}
    assert [curve.name for curve in found.curves] == [
        "ROAD, most relevant", "ROAD, least relevant", "Insertion", "Deletion",
    ]  # fmt: skip
    for curve in found.curves:
        assert curve.values.shape == (5, 2, len(curve.places))
        assert np.isfinite(curve.values).all()


def test_a_cell_holds_what_its_technique_gives(load, noise):
    model = load(Plain())
    found = EvidenceMatrix(**QUICK, layers=("relu1",), target=1)(model, noise())

    wanted = GradCam(layer="relu1", target=1)(model, noise())
    np.testing.assert_array_equal(found.cell(0, 0).values, wanted.values)
    assert found.score == pytest.approx(wanted.score, rel=1e-5)
    logits = model.logits(model.module(model.prepare(noise())[0]))[0]
    assert found.probability == pytest.approx(float(logits.softmax(0)[1]), rel=1e-5)


def test_by_default_it_looks_at_the_ends_of_the_stages_and_the_default_layer(load, noise):
    model = load_model("bundled", weights="none")
    found = EvidenceMatrix(**QUICK)(model, noise(128, 128))
    assert found.layers[-1] == model.default_layer
    sides = [item.values.shape[0] for item in found.maps[: len(found.layers)]]
    assert len(sides) == 4 and sides == sorted(sides, reverse=True)


def test_methods_at_the_input_have_a_column_of_their_own(load, noise):
    asked = EvidenceMatrix(methods=("saliency", "grad-cam", "sobel"), metrics=("drop",))
    found = asked(load(Plain()), noise())

    assert found.methods == ("Saliency", "Grad-CAM", "Sobel edges") and found.layers[-1] == ""
    assert [found.cell(0, column) is None for column in range(3)] == [True, True, False]
    assert [found.cell(1, column) is None for column in range(3)] == [False, False, True]
    assert found.reason(0, 0) == "Explains at the network's input."
    assert found.reason(1, 2) == "Explains by a layer's maps."
    assert found.cell(2, 2).values.shape == (8, 8)
    assert math.isnan(found.scores[0, 0, 0])
    alone = EvidenceMatrix(methods=("saliency",), metrics=("drop",))(load(Plain()), noise())
    assert alone.layers == ("",)


def test_what_a_method_cannot_do_is_said_in_its_cell(load, noise):
    class Branch(Plain):
        """A branch that the answer does not pass through."""

        def __init__(self) -> None:
            super().__init__()
            self.aside = nn.Conv2d(3, 2, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.aside(x)
            for name, child in self.named_children():
                if name != "aside":
                    x = child(x)
            return x

    asked = EvidenceMatrix(**QUICK, layers=("aside", "relu2"))
    found = asked(load(Branch()), noise())
    assert found.cell(0, 0) is None and "does not depend on aside" in found.reason(0, 0)
    assert found.cell(0, 1) is not None and found.cell(1, 0) is not None


def test_a_map_of_one_value_is_kept_without_scores(load, noise):
    grey = ImageInput(np.full((8, 8, 3), 90, np.uint8))
    found = EvidenceMatrix(methods=("sobel",), layers=("relu2",), metrics=("road",))(
        load(Plain()), grey
    )
    assert found.cell(0, 0) is not None and np.isnan(found.scores).all()
    assert found.reason(0, 0) == "It has one value everywhere: there is nothing to rank."


def test_what_makes_no_sense_is_refused(load, noise):
    model = load(Plain())
    for more, said in (
        ({"methods": ()}, "no method"),
        ({"metrics": ()}, "no metric"),
        ({"metrics": ("pointing",)}, "Nothing says where the object is"),
        ({"masks": "/no/such/folder"}, "There is no folder"),
    ):
        with pytest.raises(ParameterError, match=said):
            EvidenceMatrix(**more)(model, noise())
    with pytest.raises(LayerError, match=r"fc \(Linear\) gives no maps"):
        EvidenceMatrix(layers=("fc",))(model, noise())
    with pytest.raises(LayerError, match="no layer “relu3”"):
        EvidenceMatrix(layers=("relu3",))(model, noise())


def test_every_method_can_be_compared(load, noise):
    """All of them, and no technique that explains is forgotten."""
    explaining = {kind for kind in TECHNIQUES if kind.tab == "Explain"}
    assert set(METHODS.values()) == explaining - {CompareMaps, EvidenceMatrix}
    asked = EvidenceMatrix(methods=tuple(METHODS), layers=("relu2",), metrics=("drop",))
    found = asked(load(Plain()), noise())
    for row in range(len(found.methods)):
        assert [item is not None for item in (found.cell(row, 0), found.cell(row, 1))].count(
            True
        ) == 1


# ------------------------------------------------------------------------------------- the object


def test_where_a_mask_lies_beside_the_picture_the_object_counts(sample, bundled_weights):
    model = load_model("bundled")
    asked = EvidenceMatrix(
        methods=("grad-cam",), layers=(model.default_layer,), metrics=("pointing", "energy")
    )
    found = asked(model, load_image(sample))
    assert found.metrics == ("pointing", "energy")
    hit, energy = found.scores[0, 0]
    assert hit == 1 and 0.2 < energy < 1
    assert "of what the network saw" in found.notes[0]


def test_masks_and_boxes_are_found_by_the_pictures_name(tmp_path, noise):
    folder = tmp_path / "m"
    folder.mkdir()
    image = dataclasses.replace(noise(6, 8), path=tmp_path / "cat.jpg")
    assert object_mask(image) is None and object_mask(image, folder) is None

    (folder / "cat.xml").write_text(
        "<annotation><object><name>cat</name><bndbox><xmin>2</xmin><ymin>3</ymin>"
        "<xmax>4</xmax><ymax>5</ymax></bndbox></object></annotation>"
    )
    boxed = object_mask(image, folder)
    wanted = np.zeros((6, 8), np.bool_)
    wanted[2:5, 1:4] = True
    np.testing.assert_array_equal(boxed, wanted)

    (folder / "cat.xml").unlink()
    Image.fromarray(wanted.astype(np.uint8) * 200).save(folder / "cat.png")
    np.testing.assert_array_equal(object_mask(image, folder), wanted)

    Image.fromarray(np.zeros((3, 3), np.uint8)).save(folder / "cat.png")
    with pytest.raises(ParameterError, match="has 3×3 pixels, its picture 8×6"):
        object_mask(image, folder)
    (folder / "cat.xml").write_text("<annotation><bndbox><xmin>a</xmin></bndbox></annotation>")
    with pytest.raises(ParameterError, match="holds no boxes"):
        object_mask(image, folder)
    with pytest.raises(ParameterError, match="There is no folder"):
        object_mask(image, tmp_path / "nowhere")


# ---------------------------------------------------------------------------------------- the run


class Ending(Run):
    """A run that is told to give what there is after so many cells."""

    def __init__(self, cells: int) -> None:
        self.shown: list[Evidence] = []
        super().__init__(on_preview=self.shown.append)
        self.cells, self.labels = cells, []

    def report(self, label: str, done: int, total: int, elapsed: float) -> None:
        super().report(label, done, total, elapsed)
        self.labels.append((label, done, total))
        if done == self.cells:
            self.finish()


def test_ending_the_work_keeps_the_cells_that_are_done(load, noise):
    run = Ending(3)
    model = load(Plain())
    found = EvidenceMatrix(layers=("relu1", "relu2"))(model, noise(), run)

    done = [item is not None for item in found.maps]
    assert done == [True] * 3 + [False] * 7
    assert set(found.reasons[3:]) == {"Not looked at: the work was ended before."}
    assert np.isfinite(found.scores.reshape(10, -1)[:3]).all()
    assert np.isnan(found.scores.reshape(10, -1)[3:]).all()
    whole = EvidenceMatrix(layers=("relu1", "relu2"))(model, noise())
    np.testing.assert_array_equal(
        found.scores.reshape(10, -1)[:3], whole.scores.reshape(10, -1)[:3]
    )
    assert {label for label, *_rest in run.labels} == {"Gathering evidence"}  # no cell's own
    assert run.labels[-1][2] == 10


def test_ending_in_the_middle_of_a_cell_drops_it(load, noise):
    class Soon(Ending):
        def check(self) -> None:
            super().check()
            self.left = getattr(self, "left", 40) - 1
            if self.left == 0:
                self.finish()

    found = EvidenceMatrix(layers=("relu2",))(load(Plain()), noise(), Soon(99))
    assert found.maps[-1] is None
    for heatmap, scores in zip(found.maps, found.scores[:, 0], strict=True):
        assert np.isfinite(scores).all() == (heatmap is not None)


def test_cancelling_keeps_nothing(load, noise):
    run = Ending(99)
    run.cancel()
    with pytest.raises(Cancelled):
        EvidenceMatrix(**QUICK)(load(Plain()), noise(), run)


def test_done_cells_are_shown_on_the_way(load, noise, monkeypatch):
    monkeypatch.setattr("cnnviz_desktop.engine.evidence._BETWEEN_PREVIEWS", 0)
    run = Ending(99)
    EvidenceMatrix(**QUICK, layers=("relu1", "relu2"))(load(Plain()), noise(), run)
    assert [sum(item is not None for item in shown.maps) for shown in run.shown] == [1, 2, 3, 4]


# ---------------------------------------------------------------------------------- sanity, seeds


def test_the_sanity_check_sees_what_does_not_depend_on_the_network(load, noise):
    model = load(Plain())
    before = model.fingerprint
    asked = EvidenceMatrix(
        methods=("grad-cam", "sobel"), layers=("relu2",), metrics=("sanity", "ssim")
    )
    found = rows(asked(model, noise()))
    np.testing.assert_allclose(found["Sobel edges", "relu2"], 1, atol=1e-6)
    assert found["Grad-CAM", "relu2"][0] < 0.95
    assert dataclasses.replace(model).fingerprint == before
    (ranks, structure) = asked(model, noise()).curves
    assert ranks.ticks == structure.ticks == ("fc", "conv2", "conv1")


def test_the_seed_is_all_that_is_random(load, noise):
    model = load(Plain())

    def scores(seed: int) -> np.ndarray:
        return EvidenceMatrix(layers=("relu2",), seed=seed)(model, noise()).scores

    np.testing.assert_array_equal(scores(1), scores(1))
    assert not np.array_equal(scores(1), scores(2))


def test_insertion_may_begin_blurred(load, noise):
    model = load(Plain())
    kept = {"methods": ("grad-cam",), "layers": ("relu2",), "metrics": ("insertion", "deletion")}
    grey, blurred = (
        EvidenceMatrix(**kept, start=start)(model, noise()).curves
        for start in ("mean colour", "blur")
    )
    assert grey[0].values[0, 0, 0] != blurred[0].values[0, 0, 0]
    np.testing.assert_array_equal(grey[1].values, blurred[1].values)


def test_the_steps_are_as_many_as_asked(load, noise):
    asked = EvidenceMatrix(methods=("sobel",), layers=("relu2",), metrics=("insertion",), steps=8)
    assert len(asked(load(Plain()), noise()).curves[0].places) == 9


# ------------------------------------------------------------------------------- the bundled model


@pytest.mark.slow
def test_grad_cam_finds_the_object_and_beats_the_controls_on_300_fresh_pictures(bundled_weights):
    """The controls are as coarse as the layer; an edge map of full resolution is far worse."""
    from cnnviz_desktop.bundled.pictures import HELD_OUT_SEEDS, draw
    from cnnviz_desktop.engine import pointing
    from cnnviz_desktop.engine.confidence import Confidence, at_input
    from cnnviz_desktop.engine.controls import grey_picture, random_map, sobel_map
    from cnnviz_desktop.engine.road import road

    model = load_model("bundled")
    hits, roads = [], []
    first = HELD_OUT_SEEDS.stop  # neither trained nor measured on
    for seed in range(first, first + 300):
        drawing = draw(seed)
        image = ImageInput(drawing.pixels)
        heatmap = GradCam(target=drawing.label)(model, image)
        hits.append(pointing.hits(heatmap, drawing.mask))
        tensor, _region = model.prepare(image)
        grey, size = grey_picture(model, tensor), heatmap.values.shape
        confidence = Confidence(model, drawing.label)
        whole = float(confidence(tensor)[0])
        maps = heatmap.values, sobel_map(grey, size, seed), random_map(grey, size, seed)
        roads.append(
            [road(confidence, tensor, at_input(item, tensor), whole).combined for item in maps]
        )
    grad_cam, sobel, chance = np.mean(roads, axis=0)
    assert np.mean(hits) >= 0.9
    assert grad_cam > sobel > chance
    assert abs(chance) < 0.05
