"""All sources of papers: a source is a module in `bot/sources/` and one line here."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.settings import Settings
from bot.settings.groups import Section

if TYPE_CHECKING:  # every command reads the settings by way of this module, and few need the sources' libraries
    from bot.sources.base import Source
    from bot.sources.fetch import Fetcher


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One kind of source in the registry."""

    name: str
    build: Callable[[Settings, Fetcher], Sequence[Source]]
    """The sources of this kind that the settings switch on."""
    address: Callable[[Settings], str] = lambda settings: ""
    """The address of a server that is asked anyway, whose clock the bot's own is compared with; "" for none."""
    section: type[Section] | None = None
    """The source's own section in the settings, by its name; None where `Settings` has its fields already."""


def _huggingface(settings: Settings, fetcher: Fetcher) -> Sequence[Source]:
    from bot.sources.huggingface import HuggingFace

    wanted = settings.sources.huggingface
    return [HuggingFace(fetcher, wanted.url)] if wanted.enabled else []


def _arxiv(settings: Settings, fetcher: Fetcher) -> Sequence[Source]:
    from bot.sources.arxiv import ArXiv

    wanted = settings.sources.arxiv
    return [ArXiv(fetcher, wanted.categories, url=wanted.url, rss_url=wanted.rss_url)] if wanted.enabled else []


def _feeds(settings: Settings, fetcher: Fetcher) -> Sequence[Source]:
    from bot.sources.feed import Feed

    return [Feed(fetcher, url, trusted=True) for url in settings.sources.feeds]


SOURCES: tuple[SourceEntry, ...] = (
    SourceEntry("huggingface", _huggingface, lambda settings: settings.sources.huggingface.url),
    SourceEntry("arxiv", _arxiv, lambda settings: settings.sources.arxiv.rss_url),
    SourceEntry("feeds", _feeds),
)


@contextlib.asynccontextmanager
async def configured_sources(settings: Settings) -> AsyncIterator[list[Source]]:
    """The sources that the settings switch on, over one fetcher."""
    from bot.sources.fetch import ARXIV_PACE, Fetcher, Limits

    limits = Limits(total=settings.sources.timeout, size=settings.sources.max_bytes)
    async with Fetcher(limits=limits, paces=ARXIV_PACE) as fetcher:
        yield [source for entry in SOURCES for source in entry.build(settings, fetcher)]


def source_addresses(settings: Settings, sources: Sequence[Source]) -> list[str]:
    """The addresses whose clocks the bot's own is compared with, of the sources that are switched on."""
    names = {source.name for source in sources}
    return [address for entry in SOURCES if entry.name in names and (address := entry.address(settings))]


def source_sections() -> dict[str, type[Section]]:
    """The sections of sources that have one of their own in the settings."""
    return {entry.name: entry.section for entry in SOURCES if entry.section}
