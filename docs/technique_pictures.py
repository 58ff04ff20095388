"""Draw the small picture of every technique in resources/help, with the bundled model.

python docs/technique_pictures.py [COMMAND ...]
"""

from __future__ import annotations

import io
import sys

from PIL import Image

from cnnviz_desktop.engine.images import load_image
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.engine.techniques import (
    TECHNIQUES,
    ActivationMaximization,
    ActivationStatistics,
    CompareMaps,
    CompareModels,
    DeepDream,
    EvidenceMatrix,
    Exemplars,
    FeatureMaps,
    Filters,
    Gallery,
    Hierarchy,
    Inversion,
    LayerCam,
    Probes,
    Summary,
    Timeline,
    UnitCard,
    WeightStatistics,
)
from cnnviz_desktop.figures.export import save
from cnnviz_desktop.figures.plates import plate
from cnnviz_desktop.resources import resource

_SIDES = (560, 480)  # pixels at most
_TALLEST = 1.5  # times its width; what is below is cut off
_COLOURS = 192
_LARGEST = 59_000  # bytes
_SAMPLE = "samples/striped-star.png"
_SHOWN: dict[type[Technique], Technique] = {
    FeatureMaps: FeatureMaps(layer="blocks.1"),
    Hierarchy: Hierarchy(maps=6),
    UnitCard: UnitCard(layer="blocks.1", detects=True),
    Filters: Filters(sort="norm", batch_norm=True),
    Probes: Probes(channel=3),
    Exemplars: Exemplars(layer="blocks.2", count=3),
    CompareModels: CompareModels(models=("bundled=none",), maps=4),
    Timeline: Timeline(layer="blocks.1", channel=3, steps=32, most=6),
    ActivationMaximization: ActivationMaximization(layer="blocks.2", channel=8, count=4, steps=96),
    DeepDream: DeepDream(layer="blocks.2"),
    Inversion: Inversion(layer="blocks.1", steps=96, layers=4),
    Gallery: Gallery(layer="blocks.0", count=8, steps=64),
    LayerCam: LayerCam(layer="blocks.1"),
    CompareMaps: CompareMaps(classes=3),
    EvidenceMatrix: EvidenceMatrix(methods=("grad-cam", "sobel"), layers=("blocks.1", "blocks.3")),
    Summary: Summary(leaves_only=False),
    WeightStatistics: WeightStatistics(part="kernels", show="histograms"),
    ActivationStatistics: ActivationStatistics(show="boxes"),
}


def main(commands: list[str]) -> None:
    """Draw the pictures of the named techniques, or of all."""
    model = load_model("bundled")
    sample = load_image(resource(_SAMPLE))
    for kind in TECHNIQUES:
        if commands and kind.command not in commands:
            continue
        technique = _SHOWN.get(kind) or kind()
        image = sample if kind.needs_image else None
        figure = plate(technique(model, image), image)
        place = resource("help") / f"{kind.command}.png"
        save(figure, place, dpi=100)
        place.write_bytes(_small(place.read_bytes()))
        print(f"{place.name}: {place.stat().st_size:,} bytes")


def _small(data: bytes) -> bytes:
    """Return a picture no larger than a page shows it, in few colours."""
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    picture = picture.crop(
        (0, 0, picture.width, min(picture.height, round(_TALLEST * picture.width)))
    )
    picture.thumbnail(_SIDES, Image.Resampling.LANCZOS)
    while True:
        out = io.BytesIO()
        palette = picture.quantize(_COLOURS, kmeans=1)
        dithered = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        dithered.save(out, "PNG", optimize=True)
        if len(out.getvalue()) < _LARGEST:
            return out.getvalue()
        smaller = (round(0.85 * picture.width), round(0.85 * picture.height))
        picture = picture.resize(smaller, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main(sys.argv[1:])
