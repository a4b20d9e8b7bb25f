"""`paperboy papers import` and `export`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from bot.operate.context import index, opened_store
from bot.operate.output import Problems, err, out, progress
from bot.settings import Settings
from bot.store import papers
from bot.store.database import Store
from recommender import Paper
from recommender.formats import Problem, paper_line, read_papers

_AT_ONCE = 2_000


async def import_papers(settings: Settings, files: Sequence[Path]) -> int:
    """Import papers from files; 1 when a line or a file was skipped. A paper's `published` day is its day as news."""
    total, new, problems, unread = 0, 0, Problems(), 0
    async with opened_store(settings) as store:
        for file in files:
            records, before = read_papers(file), total
            with progress(f"Importing {file.name}") as tick:
                while True:
                    try:
                        some = await asyncio.to_thread(_next, records)
                    except OSError as error:
                        unread += 1
                        err(f"{file} can't be read: {error.strerror or error}.")
                        break
                    if not some:
                        break
                    for problem in (one for one in some if isinstance(one, Problem)):
                        problems.tell(file, problem)
                    found = [one for one in some if isinstance(one, Paper)]
                    recorded = await _record(store, found)
                    total, new = total + len(found), new + recorded.new
                    tick(total - before, 0)
        await index(store, settings)
    problems.sum_up()
    said = [f"Imported {_counted(total, 'paper')}, {new:,} of them new"]
    said += [f"skipped {_counted(problems.count, 'line')}"] if problems.count else []
    said += [f"could not read {_counted(unread, 'file')}"] if unread else []
    out("; ".join(said) + ".")
    return 1 if problems.count or unread else 0


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
                out(paper_line(paper))
            last = some[-1].id


async def _record(store: Store, found: Sequence[Paper]) -> papers.Recorded:
    async with store.write() as tx:
        news = {paper.id: paper.published for paper in found if paper.published}
        return await papers.record(tx, found, datetime.now(UTC), news)


def _next(records: Iterator[Paper | Problem]) -> list[Paper | Problem]:
    return list(islice(records, _AT_ONCE))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
