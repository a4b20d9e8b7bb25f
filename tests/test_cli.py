from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.demo.world import CORPUS
from bot.operate.alone import alone
from bot.settings import load
from recommender import Paper
from recommender.formats import paper_line, read_papers
from tests.fakes.paper_sources import PaperSources, Reply
from tests.operator import Operator

ROOT = Path(__file__).parent.parent
SLOW_TO_IMPORT = ("alembic", "sklearn", "prompt_toolkit", "pylatexenc", "httpx", "feedparser", "apscheduler")


@pytest.fixture
def operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], _sqlite_template: Path
) -> Iterator[Operator]:
    """Somebody with an empty store of the newest revision."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(_sqlite_template, home / "paperboy.db")
    yield Operator(home, monkeypatch, capsys.readouterr, ROOT)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def _stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("stocked")
    environ = {**os.environ, "PAPERBOY_DATA_DIR": str(home)}
    subprocess.run([sys.executable, "-m", "bot", "papers", "import", CORPUS], check=True, env=environ, cwd=ROOT)
    return home


@pytest.fixture
def stocked(operator: Operator, _stocked: Path) -> Operator:
    """Somebody whose store holds the demo's papers."""
    shutil.rmtree(operator.home)
    shutil.copytree(_stocked, operator.home)
    return operator


def lines(folder: Path, *content: str | bytes, name: str = "papers.jsonl") -> Path:
    file = folder / name
    file.write_bytes(b"".join((one.encode() if isinstance(one, str) else one) + b"\n" for one in content))
    return file


def good(number: int, title: str = "A title") -> str:
    return paper_line(Paper(f"2501.{number:05d}", f"{title} {number}", "An abstract."))


def ids(operator: Operator) -> list[str]:
    return [json.loads(line)["id"] for line in operator("papers", "export").out.splitlines()]


# Being called wrongly


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["serach", "x"], "Did you mean 'search'?"),
        (["papers", "exprot"], "Did you mean 'export'?"),
        (["search", "x", "--jsno"], "--json"),
        (["search"], "Search for what?"),
        (["search", "x", "--limit", "0"], "--limit"),
        (["search", "x", "--limit", "many"], "--limit"),
        (["search", "--batch", "q.jsonl"], "--trec-run OUT"),
        (["search", "x", "--batch", "q", "--trec-run", "r"], "A batch is"),
        (["papers", "import"], "FILE"),
        (["ingest", "--source", "nowhere"], "They are huggingface, arxiv."),
        (["ingest", "--since", "yesterday"], "2026-03-31"),
        (["ingest", "--since", "2999-01-01"], "still to come"),
        (["replay"], "--papers"),
        (["run"], "`paperboy chat`"),
        (["--config", "/nowhere.toml", "search", "x"], "/nowhere.toml"),
    ],
)
def test_wrong_use_is_one_line_with_the_mend_and_exit_2(operator: Operator, words: list[str], told: str) -> None:
    ran = operator(*words)
    assert (ran.code, ran.out, len(ran.told)) == (2, "", 1)
    assert told in ran.err
    assert ".." not in ran.err
    assert "?." not in ran.err


def test_a_wrong_setting_is_wrong_use(operator: Operator) -> None:
    operator.set(DIGEST__HUOR="9")
    ran = operator("search", "x")
    assert (ran.code, ran.err) == (
        2,
        "paperboy: There is no setting PAPERBOY_DIGEST__HUOR. Did you mean PAPERBOY_DIGEST__HOUR?\n",
    )


@pytest.mark.parametrize("words", [[], ["papers"], ["db"], ["--help"], ["search", "--help"]])
def test_help_is_shown_to_who_asks_or_names_no_command(operator: Operator, words: list[str]) -> None:
    ran = operator(*words)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Usage: paperboy")
    assert "..." not in ran.out.split("Commands:")[-1] or "Commands:" not in ran.out, "no help line is cut"


def test_the_version_is_told(operator: Operator) -> None:
    assert re.fullmatch(r"paperboy \d+\.\d+\.\d+\n", operator("--version").out)


@pytest.mark.parametrize("words", [["--debug", "search", "x"], ["search", "x", "--debug"]])
def test_debug_shows_where_wherever_it_stands(operator: Operator, words: list[str]) -> None:
    operator.set(DATABASE_URL="mysql://u:hunter2@h/d")
    ran = operator(*words)
    assert (ran.code, "Traceback" in ran.err, "hunter2" in ran.err) == (1, True, False)
    assert ran.told[-1].startswith("paperboy: database_url names mysql;")
    assert "Traceback" not in operator("search", "x").err


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hunter2@h/d",
        "postgresql://u:hunter2@127.0.0.1:1/d",
        "postgresql://u:hunter2@h:port/d",
        "postgresql://u:hunter2@[::1/d",
        "hunter2",
    ],
)
def test_a_password_is_in_no_error(operator: Operator, url: str) -> None:
    operator.set(DATABASE_URL=url)
    ran = operator("search", "x", "--debug")
    assert (ran.code, "hunter2" in ran.err) == (1, False)
    assert "should not have happened" not in ran.err


# Importing and exporting


def test_good_lines_are_imported_and_bad_ones_told_by_number(operator: Operator, tmp_path: Path) -> None:
    file = lines(
        tmp_path,
        good(1),
        "{",
        '{"id": "x", "title": 7}',
        '["a"]',
        "",
        '{"title": "no id"}',
        b"\xff\xfe",
        '{"id": "y", "title": "t", "upvotes": -1}',
        "[" * 100_000,
        '{"id": "z", "title": "' + "long " * 250_000 + '"}',
        good(2),
    )
    ran = operator("papers", "import", file)
    assert (ran.code, ran.out) == (1, "Imported 2 papers, 2 of them new; skipped 8 lines.\n")
    assert [re.match(rf"{re.escape(str(file))}: line (\d+): \S", line)[1] for line in ran.told] == [  # type: ignore[index]
        "2", "3", "4", "6", "7", "8", "9", "10",
    ]  # fmt: skip
    assert ids(operator) == ["2501.00001", "2501.00002"]


def test_a_flood_of_bad_lines_is_told_in_few(operator: Operator, tmp_path: Path) -> None:
    ran = operator("papers", "import", lines(tmp_path, *["{"] * 1_000))
    assert (ran.code, len(ran.told)) == (1, 21)
    assert ran.told[-1] == "… and 980 more lines that can't be read."


def test_control_characters_and_directions_do_not_reach_the_terminal(operator: Operator, tmp_path: Path) -> None:
    evil = "red \x1b[31m bell \x07 \u202ertl\u2066 \x00 end"
    file = lines(tmp_path, json.dumps({"id": "2501.00001", "title": evil, "abstract": evil, "authors": [evil]}))
    assert operator("papers", "import", file).code == 0
    for words in (["search", "bell"], ["search", "bell", "--json"], ["papers", "export"]):
        shown = operator(*words)
        assert "bell" in shown.out
        assert not set("\x1b\x07\u202e\u2066\x00") & set(shown.out + shown.err)


@pytest.mark.parametrize("whole", [True, False])
def test_of_a_gzip_that_is_cut_off_the_whole_lines_are_imported(
    operator: Operator, tmp_path: Path, whole: bool
) -> None:
    packed = gzip.compress("\n".join(good(n, os.urandom(40).hex()) for n in range(200)).encode())
    file = tmp_path / "papers.jsonl.gz"
    file.write_bytes(packed if whole else packed[: len(packed) // 2])
    ran = operator("papers", "import", file)
    assert ran.code == (0 if whole else 1)
    assert whole or "the file is damaged from here on" in ran.err
    assert len(ids(operator)) == 200 if whole else 20 < len(ids(operator)) < 200


def test_files_that_can_not_be_read_hinder_no_other(operator: Operator, tmp_path: Path) -> None:
    ran = operator("papers", "import", tmp_path / "missing", tmp_path, lines(tmp_path, good(1)), os.devnull)
    assert (ran.code, ran.out) == (1, "Imported 1 paper, 1 of them new; could not read 2 files.\n")
    assert ran.told == [
        f"{tmp_path / 'missing'} can't be read: No such file or directory.",
        f"{tmp_path} can't be read: Is a directory.",
    ]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.binary(max_size=200), st.builds(lambda t: good(1, t).encode(), st.text())), max_size=8))
@example([b"\x1f\x8b\x08\x00"])
def test_no_file_breaks_an_import(operator: Operator, tmp_path: Path, content: list[bytes]) -> None:
    ran = operator("papers", "import", lines(tmp_path, *content))
    assert ran.code in (0, 1)
    assert ran.out.startswith("Imported ")
    assert (ran.code == 1) == bool(ran.told)


def test_an_export_imported_elsewhere_is_the_same(stocked: Operator, tmp_path: Path) -> None:
    extra = {
        "id": "10.1000/xyz", "title": "Ünïcode \u2028 “x” 🎲", "abstract": "a\\nb", "authors": ["Ada L.", "李"],
        "categories": ["cs.LG", "stat.ML"], "published": "2025-03-31", "upvotes": 3, "comments": 2,
        "organization": "ETH", "url": "https://example.org/a?b=c", "doi": "10.1000/xyz",
    }  # fmt: skip
    assert stocked("papers", "import", lines(tmp_path, json.dumps(extra))).code == 0
    exported = stocked("papers", "export").out
    file = tmp_path / "export.jsonl"
    file.write_text(exported, "utf-8")
    stocked.set(DATA_DIR=str(tmp_path / "elsewhere"))
    assert stocked("papers", "import", file).out == "Imported 221 papers, 221 of them new.\n"
    assert stocked("papers", "export").out == exported
    assert set(read_papers(CORPUS)) <= set(read_papers(file))


def test_a_reader_who_has_seen_enough_is_no_error(stocked: Operator) -> None:
    process = stocked.start("papers", "export")
    assert process.stdout
    assert process.stderr
    assert json.loads(process.stdout.readline())["id"]
    process.stdout.close()
    assert (process.stderr.read(), process.wait(30)) == ("", 1)
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_output_that_can_not_be_written_is_a_failure(stocked: Operator) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "bot", "search", "federated"]
        ran = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=stocked.environ(), cwd=ROOT, check=False
        )
    assert (ran.returncode, ran.stderr) == (
        1,
        "paperboy: The disk is full. Nothing was lost; make room and try again.\n",
    )


# Searching


def test_search_prints_json_with_exactly_the_promised_fields(stocked: Operator) -> None:
    found = json.loads(stocked("search", "federated", "learning", "--json", "--limit", "3").out)
    assert len(found) == 3
    assert all(list(one) == ["id", "title", "score", "published", "url", "snippet"] for one in found)
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)
    assert found[0]["url"] == f"https://arxiv.org/abs/{found[0]['id']}"
    assert re.fullmatch(r"2025-11-\d\d", found[0]["published"])
    assert "federated" in found[0]["snippet"].lower()


def test_search_tells_people_title_date_link_and_where(stocked: Operator) -> None:
    ran = stocked("search", "federatd", "--limit", "2")
    assert (ran.code, ran.err) == (0, "Nothing has this as written; did you mean “federated”? This is for that.\n")
    assert re.fullmatch(r"(?: +\d\. .+\n +2025-\S+  https://\S+\n +\S.+\n){2}", ran.out)


def test_a_word_with_a_dash_excludes_wherever_it_stands(stocked: Operator) -> None:
    with_it = json.loads(stocked("search", "federated", "--json", "--limit", "100").out)
    without = json.loads(stocked("search", "-privacy", "federated", "-clients", "--json", "--limit", "100").out)
    assert 0 < len(without) < len(with_it)
    assert not any("privacy" in one["title"].lower() for one in without)


def test_no_paper_is_no_failure(operator: Operator) -> None:
    assert operator("search", "x", "--json").out == "[]\n"
    ran = operator("search", "x")
    assert (ran.code, ran.out) == (0, "")
    assert "`paperboy ingest`" in ran.err


@pytest.mark.parametrize(
    "query",
    ["federated " * 10_000, "-federated", '"', "cat:", "\u202e\x1b[31m", "(" * 5_000, "after:9999-99", "e" * 100_000],
)
def test_no_query_breaks_a_search(stocked: Operator, query: str) -> None:
    ran = stocked("search", query, "--json", "--limit", "5")
    assert (ran.code, ran.err) == (0, "")
    assert isinstance(json.loads(ran.out), list)


def test_a_batch_is_answered_as_a_trec_run(stocked: Operator, tmp_path: Path) -> None:
    queries = lines(
        tmp_path,
        '{"id": "q1", "text": "federated learning"}',
        '{"id": 2, "text": "robots"}',
        "{",
        '{"id": "two words", "text": "x"}',
        '{"id": "q5"}',
        '{"id": "q6", "text": "qqqqqqqq"}',
    )
    run = tmp_path / "run.txt"
    ran = stocked("search", "--batch", queries, "--trec-run", run, "--limit", "4")
    assert ran.code == 1
    assert ran.told == [
        f"{queries}: line 3: not JSON (Expecting property name enclosed in double quotes)",
        f"{queries}: line 4: id must be one word",
        f"{queries}: line 5: text is missing",
    ]
    rows = [line.split(" ") for line in run.read_text("utf-8").splitlines()]
    assert [(row[0], row[1], row[3], row[5]) for row in rows] == [
        (name, "Q0", str(rank), "paperboy") for name in ("q1", "2") for rank in (1, 2, 3, 4)
    ]
    known = set(ids(stocked))
    assert all(row[2] in known and float(row[4]) > 0 for row in rows)


def test_an_answer_that_can_not_be_written_overwrites_nothing(stocked: Operator, tmp_path: Path) -> None:
    run = lines(tmp_path, "an older run", name="run.txt")
    ran = stocked("search", "--batch", tmp_path / "missing", "--trec-run", run)
    assert (ran.code, len(ran.told), run.read_text()) == (1, 1, "an older run\n")
    queries = lines(tmp_path, '{"id": "q1", "text": "x"}')
    ran = stocked("search", "--batch", queries, "--trec-run", tmp_path)
    assert ran.told == [f"paperboy: {tmp_path} can't be written: Is a directory."]


# Replaying


@pytest.fixture
def feedback(tmp_path: Path) -> Path:
    papers = [paper for paper in read_papers(CORPUS) if isinstance(paper, Paper)]
    return lines(
        tmp_path,
        *(
            json.dumps(
                {
                    "channel": "c",
                    "paper": paper.id,
                    "value": float("federated" in paper.title.lower()),
                    "at": f"{paper.published}T12:00:00Z",
                }
            )
            for paper in papers
        ),
        name="feedback.jsonl",
    )


def test_a_replay_says_how_picks_would_have_been_liked(operator: Operator, feedback: Path, tmp_path: Path) -> None:
    half = CORPUS.read_text("utf-8").splitlines()
    first, second = lines(tmp_path, *half[:110], name="a.jsonl"), lines(tmp_path, *half[110:], name="b.jsonl")
    ran = operator("replay", "--papers", first, second, "--feedback", feedback, "--json")
    told = json.loads(ran.out)
    assert (ran.code, ran.err) == (0, "")
    assert (told["channels"], told["papers"], told["total"]["days"]) == (1, 220, 10)
    assert told["total"]["liked"] > told["total"]["baseline_liked"]
    table = operator("replay", "--feedback", feedback, "--papers", first, "--papers", second).out
    assert re.search(rf"all +10 +0 +{told['total']['posted']} +{told['total']['liked']} of ", table)


def test_a_replay_tells_bad_lines_and_unknown_papers_do_no_harm(
    operator: Operator, feedback: Path, tmp_path: Path
) -> None:
    more = [
        '{"channel": "c", "paper": "nobody-knows", "value": 1, "at": "2025-11-04T00:00:00Z"}',
        '{"channel": "c", "paper": "x", "value": 7, "at": "2025-11-04T00:00:00Z"}',
    ]
    mixed = lines(tmp_path, feedback.read_text("utf-8").rstrip(), *more, name="mixed.jsonl")
    ran = operator("replay", "--papers", CORPUS, "--feedback", mixed, "--json")
    assert (ran.code, json.loads(ran.out)["total"]["days"]) == (1, 10)
    assert ran.told == [f"{mixed}: line 222: value must be a number from -1 to 1"]


@pytest.mark.parametrize("missing", ["papers", "feedback"])
def test_a_replay_of_nothing_is_a_failure(operator: Operator, feedback: Path, missing: str) -> None:
    given_files = {"papers": CORPUS, "feedback": feedback, missing: Path(os.devnull)}
    ran = operator("replay", "--papers", given_files["papers"], "--feedback", given_files["feedback"])
    assert (ran.code, ran.out, len(ran.told)) == (1, "", 1)


@pytest.mark.parametrize(
    "words", [[], ["--papers", "a"], ["--feedback", "a"], ["--channel", "c", "--papers", "a"]], ids=" ".join
)
def test_a_replay_takes_files_or_a_channel(operator: Operator, words: list[str]) -> None:
    ran = operator("replay", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.told == ["paperboy: `paperboy replay` takes --papers FILE… and --feedback FILE, or --channel CHANNEL."]


def test_a_replay_of_a_channel_nobody_knows_is_told(operator: Operator) -> None:
    ran = operator("replay", "--channel", "nowhere")
    assert (ran.code, ran.told) == (1, ["paperboy: There is no channel nowhere. There is none yet."])


def test_who_compares_nothing_is_told_how_to_begin(operator: Operator) -> None:
    ran = operator("rivals")
    assert (ran.code, ran.err) == (0, "")
    assert "`experiment.rival`" in ran.out
    assert operator("rivals", "--json").out == "[]\n"


# The store


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
    assert set(read_papers(CORPUS)) <= set(_exported(stocked, tmp_path))
    assert stocked("papers", "import", many).code == 0
    assert len(ids(stocked)) == 2_220
    assert len(json.loads(stocked("search", "zebra", "--json", "--limit", "5000").out)) == 2_000


def _exported(operator: Operator, folder: Path) -> Iterator[object]:
    file = folder / "exported.jsonl"
    file.write_text(operator("papers", "export").out, "utf-8")
    return read_papers(file)


# The index


def _randomised(folder: Path) -> None:
    for file in folder.glob("*.segment"):
        file.write_bytes(os.urandom(file.stat().st_size))


def _truncated(folder: Path) -> None:
    for file in folder.glob("*.segment"):
        os.truncate(file, file.stat().st_size // 2)


def _without_segments(folder: Path) -> None:
    for file in folder.glob("*.segment"):
        file.unlink()


def _without_manifest(folder: Path) -> None:
    (folder / "index.json").unlink()


def _manifest_garbled(folder: Path) -> None:
    (folder / "index.json").write_bytes(os.urandom(300))


@pytest.mark.parametrize("harm", [_randomised, _truncated, _without_segments, _without_manifest, _manifest_garbled])
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
    assert "rebuilt" in ran.err
    assert len(json.loads(stocked("search", "zebras", "--json").out)) == 1


# Side by side, and interrupted


def test_a_second_bot_on_a_store_is_refused_and_searches_are_not(stocked: Operator, tmp_path: Path) -> None:
    with alone(load()):
        ran = stocked("chat")
        assert (ran.code, ran.out, len(ran.told)) == (1, "", 1)
        assert "Another Paperboy serves" in ran.err
        assert stocked("search", "federated").code == 0
        assert stocked("papers", "import", lines(tmp_path, good(1))).code == 0
        assert stocked("db", "backup", tmp_path / "backup").code == 0
    with alone(load()):
        pass


@pytest.mark.parametrize(("words", "number"), [("chat", signal.SIGINT), ("chat", signal.SIGTERM)])
def test_a_signal_ends_a_conversation_cleanly_and_is_told_by_the_exit_code(
    stocked: Operator, words: str, number: signal.Signals
) -> None:
    process = stocked.start(words, stdin=subprocess.PIPE)
    assert process.stdout
    while not process.stdout.readline().strip():
        assert process.poll() is None
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + number, "")


def test_an_interrupted_demo_ends_without_a_traceback(stocked: Operator) -> None:
    words = ["demo"]
    process = stocked.start(*words, stdin=subprocess.PIPE)
    assert process.stdout
    while not process.stdout.readline().strip():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (0, 130)
    assert err == ""


def test_an_interrupted_import_keeps_what_it_had(stocked: Operator, tmp_path: Path) -> None:
    first, pipe = lines(tmp_path, good(1), "{"), tmp_path / "pipe"
    os.mkfifo(pipe)
    process = stocked.start("papers", "import", first, pipe)
    assert process.stderr
    assert "line 2" in process.stderr.readline()
    with pipe.open("w"):  # by now it waits for the second file
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert "2501.00001" in ids(stocked)


async def test_an_interrupted_reading_of_the_sources_leaves_cleanly(stocked: Operator) -> None:
    async with PaperSources() as world:
        world.answer("/api/daily_papers", Reply(hang=True))
        stocked.set(SOURCES__HUGGINGFACE__URL=world.url, SOURCES__ARXIV__ENABLED="false")
        process = stocked.start("ingest")
        while not world.asked:
            assert process.poll() is None
            await asyncio.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.to_thread(process.communicate, timeout=60)
    assert (process.returncode, err) == (130, "Reading huggingface …\n")


# Starting quickly


def test_a_search_imports_nothing_it_does_not_need(stocked: Operator) -> None:
    script = (
        "import sys\nfrom bot.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    command = [sys.executable, "-c", script, "search", "federated", "--limit", "1"]
    ran = subprocess.run(command, capture_output=True, text=True, env=stocked.environ(), cwd=ROOT, check=True)
    imported = set(ran.stdout.splitlines()[-1].split())
    assert "sqlalchemy" in imported
    assert not imported & set(SLOW_TO_IMPORT)
