"""`paperboy papers import` and `export`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from bot.model.text import count
from bot.operate.context import index, opened_store
from bot.operate.output import Problems, err, out, progress
from bot.settings import Settings
from bot.store import papers
from bot.store.database import Store
from recommender import Paper
from recommender.formats import Problem, paper_line, read_papers

_AT_ONCE = 2_000


async def import_papers(settings: Settings, files: Sequence[Path]) -> int:
    """Import papers from files. Returns the exit code: 1 when a line or a file was skipped. A paper's `published` day
    is its day as news."""
    total, new, problems, unreadable = 0, 0, Problems(), 0
    async with opened_store(settings) as store:
        for file in files:
            records, before = read_papers(file, datetime.now(UTC).date()), total
            with progress(f"Importing {file.name}") as tick:
                while True:
                    try:
                        batch = await asyncio.to_thread(list, islice(records, _AT_ONCE))
                    except OSError as error:
                        unreadable += 1
                        err(f"{file} can't be read: {error.strerror or error}.")
                        break
                    if not batch:
                        break
                    for problem in (record for record in batch if isinstance(record, Problem)):
                        problems.add(file, problem)
                    read = [record for record in batch if isinstance(record, Paper)]
                    recorded = await _record(store, read)
                    total, new = total + len(read), new + recorded.new
                    tick(total - before, 0)
        await index(store, settings)
    problems.sum_up()
    summary = [f"Imported {count(total, 'paper')}, {new:,} of them new"]
    summary += [f"skipped {count(problems.count, 'line')}"] if problems.count else []
    summary += [f"could not read {count(unreadable, 'file')}"] if unreadable else []
    out("; ".join(summary) + ".")
    return 1 if problems.count or unreadable else 0


async def export_papers(settings: Settings) -> None:
    """Write every paper as a JSON line, by id."""
    async with opened_store(settings) as store:
        last = ""
        while True:
            async with store.read() as tx:
                page = await papers.page(tx, last, _AT_ONCE)
            if not page:
                return
            for paper in page:
                out(paper_line(paper))
            last = page[-1].id


async def _record(store: Store, batch: Sequence[Paper]) -> papers.Recorded:
    async with store.write() as tx:
        news = {paper.id: paper.published for paper in batch if paper.published}
        return await papers.record(tx, batch, datetime.now(UTC), news)
