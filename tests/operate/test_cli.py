from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.demo.world import CORPUS
from recommender import Paper
from recommender.formats import read_papers
from tests.support.operator import ROOT, Operator, lines

SLOW_TO_IMPORT = ("alembic", "sklearn", "prompt_toolkit", "pylatexenc", "httpx", "feedparser", "apscheduler")


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
        (["--config", "/nowhere.toml", "search", "x"], "/nowhere.toml"),
    ],
)
def test_wrong_use_is_one_line_with_the_mend_and_exit_2(operator: Operator, words: list[str], told: str) -> None:
    ran = operator(*words)
    assert (ran.code, ran.out, len(ran.told)) == (2, "", 1)
    assert told in ran.err
    assert ".." not in ran.err
    assert "?." not in ran.err


def test_run_without_a_platform_and_without_the_page_is_wrong_use(operator: Operator) -> None:
    operator.set(WEB__PAGE="false")
    ran = operator("run")
    assert (ran.code, ran.out, len(ran.told)) == (2, "", 1)
    assert "`paperboy chat`" in ran.err


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
