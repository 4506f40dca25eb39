"""The sample photographs and their credits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vislrp_core.resources import sample_images

FOLDER = sample_images()
FIRST = "castle_on_lake"


@dataclass(frozen=True)
class Sample:
    """One photograph with what its licence asks to be said."""

    id: str
    title: str
    shows: str
    author: str
    licence: str
    licence_url: str
    source: str
    changes: str
    objects: tuple[str, ...]
    path: Path

    @property
    def credit(self) -> str:
        """Attribution in one line of markdown."""
        licence = f"[{self.licence}]({self.licence_url})" if self.licence_url else self.licence
        return f"{self.author} · {licence} · {self.changes.rstrip('.')}"


@cache
def samples() -> dict[str, Sample]:
    """All sample photographs by id, in the order of the gallery."""
    entries = json.loads((FOLDER / "credits.json").read_text(encoding="utf-8"))
    return {
        entry["id"]: Sample(
            entry["id"],
            entry["title"],
            entry.get("shows", ""),
            entry["author"],
            entry["licence"],
            entry.get("licence_url", ""),
            entry.get("source", ""),
            entry.get("changes", ""),
            tuple(entry.get("objects", ())),
            FOLDER / entry["file"],
        )
        for entry in entries
    }
