"""The tour counts techniques, whatever those count themselves."""

from __future__ import annotations

from cnnviz_desktop import tour
from cnnviz_desktop.engine.run import Progress, Run
from cnnviz_desktop.engine.techniques import ScoreCam, Summary


def test_progress_counts_pictures_and_techniques_alone(bundled_weights, tmp_path, monkeypatch):
    monkeypatch.setattr(tour, "TECHNIQUES", (ScoreCam, Summary))
    seen: list[Progress] = []

    tour.write_tour(tmp_path, Run(on_progress=seen.append))

    counted = [item for item in seen if item.label in ("Classifying samples", "Running techniques")]
    assert [item.done for item in counted[-3:]] == [0, 1, 2]
    after = seen[seen.index(counted[0]) :]  # before, the network was loaded
    assert after == counted
