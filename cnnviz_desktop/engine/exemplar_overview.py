"""Read what an index holds of a whole layer, also while it fills, and crops of some channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnviz_desktop.data import ChannelPictures, DatasetFacts, ExemplarOverview
from cnnviz_desktop.engine.exemplar_index import ExemplarIndex, index_path
from cnnviz_desktop.engine.exemplar_pictures import (
    Crops,
    named_classes,
    spread_of,
    strongest_of,
)
from cnnviz_desktop.engine.exemplars import class_selectivity
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.run import SILENT, Run


def overview(model: LoadedModel, facts: DatasetFacts, layer: str) -> ExemplarOverview | None:
    """Return what is known of all channels of a layer; None where no picture was looked at."""
    path = index_path(model, facts)
    if not path.exists():
        return None
    with ExemplarIndex(path) as index:
        known = index.layers().get(layer)
        if known is None or not known.images:
            return None
        by_class, tops = class_selectivity(index, layer), index.tops(layer)
        names = index.classes()
        numbers = {name: place for place, name in enumerate(by_class.classes)}
        images = index.images_by_id(np.unique(tops.images).tolist())
        of_image = {
            number: numbers.get(names.get(image.label, ""), -1) for number, image in images.items()
        }
        labels = np.vectorize(of_image.__getitem__, otypes=[np.int64])(tops.images)
        return ExemplarOverview(
            title=str(index.facts()["title"]),
            layer=layer,
            images=known.images,
            total=index.count(),
            values=tops.values,
            ids=tops.images,
            labels=labels,
            classes=named_classes(index.facts(), by_class.classes, model.labels),
            folders=by_class.classes,
            means=by_class.means,
            strongest=by_class.strongest,
            selectivity=by_class.apart,
            telling=np.array(by_class.most_selective(), np.int64),
            broken=tuple(index.broken().items()),
        )


def channel_pictures(
    model: LoadedModel,
    facts: DatasetFacts,
    layer: str,
    channels: Sequence[int],
    run: Run = SILENT,
    percentiles: Sequence[float] = (),
) -> ChannelPictures:
    """Return crops of the pictures of some channels: the strongest, or those at percentiles."""
    with ExemplarIndex(index_path(model, facts)) as index:
        chosen = (
            spread_of(index, layer, channels, percentiles)
            if percentiles
            else strongest_of(index, layer, channels)
        )
        crops = Crops(index, model, layer, chosen)
        crops.cut(run, check=False)
        names, known = index.classes(), index.layers()[layer]
        folders = seen_folders(index, layer)
        numbers = {name: place for place, name in enumerate(folders)}
        flat = chosen.images.ravel().tolist()
        rows, columns = np.divmod(chosen.places.ravel(), known.width)
        return ChannelPictures(
            channels=chosen.channels,
            values=np.ascontiguousarray(chosen.values),
            ids=np.ascontiguousarray(chosen.images),
            pictures=crops.crops,
            files=tuple(crops.files[number] for number in flat),
            keys=tuple(crops.images[number].key for number in flat),
            labels=tuple(
                numbers.get(names.get(crops.images[number].label, ""), -1) for number in flat
            ),
            rows=tuple(rows.tolist()),
            columns=tuple(columns.tolist()),
            boxes=tuple(crops.boxes),
        )


def seen_folders(index: ExemplarIndex, layer: str) -> tuple[str, ...]:
    """Return the folders whose pictures a layer has seen, in the order of `class_selectivity`."""
    seen = set(index.seen_classes(layer))
    return tuple(name for number, name in index.classes().items() if number in seen)
