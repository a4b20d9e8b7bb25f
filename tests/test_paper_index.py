from __future__ import annotations

import json
import os
import shutil
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.paper_index import PaperIndex
from bot.store import metadata, papers
from bot.store.database import Store
from bot.store.opening import open_store
from recommender import IndexBusyError, Paper, Recommender
from recommender.index.storage import write_lock
from tests.fakes.clock import Clock
from tests.support.harness import demo_papers, harness_over, paper

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


async def record(store: Store, *new_papers: Paper) -> papers.Recorded:
    async with store.write() as tx:
        return await papers.record(tx, new_papers, NOW)


def search_ids(paper_index: PaperIndex, query: str) -> set[str]:
    return {hit.paper_id for hit in paper_index.engine.search(query, 50)}


async def test_an_index_is_opened_again_without_indexing_anything(sqlite_store: Store, tmp_path: Path) -> None:
    await record(sqlite_store, *(paper(n, f"Zebra {n}") for n in range(20)))
    first = await PaperIndex.open(sqlite_store, tmp_path / "index")
    again = await PaperIndex.open(sqlite_store, tmp_path / "index")
    assert await again.sync() == 0
    assert search_ids(again, "zebra") == search_ids(first, "zebra") == {paper(n).id for n in range(20)}


async def test_search_works_while_another_program_writes_to_the_index(sqlite_store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    await record(sqlite_store, paper(1, "Zebra one"))
    await PaperIndex.open(sqlite_store, folder)
    await record(sqlite_store, paper(2, "Zebra two"))
    with write_lock(folder, 0.0):
        beside = await PaperIndex.open(sqlite_store, folder)
        assert search_ids(beside, "zebra") == {paper(1).id}
    assert await beside.sync() == 1
    assert search_ids(beside, "zebra") == {paper(1).id, paper(2).id}


async def test_a_search_finds_what_another_process_stored(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.app.scheduler.run("search index")
    await record(store, paper(1, "Zebra one"))
    assert search_ids(harness.app.paper_index, "zebra") == set()
    await harness.app.scheduler.run("search index")
    assert search_ids(harness.app.paper_index, "zebra") == {paper(1).id}


async def test_sync_is_retried_while_another_program_writes(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    paper_index = await PaperIndex.open(sqlite_store, folder)
    paper_index.engine = Recommender.open(folder, patience=0.0)
    await record(sqlite_store, paper(1, "Zebra one"))
    add, tried = paper_index.engine.add, 0

    def add_at_last(papers: list[Paper], marker: str) -> None:
        nonlocal tried
        tried += 1
        if tried == 3:
            other.close()
        add(papers, marker)

    monkeypatch.setattr(paper_index.engine, "add", add_at_last)
    with ExitStack() as other:
        other.enter_context(write_lock(folder, 0.0))
        with pytest.raises(IndexBusyError):
            await paper_index.sync(tries=2)
        assert await paper_index.sync() == 1
    assert tried == 3
    assert search_ids(paper_index, "zebra") == {paper(1).id}


@pytest.mark.parametrize(
    "query",
    ["learning", "language models -survey", '"language models"', "title:learning OR author:wang", "cat:cs.*",
     "after:2020 transformers", "lerning", "models for reasoning about images and text"],
)  # fmt: skip
async def test_a_query_has_the_same_hits_on_both_databases(store: Store, query: str) -> None:
    alone = Recommender()
    alone.add(demo_papers())
    await record(store, *reversed(demo_papers()))
    paper_index = await PaperIndex.open(store, None)
    assert paper_index.engine.search(query, 50) == alone.search(query, 50) != []
    assert paper_index.engine.interpret(query) == alone.interpret(query)


async def test_sync_indexes_only_changed_papers(sqlite_store: Store, tmp_path: Path) -> None:
    await record(sqlite_store, *(paper(n) for n in range(20)))
    paper_index = await PaperIndex.open(sqlite_store, tmp_path / "index")
    await record(
        sqlite_store,
        *(paper(n) for n in range(19)),
        paper(19, abstract="Zebras at last, after a long look at everything else. They have stripes and it works."),
        paper(20),
    )
    assert await paper_index.sync() == 2
    assert search_ids(paper_index, "zebras") == {paper(19).id}


async def test_two_indexes_over_one_folder_see_each_others_papers(sqlite_store: Store, tmp_path: Path) -> None:
    first = await PaperIndex.open(sqlite_store, tmp_path / "index")
    other = await PaperIndex.open(sqlite_store, tmp_path / "index")
    await record(sqlite_store, paper(1, "Zebra"))
    assert (await first.sync(), await other.sync()) == (1, 0)
    assert search_ids(other, "zebra") == {paper(1).id}


async def test_a_damaged_index_is_rebuilt_with_the_same_answers(sqlite_store: Store, tmp_path: Path) -> None:
    await record(sqlite_store, *(paper(n, f"Zebra {n}") for n in range(20)))
    folder = tmp_path / "index"
    before = (await PaperIndex.open(sqlite_store, folder)).engine.search("zebra", 50)
    for file in folder.glob("*.column"):
        file.write_bytes(os.urandom(5_000))
    with capture_logs() as logs:
        assert (await PaperIndex.open(sqlite_store, folder)).engine.search("zebra", 50) == before
        assert (await PaperIndex.open(sqlite_store, folder)).engine.search("zebra", 50) == before
    assert [log["event"] for log in logs] == ["The search index can't be used; it is rebuilt from the store."]
    assert "Delete" not in logs[0]["why"], "nobody has to"


async def test_an_index_of_the_old_format_is_rebuilt_and_said_once(sqlite_store: Store, tmp_path: Path) -> None:
    await record(sqlite_store, *(paper(n, f"Zebra {n}") for n in range(20)))
    folder = tmp_path / "index"
    folder.mkdir()
    segments = [{"name": "00000001-0.segment", "papers": 20, "dead": None}]
    index = {"lineage": "a" * 32, "commit": 1, "marker": None, "segments": segments, "vectors": None, "vectors_of": 0}
    (folder / "index.json").write_text(json.dumps({"format": 5, "check": 1, "index": index}))
    (folder / "00000001-0.segment").write_bytes(os.urandom(5_000))
    with capture_logs() as logs:
        for _ in range(2):
            assert len(search_ids(await PaperIndex.open(sqlite_store, folder), "zebra")) == 20
    assert [(log["event"], log["why"]) for log in logs] == [
        ("The search index can't be used; it is rebuilt from the store.", "an older Paperboy wrote it")
    ]
    assert not list(folder.glob("*.segment"))


async def test_damaged_postings_are_derived_again_without_the_store(sqlite_store: Store, tmp_path: Path) -> None:
    await record(sqlite_store, *(paper(n, f"Zebra {n}") for n in range(20)))
    folder = tmp_path / "index"
    before = (await PaperIndex.open(sqlite_store, folder)).engine.search("zebra", 50)
    for file in folder.glob("*.postings"):
        file.write_bytes(os.urandom(5_000))
    with capture_logs() as logs:
        healed = await PaperIndex.open(sqlite_store, folder)
        assert healed.engine.search("zebra", 50) == before
        assert await healed.sync() == 0
    assert logs == []


@pytest.mark.parametrize("damage", ["damaged", "lost"])
async def test_an_index_that_breaks_in_a_running_bot_is_rebuilt_and_logged_once(
    sqlite_store: Store, tmp_path: Path, damage: str
) -> None:
    await record(sqlite_store, *(paper(n, f"Zebra {n}") for n in range(20)))
    folder = tmp_path / "index"
    paper_index = await PaperIndex.open(sqlite_store, folder)
    if damage == "damaged":
        (folder / "index.json").write_text("{")
    else:
        shutil.rmtree(folder)
    with capture_logs() as logs:
        assert await paper_index.sync() == 20
        assert await paper_index.sync() == 0
    assert [log["event"] for log in logs] == ["The search index can't be used; it is rebuilt from the store."]
    assert len(search_ids(paper_index, "zebra")) == 20


async def test_a_digest_is_made_while_the_index_can_not_be_written(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.list_papers(demo_papers()[:5])
    await harness.invite()
    clock.advance(timedelta(hours=1))

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    harness.app.paper_index.engine.add = full  # type: ignore[method-assign, assignment]
    async with sqlite_store.write() as tx:
        await papers.record(tx, [paper(3)], clock(), {paper(3).id: clock().date()})
    await harness.beat()
    assert harness.chat.titles()[0].startswith("5 papers")
    harness.shelf.lists = {clock().date(): [paper(4)]}
    await harness.app.scheduler.run("source reading")  # logs the failure, and the other jobs go on


async def test_an_index_of_another_state_of_the_store_is_rebuilt(sqlite_store: Store, tmp_path: Path) -> None:
    await record(sqlite_store, paper(1, "Zebra"), paper(2, "Giraffe"))
    paper_index = await PaperIndex.open(sqlite_store, tmp_path / "index")
    async with sqlite_store.write() as tx:
        await metadata.put(tx, "store_id", "another")
    with capture_logs() as logs:
        assert await paper_index.sync() == 2
    assert len(logs) == 1
    assert search_ids(paper_index, "zebra") == {paper(1).id}


async def test_merged_papers_are_found_once(sqlite_store: Store) -> None:
    paper_index = await PaperIndex.open(sqlite_store, None)
    by_doi = Paper("10.1000/zebra", "A zebra in practice", "Stripes.", doi="10.1000/zebra")
    by_number = Paper("2603.00001", "Zebras, in theory", "Stripes.")
    await record(sqlite_store, by_doi, by_number)
    await paper_index.sync()
    assert len(search_ids(paper_index, "stripes")) == 2
    recorded = await record(sqlite_store, Paper("2603.00001", "Zebras, in theory", "Stripes.", doi="10.1000/zebra"))
    assert len(recorded.merged) == 1
    await paper_index.sync()
    assert search_ids(paper_index, "stripes") == {by_number.id}


async def test_a_merged_paper_leaves_every_index_even_after_a_crash(sqlite_store: Store, tmp_path: Path) -> None:
    by_doi = Paper("10.1000/zebra", "A zebra in practice", "Stripes.", doi="10.1000/zebra")
    await record(sqlite_store, by_doi, Paper("2603.00001", "Zebras, in theory", "Stripes."))
    first, second = [await PaperIndex.open(sqlite_store, tmp_path / name) for name in ("here", "there")]
    await record(sqlite_store, Paper("2603.00001", "Zebras, in theory", "Stripes.", doi="10.1000/zebra"))
    await first.sync()  # the process that merged them dies before it tells any index
    again = await PaperIndex.open(sqlite_store, tmp_path / "there")
    await second.sync()
    assert (
        search_ids(first, "stripes") == search_ids(second, "stripes") == search_ids(again, "stripes") == {"2603.00001"}
    )
    assert await first.sync() == 0


async def test_progress_is_reported_up_to_the_end(sqlite_store: Store) -> None:
    await record(sqlite_store, *(paper(n) for n in range(20)))
    reports: list[tuple[int, int]] = []
    await PaperIndex.open(sqlite_store, None, lambda done, total: reports.append((done, total)))
    assert reports[-1] == (20, 20)


def indexes(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("index")]


async def test_another_store_with_the_same_folder_gets_its_own_index(sqlite_store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    async with sqlite_store.write() as tx:
        await papers.record(tx, [Paper("2310.00001", "A paper about zebras, of the first store")], NOW)
    await PaperIndex.open(sqlite_store, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    other = await open_store(f"sqlite:///{tmp_path / 'other.db'}")
    async with other.write() as tx:
        await papers.record(tx, [Paper("2310.00002", "A paper about zebras, of the second store")], NOW)
    for _ in range(2):
        other_index = await PaperIndex.open(other, folder)
        assert search_ids(other_index, "zebras") == {"2310.00002"}
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    memory = await open_store("sqlite://")
    assert len((await PaperIndex.open(memory, folder)).engine) == 0
    own_index = await PaperIndex.open(sqlite_store, folder)
    assert search_ids(own_index, "zebras") == {"2310.00001"}
    assert len(indexes(tmp_path)) == 2
    await other.close()
    await memory.close()


async def test_index_is_rebuilt_after_a_backup_replaced_the_store(sqlite_store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    async with sqlite_store.write() as tx:
        await papers.record(tx, [Paper("2310.00001", "A paper about zebras")], NOW)
        former = await metadata.store_id(tx)
    await PaperIndex.open(sqlite_store, folder)
    async with sqlite_store.write() as tx:
        await metadata.put(tx, "store_id", "f" * 32)
    again = await PaperIndex.open(sqlite_store, folder, replaced=former)
    assert len(again.engine) == 1
    assert indexes(tmp_path) == ["index"]
