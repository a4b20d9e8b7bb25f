"""Searches from the command line: for people, for programs, and for a judge."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.operator import Operator, ids, lines


def test_search_prints_json_with_exactly_the_promised_fields(stocked: Operator) -> None:
    found = json.loads(stocked("search", "federated", "learning", "--json", "--limit", "3").out)
    assert len(found) == 3
    assert all(list(one) == ["id", "title", "score", "published", "url", "snippet"] for one in found)
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)
    assert found[0]["url"] == f"https://arxiv.org/abs/{found[0]['id']}"
    assert re.fullmatch(r"2025-11-\d\d", found[0]["published"])
    assert "federated" in found[0]["snippet"].lower()


def test_search_tells_people_title_authors_date_link_and_where(stocked: Operator) -> None:
    ran = stocked("search", "federatd", "--limit", "2")
    assert (ran.code, ran.err) == (0, "Nothing has this as written; did you mean “federated”? This is for that.\n")
    assert re.fullmatch(r"(?: +\d\. .+\n +\S.+\n +2025-\S+  https://\S+\n +\S.+\n){2}", ran.out)


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


def test_a_search_at_the_command_line_says_that_for_us_is_for_channels(stocked: Operator) -> None:
    ran = stocked("search", "federated", "learning", "for", "us", "--limit", "1")
    assert "`for us` ranks by a channel's taste" in ran.err
