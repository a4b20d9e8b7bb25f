from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.store import channels, deliveries, delivery_plans, metadata, papers, tables
from bot.store.backup import BackupRefused, BackupUnwritten, backup, restore
from bot.store.database import Store
from bot.store.delivery_plans import Draft
from bot.store.errors import StoreFull, StoreNewer
from bot.store.opening import open_store
from bot.store.states import DeliveryKind
from bot.store.upgrade import revisions
from recommender.paper import Paper
from tests.fakes.postgres import Postgres
from tests.store.whole import START, add_channel, dump, fill


@pytest.fixture
async def other(backend: str, tmp_path: Path, postgres: Postgres) -> AsyncIterator[Store]:
    """An open store on the other kind of database."""
    if backend == "postgresql":
        other_store = await open_store(f"sqlite:///{tmp_path / 'other.db'}")
        yield other_store
        await other_store.close()
    else:
        url = postgres.create()
        other_store = await open_store(url.render_as_string(hide_password=False))
        yield other_store
        await other_store.close()
        postgres.drop(url)


def without_id(rows: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    return {**rows, "facts": [row for row in rows["facts"] if row[0] != "store_id"]}


def write_backup(file: Path, *lines: dict[str, Any], rows: int | None = None) -> Path:
    """A file with a true checksum, whatever it says."""
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    last = {"rows": len(lines) - 1 if rows is None else rows, "sha256": sha256(body).hexdigest()}
    file.write_bytes(gzip.compress(body + json.dumps(last).encode() + b"\n"))
    return file


def suffixes(folder: Path) -> set[str]:
    return {path.suffix for path in folder.iterdir()}


async def fill_store(store: Store) -> int:
    async with store.write() as tx:
        return await fill(tx)


async def test_a_backup_of_either_database_restores_into_either(store: Store, other: Store, tmp_path: Path) -> None:
    count = await fill_store(store)
    file = tmp_path / "backup.gz"
    backup_progress: list[int] = []
    restore_progress: list[int] = []
    assert await backup(store, file, START, backup_progress.append) == count == backup_progress[-1]
    assert await restore(other, file, restore_progress.append) == count == restore_progress[-1]
    assert without_id(await dump(other)) == without_id(await dump(store))
    back = tmp_path / "back.gz"
    await backup(other, back, START)
    async with store.write() as tx:
        await add_channel(tx, "made after the backup")
    await restore(store, back)
    assert without_id(await dump(store)) == without_id(await dump(other))


async def test_a_restored_store_has_a_new_id_and_continues_its_sequences(store: Store, tmp_path: Path) -> None:
    async with store.write() as tx:
        before = await metadata.store_id(tx)
        ids = [(await add_channel(tx, f"C{number}")).id for number in range(4)]
        await papers.record(tx, [Paper("2310.01234", "")], START)
        await delivery_plans.plan(
            tx, ids[0], START.date(), DeliveryKind.DIGEST, START, [Draft({}, "2310.01234")], START
        )
    await backup(store, tmp_path / "backup.gz", START)
    for _ in range(2):
        await restore(store, tmp_path / "backup.gz")
        async with store.write() as tx:
            assert await metadata.store_id(tx) != before
            assert (await add_channel(tx, "C9")).id == max(ids) + 1
            recorded = await papers.record(tx, [Paper("2401.00001", "")], START)
            assert [revision for revision, _ in await papers.changed_since(tx, 1, 9)] == [2]
            day = START.date() + timedelta(1)
            await delivery_plans.plan(tx, ids[0], day, DeliveryKind.DIGEST, START, [Draft({}, recorded.ids[0])], START)
            keys = {post.key for post in await deliveries.posts_in_channel(tx, ids[0])}
            assert len({key.partition(".")[0] for key in keys}) == 2
    reopened = await open_store(store.engine.url.render_as_string(hide_password=False))
    await reopened.close()


async def test_transactions_during_a_restore_see_the_state_before_or_after(store: Store, tmp_path: Path) -> None:
    async with store.write() as tx:
        for number in range(90):
            await add_channel(tx, f"C{number}")
    await backup(store, tmp_path / "backup.gz", START)
    async with store.write() as tx:
        for channel in (await channels.list_all(tx))[50:]:
            await tx.execute(sa.delete(tables.channels).where(tables.channels.c.id == channel.id))
    restored, seen = asyncio.Event(), set()

    async def look() -> None:
        while not restored.is_set():
            async with store.read() as tx:
                first = await metadata.get(tx, "store_id")
                count = len(await channels.list_all(tx))
                assert (await metadata.get(tx, "store_id"), len(await channels.list_all(tx))) == (first, count)
                seen.add((first is None, count))

    async def write() -> None:
        while not restored.is_set():
            async with store.write() as tx:
                count = len(await channels.list_all(tx))
                assert count in (50, 90)
                await metadata.put(tx, "last seen", str(count))

    async def restore_meanwhile() -> None:
        async with store.read() as tx:
            assert len(await channels.list_all(tx)) == 50
            await asyncio.gather(restore(store, tmp_path / "backup.gz"), backup(store, tmp_path / "second.gz", START))
            # A snapshot begun before stays what it was, tables it has not looked at included.
            assert len(await channels.list_all(tx)) == 50
            assert await papers.count(tx) == 0
        restored.set()

    await asyncio.gather(restore_meanwhile(), look(), look(), write())
    assert seen <= {(True, 50), (False, 90)}
    async with store.read() as tx:
        assert len(await channels.list_all(tx)) == 90


async def test_a_truncated_backup_is_refused_and_changes_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    await fill_store(sqlite_store)
    file, cut = tmp_path / "backup.gz", tmp_path / "cut.gz"
    await backup(sqlite_store, file, START)
    before, whole = await dump(sqlite_store), file.read_bytes()
    lines = gzip.decompress(whole).splitlines(keepends=True)
    pieces = [whole[: len(whole) * part // 20] for part in range(20)] + [whole[:-1]]
    pieces += [gzip.compress(b"".join(lines[:number])) for number in range(0, len(lines), 3)]
    for piece in pieces:
        cut.write_bytes(piece)
        with pytest.raises(BackupRefused, match=r"^[^\n]+$"):
            await restore(sqlite_store, cut)
    assert await dump(sqlite_store) == before


async def test_a_backup_with_changed_lines_is_refused(sqlite_store: Store, tmp_path: Path) -> None:
    await fill_store(sqlite_store)
    file = tmp_path / "backup.gz"
    await backup(sqlite_store, file, START)
    before, lines = await dump(sqlite_store), gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    for number in range(1, len(lines), 5):
        changed = [*lines[:number], lines[number].replace(b"0", b"1").replace(b"7", b"8"), *lines[number + 1 :]]
        for content in (changed, lines[:number] + lines[number + 1 :], [*lines, lines[1]]):
            if content == lines:
                continue
            file.write_bytes(gzip.compress(b"".join(content)))
            with pytest.raises(BackupRefused):
                await restore(sqlite_store, file)
    assert await dump(sqlite_store) == before


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0" * 1000, b"just text\n", gzip.compress(b""), gzip.compress(b"\xff\xfe\n"), gzip.compress(b"[1]\n"),
        gzip.compress(b'{"a": 1}\n{"b": 2}\n'), gzip.compress(b"[" * 100_000), gzip.compress(b"null\n" * 9),
        gzip.compress(b'{"paperboy backup": "x"}\n'), gzip.compress(b'{"paperboy backup": 1, "revision": null}\n'),
        gzip.compress(b'{"paperboy backup": 0, "revision": "0001"}\n'), gzip.compress(b"1" * 5_000),
        gzip.compress(b'{"paperboy backup": 1, "revision": "0001"}\n{"rows": 0, "sha256": "0"}\n'),
    ],
    ids=range(14),
)  # fmt: skip
async def test_a_file_that_is_no_backup_is_refused_with_one_sentence(
    sqlite_store: Store, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "odd.gz"
    file.write_bytes(content)
    with pytest.raises(BackupRefused, match=r"odd\.gz (is|can't)[^\n]*\.$"):
        await restore(sqlite_store, file)


async def test_a_missing_backup_and_a_folder_are_refused(sqlite_store: Store, tmp_path: Path) -> None:
    for file in (tmp_path / "nothing.gz", tmp_path):
        with pytest.raises(BackupRefused, match="can't be read"):
            await restore(sqlite_store, file)


@pytest.mark.parametrize(
    "header", [{"paperboy backup": 1, "revision": "9999"}, {"paperboy backup": 2, "revision": "x"}]
)
async def test_a_backup_by_a_newer_version_is_refused(store: Store, tmp_path: Path, header: dict[str, Any]) -> None:
    await fill_store(store)
    before = await dump(store)
    with pytest.raises(StoreNewer, match="newer Paperboy"):
        await restore(store, write_backup(tmp_path / "newer.gz", header))
    assert await dump(store) == before


@pytest.mark.parametrize(
    "line",
    [
        {"table": "passwords", "row": {}},
        {"table": "alembic_version", "row": {"version_num": "9999", "more": 1}},
        {"table": ["facts"], "row": {}},
        {"row": {"name": "n", "value": "v"}},
        {"table": "facts", "row": {"name": "n"}},
        {"table": "facts", "row": {"name": None, "value": "v"}},
        {"table": "facts", "row": {"name": {"a": 1}, "value": "v"}},
        {"table": "facts", "row": "a text"},
        {"table": "facts", "row": {"name": "n", "value": "v", "value) values (1); --": 1}},
        {"table": "paper_names", "row": {"name": "n", "paper_id": "nobody has it"}},
        {"table": "saved", "row": {"platform": "", "workspace": "", "member": "", "paper_id": "", "at": "yesterday"}},
        {"table": "saved", "row": {"platform": "", "workspace": "", "member": "", "paper_id": "", "at": 7}},
    ],
)  # fmt: skip
async def test_rows_that_do_not_fit_the_tables_are_refused(store: Store, tmp_path: Path, line: dict[str, Any]) -> None:
    await fill_store(store)
    before = await dump(store)
    file = write_backup(tmp_path / "odd.gz", {"paperboy backup": 1, "revision": revisions()[0]}, line)
    with pytest.raises(BackupRefused, match=r"odd\.gz holds rows that do not fit"):
        await restore(store, file)
    assert await dump(store) == before


async def test_a_failed_backup_keeps_the_older_file_and_leaves_no_part_file(
    sqlite_store: Store, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    await fill_store(sqlite_store)
    await backup(sqlite_store, folder / "backup.gz", START)
    older = (folder / "backup.gz").read_bytes()

    def fail_in_progress(_: int) -> None:
        raise RuntimeError("the progress bar broke")

    with pytest.raises(RuntimeError, match="progress bar"):
        await backup(sqlite_store, folder / "backup.gz", START, fail_in_progress)
    assert [path.name for path in folder.iterdir()] == ["backup.gz"]
    assert (folder / "backup.gz").read_bytes() == older


async def test_a_backup_to_an_unwritable_place_is_reported(sqlite_store: Store, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for file in (tmp_path / "missing" / "backup.gz", Path("/dev/full/backup.gz")):
        with pytest.raises(BackupUnwritten, match=r"can't be written: [^\n]+ Nothing was changed\.$"):
            await backup(sqlite_store, file, START)
    with pytest.raises(BackupUnwritten, match=r"is a folder, [^\n]+ Give it another name\.$"):
        await backup(sqlite_store, tmp_path / "folder", START)
    assert ".part" not in suffixes(tmp_path)


async def test_a_full_disk_during_a_restore_changes_nothing(sqlite_url: str, tmp_path: Path) -> None:
    big = await open_store(f"sqlite:///{tmp_path / 'big.db'}")
    async with big.write() as tx:
        await papers.record(tx, [Paper(f"2310.{n:05}", f"Title {n}", "abstract " * 50) for n in range(600)], START)
    await backup(big, tmp_path / "backup.gz", START)
    await big.close()
    small = await open_store(sqlite_url)
    await fill_store(small)
    before = await dump(small)

    @sa.event.listens_for(small.engine.sync_engine, "checkout")
    def little_room(connection: Any, *_: object) -> None:
        connection.execute("pragma max_page_count = 60").close()

    with pytest.raises(StoreFull, match="full"):
        await restore(small, tmp_path / "backup.gz")
    assert await dump(small) == before
    await small.close()
