"""A new source needs a class and one line in the registry, as CONTRIBUTING.md says, and no other change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot import source_registry
from bot.settings import Settings, load
from bot.settings.groups import Section
from bot.source_registry import SourceEntry, configured_sources, source_sections
from bot.sources.base import Batch, Listing, ListingKind
from bot.sources.fetch import Fetcher
from recommender import Paper


class PigeonSettings(Section):
    """Papers by carrier pigeon."""

    loft: str = ""


class Pigeons:
    """A source whose papers come by pigeon."""

    name = "pigeons"

    def __init__(self, loft: str) -> None:
        self._loft = loft

    async def fetch(self, since: date, until: date, memory: Mapping[str, str]) -> Batch:
        paper = Paper("2603.00001", f"A letter from {self._loft} about the weather of the week")
        return Batch((Listing(paper, self.name, until, ListingKind.NEW),))


async def test_a_new_source_is_a_module_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(settings: Any, fetcher: Fetcher) -> list[Pigeons]:
        return [Pigeons(settings.pigeons.loft)]

    entry = SourceEntry("pigeons", build, section=PigeonSettings)
    monkeypatch.setattr(source_registry, "SOURCES", (*source_registry.SOURCES, entry))
    file = tmp_path / "paperboy.toml"
    file.write_text('[pigeons]\nloft = "Delft"\n[sources.arxiv]\nenabled = false\n', "utf-8")
    settings: Settings = load(file, {}, sections=source_sections())
    async with configured_sources(settings) as sources:
        assert [source.name for source in sources] == ["huggingface", "pigeons"]
        [listing] = (await sources[1].fetch(date(2026, 3, 1), date(2026, 3, 2), {})).listings
    assert "Delft" in listing.paper.title
