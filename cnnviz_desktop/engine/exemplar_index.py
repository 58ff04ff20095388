"""Keep what a network's channels answer to the pictures of a dataset, in one SQLite file.

Of every channel are kept the nine strongest pictures, sums over each class, and what it gives for a
sample of the pictures that depends on their names alone. All a batch of pictures changes, and that
they are done, is one transaction: a program that is killed at any moment loses the batch it was at
and counts nothing twice. The file's size does not depend on the number of pictures but for their
names. Others may read while it fills.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz_desktop.data import DatasetFacts, Floats
from cnnviz_desktop.engine.caches import own_folder
from cnnviz_desktop.engine.datasets import NO_CLASS, Dataset
from cnnviz_desktop.engine.exemplar_records import (
    Batch,
    IndexedImage,
    IndexedLayer,
    Sample,
    Sums,
    Tops,
    blob,
    image_of,
    merged,
    rank_of,
    read_name,
    stored,
    tops_of,
)
from cnnviz_desktop.errors import ExportError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.exemplar_pass import Maxima
    from cnnviz_desktop.engine.exemplar_records import Places
    from cnnviz_desktop.engine.loaded_model import LoadedModel

SAMPLE = 512  # pictures whose values are kept whole
_FORMAT = 1
_WAIT = 30.0  # seconds for another program to finish its batch
_SUFFIX = ".sqlite"

_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE classes (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE);
CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, stamp TEXT NOT NULL,
    class INTEGER NOT NULL, broken TEXT NOT NULL DEFAULT ''
);
CREATE TABLE layers (
    name TEXT PRIMARY KEY, channels INTEGER NOT NULL, height INTEGER NOT NULL,
    width INTEGER NOT NULL, frontier INTEGER NOT NULL DEFAULT 0,
    images INTEGER NOT NULL DEFAULT 0, odd INTEGER NOT NULL DEFAULT 0,
    top_values BLOB NOT NULL, top_images BLOB NOT NULL, top_places BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE sums (
    layer TEXT NOT NULL, class INTEGER NOT NULL, images INTEGER NOT NULL, sums BLOB NOT NULL,
    PRIMARY KEY (layer, class)
) WITHOUT ROWID;
CREATE TABLE samples (
    layer TEXT NOT NULL, rank INTEGER NOT NULL, image INTEGER NOT NULL, answers BLOB NOT NULL,
    places BLOB NOT NULL, PRIMARY KEY (layer, rank, image)
) WITHOUT ROWID;
CREATE TABLE checks (
    layer TEXT NOT NULL, channel INTEGER NOT NULL, digest TEXT NOT NULL, differing INTEGER NOT NULL,
    PRIMARY KEY (layer, channel)
) WITHOUT ROWID;
"""


def model_key(model: LoadedModel) -> str:
    """Return what is the same for two networks that answer alike: weights, layers and input."""
    digest = hashlib.sha256(model.fingerprint.encode())
    for node in model.layers.walk():
        digest.update(f"{node.name} {node.kind} {node.output_shape} {node.calls}\n".encode())
    digest.update(repr(model.preprocessing).encode())
    return digest.hexdigest()


def index_path(model: LoadedModel, dataset: Dataset | DatasetFacts) -> Path:
    """Return where the index of a network and a dataset is, whether or not it is there."""
    place = hashlib.sha256(f"{dataset.kind}\n{dataset.place}".encode("utf-8", "surrogatepass"))
    name = f"{model_key(model)[:24]}-{place.hexdigest()[:24]}{_SUFFIX}"
    return own_folder("exemplars") / name


def paths_of(model: LoadedModel) -> list[Path]:
    """Return all indexes of a network, the last written first."""
    dated: list[tuple[float, Path]] = []
    for path in own_folder("exemplars").glob(f"{model_key(model)[:24]}-*{_SUFFIX}"):
        with suppress(OSError, ValueError):  # gone meanwhile
            log = path.with_name(f"{path.name}-wal")
            changed = max(item.stat().st_mtime for item in (path, log) if item.exists())
            dated.append((changed, path))
    return [path for _changed, path in sorted(dated, reverse=True)]


class ExemplarIndex:
    """One index: `take_in` says which pictures there are, `add` what channels answer to some.

    Belongs to the thread that opened it; another thread or program opens its own. Errors of the
    disk are `ExportError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = self._opened()

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connected()
        except sqlite3.OperationalError:  # in use for too long, or no room: nothing is wrong in it
            raise
        except sqlite3.DatabaseError:  # damaged, or another version's: it can be found out again
            for path in (self.path, *_logs(self.path)):
                path.unlink(missing_ok=True)
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        base = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)
        try:
            base.execute("PRAGMA journal_mode=WAL")
            base.execute("PRAGMA synchronous=NORMAL")
            version = base.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _FORMAT):
                raise sqlite3.DatabaseError(f"its format is {version}")
            if version == 0:
                self._create(base)
        except BaseException:
            base.close()
            raise
        return base

    def _create(self, base: sqlite3.Connection) -> None:
        base.execute("BEGIN IMMEDIATE")
        if base.execute("PRAGMA user_version").fetchone()[0] == 0:  # nobody was quicker
            for statement in _TABLES.split(";"):
                base.execute(statement)
            base.execute(f"PRAGMA user_version={_FORMAT}")
        base.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def __enter__(self) -> ExemplarIndex:
        return self

    def __exit__(self, *_what: object) -> None:
        self.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise ExportError(
                f"The index of exemplars {self.path} cannot be kept ({error}): make room on the "
                "disk, or set CNNVIZ_CACHE_DIR to another folder."
            ) from error

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """Make all changes of this block or none."""
        with self._errors():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield self._base
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self._errors():
            return self._base.execute(query, values).fetchall()

    # ------------------------------------------------------------------------------- what there is

    def take_in(self, dataset: Dataset, model: LoadedModel) -> bool:
        """Write down which pictures there are; return False where all must be gone through anew.

        That is so where one that is in the numbers has changed or is gone, since its part cannot be
        taken out again.
        """
        with self._change() as base:
            names: dict[str | None, int] = {None: NO_CLASS}
            for name in dataset.classes:
                base.execute("INSERT OR IGNORE INTO classes(name) VALUES (?)", (stored(name),))
            rows = base.execute("SELECT name, id FROM classes")
            names |= {read_name(name): number for name, number in rows}
            known = (*dataset.classes, None)  # the last for -1
            base.execute("CREATE TEMP TABLE now (place INTEGER, key PRIMARY KEY, stamp, class)")
            base.executemany(
                "INSERT INTO now VALUES (?, ?, ?, ?)",
                (
                    (place, stored(item.key), item.stamp, names[known[item.label]])
                    for place, item in enumerate(dataset.items)
                ),
            )
            other = (
                "FROM images LEFT JOIN now USING (key) WHERE (now.key IS NULL OR "
                "now.stamp != images.stamp OR now.class != images.class)"
            )
            counted = "images.broken = '' AND images.id <= (SELECT max(frontier) FROM layers)"
            stale = base.execute(f"SELECT 1 {other} AND {counted} LIMIT 1").fetchone()
            if stale:
                for table in ("images", "layers", "sums", "samples", "checks"):
                    base.execute(f"DELETE FROM {table}")
            else:
                base.execute(f"DELETE FROM images WHERE id IN (SELECT images.id {other})")
            base.execute(
                "INSERT INTO images(key, stamp, class) SELECT key, stamp, class FROM now "
                "WHERE key NOT IN (SELECT key FROM images) ORDER BY place"
            )
            base.execute("DROP TABLE now")
            facts = {
                **{name: getattr(dataset, name) for name in ("kind", "source", "split", "place")},
                "title": dataset.title,
                "dataset": dataset.fingerprint,
                "model": model.name,
                "fingerprint": model.fingerprint,
                "classes": list(dataset.classes),
            }
            self._note(base, facts)
        return not stale

    def _note(self, base: sqlite3.Connection, facts: Mapping[str, Any]) -> None:
        base.executemany(
            "INSERT OR REPLACE INTO facts VALUES (?, ?)",
            [(name, json.dumps(value)) for name, value in facts.items()],
        )

    def facts(self) -> dict[str, Any]:
        """Return what is written down of model and dataset; {} for an empty index."""
        return {name: json.loads(value) for name, value in self._rows("SELECT * FROM facts")}

    @property
    def batch(self) -> int | None:
        """Return how many pictures are looked at at once: always as many, for the same numbers."""
        found: int | None = self.facts().get("batch")
        return found

    def set_batch(self, size: int) -> None:
        """Write down how many pictures are looked at at once."""
        with self._change() as base:
            self._note(base, {"batch": size})

    def classes(self) -> dict[int, str]:
        """Return the names of the classes by their ids."""
        rows = self._rows("SELECT id, name FROM classes ORDER BY id")
        return {number: read_name(name) for number, name in rows}

    def layers(self) -> dict[str, IndexedLayer]:
        """Return how far each layer is."""
        columns = "name, channels, height, width, frontier, images, odd"
        found = (IndexedLayer(*row) for row in self._rows(f"SELECT {columns} FROM layers"))
        return {item.name: item for item in found}

    def add_layer(self, name: str, shape: Sequence[int]) -> None:
        """Make room for a layer of (channels, rows, columns), unless it is there."""
        empty = np.zeros((shape[0], 0))
        with self._change() as base:
            base.execute(
                "INSERT OR IGNORE INTO layers(name, channels, height, width, top_values, "
                "top_images, top_places) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (name, *shape, blob(empty, "<f4"), blob(empty, "<i8"), blob(empty, "<i4")),
            )

    def images(self, after: int = 0, up_to: int | None = None) -> Iterator[IndexedImage]:
        """Yield the pictures after an id in the order of their ids, a few hundred at a time."""
        end = 2**62 if up_to is None else up_to
        while True:
            rows = self._rows(
                "SELECT id, key, class, broken FROM images WHERE id > ? AND id <= ? "
                "ORDER BY id LIMIT 512",
                after,
                end,
            )
            yield from map(image_of, rows)
            if not rows:
                return
            after = rows[-1][0]

    def images_by_id(self, ids: Sequence[int]) -> dict[int, IndexedImage]:
        """Return some pictures by their ids."""
        found: dict[int, IndexedImage] = {}
        wanted = [int(item) for item in ids]
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            marks = ",".join("?" * len(some))
            query = f"SELECT id, key, class, broken FROM images WHERE id IN ({marks})"
            found |= {row[0]: image_of(row) for row in self._rows(query, *some)}
        return found

    def count(self, after: int = 0) -> int:
        """Count the pictures after an id."""
        return int(self._rows("SELECT count(*) FROM images WHERE id > ?", after)[0][0])

    def broken(self) -> dict[str, str]:
        """Return why pictures were skipped, by their keys."""
        query = "SELECT key, broken FROM images WHERE broken != '' ORDER BY id"
        return {read_name(key): said for key, said in self._rows(query)}

    # ------------------------------------------------------------------------------- what they say

    def add(self, batch: Batch) -> bool:
        """Add a batch to its layers; return False where another program has done it meanwhile."""
        with self._errors():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                done = all(
                    self._add_layer(batch, name, maxima) for name, maxima in batch.maxima.items()
                )
                self._base.executemany(
                    "UPDATE images SET broken = ? WHERE id = ?",
                    [(said, number) for number, said in batch.broken.items()],
                )
                self._base.execute("COMMIT" if done else "ROLLBACK")
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise
        return done

    def _add_layer(self, batch: Batch, name: str, maxima: Maxima) -> bool:
        row = self._base.execute(
            "SELECT top_values, top_images, top_places FROM layers WHERE name = ? AND frontier = ?",
            (name, batch.after),
        ).fetchone()
        if row is None:
            return False
        odd = int((~np.isfinite(maxima.values)).any(axis=1).sum())
        values = np.nan_to_num(maxima.values)
        ids = np.array([image.id for image in batch.images], np.int64)
        tops = merged(tops_of(row, values.shape[1]), values, ids, maxima.places)
        self._base.execute(
            "UPDATE layers SET frontier = ?, images = images + ?, odd = odd + ?, top_values = ?, "
            "top_images = ?, top_places = ? WHERE name = ?",
            (
                batch.last,
                len(ids),
                odd,
                blob(tops.values, "<f4"),
                blob(tops.images, "<i8"),
                blob(tops.places, "<i4"),
                name,
            ),
        )
        self._add_sums(name, batch.images, values)
        self._add_samples(name, batch.images, values, maxima.places)
        return True

    def _add_sums(self, name: str, images: Sequence[IndexedImage], values: Floats) -> None:
        for label in sorted({image.label for image in images}):
            row = self._base.execute(
                "SELECT images, sums FROM sums WHERE layer = ? AND class = ?", (name, label)
            ).fetchone()
            sums = np.zeros((2, values.shape[1]))
            if row is not None:
                sums = np.frombuffer(row[1], "<f8").reshape(2, -1).copy()
            count = row[0] if row is not None else 0
            # One after the other, so that the sum is the same however pictures come in batches.
            for image, answer in zip(images, values.astype(np.float64), strict=True):
                if image.label == label:
                    sums[0] += answer
                    sums[1] += answer * answer
                    count += 1
            self._base.execute(
                "INSERT OR REPLACE INTO sums VALUES (?, ?, ?, ?)",
                (name, label, count, blob(sums, "<f8")),
            )

    def _add_samples(
        self, name: str, images: Sequence[IndexedImage], values: Floats, places: Places
    ) -> None:
        query = "SELECT count(*), max(rank) FROM samples WHERE layer = ?"
        count, highest = self._base.execute(query, (name,)).fetchone()
        for image, answer, place in zip(images, values, places, strict=True):
            rank = rank_of(image.key)
            if count >= SAMPLE:
                if rank >= highest:
                    continue
                self._base.execute(
                    "DELETE FROM samples WHERE layer = ? AND rank = ?", (name, highest)
                )
            self._base.execute(
                "INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?)",
                (name, rank, image.id, blob(answer, "<f4"), blob(place, "<i4")),
            )
            count, highest = self._base.execute(query, (name,)).fetchone()

    def tops(self, layer: str) -> Tops:
        """Return the strongest pictures of every channel of a layer."""
        row = self._rows(
            "SELECT top_values, top_images, top_places, channels FROM layers WHERE name = ?", layer
        )[0]
        return tops_of(row, row[3])

    def sums(self, layer: str) -> Sums:
        """Return what the channels of a layer add up to over each class."""
        rows = self._rows(
            "SELECT class, images, sums FROM sums WHERE layer = ? ORDER BY class", layer
        )
        both = np.array([np.frombuffer(row[2], "<f8").reshape(2, -1) for row in rows])
        return Sums(
            tuple(row[0] for row in rows),
            np.array([row[1] for row in rows], np.int64),
            both[:, 0],
            both[:, 1],
        )

    def seen_classes(self, layer: str) -> list[int]:
        """Return the ids of the classes whose pictures a layer has seen, -1 for none."""
        rows = self._rows("SELECT class FROM sums WHERE layer = ? ORDER BY class", layer)
        return [row[0] for row in rows]

    def sample(self, layer: str) -> Sample:
        """Return what a layer's channels give for the pictures that were drawn."""
        rows = self._rows(
            "SELECT image, answers, places FROM samples WHERE layer = ? ORDER BY image", layer
        )
        return Sample(
            np.array([row[0] for row in rows], np.int64),
            np.array([np.frombuffer(row[1], "<f4") for row in rows], np.float32),
            np.array([np.frombuffer(row[2], "<i4") for row in rows], np.int32),
        )

    # ------------------------------------------------------------------------------------- checked

    def checked(self, layer: str) -> dict[int, tuple[str, int]]:
        """Return of channels whose pictures were run again: which these were, how many differ."""
        rows = self._rows("SELECT channel, digest, differing FROM checks WHERE layer = ?", layer)
        return {row[0]: (row[1], row[2]) for row in rows}

    def set_checked(self, layer: str, found: Mapping[int, tuple[str, int]]) -> None:
        """Write down of channels whose strongest pictures were run again what came of it."""
        with self._change() as base:
            base.executemany(
                "INSERT OR REPLACE INTO checks VALUES (?, ?, ?, ?)",
                [(layer, channel, *result) for channel, result in found.items()],
            )


def _logs(path: Path) -> list[Path]:
    return [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]
