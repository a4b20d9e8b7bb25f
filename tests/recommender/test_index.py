from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import CorruptIndexError, Hit, IndexBusyError, NewerIndexError, Paper, Recommender
from recommender.index.storage import map_block, read_manifest, write_lock
from recommender.index.writer import Index
from tests.recommender.papers import NOW, library, made, votes

PAPERS = library(10)


def ids(hits: list[Hit]) -> list[str]:
    return [hit.paper_id for hit in hits]


def test_an_index_opened_again_answers_as_the_one_that_was_closed(tmp_path: Path) -> None:
    one = Recommender.open(tmp_path)
    one.add(PAPERS, marker="seven")
    other = Recommender.open(tmp_path)
    assert len(other) == len(PAPERS)
    assert other.marker == "seven"
    assert other.search("federated") == one.search("federated") != []
    feedback, candidates = votes("federated-1", "federated-2"), [paper.id for paper in PAPERS]
    assert other.pick(feedback, candidates, 5, now=NOW) == one.pick(feedback, candidates, 5, now=NOW)


def test_an_index_filled_day_by_day_finds_what_one_filled_at_once_finds(tmp_path: Path) -> None:
    whole, daily = Recommender(), Recommender.open(tmp_path)
    whole.add(PAPERS)
    for start in range(0, len(PAPERS), 3):
        daily.add(PAPERS[start : start + 3])
    for query in ("federated privacy", '"federated and"', "author:number3", "quantum -lattice"):
        assert sorted(ids(daily.search(query, 50))) == sorted(ids(whole.search(query, 50))) != []
    assert len(list(tmp_path.glob("*.postings"))) < 8


def test_an_index_whose_postings_were_merged_knows_every_word_when_it_is_opened_again(tmp_path: Path) -> None:
    daily = Recommender.open(tmp_path)
    for day in range(20):
        daily.add([Paper(f"p{day}", f"Word{day}one and word{day}two")])
    assert len(list(tmp_path.glob("*.postings"))) < 8
    again = Recommender.open(tmp_path)
    for day in range(20):
        for word in (f"word{day}one", f"word{day}two"):
            assert ids(again.search(word)) == [f"p{day}"], word
            assert again.interpret(word).suggestion is None, word


def test_a_paper_added_again_replaces_the_one_known() -> None:
    engine = Recommender()
    engine.add([Paper("a", "Old words"), Paper("b", "Other")])
    engine.add([Paper("a", "New thoughts")])
    assert len(engine) == 2
    assert engine.search("old") == []
    assert ids(engine.search("thoughts")) == ["a"]


def test_the_last_of_two_papers_with_one_id_in_one_add_counts() -> None:
    engine = Recommender()
    engine.add([Paper("a", "Old words"), Paper("b", "Other"), Paper("a", "New thoughts")])
    assert len(engine) == 2
    assert engine.search("old") == []
    assert ids(engine.search("thoughts")) == ["a"]


def test_a_discarded_paper_is_gone_everywhere(tmp_path: Path) -> None:
    engine = Recommender.open(tmp_path)
    engine.add(PAPERS)
    engine.discard(["federated-1", "nobody"])
    for one in (engine, Recommender.open(tmp_path)):
        assert "federated-1" not in one
        assert "federated-2" in one
        assert len(one) == len(PAPERS) - 1
        assert "federated-1" not in ids(one.search("federated", 100)) + ids(one.similar("federated-2", 100))
        with pytest.raises(ValueError, match="federated-1"):
            one.rank([], ["federated-1"])


def test_of_many_papers_those_that_are_in_the_index_are_told_in_their_order() -> None:
    engine = Recommender()
    assert engine.known(["a"]) == []
    engine.add(PAPERS[:5])
    engine.discard([PAPERS[1].id])
    first, gone, third, *_ = (paper.id for paper in PAPERS)
    assert engine.known([third, "unknown", gone, first, third]) == [third, first, third]
    assert engine.known([]) == []


def test_everything_discarded_leaves_an_index_that_works(tmp_path: Path) -> None:
    engine = Recommender.open(tmp_path)
    engine.add(PAPERS)
    engine.discard([paper.id for paper in PAPERS])
    assert len(engine) == 0
    assert engine.search("federated") == []
    engine.add(PAPERS[:3])
    for one in (engine, Recommender.open(tmp_path)):
        assert len(one) == 3
        assert ids(one.search("federated")) == ["federated-0"]
        assert ids(one.search("author:language title:language")) == ["language-0"]


def test_another_process_sees_what_was_added_after_refresh(tmp_path: Path) -> None:
    writer, reader = Recommender.open(tmp_path), Recommender.open(tmp_path)
    assert not reader.refresh()
    writer.add(PAPERS[:5], marker="1")
    assert len(reader) == 0
    assert reader.refresh()
    assert not reader.refresh()
    writer.add(PAPERS[5:], marker="2")  # appends to the columns that the reader has mapped
    assert reader.refresh()
    assert (len(reader), reader.marker) == (len(PAPERS), "2")
    assert reader.search("federated privacy", 50) == writer.search("federated privacy", 50)


def test_two_writers_build_on_each_other(tmp_path: Path) -> None:
    one, other = Recommender.open(tmp_path), Recommender.open(tmp_path)
    one.add(PAPERS[:5])
    other.add(PAPERS[5:9])
    one.add(PAPERS[9:])
    assert len(one) == len(Recommender.open(tmp_path)) == len(PAPERS)


def test_a_writer_that_finds_the_index_locked_says_so(tmp_path: Path) -> None:
    engine = Recommender.open(tmp_path, patience=0.0)
    with write_lock(tmp_path, 0.0), pytest.raises(IndexBusyError, match="Another process"):
        engine.add(PAPERS)
    engine.add(PAPERS)
    assert len(engine) == len(PAPERS)


def test_papers_that_fail_halfway_leave_the_index_as_it_was(tmp_path: Path) -> None:
    engine = Recommender.open(tmp_path)
    engine.add(PAPERS[:4], marker="before")

    def broken() -> Iterator[Paper]:
        yield Paper("new", "brandnewword")
        raise RuntimeError("source lost")

    with pytest.raises(RuntimeError):
        engine.add(broken(), marker="after")
    assert (len(engine), engine.marker, engine.search("brandnewword")) == (4, "before", [])
    engine.add([Paper("new", "otherword brandnewword")])
    assert ids(engine.search("brandnewword")) == ids(Recommender.open(tmp_path).search("brandnewword")) == ["new"]


@pytest.mark.parametrize("allowed", [0, 1, 8, 9, 11, 13])
def test_a_full_disk_leaves_the_index_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int) -> None:
    engine = Recommender.open(tmp_path)
    engine.add(PAPERS[:4], marker="before")
    syncs = iter([None] * allowed)
    real = os.fsync

    def full(descriptor: int) -> None:
        if next(syncs, "full"):
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        engine.add(PAPERS, marker="after")
    monkeypatch.undo()
    for one in (engine, Recommender.open(tmp_path)):
        assert (len(one), one.marker) == (4, "before")
    engine.add(PAPERS, marker="after")
    assert len(Recommender.open(tmp_path)) == len(PAPERS)
    assert not list(tmp_path.glob("*.part"))


_KILLED = """
import os, signal, sys
from recommender import Recommender
from tests.recommender.papers import library
engine = Recommender.open(sys.argv[1])
real, left = os.fsync, [int(sys.argv[2])]
def die(descriptor):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    real(descriptor)
os.fsync = die
engine.add(library(10), marker="after")
"""


@pytest.mark.parametrize(("syncs", "finished"), [*((n, False) for n in (0, 1, 2, 8, 9, 11, 13)), (20, True)])
def test_a_process_killed_while_adding_leaves_the_last_commit(tmp_path: Path, syncs: int, finished: bool) -> None:
    Recommender.open(tmp_path).add(PAPERS[:4], marker="before")
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path), str(syncs)], check=False, timeout=60)
    assert ended.returncode == (0 if finished else -signal.SIGKILL)
    engine = Recommender.open(tmp_path)
    assert (len(engine), engine.marker) == ((len(PAPERS), "after") if finished else (4, "before"))
    engine.add(PAPERS, marker="again")
    assert len(Recommender.open(tmp_path)) == len(PAPERS)


def test_readers_in_other_threads_see_before_or_after_never_between(tmp_path: Path) -> None:
    engine = Recommender.open(tmp_path)
    engine.add([made("vision", n, title=f"generation0 marker{n}") for n in range(20)])
    seen: list[set[str]] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            hits = engine.search("generation0 OR generation1 OR generation2 OR generation3", 100)
            seen.append({str(len(hits))})

    reader = threading.Thread(target=read)
    reader.start()
    for generation in range(1, 4):
        engine.add([made("vision", n, title=f"generation{generation} marker{n}") for n in range(20)])
    stop.set()
    reader.join()
    assert seen
    assert set().union(*seen) == {"20"}


def harm(file: Path, how: str) -> None:
    match how:
        case "a byte flipped":
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 0xFF
            file.write_bytes(data)
        case "cut off":
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        case "emptied":
            file.write_bytes(b"")
        case "missing":
            file.unlink()
        case "garbage":
            file.write_bytes(b"nothing of an index at all" * 100)
        case "altered":
            file.write_text(file.read_text().replace("seven", "eight"))
        case "of another kind":
            file.write_text("[1, 2]")


HARMS = ["a byte flipped", "cut off", "emptied", "missing", "garbage"]


@pytest.mark.parametrize(
    ("file", "how"),
    [*product(["*-tokens.column", "*-ids.column", "*-bounds.column", "*-word_text.column", "*.vectors"], HARMS),
     *(("index.json", how) for how in ["cut off", "missing", "garbage", "altered", "of another kind"])],
)  # fmt: skip
def test_a_damaged_folder_is_one_clear_error(tmp_path: Path, file: str, how: str) -> None:
    Recommender.open(tmp_path).add(PAPERS, marker="seven")
    [damaged] = tmp_path.glob(file)
    harm(damaged, how)
    with pytest.raises(CorruptIndexError, match="index the papers again") as raised:
        Recommender.open(tmp_path)
    assert raised.value.folder == tmp_path


@pytest.mark.parametrize("how", HARMS)
def test_damaged_postings_are_derived_again_and_written_with_the_next_commit(tmp_path: Path, how: str) -> None:
    engine = Recommender.open(tmp_path)
    engine.add(PAPERS[:20])
    engine.add(PAPERS[20:], marker="seven")
    queries = ("federated privacy", '"federated and"', "author:number3", "quantum -lattice", "fedrated")
    before = [(engine.search(query, 50), engine.interpret(query)) for query in queries]
    files = sorted(tmp_path.glob("*.postings"))
    for file in files:
        harm(file, how)
    healed = Recommender.open(tmp_path)
    assert [(healed.search(query, 50), healed.interpret(query)) for query in queries] == before
    assert healed.marker == "seven"
    assert sorted(tmp_path.glob("*.postings")) == [file for file in files if how != "missing"], (
        "a reader writes nothing"
    )
    healed.discard(["nobody"])
    manifest = read_manifest(tmp_path)
    assert manifest
    assert len(manifest.blocks) == len(files)
    assert all(map_block(tmp_path, entry) for entry in manifest.blocks)
    assert Recommender.open(tmp_path).search("federated", 50) == engine.search("federated", 50)


def test_an_index_of_an_older_format_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"format": 5, "check": 1, "index": {"segments": []}}')
    with pytest.raises(CorruptIndexError, match="older Paperboy"):
        Recommender.open(tmp_path)


def test_segments_of_an_older_format_without_a_manifest_are_no_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "00000001-0.segment").write_bytes(b"PAPERBOY")
    with pytest.raises(CorruptIndexError, match=r"index\.json is missing"):
        Recommender.open(tmp_path)


def test_a_paper_with_the_same_words_gets_its_upvotes_and_no_other_row(tmp_path: Path) -> None:
    index = Index(tmp_path)
    papers = [Paper(f"p{n}", "Same words", f"Number {n}.", ("Ada Lee",), ("cs.LG",), upvotes=1) for n in range(5)]
    index.add(papers)
    columns = {path: path.read_bytes() for path in tmp_path.glob("*.column")}
    postings = list(tmp_path.glob("*.postings"))
    index.add([replace(papers[3], upvotes=90, comments=7), replace(papers[1], upvotes=0)], marker="1")
    assert {path: path.read_bytes() for path in tmp_path.glob("*.column")} == columns
    assert list(tmp_path.glob("*.postings")) == postings
    for one in (index, Index(tmp_path)):
        assert one.snapshot.upvotes.tolist() == [1, 0, 1, 90, 1]
        assert (one.snapshot.size, one.snapshot.live, one.snapshot.marker) == (5, 5, "1")


@pytest.mark.parametrize(
    "change",
    [{"title": "Other words"}, {"title": "Same", "abstract": "words Number 1."}, {"authors": ("Ada Li",)},
     {"categories": ()}, {"published": NOW.date()}, {"abstract": ""}],
)  # fmt: skip
def test_a_paper_that_changed_in_anything_else_gets_another_row(change: dict[str, object]) -> None:
    index = Index()
    paper = Paper("p", "Same words", "Number 1.", ("Ada Lee",), ("cs.LG",))
    index.add([paper, *PAPERS[:9]])
    changed = replace(paper, **change)  # type: ignore[arg-type]
    index.add([changed])
    assert (index.snapshot.size, index.snapshot.live) == (11, 10)
    index.add([changed])
    assert (index.snapshot.size, index.snapshot.live) == (11, 10)


def test_of_several_versions_in_one_add_the_last_counts_also_if_it_is_the_one_known() -> None:
    old, new = Paper("a", "Old words"), Paper("a", "New thoughts")
    engine = Recommender()
    engine.add([old, *PAPERS[:9]])
    engine.add([new, old])
    assert (ids(engine.search("words")), engine.search("thoughts")) == (["a"], [])
    engine.add([old, new])
    assert (engine.search("words"), ids(engine.search("thoughts"))) == ([], ["a"])
    assert len(engine) == 10


def test_papers_that_change_again_and_again_fill_no_disk(tmp_path: Path) -> None:
    index = Index(tmp_path)
    sizes = []
    for n in range(40):
        index.add([Paper(f"p{m}", f"Words of generation{n % 3}", "Some " * 50) for m in range(10)])
        sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
    assert max(sizes) <= 3 * sizes[0]
    assert sorted(ids(Recommender.open(tmp_path).search("generation0", 20))) == [f"p{m}" for m in range(10)]


def test_what_a_killed_writer_left_behind_the_columns_is_overwritten(tmp_path: Path) -> None:
    Recommender.open(tmp_path).add(PAPERS[:4])
    for path in tmp_path.glob("*.column"):
        with path.open("ab") as file:
            file.write(b"left by a killed writer" * 10_000)
    engine = Recommender.open(tmp_path)
    assert len(engine) == 4
    engine.add(PAPERS[4:])
    assert Recommender.open(tmp_path).search("federated", 50) == engine.search("federated", 50) != []
    assert len(Recommender.open(tmp_path)) == len(PAPERS)


@given(st.lists(st.tuples(st.sampled_from(["add", "discard", "reopen", "refresh"]), st.integers(0, 30)), max_size=12))
@settings(deadline=None, max_examples=40)
def test_whatever_was_done_the_index_has_the_last_version_of_each_paper(steps: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        engine, reader = Recommender.open(folder), Recommender.open(folder)
        papers: dict[str, Paper] = {}
        for number, (step, start) in enumerate(steps):
            if step == "add":
                some = [Paper(f"p{n}", f"common version{(number + n) % 3}") for n in range(start, start + 8)]
                engine.add([*some, *some[:2]])
                papers |= {paper.id: paper for paper in some}
            elif step == "discard":
                gone = [f"p{n}" for n in range(start, start + 5)]
                engine.discard(gone)
                papers = {paper_id: paper for paper_id, paper in papers.items() if paper_id not in gone}
            elif step == "reopen":
                engine = Recommender.open(folder)
            else:
                reader.refresh()
        reader.refresh()
        for one in (engine, reader, Recommender.open(folder)):
            assert len(one) == len(papers)
            for version in range(3):
                word = f"version{version}"
                assert set(ids(one.search(word, 99))) == {i for i, p in papers.items() if word in p.title}


def test_an_index_of_a_newer_version_says_so(tmp_path: Path) -> None:
    Recommender.open(tmp_path).add(PAPERS)
    manifest = tmp_path / "index.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 99}))
    with pytest.raises(NewerIndexError, match="99"):
        Recommender.open(tmp_path)


def test_a_reader_survives_a_folder_that_was_built_anew(tmp_path: Path) -> None:
    reader = Recommender.open(tmp_path)
    Recommender.open(tmp_path).add(PAPERS[:10])
    reader.refresh()
    for path in tmp_path.iterdir():
        path.unlink()
    Recommender.open(tmp_path).add(PAPERS[10:])
    reader.refresh()
    assert len(reader) == len(PAPERS) - 10
    assert reader.search("federated", 50) == Recommender.open(tmp_path).search("federated", 50)


def test_the_marker_stays_when_an_add_gives_none(tmp_path: Path) -> None:
    engine = Recommender.open(tmp_path)
    assert engine.marker is None
    engine.add(PAPERS[:1], marker="1")
    engine.add(PAPERS[1:2])
    engine.discard([PAPERS[0].id])
    assert Recommender.open(tmp_path).marker == "1"


def test_an_empty_add_commits_its_marker(tmp_path: Path) -> None:
    Recommender.open(tmp_path).add([], marker="checked")
    assert Recommender.open(tmp_path).marker == "checked"


@given(
    st.lists(
        st.builds(
            Paper,
            id=st.text(min_size=1),
            title=st.text(),
            abstract=st.text(),
            authors=st.lists(st.text()).map(tuple),
            categories=st.lists(st.text()).map(tuple),
        ),
        max_size=5,
    )
)
@settings(deadline=None)
def test_any_text_can_be_indexed_and_found_by_its_id(papers: list[Paper]) -> None:
    engine = Recommender()
    engine.add(papers)
    known = {paper.id for paper in papers}
    assert len(engine) == len(known)
    assert all(paper_id in engine for paper_id in known)
    assert {ranked.paper_id for ranked in engine.rank([], sorted(known))} == known
    for paper in papers:
        engine.similar(paper.id)
        engine.search(paper.title)


def test_searching_imports_no_scikit_learn(tmp_path: Path) -> None:
    Recommender.open(tmp_path).add(library(40))
    code = (
        "import sys; from recommender import Recommender; engine = Recommender.open(sys.argv[1]); "
        "assert engine.search('federated learning') and engine.complete('fed') and engine.interpret('federatde'); "
        "print('sklearn' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False"


def test_importing_the_package_is_cheap() -> None:
    slow = ("sklearn", "scipy.special", "pylatexenc", "bot")
    code = f"import sys; import recommender; print(sorted(sys.modules.keys() & set({slow})))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"
