"""Readiness and metrics."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.jobs.work import Counts, InProcessQueue
from bot.model.messages import Message
from bot.page.health import Health
from bot.ports.platform import NotAccepted
from bot.settings import load
from bot.store import channels, papers
from bot.web.server import serving
from tests.page.conftest import Site
from tests.support.harness import BotHarness, paper


async def samples(site: Site, **headers: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The metrics by name and labels."""
    answer = await site.get("/metrics", **headers)
    assert answer.status == 200
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


async def test_a_bot_with_its_papers_indexed_is_ready(site: Site) -> None:
    await site.bot.list_papers([paper(1)])
    answer = await site.get("/readyz")
    assert (answer.status, answer.text) == (200, "ready\n")


async def test_an_index_that_stays_behind_is_not_ready(harness: BotHarness) -> None:
    now = [0.0]
    health = Health(harness.store, harness.app.paper_index, harness.clock, seconds=lambda: now[0])
    async with serving(health.routes, "127.0.0.1", 0) as url:
        site = Site(url, harness, aiohttp.ClientSession())
        async with site.client:
            async with harness.store.write() as tx:
                await papers.record(tx, [paper(99)], harness.clock())
            statuses = []
            for now[0] in (0.0, 59.0, 61.0):
                statuses.append((await site.get("/readyz")).status)
            assert statuses == [200, 200, 503]
            await harness.app.paper_index.sync()
            assert (await site.get("/readyz")).status == 200


async def test_a_store_that_does_not_answer_is_not_ready(site: Site) -> None:
    await site.bot.store.engine.dispose()
    broken = site.bot.store
    async with broken.write() as tx:
        await tx.exec_driver_sql("drop table facts")
    answer = await site.get("/readyz")
    assert answer.status == 503
    assert "facts" not in answer.text


async def test_metrics_tell_how_late_a_digest_is_and_what_waits(site: Site) -> None:
    bot = site.bot
    await bot.list_papers([paper(1)])
    await bot.invite()
    channel = await bot.channel()
    before = await samples(site)
    assert before["paperboy_digest_late_seconds", frozenset()] == 0
    assert before["paperboy_papers", frozenset()] == 1
    due = bot.clock() - timedelta(minutes=20)
    async with bot.store.write() as tx:
        await channels.change(tx, channel.id, next_due_at=due, next_due_on=due.date())
    assert (await samples(site))["paperboy_digests_due", frozenset()] == 0, "the store is read every 15 seconds only"
    async with serving(Health(bot.store, bot.app.paper_index, bot.clock).routes, "127.0.0.1", 0) as url:
        after = await samples(Site(url, bot, site.client))
    assert after["paperboy_digests_due", frozenset()] == 1
    assert after["paperboy_digest_late_seconds", frozenset()] == 1_200
    assert after["paperboy_channels", frozenset({("platform", "fake"), ("state", "active")})] == 1


async def test_a_digest_that_is_planned_and_not_sent_is_late_too(site: Site) -> None:
    bot = site.bot
    await bot.list_papers([paper(n) for n in range(3)])
    await bot.invite()

    def away(message: Message) -> None:
        raise NotAccepted("away", retry_after=1_800)

    bot.chat.before = away
    await bot.next_morning()
    await bot.beat()
    bot.clock.advance(timedelta(minutes=20))
    async with serving(Health(bot.store, bot.app.paper_index, bot.clock).routes, "127.0.0.1", 0) as url:
        late = await samples(Site(url, bot, site.client))
    assert late["paperboy_digests_due", frozenset()] == 0
    assert 1_200 <= late["paperboy_digest_late_seconds", frozenset()] < 1_500


async def test_counters_count_posts_and_answers(site: Site) -> None:
    sent, answered = ("paperboy_posts_total", frozenset({("state", "sent")})), ("paperboy_answer_seconds_count",)
    before = await samples(site)
    bot = site.bot
    await bot.list_papers([paper(n) for n in range(5)])
    await bot.invite()
    await bot.say("help")
    await bot.next_morning()
    await bot.beat_until_settled()
    after = await samples(site)
    assert after[sent] > before.get(sent, 0.0)
    key = (*answered, frozenset({("platform", "fake")}))
    assert after[key] == before.get(key, 0.0) + 1
    pages = "paperboy_page_seconds_count", frozenset({("route", "/metrics"), ("status", "200")})
    assert after[pages] >= 1


@pytest.mark.parametrize("client", ["203.0.113.7", "127.0.0.1"])
async def test_metrics_are_hidden_behind_a_proxy(site: Site, client: str) -> None:
    assert (await site.get("/metrics", **{"X-Forwarded-For": client})).status == 404


async def test_with_a_token_metrics_want_it(harness: BotHarness) -> None:
    health = Health(harness.store, harness.app.paper_index, harness.clock, "hunter2")
    async with serving(health.routes, "127.0.0.1", 0) as url:
        site = Site(url, harness, aiohttp.ClientSession())
        async with site.client:
            assert (await site.get("/metrics")).status == 404
            assert (await site.get("/metrics", Authorization="Bearer hunter3")).status == 404
            assert (await site.get("/metrics", Authorization="Bearer hunter2")).status == 200
        host, _, port = url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 404")
        writer.close()


async def test_where_a_proxy_stands_before_it_metrics_want_a_token(harness: BotHarness) -> None:
    health = Health(harness.store, harness.app.paper_index, harness.clock, is_behind_proxy=True)
    async with serving(health.routes, "127.0.0.1", 0) as url, aiohttp.ClientSession() as client:
        assert (await Site(url, harness, client).get("/metrics")).status == 404


def test_the_token_is_a_secret() -> None:
    assert "hunter2" not in repr(load(None, {"PAPERBOY_WEB__METRICS_TOKEN": "hunter2"}))


async def test_the_metrics_count_the_jobs_of_the_queue(harness: BotHarness) -> None:
    class Queue(InProcessQueue):
        async def counts(self) -> Counts:
            return Counts({"digests": 3}, {"chores": 1})

    health = Health(harness.store, harness.app.paper_index, harness.clock, "secret", queue=Queue())
    async with (
        serving(health.routes, "127.0.0.1", 0) as url,
        aiohttp.ClientSession(headers={"Authorization": "Bearer secret"}) as client,
        client.get(f"{url}/metrics") as answer,
    ):
        text = await answer.text()
    assert 'paperboy_jobs_waiting{kind="digests"} 3.0' in text
    assert 'paperboy_jobs_failed{kind="chores"} 1.0' in text
