"""`paperboy search`: one query, or a file of them as a TREC run."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bot.digests.cards import authors_line
from bot.operate.context import opened_paper_index
from bot.operate.output import CommandError, Problems, err, out, progress
from bot.reports.query_notes import explain
from bot.settings import Settings
from bot.store import papers
from recommender import snippet
from recommender.formats import Problem, read_objects
from recommender.text import display

_NARROWEST = 20


async def search_once(settings: Settings, query: str, limit: int, as_json: bool) -> None:
    """Print the best papers for a query, as text or as a JSON array."""
    async with opened_paper_index(settings) as (store, paper_index):
        hits = paper_index.engine.search(query, limit)
        interpretation = paper_index.engine.interpret(query)
        async with store.read() as tx:
            stored = await papers.get_many(tx, [hit.paper_id for hit in hits])
            empty = not hits and not await papers.count(tx)
    rows = [
        {
            "id": hit.paper_id,
            "title": display(stored[hit.paper_id].title),
            "score": hit.score,
            "published": _iso(stored[hit.paper_id].published),
            "url": stored[hit.paper_id].link,
            "snippet": display(snippet(interpretation.answered, stored[hit.paper_id].abstract)),
        }
        for hit in hits
        if hit.paper_id in stored
    ]
    if as_json:
        out(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if note := explain(interpretation):
        err(note)
    if empty:
        err("The store has no papers yet: `paperboy ingest` reads the sources, `paperboy papers import` a file.")
    elif not rows:
        err("Nothing found. Fewer or other words may help.")
    if query.casefold().split()[-2:] == ["for", "us"]:
        err("`for us` ranks by a channel's taste: say it in a channel, or in `paperboy chat`.")
    for number, row in enumerate(rows, 1):
        authors = authors_line(stored[str(row["id"])].authors)
        lines = [row["title"], authors, f"{row['published'] or 'no date'}  {row['url']}", row["snippet"]]
        out(_wrapped(f"{number:>3}. ", [str(line) for line in lines if line]))


def _wrapped(mark: str, lines: Sequence[str]) -> str:
    """Lines behind a mark; on a terminal they are wrapped between words."""
    indent = " " * len(mark)
    if sys.stdout.isatty():
        width = max(shutil.get_terminal_size().columns - len(mark), _NARROWEST)
        lines = [part for line in lines for part in textwrap.wrap(line, width, break_on_hyphens=False)]
    return mark + f"\n{indent}".join(lines)


async def search_batch(settings: Settings, queries: Path, run: Path, limit: int) -> int:
    """Answer a file of queries as a TREC run. Returns the exit code: 1 when a line was skipped."""
    problems, topics = Problems(), list[tuple[str, str]]()
    try:
        for query in read_objects(queries, _query):
            if isinstance(query, Problem):
                problems.add(queries, query)
            else:
                topics.append(query)
    except OSError as error:
        raise CommandError(f"{queries} can't be read: {error.strerror or error}.") from error
    async with opened_paper_index(settings) as (_, paper_index):
        try:
            with run.open("w", encoding="utf-8") as output, progress("Searching") as tick:
                for done, (name, text) in enumerate(topics, 1):
                    for rank, hit in enumerate(paper_index.engine.search(text, limit), 1):
                        output.write(f"{name} Q0 {'_'.join(hit.paper_id.split())} {rank} {hit.score:.6f} paperboy\n")
                    tick(done, len(topics))
        except OSError as error:
            raise CommandError(f"{run} can't be written: {error.strerror or error}.") from error
    return problems.sum_up()


def _query(row: dict[str, Any]) -> tuple[str, str]:
    name, text = row.get("id"), row.get("text")
    if not isinstance(name, str | int) or isinstance(name, bool) or len(str(name).split()) != 1:
        raise ValueError("id must be one word")
    if not isinstance(text, str):
        raise ValueError("text is missing" if text is None else "text must be text")
    return str(name).strip(), text


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
