"""Migration 0010: the papers of members become private to the channels to which they were given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import channels, contributions, metadata, papers
from bot.store.database import Store, make_engine
from bot.store.upgrade import upgrade
from recommender import Paper
from tests.store.whole import reflected

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
DRAFT, LISTED = "title:0123456789", "2603.00001"
PUBLIC, BESIDE, BOARD, DIRECT, ABROAD, STRANGER = range(1, 7)


@pytest.fixture
async def old(empty_url: str) -> AsyncIterator[Store]:
    """A store as it was before: two workspaces, a member's draft among the papers, and a listed paper that a member
    wrote into."""
    store = Store(make_engine(empty_url, 1))
    await upgrade(store, "0009")
    async with store.write() as tx:
        await _fill(tx)
    yield store
    await store.close()


async def _fill(tx: AsyncConnection) -> None:
    tables = (await tx.run_sync(reflected)).tables
    naive = tx.dialect.name == "sqlite"
    moment = NOW.replace(tzinfo=None) if naive else NOW

    async def put(table: str, **values: Any) -> None:
        await tx.execute(sa.insert(tables[table]).values(values))

    plain = {"authors": ["Doe, Jane"], "categories": [], "upvotes": 0, "comments": 0, "organization": "", "doi": ""}
    draft = {
        "title": "A confidential draft with a long title",
        "abstract": "Secret.",
        "url": "https://intranet.example",
    }
    await put("papers", id=DRAFT, revision=3, **plain, **draft)
    listed = plain | {"categories": ["cs.LG"], "doi": "10.9999/evil", "listed_on": NOW.date()}
    await put(
        "papers", id=LISTED, title="A listed paper", abstract="", url="https://evil.example", revision=4, **listed
    )
    for name, paper_id in ((f"id:{DRAFT}", DRAFT), ("doi:10.9999/evil", LISTED), (f"arxiv:{LISTED}", LISTED)):
        await put("paper_names", name=name, paper_id=paper_id)
    await put("facts", name="revision", value="4")
    channels_by_id = {
        PUBLIC: ("T1", "channel", False, ""),
        BESIDE: ("T1", "channel", False, "not invited yet"),
        BOARD: ("T1", "channel", True, ""),
        DIRECT: ("T1", "direct", False, ""),
        ABROAD: ("T2", "channel", False, ""),
        STRANGER: ("T3", "channel", False, ""),
    }
    for number, (workspace, kind, private, reason) in channels_by_id.items():
        place = {"platform": "slack", "workspace": workspace, "address": f"C{number}", "name": f"c{number}"}
        schedule = {"owner": "", "hour": "09:00", "days": "daily", "zone": "UTC", "created_at": moment}
        state = {"state": "active", "state_reason": reason, "count": 5, "bar": 0.5, "guess": True}
        await put("channels", id=number, kind=kind, private=private, **place, **schedule, **state)
    for channel, member, paper_id, signal in (
        (PUBLIC, "ada", DRAFT, "said:taught"),
        (BOARD, "eve", DRAFT, "said:taught"),
        (DIRECT, "dan", DRAFT, "said:taught"),
        (ABROAD, "mal", DRAFT, "said:taught"),
        (PUBLIC, "ben", DRAFT, "said:more"),
        (STRANGER, "zoe", DRAFT, "said:more"),
        (PUBLIC, "ada", LISTED, "said:taught"),
    ):
        await put("votes", channel_id=channel, paper_id=paper_id, member=member, signal=signal, on=True, at=moment)
    for workspace, member in (("T1", "ben"), ("T1", "dan"), ("T3", "zoe")):
        await put("saved", platform="slack", workspace=workspace, member=member, paper_id=DRAFT, at=moment)
    await put("deliveries", id=1, channel_id=STRANGER, local_date=NOW.date(), kind="submission x", due_at=moment,
              state="planned", reason="", planned_at=moment)  # fmt: skip
    await put("posts", id=1, delivery_id=1, channel_id=STRANGER, paper_id=DRAFT, position=0, key="k", state="sent",
              reason="", body={}, attempts=1, planned_at=moment, not_before=moment)  # fmt: skip


async def test_migration_0010_makes_members_papers_private_to_their_channels(old: Store) -> None:
    await upgrade(old)
    async with old.read() as tx:
        visible = {number: sorted(await contributions.visible_ids(tx, number)) for number in range(1, 7)}
        assert [len(ids) for ids in visible.values()] == [1, 1, 2, 2, 1, 0]
        assert visible[PUBLIC] != visible[ABROAD]
        assert len({paper for ids in visible.values() for paper in ids}) == 4
        private_papers = await papers.get_many(tx, visible[BOARD])
        assert {paper.title for paper in private_papers.values()} == {"A confidential draft with a long title"}
        assert {paper.link for paper in private_papers.values()} == {"https://intranet.example"}
        assert await papers.get(tx, DRAFT) is None
        assert await papers.resolve(tx, "A confidential draft with a long title") is None
        assert await papers.removed_between(tx, 4, 5) == [DRAFT]
        assert await metadata.revision(tx) == 5


async def test_migration_0010_keeps_votes_and_saved_papers_where_the_paper_is_visible(old: Store) -> None:
    await upgrade(old)
    async with old.read() as tx:
        tables = (await tx.run_sync(reflected)).tables
        [home] = await contributions.visible_ids(tx, PUBLIC)
        votes = (await tx.execute(sa.select(tables["votes"]).order_by("channel_id", "member"))).all()
        assert [(v.channel_id, v.member) for v in votes if v.paper_id == home] == [(PUBLIC, "ada"), (PUBLIC, "ben")]
        assert not [vote for vote in votes if vote.channel_id == STRANGER]
        saved = {row.member: row.paper_id for row in await tx.execute(sa.select(tables["saved"]))}
        assert saved == {"ben": home, "dan": home}
        [post] = (await tx.execute(sa.select(tables["posts"]))).all()
        assert post.paper_id is None


async def test_migration_0010_removes_members_facts_from_listed_papers(old: Store) -> None:
    await upgrade(old)
    async with old.read() as tx:
        listed = await papers.get(tx, LISTED)
        assert listed
        assert (listed.link, listed.doi) == (f"https://arxiv.org/abs/{LISTED}", "")
        assert await papers.resolve(tx, "10.9999/evil") is None
        assert await papers.resolve(tx, LISTED) == LISTED


async def test_migration_0010_makes_slack_channels_private_before_an_invitation(old: Store) -> None:
    await upgrade(old)
    async with old.read() as tx:
        private = {channel.id for channel in await channels.list_all(tx) if channel.place.private}
        assert private == {BESIDE, BOARD}


async def test_a_listed_paper_replaces_all_private_copies_made_by_migration_0010(old: Store) -> None:
    await upgrade(old)
    async with old.write() as tx:
        paper = Paper("10.1145/x", "A confidential draft with a long title", "Published.")
        [paper_id] = (await papers.record(tx, [paper], NOW, {paper.id: NOW.date()})).ids
        assert not [ids for number in range(1, 7) if (ids := await contributions.visible_ids(tx, number))]
        tables = (await tx.run_sync(reflected)).tables
        votes = (await tx.execute(sa.select(tables["votes"]).where(tables["votes"].c.paper_id == paper_id))).all()
        assert len(votes) == 5
