"""What the operator's commands do: each opens the store, does one thing, and says what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from getpass import getuser
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bot.app import configured_sources, open_store, opened, system_clock
from bot.cli import Failure, Misuse
from bot.ingest import Ingest, Outcome
from bot.library import Library
from bot.library import Progress as Tick
from bot.settings import Settings
from bot.store import channels, members, papers
from bot.store.database import Store
from recommender import Paper, snippet
from recommender.formats import Problem, paper_line, read_feedback, read_papers
from recommender.replay import Replay, replay
from recommender.text import display

_Record = TypeVar("_Record")
_AT_ONCE = 2_000
_MOST_PROBLEMS_TOLD = 20


def _out(text: str) -> None:
    print(text)  # noqa: T201


def _err(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201


@contextlib.contextmanager
def progress(what: str) -> Iterator[Tick]:
    """A progress bar on stderr when that is a terminal; elsewhere one line at the start and one at the end."""
    console = Console(stderr=True)
    last = 0

    if not console.is_terminal:
        # A line for each quarter, and none for work that is over before anybody could wonder.
        def tell(done: int, total: int) -> None:
            nonlocal last
            quarter = 4 * done // total if total else 4
            if quarter > last and total > _AT_ONCE:
                last = quarter
                _err(f"{what}: {done:,} of {total:,}")

        yield tell
        return
    columns = (SpinnerColumn(), TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The store of the settings, closed again."""
    store = await open_store(settings)
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def opened_library(settings: Settings) -> AsyncIterator[tuple[Store, Library]]:
    """The store and its index, brought up to date."""
    async with opened_store(settings) as store:
        with progress("Indexing") as tick:
            library = await Library.open(store, settings.index_dir, tick)
        yield store, library


async def import_papers(settings: Settings, files: Sequence[Path]) -> int:
    """Import papers from files; 1 when a line was skipped. A paper's `published` day is the day it is news."""
    total, new, skipped = 0, 0, 0
    async with opened_store(settings) as store:
        for file in files:
            records = _records(file)
            with progress(f"Importing {file.name}") as tick:
                while some := await asyncio.to_thread(_next, records):
                    found = [one for one in some if isinstance(one, Paper)]
                    for problem in (one for one in some if isinstance(one, Problem)):
                        skipped += 1
                        if skipped <= _MOST_PROBLEMS_TOLD:
                            _err(f"{file}: {problem}")
                    async with store.write() as tx:
                        news = {paper.id: paper.published for paper in found if paper.published}
                        recorded = await papers.record(tx, found, system_clock(), news)
                    total, new = total + len(found), new + recorded.new
                    tick(total, total)
        with progress("Indexing") as tick:
            await Library.open(store, settings.index_dir, tick)
    if skipped > _MOST_PROBLEMS_TOLD:
        _err(f"… and {skipped - _MOST_PROBLEMS_TOLD:,} more lines that can't be read.")
    _out(f"Imported {total:,} papers, {new:,} of them new" + (f"; {skipped:,} lines were skipped." if skipped else "."))
    return 1 if skipped else 0


async def export_papers(settings: Settings) -> None:
    """Write every paper as a JSON line, by id."""
    async with opened_store(settings) as store:
        last = ""
        while True:
            async with store.read() as tx:
                some = await papers.page(tx, last, _AT_ONCE)
            if not some:
                return
            for paper in some:
                _out(paper_line(paper).rstrip("\n"))
            last = some[-1].id


async def search_once(settings: Settings, query: str, limit: int, as_json: bool) -> None:
    """Print the best papers for a query, for people or as a JSON array."""
    async with opened_library(settings) as (store, library):
        hits = library.engine.search(query, limit)
        understood = library.engine.understand(query)
        async with store.read() as tx:
            found = await papers.get_many(tx, [hit.paper_id for hit in hits])
            empty = not await papers.count(tx)
    rows = [
        {
            "id": hit.paper_id,
            "title": display(found[hit.paper_id].title),
            "score": hit.score,
            "published": _iso(found[hit.paper_id].published),
            "url": found[hit.paper_id].link,
            "snippet": display(snippet(query, found[hit.paper_id].abstract)),
        }
        for hit in hits
        if hit.paper_id in found
    ]
    if as_json:
        _out(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if understood.suggestion:
        _err(f"Nothing has these words as written; this is for “{display(understood.suggestion)}”.")
    if not rows:
        _err("The store has no papers yet: `paperboy ingest` reads the sources." if empty else "Nothing found.")
    for number, row in enumerate(rows, 1):
        _out(
            f"{number:>3}. {row['title']}\n     {row['published'] or 'no date'}  {row['url']}\n     {row['snippet']}\n"
        )


async def search_batch(settings: Settings, queries: Path, run: Path, limit: int) -> int:
    """Answer a file of queries as a TREC run; 1 when a line was skipped."""
    skipped = 0
    async with opened_library(settings) as (_, library):
        # Opened before the work, so that an answer that can't be written is known at once.
        with queries.open("rb") as lines, run.open("w", encoding="utf-8") as out:
            for number, raw in enumerate(lines, 1):
                try:
                    asked = json.loads(raw)
                    name, text = str(asked["id"]), asked["text"]
                    if not isinstance(text, str) or not name.split() or len(name.split()) > 1:
                        raise ValueError("id and text are needed, the id without spaces")
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    if raw.strip():
                        skipped += 1
                        _err(f"{queries}: line {number}: {_why(error)}")
                    continue
                for rank, hit in enumerate(library.engine.search(text, limit), 1):
                    out.write(f"{name} Q0 {'_'.join(hit.paper_id.split())} {rank} {hit.score:.6f} paperboy\n")
    return 1 if skipped else 0


def replay_files(paper_files: Sequence[Path], feedback_file: Path, as_json: bool) -> int:
    """Say what the bot would have posted and how it would have been liked; 1 when a line was skipped."""
    skipped = 0
    given: list[Any] = []
    with progress("Reading") as tick:
        for file, records in [(f, _records(f)) for f in paper_files] + [(feedback_file, read_feedback(feedback_file))]:
            for one in _opened(file, records):
                if isinstance(one, Problem):
                    skipped += 1
                    if skipped <= _MOST_PROBLEMS_TOLD:
                        _err(f"{file}: {one}")
                else:
                    given.append(one)
                    tick(len(given), len(given))
    if not any(not isinstance(one, Paper) for one in given):
        raise Failure(f"{feedback_file} holds no feedback to replay.")
    with progress("Replaying days") as tick:
        days = 0

        def one_day(_: date) -> None:
            nonlocal days
            days += 1
            tick(days, days)

        told = replay(
            [one for one in given if isinstance(one, Paper)],
            [one for one in given if not isinstance(one, Paper)],
            progress=one_day,
        )
    if as_json:
        _out(json.dumps(asdict(told), default=str, indent=1))
    else:
        _out(_table(told))
    return 1 if skipped else 0


async def ingest_now(settings: Settings, only: str | None, since: date | None) -> int:
    """Read the sources; 1 when one of them failed."""
    async with opened_library(settings) as (store, library), configured_sources(settings) as sources:
        names = [source.name for source in sources]
        if not names:
            raise Misuse("Every source is switched off in the settings.")
        if only is not None and only not in names:
            raise Misuse(f"There is no source {only}. They are {', '.join(names)}.")
        if since and since > system_clock().date():
            raise Misuse("--since names a day that is still to come.")
        ingest = Ingest(store, library, sources, system_clock, settings.sources.look_back_days)
        outcomes = await ingest.run(only, since, _tell)
    return 1 if any(outcome.failure for outcome in outcomes) else 0


async def chat_here(settings: Settings) -> None:
    """The bot on the real store, in this terminal, until its guest leaves; digests come at their hour."""
    from bot.platforms.terminal import TerminalPlatform
    from bot.serve import serve

    terminal = TerminalPlatform(settings.data_dir / "terminal", Console(), system_clock, who=getuser())
    platforms = {terminal.name: terminal}
    with progress("Indexing") as tick:
        async with opened(settings, platforms, progress=tick) as app:
            await serve(app, platforms, until=terminal.name)


async def upgrade_store(settings: Settings) -> None:
    """Bring the tables up to date; opening does it, and this says so."""
    from bot.store.upgrade import revisions

    async with opened_store(settings):
        _out(f"The store is up to date (revision {revisions()[-1]}).")


async def backup_store(settings: Settings, file: Path) -> None:
    """Back the live store up into a file."""
    from bot.store.backup import backup

    async with opened_store(settings) as store:
        with progress("Backing up") as tick:
            rows = await backup(store, file, system_clock(), lambda done: tick(done, done))
    _out(f"Backed up {rows:,} rows into {file}.")


async def restore_store(settings: Settings, file: Path) -> None:
    """Put a backup in the place of what is in the store, and index it anew."""
    from bot.store.backup import restore

    async with opened_store(settings) as store:
        with progress("Restoring") as tick:
            rows = await restore(store, file, lambda done: tick(done, done))
        with progress("Indexing") as tick:
            await Library.open(store, settings.index_dir, tick)
    _out(f"Restored {rows:,} rows from {file}.")


async def export_channel(settings: Settings, name: str) -> None:
    """Write all that is kept of a channel."""
    from bot.channels.verbs.members import everything

    async with opened_store(settings) as store, store.read() as tx:
        meant = await channels.named(tx, name)
        if not meant:
            every = ", ".join(sorted({one.place.name or one.place.address for one in await channels.all_of(tx)}))
            raise Failure(f"There is no channel {name}. " + (f"There are: {every}." if every else "There is none yet."))
        if len(meant) > 1:
            which = ", ".join(f"{one.id} ({one.place.platform} {one.place.address})" for one in meant)
            raise Misuse(f"Several channels are called {name}; give one's number: {which}.")
        sys.stdout.write(await everything(tx, meant[0]))


async def forget_member(settings: Settings, member: str) -> None:
    """Delete every trace of a member wherever the bot knows them."""
    gone = 0
    async with opened_store(settings) as store, store.write() as tx:
        for place in {(one.place.platform, one.place.workspace) for one in await channels.all_of(tx)}:
            gone += await members.forget(tx, *place, member)
    _out(f"Deleted {gone:,} entries about {member}." if gone else f"Nothing is known of {member}.")


def _tell(outcome: Outcome) -> None:
    if outcome.failure:
        _err(f"{outcome.source}: {outcome.failure}")
    else:
        _out(f"{outcome.source}: {outcome.listed:,} listed, {outcome.added:,} new.")
    for note in outcome.notes:
        _out(f"{outcome.source}: {note}")


def _records(file: Path) -> Iterator[Paper | Problem]:
    return _opened(file, read_papers(file))


def _opened(file: Path, records: Iterator[_Record]) -> Iterator[_Record]:
    try:
        yield from records
    except OSError as error:
        raise Failure(f"{file} can't be read: {error.strerror or error}.") from error


def _next(records: Iterator[_Record]) -> list[_Record]:
    return list(islice(records, _AT_ONCE))


def _table(told: Replay) -> str:
    rows = ["week   days  posted  liked         most upvoted would have been liked"]
    for week in (*told.weeks, told.total):
        name = str(week.number) if week.number else "all"
        rows.append(
            f"{name:>4} {week.days:>6} {week.posted:>7} {week.liked:>6} ({week.precision:>4.0%})"
            f" {week.baseline_liked:>6} of {week.baseline_posted} ({week.baseline_precision:.0%})"
        )
    return "\n".join(rows)


def _why(error: Exception) -> str:
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else f"not a query ({error})"


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
