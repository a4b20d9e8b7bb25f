"""The store and its index in the hands of an operator, whole and broken."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot.demo.world import CORPUS
from bot.store import channels, links, papers, votes
from bot.store.opening import open_store
from bot.store.votes import Vote
from recommender import Paper
from recommender.formats import paper_line, read_papers
from tests.store.whole import START, add_channel
from tests.support.operator import ROOT, Operator, exported, good, ids, lines


def test_a_backup_brings_everything_back(stocked: Operator, tmp_path: Path) -> None:
    before = stocked("papers", "export").out
    ran = stocked("db", "backup", tmp_path / "backup")
    assert (ran.code, ran.out.startswith("Backed up ")) == (0, True)
    assert stocked("papers", "import", lines(tmp_path, good(1, "Zebras"))).code == 0
    assert stocked("db", "restore", tmp_path / "backup", "--force").code == 0
    assert stocked("papers", "export").out == before
    assert stocked("search", "zebras").out == ""
    stocked.set(DATA_DIR=str(tmp_path / "elsewhere"))
    assert stocked("db", "restore", tmp_path / "backup").code == 0
    assert stocked("papers", "export").out == before


def test_a_restore_says_that_links_of_channels_work_again(stocked: Operator, tmp_path: Path) -> None:
    async def make_link() -> None:
        store = await open_store(f"sqlite:///{stocked.home / 'paperboy.db'}")
        async with store.write() as tx:
            await links.make(tx, (await add_channel(tx)).id, "ada", START)
        await store.close()

    assert stocked("db", "backup", tmp_path / "none").code == 0
    asyncio.run(make_link())
    assert stocked("db", "backup", tmp_path / "one").code == 0
    assert "channels' pages" not in stocked("db", "restore", tmp_path / "none", "--force").out
    stocked.set(DATA_DIR=str(tmp_path / "elsewhere"))
    told = stocked("db", "restore", tmp_path / "one").out
    assert "1 link to channels' pages" in told
    assert "nobody knows who was forgotten" in told


def test_who_was_forgotten_since_a_backup_is_forgotten_again_by_its_restore(stocked: Operator, tmp_path: Path) -> None:
    async def vote_and_link() -> None:
        store = await open_store(f"sqlite:///{stocked.home / 'paperboy.db'}")
        async with store.write() as tx:
            channel = await add_channel(tx, workspace="W", owner="ada")
            await papers.record(tx, [Paper("P", "Tides")], START)
            await votes.put(tx, Vote(channel.id, "P", "ada", "👍", True, START))
            await votes.put(tx, Vote(channel.id, "P", "ben", "👍", True, START))
            await links.make(tx, channel.id, "ada", START)
        await store.close()

    async def revoke() -> None:
        store = await open_store(f"sqlite:///{stocked.home / 'paperboy.db'}")
        async with store.write() as tx:
            [channel] = await channels.list_all(tx)
            assert await links.revoke(tx, channel.id, START)
        await store.close()

    asyncio.run(vote_and_link())
    assert stocked("db", "backup", tmp_path / "backup").code == 0
    assert stocked("forget", "ada", "--yes").code == 0
    asyncio.run(revoke())
    told = stocked("db", "restore", tmp_path / "backup", "--force")
    assert "were forgotten: 1; links to channels' pages that were revoked: 1." in told.out
    database = (stocked.home / "paperboy.db").read_bytes()
    assert b"ben" in database
    assert stocked("forget", "ada", "--yes").out == "Nothing is known of ada.\n"


def test_what_is_there_already_is_replaced_only_when_said(stocked: Operator, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    assert stocked("db", "backup", file).code == 0
    before = file.read_bytes()
    again = stocked("db", "backup", file)
    assert (again.code, again.out, len(again.told)) == (1, "", 1)
    assert "--force" in again.err
    assert file.read_bytes() == before
    assert stocked("db", "backup", file, "--force").code == 0
    back = stocked("db", "restore", file)
    assert (back.code, back.out, len(back.told)) == (1, "", 1)
    assert "220 papers and 0 channels" in back.err


@pytest.mark.parametrize("number", ["abc", "0", "1.5", "10001", "-3", "٣"])
def test_a_limit_that_is_no_number_is_told_in_plain_words(stocked: Operator, number: str) -> None:
    ran = stocked("search", "federated", f"--limit={number}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.told == [f"paperboy: --limit takes a whole number from 1 to 10,000, not {number!r}."]


def test_a_refused_restore_changes_nothing(stocked: Operator, tmp_path: Path) -> None:
    for file in (CORPUS, tmp_path, tmp_path / "missing", lines(tmp_path, b"\x1f\x8b\x00\x00")):
        ran = stocked("db", "restore", file, "--force")
        assert (ran.code, ran.out, len(ran.told)) == (1, "", 1)
        assert str(file) in ran.err
    assert len(ids(stocked)) == 220


def test_a_backup_that_can_not_be_written_is_told(stocked: Operator, tmp_path: Path) -> None:
    ran = stocked("db", "backup", tmp_path / "no" / "such" / "folder")
    assert (ran.code, len(ran.told)) == (1, 1)


def test_an_upgrade_makes_a_store_and_says_its_revision(operator: Operator, tmp_path: Path) -> None:
    operator.set(DATA_DIR=str(tmp_path / "new"))
    ran = operator("db", "upgrade")
    assert (ran.code, ran.err) == (0, "")
    assert re.fullmatch(r"The store is up to date \(revision \d{4}\)\.\n", ran.out)


def test_a_store_of_a_newer_version_is_left_alone(stocked: Operator) -> None:
    file = stocked.home / "paperboy.db"
    with sqlite3.connect(file) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    before = file.read_bytes()
    for words in (["search", "x"], ["papers", "import", CORPUS], ["db", "upgrade"], ["chat"]):
        ran = stocked(*words)
        assert (ran.code, ran.out, len(ran.told)) == (1, "", 1)
        assert "newer Paperboy" in ran.err
    assert file.read_bytes() == before


def test_a_file_that_is_no_store_is_told_and_left_alone(operator: Operator) -> None:
    file = operator.home / "paperboy.db"
    file.write_bytes(os.urandom(20_000))
    before = file.read_bytes()
    ran = operator("search", "x")
    assert (ran.code, len(ran.told), file.read_bytes() == before) == (1, 1, True)
    assert "paperboy db restore FILE" in ran.err


def test_a_locked_store_is_told_and_may_be_read(stocked: Operator, tmp_path: Path) -> None:
    stocked.set(DATABASE_BUSY_SECONDS="0.05")
    locker = sqlite3.connect(stocked.home / "paperboy.db", isolation_level=None)
    locker.execute("begin immediate")
    ran = stocked("papers", "import", lines(tmp_path, good(1)))
    assert (ran.code, ran.told) == (
        1,
        ["paperboy: The store is locked by another program. Close it there, or try again in a moment."],
    )
    assert stocked("search", "federated").code == 0
    locker.execute("rollback")
    locker.close()
    assert stocked("papers", "import", lines(tmp_path, good(1))).code == 0


@pytest.mark.parametrize("words", [["search", "x"], ["chat"], ["papers", "export"]])
@pytest.mark.parametrize("kind", ["a file", "forbidden"])
def test_a_data_folder_that_can_not_be_is_told(operator: Operator, tmp_path: Path, kind: str, words: list[str]) -> None:
    operator.set(DATA_DIR=str(lines(tmp_path, "") if kind == "a file" else "/proc/paperboy"))
    ran = operator(*words)
    assert (ran.code, ran.out, len(ran.told)) == (1, "", 1)
    assert "should not have happened" not in ran.err


def test_a_full_disk_loses_nothing_and_is_got_over(stocked: Operator, tmp_path: Path) -> None:
    many = lines(tmp_path, *(paper_line(Paper(f"2501.{n:05d}", f"Zebra {n}", "stripes " * 120)) for n in range(2_000)))
    limit = (stocked.home / "paperboy.db").stat().st_size + 1_000_000
    script = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
        "from bot.cli import main; main()"
    )
    command = [sys.executable, "-c", script, "papers", "import", str(many)]
    ran = subprocess.run(command, capture_output=True, text=True, env=stocked.environ(), cwd=ROOT, check=False)
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (1, "", 1)
    assert "full" in ran.stderr
    assert set(read_papers(CORPUS)) <= set(exported(stocked, tmp_path))
    assert stocked("papers", "import", many).code == 0
    assert len(ids(stocked)) == 2_220
    assert len(json.loads(stocked("search", "zebra", "--json", "--limit", "5000").out)) == 2_000


# The index


def _randomised(folder: Path) -> None:
    for file in folder.glob("*.column"):
        file.write_bytes(os.urandom(file.stat().st_size))


def _truncated(folder: Path) -> None:
    for file in folder.glob("*.column"):
        os.truncate(file, file.stat().st_size // 2)


def _without_columns(folder: Path) -> None:
    for file in folder.glob("*.column"):
        file.unlink()


def _without_manifest(folder: Path) -> None:
    (folder / "index.json").unlink()


def _manifest_garbled(folder: Path) -> None:
    (folder / "index.json").write_bytes(os.urandom(300))


@pytest.mark.parametrize("harm", [_randomised, _truncated, _without_columns, _without_manifest, _manifest_garbled])
def test_a_corrupt_index_is_rebuilt_from_the_store_and_said_once(stocked: Operator, harm: object) -> None:
    before = stocked("search", "federated", "--json").out
    assert callable(harm)
    harm(stocked.home / "index")
    ran = stocked("search", "federated", "--json")
    assert (ran.code, ran.out, len(ran.told)) == (0, before, 1)
    assert "it is rebuilt from the store" in ran.err
    again = stocked("search", "federated", "--json")
    assert (again.out, again.err) == (before, "")


def test_the_index_of_another_store_is_not_believed(stocked: Operator, operator: Operator, tmp_path: Path) -> None:
    other = tmp_path / "other"
    stocked.set(DATA_DIR=str(other))
    assert stocked("papers", "import", lines(tmp_path, good(1, "Zebras"))).code == 0
    shutil.rmtree(other / "index")
    shutil.copytree(stocked.home / "index", other / "index")
    ran = stocked("search", "federated", "--json")
    assert (ran.code, ran.out, len(ran.told)) == (0, "[]\n", 1)
    assert "belongs to another store" in ran.err
    assert len(json.loads(stocked("search", "zebras", "--json").out)) == 1


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device", "link to a pipe", "link to itself"])
@pytest.mark.parametrize("force", [False, True])
def test_a_backup_replaces_nothing_but_a_regular_file(
    stocked: Operator, tmp_path: Path, kind: str, force: bool
) -> None:
    there = tmp_path / "there"
    if kind == "folder":
        there.mkdir()
    elif kind == "device":
        if os.geteuid() != 0:
            pytest.skip("only root makes devices")
        os.mknod(there, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    elif kind == "socket":
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(there))
        listening.close()
    elif kind == "link to itself":
        there.symlink_to(there)
    else:
        os.mkfifo(tmp_path / "pipe")
        there.symlink_to(tmp_path / "pipe") if kind.startswith("link") else (tmp_path / "pipe").rename(there)
    before = sorted((path.name, path.lstat().st_mode, path.lstat().st_ino) for path in tmp_path.glob("*"))
    ran = stocked("db", "backup", there, *(["--force"] if force else []))
    assert (ran.code, ran.out, len(ran.told)) == (1, "", 1)
    assert ("no file that a backup may replace" if force else "is there already") in ran.err
    assert sorted((path.name, path.lstat().st_mode, path.lstat().st_ino) for path in tmp_path.glob("*")) == before


def test_backup_to_a_symlink_replaces_its_target_but_never_the_store(stocked: Operator, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("an older backup")
    (tmp_path / "link").symlink_to(tmp_path / "old")
    assert stocked("db", "backup", tmp_path / "link", "--force").code == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "old").read_bytes()[:2] == b"\x1f\x8b"
    (tmp_path / "store").symlink_to(stocked.home / "paperboy.db")
    for store in (stocked.home / "paperboy.db", tmp_path / "store"):
        ran = stocked("db", "backup", store, "--force")
        assert (ran.code, ran.told) == (1, [f"paperboy: {store} is the store itself. Give the backup another name."])
    assert stocked("search", "federated").code == 0
