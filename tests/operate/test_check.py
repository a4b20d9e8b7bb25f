"""`paperboy check` says of each thing whether it is as it should be, and what mends it, whatever is broken."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.model.messages import Place
from bot.operate import core_checks
from bot.operate.check import _line, check_all, run_checks
from bot.operate.context import opened_paper_index
from bot.ports.platform import Check, Finding
from bot.settings import Settings, load
from bot.sources.feed import feed_name
from bot.store import channels
from bot.store.opening import open_store
from tests.fakes.slack.server import FakeSlack
from tests.support.harness import paper
from tests.support.operator import Operator
from tests.support.paper_sources import PaperSources, Reply

ROOT = Path(__file__).parents[2]
NEW = {"hour": "09:00", "days": "daily", "count": 5, "bar": 0.8, "guess": True, "created_at": datetime.now(UTC)}


@pytest.fixture
async def world() -> AsyncIterator[PaperSources]:
    """Sources that answer."""
    async with PaperSources() as sources:
        today = datetime.now(UTC).date()
        sources.huggingface(today, [paper(1)])
        sources.arxiv_feed("cs.LG", today, [paper(2)])
        yield sources


def settings(home: Path, world: PaperSources, **more: str) -> Settings:
    return load(None, environ(home, world, **more))


def environ(home: Path, world: PaperSources, **more: str) -> dict[str, str]:
    values = {
        "DATA_DIR": str(home),
        "SOURCES__HUGGINGFACE__URL": world.url,
        "SOURCES__ARXIV__URL": world.url,
        "SOURCES__ARXIV__RSS_URL": world.url,
        "SOURCES__ARXIV__CATEGORIES": "cs.LG",
        "DATABASE_BUSY_SECONDS": "0.2",
    } | more
    return {f"PAPERBOY_{name}": value for name, value in values.items()}


async def found(capsys: pytest.CaptureFixture[str], of: Settings) -> dict[str, Any]:
    """What `check --json` says, by name."""
    code = await check_all(of, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert [set(row) for row in told["checks"]] == [{"name", "ok", "problem", "mend"}] * len(told["checks"])
    assert all(row["ok"] == (not row["problem"]) for row in told["checks"])
    assert all(row["mend"] for row in told["checks"] if row["problem"]), "whatever is wrong has its mend"
    assert told["ok"] == all(row["ok"] for row in told["checks"]) == (code == 0)
    return {row["name"]: row for row in told["checks"]}


@pytest.mark.parametrize(
    ("variables", "problem", "mend"),
    [
        ({"DIGEST__HUOR": "9"}, "There is no setting PAPERBOY_DIGEST__HUOR.", "Did you mean PAPERBOY_DIGEST__HOUR?"),
        ({"SLACK__BOT_TOKEN": "xapp-1"}, "Wrong settings: slack.bot_token: is not the right kind", "Mend it"),
    ],
)
def test_settings_that_cannot_be_read_are_a_check_that_fails(
    operator: Operator, variables: dict[str, str], problem: str, mend: str
) -> None:
    operator.set(**variables)
    ran = operator("check", "--json")
    assert (ran.code, ran.err) == (1, "")
    told = json.loads(ran.out)
    [row] = told["checks"]
    assert (told["ok"], row["name"], row["ok"]) == (False, "settings", False)
    assert row["problem"].startswith(problem)
    assert row["mend"].startswith(mend)
    assert "settings" in operator("check").out


def facts(home: Path) -> list[Any]:
    with contextlib.closing(sqlite3.connect(home / "paperboy.db")) as connection:
        return connection.execute("select * from facts").fetchall()


def wrong(rows: dict[str, Any]) -> set[str]:
    return {name for name, row in rows.items() if not row["ok"]}


async def test_check_before_the_first_start_finds_nothing_wrong_and_creates_nothing(
    tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = await found(capsys, settings(tmp_path / "none", world))
    assert wrong(rows) == set()
    assert rows["platforms"]["mend"].startswith("No platform is set up. For Slack set PAPERBOY_SLACK__BOT_TOKEN")
    assert list(rows) == [
        "store", "index", "disk", "source huggingface", "source arxiv", "clock", "time zones", "platforms",
    ]  # fmt: skip
    assert not (tmp_path / "none").exists()


async def test_before_the_first_start_the_tokens_are_looked_at(
    tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FakeSlack() as slack:
        token = slack.workspace("T1", "lab").bot_token
        tokens = {"SLACK__BOT_TOKEN": token, "SLACK__APP_TOKEN": "xapp-wrong", "SLACK__API_URL": slack.api}
        rows = await found(capsys, settings(tmp_path / "none", world, **tokens))
    assert rows["slack bot token"]["ok"]
    assert "slack app token" in wrong(rows)
    assert not (tmp_path / "none").exists()


async def test_a_store_and_its_index_are_looked_at_and_left_as_they_are(
    tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str]
) -> None:
    of = settings(tmp_path, world)
    async with opened_paper_index(of):
        pass
    before = facts(tmp_path)
    rows = await found(capsys, of)
    assert (rows["store"], rows["index"]) == tuple(
        {"name": name, "ok": True, "problem": "", "mend": ""} for name in ("store", "index")
    )
    assert facts(tmp_path) == before


@pytest.mark.parametrize(
    ("path", "parameters", "problem"),
    [
        ("sklearn.linear_model.LogisticRegression", '{"C": 3.0}', ""),
        ("sklearn.linear_model.LogisticRegression", '{"D": 3.0}', "LogisticRegression can't be made with these"),
        (
            "sklearn.neighbors.KNeighborsClassifier",
            "{}",
            "KNeighborsClassifier has no method fit(X, y, sample_weight).",
        ),
        ("sklearn.linear_models.X", "{}", "sklearn.linear_models can't be imported"),
    ],
)
async def test_the_classifier_that_the_settings_name_is_tried(
    tmp_path: Path,
    world: PaperSources,
    capsys: pytest.CaptureFixture[str],
    path: str,
    parameters: str,
    problem: str,
) -> None:
    of = settings(tmp_path, world, TASTE__ESTIMATOR=path, TASTE__PARAMETERS=parameters)
    row = (await found(capsys, of))["estimator"]
    assert row["problem"].startswith(problem)
    assert row["ok"] == (not problem)


async def test_a_file_that_is_no_store_is_told_beside_all_the_rest(
    tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "paperboy.db").write_bytes(b"not a database at all" * 100)
    rows = await found(capsys, settings(tmp_path, world))
    assert "The store can't be read" in rows["time zones"]["mend"]
    assert wrong(rows) == {"store"}
    assert rows["store"]["problem"] == "The store's file is damaged, or is none."


async def test_a_store_of_a_newer_program_is_told(
    tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str], sqlite_url: str
) -> None:
    with sqlite3.connect(sa.make_url(sqlite_url).database or "") as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    assert "newer Paperboy" in (await found(capsys, settings(tmp_path, world)))["store"]["problem"]


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:9/none", "sqlite:////dev/null/paperboy.db", "odd"])
async def test_a_store_that_nobody_answers_for_is_told(
    tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    of = settings(tmp_path, world, DATABASE_URL=url)
    rows = await found(capsys, of)
    assert wrong(rows) == {"store"}


async def test_a_locked_store_is_told(
    tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str], sqlite_url: str
) -> None:
    holder = sqlite3.connect(sa.make_url(sqlite_url).database or "")
    holder.execute("BEGIN IMMEDIATE")
    rows = await found(capsys, settings(tmp_path, world))
    holder.close()
    assert rows["store"]["problem"] == "The store is locked by another program."


async def test_a_damaged_index_is_told(tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str]) -> None:
    of = settings(tmp_path, world)
    async with opened_paper_index(of) as (_, paper_index):
        paper_index.engine.add([paper(1)])
    for file in of.index_dir.rglob("*"):
        if file.is_file():
            file.write_bytes(b"x")
    rows = await found(capsys, of)
    assert wrong(rows) == {"index"}


async def test_an_index_behind_its_store_mends_itself_and_is_no_trouble(
    tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str]
) -> None:
    of = settings(tmp_path, world)
    async with opened_paper_index(of) as (_, paper_index):
        paper_index.engine.add([paper(1)], "another:1")
    row = (await found(capsys, of))["index"]
    assert (row["ok"], "not in step" in row["mend"]) == (True, True)


async def test_check_reports_each_broken_source_on_its_own(
    tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = world.answer("/feed", "<html>no feed</html>")
    gone = world.answer("/gone", Reply("gone", status=410))
    rows = await found(capsys, settings(tmp_path, world, SOURCES__FEEDS=f"{feed},{gone}"))
    assert wrong(rows) == {f"source {feed_name(feed)}", f"source {feed_name(gone)}"}


async def test_the_trouble_of_preprint_servers_is_named_with_its_mend(
    tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str]
) -> None:
    world.openreview("TMLR", [], account=("ada@example.org", "hunter-2"))
    refusal = '{"messages": [{"status": "the database is away"}], "collection": []}'
    today = datetime.now(UTC).date()
    world.answer(f"/details/biorxiv/{today - timedelta(days=2)}/{today}/0", refusal)
    names = {
        "SOURCES__BIORXIV__ENABLED": "true",
        "SOURCES__BIORXIV__URL": world.url,
        "SOURCES__MEDRXIV__ENABLED": "true",
        "SOURCES__MEDRXIV__URL": world.url,
        "SOURCES__MEDRXIV__CATEGORIES": "oncolgy",
        "SOURCES__OPENREVIEW__VENUES": "TMLR",
        "SOURCES__OPENREVIEW__URL": world.url,
    }
    rows = await found(capsys, settings(tmp_path, world, **names))
    assert wrong(rows) == {"source biorxiv", "source openreview"}
    assert "“the database is away”" in rows["source biorxiv"]["problem"]
    assert rows["source medrxiv"]["mend"] == "medRxiv posted nothing under “oncolgy”."
    assert rows["source openreview"]["problem"].endswith("set sources.openreview.username and password.")


async def test_a_zotero_library_is_looked_at_where_one_is_set(
    tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str]
) -> None:
    world.zotero("groups/4567", [], key="AbCdEf0123456789")
    names = {"ZOTERO__LIBRARY": "groups/4567", "ZOTERO__URL": world.url}
    rows = await found(capsys, settings(tmp_path, world, **names, ZOTERO__KEY="wrong"))
    assert "does not let the key do this in groups/4567 (403)" in rows["zotero"]["problem"]
    rows = await found(capsys, settings(tmp_path, world, **names, ZOTERO__KEY="AbCdEf0123456789"))
    assert rows["zotero"]["ok"]
    assert "zotero" not in await found(capsys, settings(tmp_path, world))


@pytest.mark.parametrize(("seconds", "way"), [(-3600, "behind"), (90, "ahead of"), (50, ""), (-50, "")])
async def test_a_clock_that_is_wrong_by_more_than_a_minute_is_told(world: PaperSources, seconds: int, way: str) -> None:
    finding = await core_checks.clock([world.url], lambda: datetime.now(UTC) + timedelta(seconds=seconds))
    assert way in finding.problem
    assert bool(way) == bool(finding.problem)


async def test_the_time_is_asked_of_the_next_where_one_does_not_tell_it(world: PaperSources) -> None:
    addresses = ["http://127.0.0.1:9/", "not an address", world.answer("/odd", Reply("", headers={"Date": "soon"}))]
    late = partial(core_checks.clock, now=lambda: datetime.now(UTC) + timedelta(hours=1))
    assert not (await late(addresses)).problem
    assert (await late([*addresses, world.url])).problem


async def test_a_channel_in_a_zone_that_is_not_known_here_is_told(
    tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str], sqlite_url: str
) -> None:
    store = await open_store(sqlite_url)
    async with store.write() as tx:
        await channels.add(tx, Place("slack", "C1", "T1"), owner="", zone="Mars/Olympus", **NEW)
    await store.close()
    assert "Mars/Olympus" in (await found(capsys, settings(tmp_path, world)))["time zones"]["problem"]


async def test_what_hangs_or_breaks_holds_nothing_up() -> None:
    async def hangs() -> Finding:
        await asyncio.Event().wait()
        return Finding()

    async def breaks() -> Finding:
        raise KeyError("ts")

    async def fine() -> Finding:
        return Finding()

    findings = await run_checks([Check("a", hangs), Check("b", breaks), Check("c", fine)], 0.05)
    assert [bool(finding.problem) for finding in findings] == [True, True, False]


async def test_half_a_platform_is_told(tmp_path: Path, world: PaperSources, capsys: pytest.CaptureFixture[str]) -> None:
    rows = await found(capsys, settings(tmp_path, world, SLACK__BOT_TOKEN="xoxb-1"))
    assert "app_token" in rows["platforms"]["problem"]


async def test_check_prints_a_line_for_each_finding_and_exits_1_for_a_problem(
    tmp_path: Path, world: PaperSources
) -> None:
    command = [sys.executable, "-m", "bot", "check"]
    half = environ(tmp_path, world, SLACK__BOT_TOKEN="xoxb-1")
    for environment, verdict, code in ((environ(tmp_path, world), "unknown", 0), (half, "wrong", 1)):
        ran = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False
        )
        assert ran.returncode == code
        assert [line.split()[0] for line in ran.stdout.splitlines()] == ["ok"] * 7 + [verdict]
    assert "Traceback" not in ran.stderr


def test_a_line_says_of_each_check_whether_it_is_wrong_ok_or_unknown() -> None:
    findings = [Finding("No.", "Do it."), Finding(mend="Later."), Finding(mend="Nobody told.", seen=False)]
    assert [_line("clock", finding) for finding in findings] == [
        "wrong    clock: No. Do it.",
        "ok       clock: Later.",
        "unknown  clock: Nobody told.",
    ]


async def test_a_full_disk_is_told_in_the_sentence_of_the_other_commands() -> None:
    async def fails() -> Finding:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/store.db")

    (finding,) = await run_checks([Check("index", fails)], 5.0)
    assert finding.problem == "The disk is full (/data/store.db). Nothing was lost; make room and try again."
