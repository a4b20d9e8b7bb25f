"""Migration 0011: earlier stores named feeds by their whole addresses."""

from __future__ import annotations

from datetime import UTC, date, datetime

import sqlalchemy as sa

from bot.sources.feed import feed_name
from bot.store import runs
from bot.store.database import Store, make_engine
from bot.store.states import RunState
from bot.store.tables import deliveries, posts
from bot.store.upgrade import upgrade
from tests.store.whole import dump, fill

URL = "http://reader:PASSW0RD@feeds.example/private.rss?key=APIKEY123"
NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)


async def test_migration_0011_removes_feed_addresses_and_keeps_their_memory(empty_url: str) -> None:
    store = Store(make_engine(empty_url, 1))
    await upgrade(store, "0009")
    reason = f"Nothing new: feed {URL} could not be read (x). More."
    async with store.write() as tx:
        await fill(tx)
        run = await runs.start(tx, f"feed {URL}", date(2026, 3, 2), date(2026, 3, 3), NOW)
        memory = {f"ETag {URL}": '"1"', f"Last-Modified {URL}": "now"}
        await runs.done(tx, run, listed=1, added=1, notes=[reason], memory=memory, now=NOW)
        await runs.fail(tx, await runs.start(tx, f"feed {URL}", NOW.date(), NOW.date(), NOW), f"ValueError: {URL}", NOW)
        await tx.execute(sa.update(deliveries).values(reason=reason))
        await tx.execute(sa.update(posts).values(reason=reason, body={"text": reason, "lines": [{"said": reason}]}))
    await upgrade(store)
    for secret in ("PASSW0RD", "APIKEY123", "private.rss"):
        assert secret not in repr(await dump(store))
    async with store.read() as tx:
        last_run = await runs.latest(tx, feed_name(URL), RunState.DONE)
        assert last_run
        assert last_run.memory == {"ETag": '"1"', "Last-Modified": "now"}
        body = (await tx.execute(sa.select(posts.c.body).limit(1))).scalar_one()
        assert body["text"] == f"Nothing new: {feed_name(URL)} could not be read (x). More."
    await store.close()
