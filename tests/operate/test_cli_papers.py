"""Papers into the store and out of it, from the command line."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.demo.world import CORPUS
from recommender.formats import read_papers
from tests.support.operator import ROOT, Operator, good, ids, lines


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
        "pdf_url": "https://example.org/a.pdf", "code_url": "https://github.com/a/b", "source": "A journal",
        "project_url": "https://a.github.io/", "discussion_url": "https://huggingface.co/papers/x",
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


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "https://arxiv.org@evil.example/", "data:text/html,x"]
)
def test_a_link_that_nobody_should_follow_is_not_imported(operator: Operator, tmp_path: Path, url: str) -> None:
    paper = {"id": "own-1", "title": "Zebrafish without a link", "url": url}
    assert operator("papers", "import", lines(tmp_path, json.dumps(paper))).code == 0
    assert "url" not in json.loads(operator("papers", "export").out)
    (hit,) = json.loads(operator("search", "zebrafish", "--json").out)
    assert hit["url"] in ("", None)
    assert url not in operator("search", "zebrafish").out
