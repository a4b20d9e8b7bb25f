"""Migration 0014: earlier stores had states and kinds as free text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from bot.model.messages import Place
from bot.store import channels, deliveries, delivery_plans
from bot.store.database import Store, make_engine
from bot.store.states import ChannelState, DeliveryKind
from bot.store.tables import choices, numbers, posts
from bot.store.upgrade import upgrade
from tests.store.whole import reflected

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
DAY, PAPER = date(2026, 3, 3), "2603.00001"
KINDS = {1: "digest", 2: f"alert {PAPER}", 3: "alert taught:ab cd", 4: f"submission {PAPER}"}


async def test_migration_0014_types_channel_states_and_delivery_kinds(empty_url: str) -> None:
    store = Store(make_engine(empty_url, 1))
    await upgrade(store, "0013")
    async with store.write() as tx:
        await _fill(tx)
    await upgrade(store)
    async with store.write() as tx:
        migrated = [await channels.find(tx, Place("slack", f"C{number}", "W")) for number in (1, 2, 3)]
        assert [(channel.state, channel.state_reason) for channel in migrated if channel] == [
            (ChannelState.NEW, ""),
            (ChannelState.PAUSED, "paused here"),
            (ChannelState.LOST, "not in channel"),
        ]
        kinds = {delivery.id: (delivery.kind, delivery.subject) for delivery in await deliveries.for_channel(tx, 1)}
        assert kinds == {
            1: (DeliveryKind.DIGEST, ""),
            2: (DeliveryKind.ALERT, PAPER),
            3: (DeliveryKind.ALERT, "taught:ab cd"),
            4: (DeliveryKind.SUBMISSION, PAPER),
        }
        for table, rows in ((posts, 2), (numbers, 1), (choices, 1)):
            assert (await tx.execute(sa.select(sa.func.count()).select_from(table))).scalar_one() == rows
        if store.is_sqlite:
            planned = await delivery_plans.plan(tx, 1, date(2026, 3, 5), DeliveryKind.DIGEST, NOW, [], NOW)
            assert planned
            assert planned.id == 10, "the id of a delivery that is gone is not used again"
    await store.close()


async def _fill(tx: Any) -> None:
    tables = (await tx.run_sync(reflected)).tables

    async def insert(name: str, **values: Any) -> None:
        columns = tables[name].c
        usual: dict[str, Any] = {
            "reason": "", "name": "", "owner": "", "title": "", "abstract": "", "doi": "", "url": "",
            "organization": "", "private": False, "guess": False, "authors": [], "categories": [], "body": {},
            "revision": 1,
            "count": 5, "bar": 0.5, "attempts": 1, "position": 0, "upvotes": 0, "comments": 0,
            "channel_id": 1, "state": "sent",
            "first_seen_at": NOW, "created_at": NOW, "planned_at": NOW, "not_before": NOW, "due_at": NOW,
            "hour": "09:00", "days": "daily", "zone": "UTC", "platform": "slack", "workspace": "W", "local_date": DAY,
        }  # fmt: skip
        row = {key: value for key, value in usual.items() if key in columns and not columns[key].nullable} | values
        if tx.dialect.name == "sqlite":
            row = {
                key: value.replace(tzinfo=None) if isinstance(value, datetime) else value for key, value in row.items()
            }
        await tx.execute(sa.insert(tables[name]).values(row))

    states = [("paused", "not invited yet"), ("paused", "paused here"), ("lost", "not in channel")]
    for number, (state, reason) in enumerate(states, 1):
        await insert("channels", id=number, address=f"C{number}", kind="channel", state=state, state_reason=reason)
    await insert("papers", id=PAPER)
    for number, kind in KINDS.items():
        await insert("deliveries", id=number, kind=kind, state="planned")
    await insert("posts", id=1, delivery_id=1, key="k1", paper_id=PAPER)
    await insert("posts", id=2, delivery_id=2, key="k2")
    await insert("numbers", post_id=2, number=1)
    await insert("choices", delivery_id=1, paper_id=PAPER)
    await insert("deliveries", id=9, kind="gone", state="missed")
    await tx.execute(sa.delete(tables["deliveries"]).where(tables["deliveries"].c.id == 9))
