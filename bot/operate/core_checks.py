"""The checks of `paperboy check` that need no platform: the store, its index, the disk, the sources, and the time."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.paper_index import index_folder
from bot.ports.platform import Clock, Finding
from bot.settings import Settings
from bot.source_registry import configured_zotero
from bot.sources.base import Batch, Source, SourceError
from bot.store import metadata
from bot.store.channels import Channel
from bot.store.database import Store, make_engine, sqlite_file
from bot.store.errors import StoreError
from bot.store.upgrade import current, revisions

_LEAST_FREE = 500_000_000
_LARGEST_DRIFT = timedelta(seconds=60)
_COMES_LATER = "There is none yet; the first start makes it."
_NAMED = 10


class _RollBack(Exception):
    """Rolls back a transaction that was only a test."""


def is_new(settings: Settings) -> bool:
    """Whether the store is a file that does not exist yet."""
    return (file := _file(settings)) is not None and not file.exists()


def _file(settings: Settings) -> Path | None:
    """The store's file, None for a store without one."""
    try:
        return sqlite_file(settings.store_url)
    except StoreError:
        return None


def _nearest(path: Path) -> Path:
    """The path itself if it exists, else the nearest existing folder above it."""
    return next(each for each in (path, *path.absolute().parents) if each.exists())


async def store(settings: Settings) -> Finding:
    """Check that the store can be read and written, and has this program's revision. Raises StoreError."""
    file = _file(settings)
    if file and not file.exists():
        folder = _nearest(file)
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return Finding(mend=_COMES_LATER)
        return Finding(
            f"{file} can't be made: {folder} can't be written to.", "Set PAPERBOY_DATA_DIR to a folder that can."
        )
    opened = Store(make_engine(settings.store_url, settings.database_busy_seconds))
    try:
        async with opened.read() as tx:
            revision = await current(tx)
        if revision is None:
            return Finding(mend=_COMES_LATER)
        try:
            async with opened.write() as tx:
                await metadata.put(tx, "checked", "")
                raise _RollBack
        except _RollBack:
            pass
    finally:
        await opened.close()
    if revision != revisions()[-1]:
        return Finding(mend=f"Its tables are of revision {revision}; the next start brings them to {revisions()[-1]}.")
    return Finding()


async def index(settings: Settings) -> Finding:
    """Check that the search index can be used, and belongs to this store."""
    from recommender import CorruptIndexError, NewerIndexError, Recommender

    if is_new(settings) or not settings.index_dir.exists():
        return Finding(mend=_COMES_LATER)
    opened, store_id, revision = None, None, -1
    try:
        opened = Store(make_engine(settings.store_url, settings.database_busy_seconds))
        async with opened.read() as tx:
            store_id, revision = await metadata.get(tx, "store_id"), await metadata.revision(tx)
    except StoreError:
        pass
    finally:
        if opened:
            await opened.close()
    folder = index_folder(settings.index_dir, store_id) if store_id else settings.index_dir
    try:
        engine = await asyncio.to_thread(Recommender.open, folder)
    except (CorruptIndexError, NewerIndexError) as error:
        return Finding(f"It can't be used: {error}", "The next start rebuilds it from the store; nothing is lost.")
    if revision < 0:
        return Finding(mend="It can be read; the store that it belongs to can't.", seen=False)
    if engine.marker == f"{store_id}:{revision}" or not (len(engine) or revision):
        return Finding()
    return Finding(mend="It is not in step with the store; the next start catches up.")


async def disk(settings: Settings) -> Finding:
    """Check that the disk has room for the store and the index to grow."""
    folder = _nearest(settings.data_dir)
    free = shutil.disk_usage(folder).free
    if free >= _LEAST_FREE:
        return Finding()
    return Finding(f"Only {free / 1e6:,.0f} MB are free at {folder}.", "Make room for 500 MB or more.")


async def source(checked: Source, now: Clock) -> Finding:
    """Check that a source answers with a list that can be read."""
    today = now().date()
    try:
        batch = await checked.fetch(today, today, {})
    except SourceError as error:
        batch = Batch(failure=error)
    if batch.failure is None:
        return Finding(mend=" ".join(batch.notes))
    return Finding(
        str(batch.failure), "The bot goes on without it. If it stays so, look at its address, and at the proxy."
    )


async def zotero(settings: Settings) -> Finding:
    """Whether the Zotero library can be read."""
    async with configured_zotero(settings) as library:
        try:
            await library.look()
        except SourceError as error:
            return Finding(str(error), "Look at zotero.library and zotero.key; the bot goes on without them.")
    return Finding()


async def clock(addresses: Sequence[str], now: Clock) -> Finding:
    """Check the clock against the first of these servers that sends a time (RFC 9110, Date and Age)."""
    import httpx

    from bot.sources.fetch import direct_client
    from bot.sources.guard import proxy_for

    for address in addresses:
        try:
            before = now()
            async with direct_client(proxy_for(httpx.URL(address))) as client:
                answer = await client.head(address, timeout=10.0)
            server_time = parsedate_to_datetime(answer.headers["date"])
            server_time += timedelta(seconds=int(answer.headers.get("age", "0")))
        except (SourceError, httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError, ValueError, OverflowError):
            continue
        own_time = before + (now() - before) / 2
        drift = own_time - server_time
        if abs(drift) <= _LARGEST_DRIFT:
            return Finding()
        way = "ahead of" if drift > timedelta(0) else "behind"
        return Finding(
            f"This machine's clock is {abs(drift).total_seconds():,.0f} s {way} that of {answer.url.host}.",
            "Let it follow a time server (NTP): digests come by this clock.",
        )
    return Finding(mend="Nobody told the time, so the clock was compared with none.", seen=False)


async def zones(stored_channels: Sequence[Channel] | None) -> Finding:
    """Check that this machine knows the time zone of every channel. Without channels, that the store can't be read."""
    if stored_channels is None:
        return Finding(mend="The store can't be read, so nobody knows which zones its channels have.", seen=False)
    names = {"Europe/Berlin", *(channel.zone for channel in stored_channels)}
    unknown = sorted(name for name in names if not _is_known(name))
    if not unknown:
        return Finding()
    return Finding(
        f"These time zones are not known here: {', '.join(unknown[:_NAMED])}.",
        "Bring the package tzdata up to date (`pip install -U tzdata`), or give those channels another zone.",
    )


async def estimator(settings: Settings) -> Finding:
    """Whether the classifier of the settings can learn a taste."""
    from bot.estimator import load
    from recommender import EstimatorError

    try:
        await asyncio.to_thread(load, settings.taste)
    except EstimatorError as error:
        return Finding(
            str(error), "Until taste.estimator and taste.parameters name one that works, the built-in one picks."
        )
    return Finding()


def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        return False
    return True
