"""The errors of a locked, full, read-only, damaged or missing store, and many transactions at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.store import channels, database, deliveries, delivery_plans, inbox, metadata, papers, topics, votes
from bot.store.database import Store
from bot.store.delivery_plans import Draft
from bot.store.errors import StoreAway, StoreBusy, StoreDamaged, StoreError, StoreFull, StoreMissing
from bot.store.opening import open_store
from bot.store.states import DeliveryKind
from bot.store.votes import Vote
from recommender.paper import Paper
from tests.store.whole import START, add_channel, dump, fill

NOBODY = 65534


async def test_a_store_locked_by_another_program_raises_store_busy(sqlite_url: str) -> None:
    store = await open_store(sqlite_url, busy_seconds=0.05)
    with contextlib.closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(StoreBusy, match=r"locked by another program[^\n]*$"):
            async with store.write() as tx:
                await metadata.put(tx, "a", "b")
        async with store.read() as tx:
            assert await metadata.get(tx, "a") is None
        other.execute("rollback")
    async with store.write() as tx:
        await metadata.put(tx, "a", "b")
    await store.close()


@pytest.mark.parametrize("backend", ["postgresql"])  # SQLite has one writer
async def test_deadlocked_writers_raise_store_busy(store_url: str) -> None:
    store = await open_store(store_url)
    async with store.write() as tx:
        for name in "ab":
            await metadata.put(tx, name, "0")
    halfway = asyncio.Barrier(2)

    async def cross(*names: str) -> None:
        async with store.write() as tx:
            await metadata.put(tx, names[0], "1")
            await halfway.wait()
            await metadata.put(tx, names[1], "1")

    results = await asyncio.gather(cross("a", "b"), cross("b", "a"), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "StoreBusy"]
    await store.close()


@pytest.mark.parametrize("backend", ["postgresql"])  # SQLite has one process
async def test_a_process_paused_in_a_transaction_keeps_nobody_waiting_for_ever(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_IDLE", "200ms")
    paused, other = await open_store(store_url), await open_store(store_url)

    async def stand_still() -> None:
        async with paused.write() as tx:
            await metadata.put(tx, "a", "paused")
            async with asyncio.timeout(20), other.write() as others:
                await metadata.put(others, "a", "other")
            await metadata.put(tx, "b", "paused")

    with pytest.raises(StoreAway):
        await stand_still()
    async with paused.write() as tx:
        assert (await metadata.get(tx, "a"), await metadata.get(tx, "b")) == ("other", None)
    await paused.close()
    await other.close()


async def test_a_full_disk_raises_store_full_and_loses_nothing(sqlite_url: str) -> None:
    store = await open_store(sqlite_url)
    async with store.write() as tx:
        await fill(tx)
    before = await dump(store)

    @sa.event.listens_for(store.engine.sync_engine, "checkout")
    def little_room(connection: Any, *_: object) -> None:
        connection.execute("pragma max_page_count = 60").close()

    with pytest.raises(StoreFull, match="make room"):
        async with store.write() as tx:
            await papers.record(tx, [Paper("2310.01234", "", "abstract " * 100_000)], START)
    assert await dump(store) == before
    async with store.write() as tx:
        await metadata.put(tx, "small", "fits")
    await store.close()


@contextlib.contextmanager
def readable_only(store: Path) -> Iterator[str]:
    """A folder with that store, in which we may change nothing. Root may do anything, so be somebody else."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "paperboy.db").write_bytes(store.read_bytes())
        (folder / "paperboy.db").chmod(0o444)
        folder.chmod(0o555)
        if root:
            os.seteuid(NOBODY)
        try:
            yield name
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


async def test_a_read_only_file_or_folder_raises_store_missing(sqlite_url: str) -> None:
    with readable_only(Path(sqlite_url.removeprefix("sqlite:///"))) as folder:
        for name in ("paperboy.db", "new/paperboy.db", "new.db"):
            with pytest.raises(StoreMissing, match=r"^The (store|folder)[^\n]*\.$"):
                await open_store(f"sqlite:///{folder}/{name}")


@pytest.mark.parametrize(
    "content", [b"just some text, longer than a header " * 99, b"SQLite format 3\0" + b"\xff" * 4096]
)
async def test_a_file_that_is_no_store_raises_store_damaged_and_stays(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "paperboy.db"
    file.write_bytes(content)
    with pytest.raises(StoreDamaged, match=r"^[^\n]*restore[^\n]*$"):
        await open_store(f"sqlite:///{file}")
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://a/b", "sqlite:////dev/null/x/paperboy.db", "sqlite:////tmp",
     "postgresql://nobody@127.0.0.1:1/nothing", "postgresql://localhost:notaport/x"],
)  # fmt: skip
async def test_an_unusable_database_url_is_reported_in_one_line(url: str) -> None:
    with pytest.raises(StoreError, match=r"^[^\n]+$"):
        await open_store(url)


async def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'a' / 'b' / 'paperboy.db'}")
    async with store.read() as tx:
        assert await papers.count(tx) == 0
    await store.close()


async def test_all_of_a_write_happens_or_none_of_it(store: Store) -> None:
    async def stop_halfway() -> None:
        async with store.write() as tx:
            await metadata.put(tx, "a", "b")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        await stop_halfway()
    async with store.read() as tx:
        assert await metadata.get(tx, "a") is None


async def test_a_reader_sees_one_state_while_others_write(store: Store) -> None:
    async with store.read() as tx:
        assert await metadata.get(tx, "a") is None
        async with store.write() as writing:
            await metadata.put(writing, "a", "b")
        assert await metadata.get(tx, "a") is None
    async with store.read() as tx:
        assert await metadata.get(tx, "a") == "b"


async def test_concurrent_writers_neither_deadlock_nor_fail(store: Store) -> None:
    async with store.write() as tx:
        ids = [(await add_channel(tx, f"C{number}")).id for number in range(3)]

    async def work(number: int) -> None:
        channel, day = ids[number % 3], START.date() + timedelta(number // 6)
        new_papers = [
            Paper(f"2310.{(number + n) % 7:05}", f"A long enough title with number {(number + n) % 7}")
            for n in range(4)
        ]
        async with store.write() as tx:
            recorded = await papers.record(tx, new_papers, START, {paper.id: day for paper in new_papers})
        async with store.write() as tx:
            drafts = [Draft({}, paper_id) for paper_id in recorded.ids]
            await delivery_plans.plan(tx, channel, day, DeliveryKind.DIGEST, START, drafts, START)
        async with store.write() as tx:
            for paper_id in sorted(recorded.ids):  # in one order, or two of them wait for each other for ever
                await votes.put(tx, Vote(channel, paper_id, f"U{number % 4}", "👍", True, START))
        async with store.write() as tx:
            await inbox.receive(tx, "slack", f"E{number % 5}", {}, START)
            await topics.put(tx, channel, f"topic {number % 4}", muted=False, alert=False, member="U", now=START)
            await channels.change(tx, channel, bar=number / 100)
        async with store.read() as tx:
            assert len(await papers.get_many(tx, recorded.ids)) == 4

    async with asyncio.timeout(60):
        await asyncio.gather(*(work(number) for number in range(30)))
    async with store.read() as tx:
        assert await papers.count(tx) == 7
        for channel in ids:
            had = [post.paper_id for post in await deliveries.posts_in_channel(tx, channel)]
            assert sorted(map(str, had)) == sorted({f"2310.{n:05}" for n in range(7)} & set(map(str, had)))


async def test_concurrent_merges_and_votes_lose_no_vote(store: Store) -> None:
    async with store.write() as tx:
        channel = (await add_channel(tx)).id
        await papers.record(
            tx, [Paper("2310.01234", "A first title, long enough to tell"), Paper("10.1145/x", "")], START
        )

    async def vote(number: int) -> None:
        async with store.write() as tx:
            paper_id = await papers.resolve(tx, "10.1145/x")
            assert paper_id
            await votes.put(tx, Vote(channel, paper_id, f"U{number}", "👍", True, START))

    async def tie() -> None:
        async with store.write() as tx:
            await papers.record(tx, [Paper("2310.01234", "", doi="10.1145/x")], START)

    results = await asyncio.gather(
        *(vote(n) for n in range(6)), tie(), *(vote(n) for n in range(6, 12)), return_exceptions=True
    )
    # Who voted for a name that just went is told so, and tries again; nobody's vote is silently lost.
    assert {type(result) for result in results} <= {type(None), sa.exc.IntegrityError}
    for number, result in enumerate((*results[:6], *results[7:])):
        if result is not None:
            await vote(number)
    async with store.read() as tx:
        stored_votes = await votes.for_paper(tx, channel, "2310.01234")
    assert {vote.member for vote in stored_votes} == {f"U{number}" for number in range(12)}


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_queries_are_not_compiled_by_the_server(store: Store) -> None:
    for _ in range(2):  # the setting outlives the transaction
        async with store.read() as tx:
            assert (await tx.execute(sa.text("show jit"))).scalar_one() == "off"
