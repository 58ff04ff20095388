"""Everything that can be loaded by name is listed, described and found without building any."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hub_cache import put_into_hub

from cnnviz_desktop.engine.caches import checkpoints_folder, hub_folder, repository_file
from cnnviz_desktop.engine.catalogue import (
    CatalogueEntry,
    catalogue,
    find,
    model_names,
    published,
    search,
)
from cnnviz_desktop.engine.families import FAMILIES, family_of


@pytest.fixture(autouse=True)
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def named(entries: tuple[CatalogueEntry, ...]) -> list[str]:
    return [entry.name for entry in entries]


# ---------------------------------------------------------------------------------------- listing


def test_it_lists_the_bundled_torchvisions_and_timms(bundled_weights):
    import torchvision

    entries = catalogue()
    sources = [entry.source for entry in entries]

    assert named(entries) == list(model_names())
    assert sources[0] == "bundled"
    assert named(entries)[1:81] == torchvision.models.list_models(module=torchvision.models)
    assert sources.count("torchvision") == 80
    assert sources.count("timm") > 500
    assert all(entry.name.startswith("timm:") == (entry.source == "timm") for entry in entries)


def test_listing_and_searching_import_none_of_the_libraries(repository, bundled_weights):
    code = (
        "import sys\n"
        "from cnnviz_desktop.engine.catalogue import catalogue, find, search\n"
        "from cnnviz_desktop.engine.cached_weights import cached\n"
        "catalogue(), find('resnet50v2'), search('resnet <10M'), cached()\n"
        "heavy = ('torch', 'torchvision', 'timm', 'huggingface_hub', 'numpy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_torchvisions_facts_are_those_of_the_installed_one():
    """Fails after an update of torchvision: run `python -m ...engine.catalogue_facts` then."""
    import torchvision

    for name in torchvision.models.list_models(module=torchvision.models):
        kinds = torchvision.models.get_model_weights(name)
        entry = find(name)
        assert entry is not None
        assert entry.parameters == kinds.DEFAULT.meta["num_params"]
        assert entry.accuracy == kinds.DEFAULT.meta["_metrics"]["ImageNet-1K"]["acc@1"]
        assert published(name)[0].url == kinds.DEFAULT.url
        assert {item.url for item in published(name)} == {kind.url for kind in kinds}


def test_timms_facts_are_those_of_the_installed_one():
    import timm

    names = [name.removeprefix("timm:") for name in model_names() if name.startswith("timm:")]
    for name in names:
        for item in published(f"timm:{name}"):
            config = timm.get_pretrained_cfg(f"{name}.{item.tag}")
            assert config.hf_hub_id == item.repository if item.repository else not config.hf_hub_id
            assert not item.url or config.url == item.url
        weights = published(f"timm:{name}")
        usual = timm.get_pretrained_cfg(name)
        if weights and usual.has_weights and usual.num_classes:
            assert weights[0].tag == usual.tag


def test_only_timms_convolutional_classifiers_are_listed():
    names = set(model_names())

    for name in ("resnetv2_50", "convnext_tiny", "efficientnet_b0", "hrnet_w18", "rdnet_tiny"):
        assert f"timm:{name}" in names
    for part in ("vit_", "mixer", "swin", "maxvit", "coatnet", "test_", "clip", "mobilevit"):
        assert not [name for name in names if name.startswith(f"timm:{part}")], part
    assert "timm:resnet50_clip" not in names  # answers with an embedding, not with classes
    assert "timm:mambaout_base" not in names  # its maps have their channels last
    assert "timm:fastvit_t8" in names
    assert "timm:fastvit_ma36" not in names  # of the same family, with attention


def test_the_facts_are_small():
    from cnnviz_desktop.resources import resource

    assert resource("catalogue.json").stat().st_size < 1_500_000


def test_every_family_is_known_and_all_are_used():
    used = {family_of(name) for name in model_names()}

    assert ("", None) not in used
    assert used == {(family, year) for _, family, year in FAMILIES}
    assert family_of("no such network") == ("", None)


@pytest.mark.parametrize(
    ("name", "family", "year"),
    [
        ("alexnet", "AlexNet", 2012),
        ("vgg16_bn", "VGG", 2014),
        ("timm:resnet50d", "ResNet", 2015),
        ("resnext50_32x4d", "ResNeXt", 2016),
        ("timm:resnetv2_50", "ResNet V2", 2016),
        ("timm:tf_efficientnetv2_s", "EfficientNet V2", 2021),
        ("timm:gc_efficientnetv2_rw_t", "EfficientNet V2", 2021),
        ("efficientnet_v2_s", "EfficientNet V2", 2021),
        ("timm:tf_efficientnet_b0", "EfficientNet", 2019),
        ("timm:legacy_seresnet50", "SENet", 2017),
        ("timm:senet154", "SENet", 2017),
        ("timm:ecaresnet50t", "ECA-Net", 2019),
        ("swin_v2_t", "Swin V2", 2021),
        ("timm:hgnet_tiny", "PP-HGNet", None),
    ],
)
def test_families_and_the_years_of_their_papers(name, family, year):
    assert family_of(name) == (family, year)


def test_numbers_worked_out_by_building():
    import timm

    entry = find("timm:lcnet_050")
    assert entry is not None
    module = timm.create_model("lcnet_050")

    assert entry.parameters == sum(item.numel() for item in module.parameters())
    size = sum(item.numel() * item.element_size() for item in module.state_dict().values())
    assert entry.megabytes == pytest.approx(size / 1e6, abs=0.06)


# ------------------------------------------------------------------------------------------- find


def test_find_knows_names_aliases_and_tags():
    assert find("vgg16").family == "VGG"
    alias = find("resnet50v2")
    assert alias.name == "timm:resnetv2_50"
    assert alias.aliases == ("resnet50v2",)
    assert alias.accuracy == pytest.approx(81.398)
    tagged = find("timm:resnet50.tv_in1k")
    assert tagged.name == "timm:resnet50.tv_in1k"
    assert tagged.accuracy is None  # known of the usual weights alone
    assert find("timm:resnet50.a1_in1k").accuracy == find("timm:resnet50").accuracy
    for name in ("", "timm:", "timm:vgg16.nonsense", "vgg16.IMAGENET1K_V1", "resnetv2_50", "VGG16"):
        assert find(name) is None


def test_a_network_without_published_weights_says_so():
    entry = find("timm:lcnet_035")

    assert entry is not None
    assert not entry.published
    assert (entry.megabytes, entry.here, entry.accuracy) == (0.0, False, None)


# ------------------------------------------------------------------------------------------- here


def test_what_any_of_the_programs_fetched_is_here(bundled_weights):
    assert named(search("here")) == ["bundled"]

    checkpoints_folder().mkdir(parents=True)
    (checkpoints_folder() / "vgg16-397923af.pth").touch()
    (checkpoints_folder() / "resnet50-0676ba61.pth").touch()  # the older weights: not those loaded
    (checkpoints_folder() / "lcnet_050.ra2_in1k.safetensors").touch()
    (checkpoints_folder() / "lcnet_100.ra2_in1k.safetensors.partial").touch()
    put_into_hub("timm/resnet10t.c3_in1k")
    put_into_hub("timm/resnet18.a1_in1k", "config.json")  # looked at, not fetched

    assert named(search("here")) == ["bundled", "vgg16", "timm:lcnet_050", "timm:resnet10t"]


def test_hugging_faces_own_look_up_finds_the_same(empty_caches):
    from huggingface_hub import try_to_load_from_cache

    link = put_into_hub("timm/resnet10t.c3_in1k")

    official = try_to_load_from_cache(
        "timm/resnet10t.c3_in1k", "model.safetensors", cache_dir=hub_folder()
    )
    assert repository_file("timm/resnet10t.c3_in1k") == Path(str(official)) == link
    assert repository_file("timm/resnet18.a1_in1k") is None


def test_a_damaged_cache_holds_nothing(empty_caches):
    link = put_into_hub("timm/resnet10t.c3_in1k")
    reference = link.parents[2] / "refs" / "main"

    for content in (b"", b"../..", b"\xff\xfe", b"\0"):
        reference.write_bytes(content)
        assert repository_file("timm/resnet10t.c3_in1k") is None
    reference.write_text("0123abcd\n")
    link.resolve().unlink()
    assert repository_file("timm/resnet10t.c3_in1k") is None


def test_the_folders_are_where_the_libraries_have_them(tmp_path, repository):
    import torch.hub

    assert checkpoints_folder() == Path(torch.hub.get_dir()) / "checkpoints"
    code = (
        "import importlib, json, os, sys\n"
        "from cnnviz_desktop.engine.caches import checkpoints_folder, hub_folder\n"
        "settings, ours, theirs = json.loads(sys.argv[1]), [], []\n"
        "def apply(extra):\n"
        "    for name in ('XDG_CACHE_HOME', 'TORCH_HOME', 'HF_HOME', 'HF_HUB_CACHE'):\n"
        "        os.environ.pop(name, None)\n"
        "    os.environ.update(extra)\n"
        "for extra in settings:\n"
        "    apply(extra)\n"
        "    ours.append([str(checkpoints_folder()), str(hub_folder())])\n"
        "import torch.hub, huggingface_hub.constants as face\n"
        "for extra in settings:\n"
        "    apply(extra)\n"
        "    importlib.reload(face)\n"
        "    theirs.append([torch.hub.get_dir() + '/checkpoints', face.HF_HUB_CACHE])\n"
        "print(json.dumps([ours, theirs]))"
    )
    settings = [
        {},
        {"XDG_CACHE_HOME": str(tmp_path / "xdg")},
        {"TORCH_HOME": "~/mine", "HF_HOME": "~/face"},
        {"HF_HUB_CACHE": str(tmp_path / "face")},
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(settings)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    ours, theirs = json.loads(done.stdout)
    assert ours == theirs
    assert len({tuple(item) for item in ours}) == 4


# ----------------------------------------------------------------------------------------- search


@pytest.mark.parametrize(
    ("words", "there", "not_there"),
    [
        ("resnet50v2", ["timm:resnetv2_50"], ["resnet50"]),
        ("Inception-V3", ["inception_v3", "timm:inception_v3"], ["timm:inception_v4"]),
        ("wide resnet", ["wide_resnet50_2", "timm:wide_resnet101_2"], ["resnet50"]),
        ("2015", ["resnet18", "inception_v3"], ["vgg16", "timm:resnetv2_50"]),
        ("<2015", ["alexnet", "vgg16"], ["resnet18"]),
        ("torchvision <=2015 >80", ["resnet50"], ["vgg16", "timm:resnet50"]),
        ("<2M", ["squeezenet1_1", "mobilenet_v3_small"][:1], ["alexnet"]),
        ("vgg >100m", ["vgg16"], []),
        ("vgg >0.1b", ["vgg16"], []),
        (">74% vgg", ["vgg19_bn", "timm:vgg19_bn"], ["vgg16"]),
        ("<10MB", ["squeezenet1_1"], ["alexnet", "timm:lcnet_035"]),
        (">1GB", ["regnet_y_128gf"], ["vgg16"]),
        ("timm convnext tiny", ["timm:convnext_tiny"], ["convnext_tiny"]),
        ("torchvision ConvNeXt", ["convnext_tiny"], ["timm:convnext_tiny"]),
    ],
)
def test_every_word_must_fit(words, there, not_there):
    found = named(search(words))

    assert found
    for name in there:
        assert name in found
    for name in not_there:
        assert name not in found


def test_bounds_are_kept_to_by_all_that_is_found():
    assert all(entry.parameters < 10e6 for entry in search("<10M"))
    assert all(entry.accuracy > 85 for entry in search(">85"))
    assert all(entry.accuracy >= 71.592 for entry in search("vgg >=71.592%"))
    assert find("vgg16") in search("vgg >=71.592")
    assert find("vgg16") not in search("vgg >71.592")
    assert find("vgg16") in search("<=2014")


def test_no_words_find_all_and_strange_ones_none():
    assert search("") == search([]) == search(["", " "]) == catalogue()
    for words in ("zzzz", "<<3", "<x", ">2015 <2010", "here vgg16", "<0.1M >99"):
        assert search(words) == ()
    assert search("<10M resnet") == search(["RESNET", "<10m"])
