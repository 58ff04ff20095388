"""The tour: every technique on the bundled model and its samples, as figures and one page."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from cnnviz_desktop.data import ImageInput, Prediction
from cnnviz_desktop.engine.catalogue import BUNDLED
from cnnviz_desktop.engine.images import image_files, load_image
from cnnviz_desktop.engine.inspection import inspect
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.recipe import as_command
from cnnviz_desktop.engine.run import SILENT, Part, Run
from cnnviz_desktop.engine.technique import Technique, record
from cnnviz_desktop.engine.techniques import (
    TECHNIQUES,
    AblationCam,
    ActivationMaximization,
    ActivationStatistics,
    CompareModels,
    DeepDream,
    EvidenceMatrix,
    FeatureMaps,
    Filters,
    Gallery,
    Inversion,
    LayerCam,
    Probes,
    ScoreCam,
    WeightStatistics,
)
from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.figures.export import save
from cnnviz_desktop.figures.plates import plate
from cnnviz_desktop.figures.writing import make_folder
from cnnviz_desktop.resources import resource

# Techniques that say more with other parameters than their defaults; all others run as they come.
_SHOWN: dict[type[Technique], tuple[Technique, ...]] = {
    FeatureMaps: (
        FeatureMaps(layer="blocks.0"),
        FeatureMaps(layer="blocks.1"),
        FeatureMaps(layer="blocks.3"),
    ),
    Filters: (
        Filters(sort="norm", batch_norm=True),
        Filters(show="frequencies"),
        Filters(layer="blocks.1.conv2"),
    ),
    ActivationMaximization: (
        ActivationMaximization(layer="blocks.2", channel=8, count=8, steps=96),
        ActivationMaximization(target="dotted disc", steps=96),
    ),
    DeepDream: (DeepDream(layer="blocks.2"),),
    Inversion: (Inversion(layer="blocks.1", steps=96, layers=5),),
    Gallery: (Gallery(layer="blocks.0", steps=64),),
    Probes: (Probes(), Probes(layer="blocks.1.conv2"), Probes(channel=3)),
    LayerCam: (LayerCam(), LayerCam(layer="blocks.1"), LayerCam(classes=3)),
    ScoreCam: (ScoreCam(),),  # a pass a channel
    AblationCam: (AblationCam(),),
    EvidenceMatrix: (EvidenceMatrix(),),
    CompareModels: (CompareModels(models=(f"{BUNDLED}=none",)),),
    WeightStatistics: (WeightStatistics(), WeightStatistics(part="kernels", show="histograms")),
    ActivationStatistics: (
        ActivationStatistics(),
        ActivationStatistics(show="histograms"),
        ActivationStatistics(show="boxes"),
    ),
}


@dataclass(frozen=True)
class _Stop:
    """One figure of the tour and the command that makes it again."""

    file: str
    caption: str
    command: str


def write_tour(folder: Path, run: Run = SILENT) -> Path:
    """Write the figures and `index.html` into the folder; return the page's path."""
    samples = image_files(resource("samples"))
    model = load_model(BUNDLED, run=run)
    make_folder(folder)
    pictures = [load_image(path) for path in samples]
    within = Part(run, "", counted=False)  # what is counted are pictures and techniques
    answers = [
        _answered(model, image, folder, within)
        for image in run.track(pictures, "Classifying samples")
    ]
    chapters = [
        (technique, _chapter(technique, model, pictures, folder, within))
        for technique in run.track(TECHNIQUES, "Running techniques")
    ]
    page = folder / "index.html"
    try:
        page.write_text(_page(model, answers, chapters), encoding="utf-8")
    except OSError as error:
        raise ExportError(f"{page} cannot be written: {error.strerror}.") from error
    return page


def _answered(
    model: LoadedModel, image: ImageInput, folder: Path, run: Run
) -> tuple[str, Prediction]:
    from PIL import Image

    Image.fromarray(image.pixels).save(folder / image.name)
    return image.name, inspect(model, image, run)


def _chapter(
    kind: type[Technique], model: LoadedModel, pictures: list[ImageInput], folder: Path, run: Run
) -> list[_Stop]:
    """Run one technique: its chosen variants on the first picture, or its default on three."""
    chosen = _SHOWN.get(kind)
    if chosen:
        jobs = [(technique, pictures[0]) for technique in chosen]
    else:
        jobs = [
            (kind(), picture) for picture in (pictures[:3] if kind.needs_image else pictures[:1])
        ]
    stops = []
    for number, (technique, picture) in enumerate(jobs, start=1):
        image = picture if technique.needs_image else None
        name = f"{technique.command}-{number}.png"
        result = technique(model, image, run)
        figure = plate(result, image)
        save(figure, folder / name, record=record(technique, model, image))
        layer = technique.resolved(model).values().get("layer")
        parts = [f"layer {layer}" if layer else "", image.name if image else ""]
        sample = Path(image.name) if image else None
        stops.append(
            _Stop(
                file=name,
                caption=" · ".join(part for part in parts if part),
                command=as_command(technique, model.name, image=sample, out=name),
            )
        )
    return stops


def _page(
    model: LoadedModel,
    answers: list[tuple[str, Prediction]],
    chapters: list[tuple[type[Technique], list[_Stop]]],
) -> str:
    template = resource("tour/page.html").read_text(encoding="utf-8")
    contents = "".join(
        f'<a href="#{kind.command}">{html.escape(kind.title)}</a>' for kind, _ in chapters
    )
    values = {
        "summary": html.escape(model.summary),
        "contents": contents,
        "samples": "".join(_sample(name, found) for name, found in answers),
        "chapters": "".join(_section(kind, stops) for kind, stops in chapters),
    }
    for key, value in values.items():
        template = template.replace("{{" + key + "}}", value)
    return template


def _sample(name: str, found: Prediction) -> str:
    _index, label, probability = found.top(1)[0]
    return (
        f'<figure><img src="{html.escape(name)}" alt="{html.escape(name)}">'
        f"<figcaption>{html.escape(label)}<span>{probability:.1%}</span></figcaption></figure>"
    )


def _section(kind: type[Technique], stops: list[_Stop]) -> str:
    paper = kind.paper
    if paper.startswith("arXiv:"):
        paper = f'<a href="https://arxiv.org/abs/{paper[6:]}">{paper}</a>'
    doc = (kind.__doc__ or "").strip().split("\n\n")
    reading = "".join(f"<p>{html.escape(' '.join(part.split()))}</p>" for part in doc)
    figures = "".join(
        f'<figure><a href="{stop.file}"><img src="{stop.file}" loading="lazy" '
        f'alt="{html.escape(kind.title)}, {html.escape(stop.caption)}"></a>'
        f"<figcaption>{html.escape(stop.caption)}"
        f"<code>{html.escape(stop.command)}</code></figcaption></figure>"
        for stop in stops
    )
    return (
        f'<section id="{kind.command}"><h2>{html.escape(kind.title)}</h2>'
        f'<p class="lead">{html.escape(kind.summary)}</p>'
        f"<details><summary>How it is made</summary>{reading}<p>{paper}</p></details>"
        f"{figures}</section>"
    )
