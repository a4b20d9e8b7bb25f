"""The page under load: days, searches and papers that nobody asked for before, beside the plainest static page of the
same server and a page that is kept; and how soon the bot acknowledges to Slack meanwhile.

The bot is `paperboy run` in a process of its own; this process plays the visitors, Slack and its people. The load is
open: each request has its moment, and its latency counts from there. Kinds of pages take turns of some seconds each, so
that all of them meet the same machine.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import sqlalchemy as sa

from bot.operate.context import opened_store
from bot.page.context import PAGE_PAPERS
from bot.page.views import paper_url
from bot.platforms.slack.listeners import EVENTS
from bot.settings import load
from bot.store import tables
from bot.store.database import Store
from bot.web.templates import style_url
from recommender.text import words
from tests.benchmarks import serving
from tests.benchmarks.figures import Figure
from tests.benchmarks.teams import settle
from tests.fakes.slack import FakeSlack

_WITHIN, _CACHED_WITHIN = 0.05, 0.005
_TIMES_STATIC = 3.0
_UPVOTED = 7
"""Every so many papers has upvotes."""
_STATIC = "static page"
_CONNECTIONS = 100
"""Connections of all visitors together, as a proxy keeps them. The server closes more than 200."""
_PREPARED_AFTER = 20.0
"""Seconds after which the bot has prepared what searches and similar papers need, as one has that has run for long."""
_MOST_PAGES = 100
"""Pages of one day that the site shows."""


@dataclass(frozen=True, slots=True)
class Load:
    """Requests a second, seconds for each kind of page in all, seconds of each turn, and workspaces in Slack."""

    rate: float = 100.0
    seconds: float = 30.0
    turn: float = 5.0
    workspaces: int = 200


@dataclass(slots=True)
class Latencies:
    """Seconds from the moment of each request to its whole answer, and how many answers were no page."""

    seconds: list[float]
    failed: int = 0

    def quantile(self, share: float) -> float:
        return sorted(self.seconds)[min(int(share * len(self.seconds)), len(self.seconds) - 1)]


def run(folder: Path, size: Load | None = None) -> list[Figure]:
    """The load on the store in `folder`, which it changes."""
    return asyncio.run(_run(folder, size or Load()))


async def _run(folder: Path, size: Load) -> list[Figure]:
    settings = load(None, {}).model_copy(update={"data_dir": folder, "database_url": ""})
    async with FakeSlack() as slack, opened_store(settings) as store:
        await _list_papers(store)
        kinds = await _kinds(store, random.Random(2))
        slack.subscribed.clear()
        slack.subscribed.update(EVENTS)
        teams = await settle(settings, store, slack, size.workspaces)
        async with serving.bot_at_work(slack, folder, PAPERBOY_WEB__REQUESTS_PER_MINUTE="0"):
            site = slack.listener.removesuffix("/slack/events")
            await asyncio.sleep(_PREPARED_AFTER)
            await _turns(site, kinds, Load(rate=20, seconds=2, turn=2))
            pages = await _turns(site, kinds, size)
            acts = list(serving.acts_of(teams, int(size.rate * size.seconds), random.Random(1)))
            mixed = (next(kinds[number % len(kinds)][1]) for number in itertools.count())
            with serving.without_pauses():
                told, visits = await asyncio.gather(
                    serving.at_their_moments(acts, size.rate), _visits(site, mixed, size.rate, size.seconds)
                )
    static = pages[_STATIC]
    for name, latencies in (*pages.items(), ("all kinds, Slack beside", visits)):
        print(
            f"{name}: {len(latencies.seconds):,} at {size.rate:.0f}/s, p50 {latencies.quantile(0.5) * 1e3:.1f} ms, p99 "
            f"{latencies.quantile(0.99) * 1e3:.1f} ms, {latencies.failed} failed"
        )
    print(
        f"Slack beside pages: p50 {told.quantile(0.5) * 1e3:.0f} ms, p99 {told.quantile(0.99) * 1e3:.0f} ms", flush=True
    )
    figures = [Figure("visits without a page", sum(each.failed for each in pages.values()) + visits.failed, 1, "", 0.0)]
    for name, latencies in pages.items():
        if name != _STATIC:
            p99, within = latencies.quantile(0.99), _CACHED_WITHIN if "kept" in name else _WITHIN
            figures.append(Figure(f"p99 of a {name} (beside its limit)", p99, within, "s", 1.0))
            figures.append(Figure(f"p99 of a {name}", p99, static.quantile(0.99), "s", _TIMES_STATIC))
    figures.append(Figure("p99 of Slack's acknowledgement beside pages", told.quantile(0.99), 0.3, "s", 1.0))
    return figures


Kind = tuple[str, Iterator[str]]
"""The name of a kind of page, and the paths of its pages without end."""


async def _list_papers(store: Store) -> None:
    """Let all papers have been listed, the last of them today, and some of them be upvoted."""
    rows = tables.papers.c
    async with store.write() as tx:
        last = (await tx.execute(sa.select(sa.func.max(rows.published)))).scalar_one()
        shift = (datetime.now(UTC).date() - last).days
        ids = list((await tx.execute(sa.select(rows.id, rows.published).order_by(rows.id))).all())
        changed = [
            {
                "b_id": row.id,
                "listed_on": row.published and row.published + timedelta(days=shift),
                "upvotes": number % 211 if number % _UPVOTED == 0 else 0,
            }
            for number, row in enumerate(ids)
        ]
        await tx.execute(sa.update(tables.papers).where(rows.id == sa.bindparam("b_id")), changed)


async def _kinds(store: Store, rng: random.Random) -> list[Kind]:
    """The kinds of pages. No page but the kept one comes twice before all others of its kind have come."""
    rows = tables.papers.c
    async with store.read() as tx:
        on_day = sa.select(rows.listed_on, sa.func.count()).where(rows.listed_on.is_not(None), ~rows.withdrawn)
        on_day = on_day.group_by(rows.listed_on)
        days = [
            f"/day/{day}?page={page}"
            for day, count in (await tx.execute(on_day)).all()
            for page in range(1, min(count // PAGE_PAPERS, _MOST_PAGES) + 1)
        ]
        papers = list((await tx.execute(sa.select(rows.id, rows.title))).all())
    rng.shuffle(days)
    rng.shuffle(papers)

    def search(title: str) -> str:
        found = [word for word in words(title) if len(word) > 3] or ["graph"]
        return "/search?" + urlencode({"q": " ".join(rng.sample(found, min(len(found), 2)))})

    return [
        (_STATIC, itertools.repeat(style_url())),
        ("day", itertools.cycle(days)),
        ("search", (search(title) for title in itertools.cycle([title for _, title in papers]))),
        ("paper", (paper_url(paper_id) for paper_id in itertools.cycle([paper_id for paper_id, _ in papers]))),
        ("kept page", itertools.repeat("/trending?period=month")),
    ]


async def _turns(site: str, kinds: Sequence[Kind], size: Load) -> dict[str, Latencies]:
    """The latencies of each kind of page. The kinds take turns."""
    latencies = {name: Latencies([]) for name, _ in kinds}
    for turn in range(max(1, round(size.seconds / size.turn))):
        first = turn % len(kinds)
        for name, paths in [*kinds[first:], *kinds[:first]]:
            with serving.without_pauses():
                seen = await _visits(site, paths, size.rate, size.turn)
            latencies[name].seconds += seen.seconds
            latencies[name].failed += seen.failed
    return latencies


async def _visits(site: str, paths: Iterator[str], rate: float, seconds: float) -> Latencies:
    """Ask for each page at its moment."""
    latencies = Latencies([])
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def visit(path: str, moment: float) -> None:
            async with session.get(site + path) as answer:
                await answer.read()
            latencies.seconds.append(time.perf_counter() - moment)
            latencies.failed += answer.status != 200

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                moment = began + number / rate
                await asyncio.sleep(max(moment - time.perf_counter(), 0))
                group.create_task(visit(next(paths), moment))
    return latencies


if __name__ == "__main__":
    from tests.benchmarks.figures import table

    arguments: list[Callable[[str], float]] = [float, float, float, int]
    given = [read(text) for read, text in zip(arguments, sys.argv[2:], strict=False)]
    print(table(run(Path(sys.argv[1]), Load(*given))))  # type: ignore[arg-type]
