"""Hold what makes a result again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Record:
    """What is needed to make a result again: written into every exported file and beside it.

    `input` is what a person said of the model's input, as plain values by the names of `InputSpec`.
    """

    technique: str
    parameters: Mapping[str, Any]
    model: str
    model_fingerprint: str
    weights: str = ""
    image: str = ""
    image_fingerprint: str = ""
    fit: str = "crop"
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    input: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the record as JSON text with its own format number."""
        return json.dumps({"cnnviz_record": 1, **asdict(self)}, indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read a record back; raise ValueError where the text is not one."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:  # no JSON, absurd numbers, absurd depth
            raise ValueError("This is not a CNNviz record.") from error
        if not isinstance(values, dict) or values.pop("cnnviz_record", None) != 1:
            raise ValueError("This is not a CNNviz record.")
        try:
            record = cls(**values)
        except TypeError as error:
            raise ValueError("This CNNviz record has missing or unknown fields.") from error
        texts: Sequence[Any] = (
            record.technique,
            record.model,
            record.model_fingerprint,
            record.weights,
            record.image,
            record.image_fingerprint,
            record.fit,
        )
        sound = (
            all(isinstance(value, str) for value in texts)
            and isinstance(record.parameters, dict)
            and isinstance(record.versions, dict)
            and isinstance(record.input, dict)
            and (record.seed is None or isinstance(record.seed, int))
        )
        if not sound:
            raise ValueError("This CNNviz record has a field of the wrong type.")
        return record
