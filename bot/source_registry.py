"""The registry of sources. A source is a module in `bot/sources/` and one line here."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.settings import Settings
from bot.settings.groups import Section

if TYPE_CHECKING:  # every command imports this module for the settings, and few need the libraries of the sources
    from bot.sources.base import Source
    from bot.sources.fetch import Fetcher
    from bot.sources.zotero import Zotero


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A kind of source in the registry."""

    name: str
    build: Callable[[Settings, Fetcher], Sequence[Source]]
    """Builds the sources of this kind that the settings switch on."""
    address: Callable[[Settings], str] = lambda settings: ""
    """The address of a server that the source uses. `paperboy check` compares the bot's clock with its; "" for none."""
    section: type[Section] | None = None
    """The section of the settings with the source's name; None where `Settings` has its fields already."""


def _huggingface(settings: Settings, fetcher: Fetcher) -> Sequence[Source]:
    from bot.sources.huggingface import HuggingFace

    section = settings.sources.huggingface
    return [HuggingFace(fetcher, section.url)] if section.enabled else []


def _arxiv(settings: Settings, fetcher: Fetcher) -> Sequence[Source]:
    from bot.sources.arxiv import ArXiv

    section = settings.sources.arxiv
    return [ArXiv(fetcher, section.categories, url=section.url, rss_url=section.rss_url)] if section.enabled else []


def _biorxiv(settings: Settings, fetcher: Fetcher) -> Sequence[Source]:
    from bot.sources.biorxiv import BioRxiv

    section = settings.sources.biorxiv
    return [BioRxiv(fetcher, "biorxiv", section.categories, section.url)] if section.enabled else []


def _medrxiv(settings: Settings, fetcher: Fetcher) -> Sequence[Source]:
    from bot.sources.biorxiv import BioRxiv

    section = settings.sources.medrxiv
    return [BioRxiv(fetcher, "medrxiv", section.categories, section.url)] if section.enabled else []


def _openreview(settings: Settings, fetcher: Fetcher) -> Sequence[Source]:
    from bot.sources.openreview import OpenReview

    section = settings.sources.openreview
    password = section.password.get_secret_value()
    source = OpenReview(fetcher, section.venues, url=section.url, username=section.username, password=password)
    return [source] if section.venues else []


def _feeds(settings: Settings, fetcher: Fetcher) -> Sequence[Source]:
    from bot.sources.feed import Feed

    return [Feed(fetcher, url, trusted=True) for url in settings.sources.feeds]


_STRANGERS_SECONDS = 20.0
SOURCES: tuple[SourceEntry, ...] = (
    SourceEntry("huggingface", _huggingface, lambda settings: settings.sources.huggingface.url),
    SourceEntry("arxiv", _arxiv, lambda settings: settings.sources.arxiv.rss_url),
    SourceEntry("biorxiv", _biorxiv, lambda settings: settings.sources.biorxiv.url),
    SourceEntry("medrxiv", _medrxiv, lambda settings: settings.sources.medrxiv.url),
    SourceEntry("openreview", _openreview, lambda settings: settings.sources.openreview.url),
    SourceEntry("feeds", _feeds),
)


@contextlib.asynccontextmanager
async def configured_sources(settings: Settings) -> AsyncIterator[list[Source]]:
    """The sources that the settings switch on, with one fetcher for them all."""
    from bot.sources.fetch import PACES, Fetcher, Limits

    limits = Limits(total=settings.sources.timeout, size=settings.sources.max_bytes)
    async with Fetcher(limits=limits, paces=PACES) as fetcher:
        yield [source for entry in SOURCES for source in entry.build(settings, fetcher)]


@contextlib.asynccontextmanager
async def strangers_feeds(settings: Settings) -> AsyncIterator[Callable[[str, str], Source]]:
    """Makes the feed of a stranger from its address and name. It may lead to public servers only."""
    from bot.sources.feed import Feed
    from bot.sources.fetch import Fetcher, Limits

    limits = Limits(
        total=min(settings.sources.timeout, _STRANGERS_SECONDS), size=settings.sources.max_bytes, attempts=2
    )
    async with Fetcher(limits=limits) as fetcher:
        yield lambda url, name: Feed(fetcher, url, name=name)


@contextlib.asynccontextmanager
async def configured_zotero(settings: Settings) -> AsyncIterator[Zotero]:
    """Zotero, with the library and the key of the settings."""
    from bot.sources.fetch import Fetcher, Limits
    from bot.sources.zotero import Zotero

    limits = Limits(total=settings.sources.timeout, size=settings.sources.max_bytes)
    section = settings.zotero
    async with Fetcher(limits=limits) as fetcher:
        yield Zotero(fetcher, library=section.library, key=section.key.get_secret_value(), url=section.url)


def source_addresses(settings: Settings, sources: Sequence[Source]) -> list[str]:
    """The addresses of the servers whose clocks the bot's own is compared with, of the sources that are switched on."""
    names = {source.name for source in sources}
    return [address for entry in SOURCES if entry.name in names and (address := entry.address(settings))]


def source_sections() -> dict[str, type[Section]]:
    """The sections of the settings that sources bring, by the names of the sources."""
    return {entry.name: entry.section for entry in SOURCES if entry.section}
