from __future__ import annotations

import gzip
import json
import os
import threading
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender import Feedback, Paper
from recommender.formats import (
    LONGEST_LINE,
    ChannelFeedback,
    Problem,
    feedback_line,
    read_feedback,
    read_papers,
    write_papers,
)

PAPERS = [
    Paper("2310.01234", "One"),
    Paper(
        "doi:10.1/a",
        "Zwei Ä",
        "深\u2028度",
        ("Ada L.",),
        ("cs.LG",),
        date(2025, 1, 2),
        3,
        4,
        "Org",
        "https://x.y",
        "10.1/a",
        "https://example.org/1.pdf",
        "https://github.com/a/b",
        "https://a.github.io/",
        "https://huggingface.co/papers/2310.01234",
        "A journal",
    ),
    Paper("2310.01235", "Withdrawn later", withdrawn=True),
]
FEEDBACK = [
    ChannelFeedback("c1", Feedback("2310.01234", 1.0, datetime(2025, 1, 2, 9, tzinfo=UTC), "ada")),
    ChannelFeedback("c2", Feedback("x", 0.0, datetime(2025, 1, 3, 9, 30, tzinfo=UTC))),
]


def test_feedback_that_is_written_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text("".join(f"{feedback_line(item)}\n" for item in FEEDBACK))
    assert list(read_feedback(file)) == FEEDBACK


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_what_is_written_is_read_back(tmp_path: Path, name: str) -> None:
    assert write_papers(tmp_path / name, PAPERS) == 3
    assert list(read_papers(tmp_path / name)) == PAPERS


@pytest.mark.parametrize(
    "value",
    ["javascript:alert(1)", "https://github.com@evil.example/", "x y", "https://e.org/" + "x" * 3_000, 7, ["x"]],
)
def test_a_link_that_is_none_costs_nobody_the_paper(tmp_path: Path, value: object) -> None:
    names = ("pdf_url", "code_url", "project_url", "discussion_url")
    file = tmp_path / "papers.jsonl"
    fields = {"id": "x", "title": "One", "source": value} | dict.fromkeys(names, value)
    file.write_text(json.dumps(fields))
    assert list(read_papers(file)) == [Paper("x", "One", source=value[:300] if isinstance(value, str) else "")]


GOOD = json.dumps({"id": "arXiv:2310.01234v2", "title": "One"}).encode()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'{"title": "no id"}', "id is missing"),
        (b'{"id": "x"}', "title is missing"),
        (b'{"id": "x", "title": 3}', "title must be text"),
        (b'{"id": " ", "title": "t"}', "id is missing"),
        (b'{"id": ["x"], "title": "t"}', "id is missing"),
        (b'{"id": "' + b"x" * 301 + b'", "title": "t"}', "id is longer"),
        (b'{"id": "x", "title": " "}', "title is empty"),
        (b'{"id": "x", "title": "t", "authors": 3}', "authors must be a list of texts"),
        (b'{"id": "x", "title": "t", "categories": [1]}', "categories must be a list of texts"),
        (b'{"id": "x", "title": "t", "published": "2126-03-01"}', "published can't be 2126-03-01: that day is to come"),
        (b'{"id": "x", "title": "t", "published": "1492-10-12"}', "published can't be 1492-10-12: no paper is so old"),
        (b'{"id": "x", "title": "t", "published": "2026-13"}', "published must be a date"),
        (b'{"id": "x", "title": "t", "published": "soon"}', "published must be a date"),
        (b'{"id": "x", "title": "t", "published": 20250101}', "published must be a date"),
        (b'{"id": "x", "title": "t", "upvotes": -1}', "upvotes must be a count"),
        (b'{"id": "x", "title": "t", "upvotes": NaN}', "upvotes must be a count"),
        (b'{"id": "x", "title": "t", "upvotes": true}', "upvotes must be a count"),
        (b"[" * 100_000, "not JSON|nested too deeply"),
        (b'{"id": "x", "title": "' + b"t" * LONGEST_LINE + b'"}', "longer than 1,000,000 bytes"),
        (b'{"id": "x", "title": "t", "upvotes": ' + b"9" * 5000 + b"}", "digits|count"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_is_read(tmp_path: Path, line: bytes, reason: str) -> None:
    file = tmp_path / "papers.jsonl"
    file.write_bytes(GOOD + b"\n" + line + b"\n\n" + GOOD)
    first, problem, last = read_papers(file, date(2026, 11, 30))
    assert first == last == Paper("2310.01234", "One")
    assert isinstance(problem, Problem)
    assert problem.line == 2
    assert any(part in str(problem) for part in reason.split("|"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": 2}, "value must be"),
        ({"value": None}, "value must be"),
        ({"value": True}, "value must be"),
        ({"at": "yesterday"}, "at must be"),
        ({"at": None}, "at must be"),
        ({"at": "0001-01-01T00:00:00+23:00"}, "at must be"),
        ({"member": 3}, "member must be"),
        ({"channel": None}, "channel must be"),
        ({"paper": ""}, "paper is missing"),
    ],
)
def test_bad_feedback_is_named(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    held = {"channel": "c", "paper": "p", "value": 1, "at": "2025-01-01T00:00:00Z", "member": "m", **change}
    (tmp_path / "f.jsonl").write_text(json.dumps(held))
    [problem] = read_feedback(tmp_path / "f.jsonl")
    assert isinstance(problem, Problem)
    assert reason in problem.reason


@pytest.mark.parametrize(
    ("published", "day"),
    [
        ("2026-6-30", date(2026, 6, 30)),
        ("2026/06/30", date(2026, 6, 30)),
        ("2026-06-30T12:00:00Z", date(2026, 6, 30)),
        ("20260630", date(2026, 6, 30)),
        ("2026-06", date(2026, 6, 1)),
        ("2026", date(2026, 1, 1)),
        (2026, date(2026, 1, 1)),
        ("", None),
        (None, None),
    ],
)
def test_a_day_is_read_as_people_write_it(tmp_path: Path, published: object, day: date | None) -> None:
    (tmp_path / "p.jsonl").write_text(json.dumps({"id": "x", "title": "t", "published": published}))
    assert list(read_papers(tmp_path / "p.jsonl", date(2026, 11, 30))) == [Paper("x", "t", published=day)]


def test_authors_and_categories_may_be_one_text(tmp_path: Path) -> None:
    held = {
        "id": "x",
        "title": "t",
        "authors": r"C. Bal\'azs, Jane Roe, Jr. and et al.",
        "categories": "math.CO, cs.CG stat.ML",
    }
    (tmp_path / "p.jsonl").write_text(json.dumps(held))
    [paper] = read_papers(tmp_path / "p.jsonl")
    assert isinstance(paper, Paper)
    assert paper.authors == ("C. Balázs", "Jane Roe, Jr.")
    assert paper.categories == ("math.CO", "cs.CG", "stat.ML")


def test_the_dump_of_arxiv_on_kaggle_is_read(tmp_path: Path) -> None:
    first = {
        "id": "0704.0009",
        "submitter": "Jane Roe",
        "authors": "C. Bal\\'azs and the X Collaboration: J. Roe",
        "title": "Production of pairs at\n  LHC energies",
        "comments": "37 pages",
        "journal-ref": None,
        "doi": "10.1103/X.76",
        "categories": "hep-ph hep-ex",
        "abstract": "  A calculation.\n",
        "versions": [
            {"version": "v2", "created": "Tue, 24 Jul 2007 20:10:27 GMT"},
            {"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"},
        ],
        "update_date": "2008-11-26",
        "authors_parsed": [["Balázs", "C.", ""], ["Roe", "J.", "Jr", "X University"], [":", "", ""]],
    }
    second = {"id": "0704.0010", "title": "Sparsity", "authors": "Ada Roe and Jon Doe", "update_date": "2008-12-13"}
    (tmp_path / "p.jsonl").write_text(f"{json.dumps(first)}\n{json.dumps(second)}\n")
    assert list(read_papers(tmp_path / "p.jsonl", date(2026, 11, 30))) == [
        Paper(
            "0704.0009",
            "Production of pairs at LHC energies",
            "A calculation.",
            ("C. Balázs", "J. Roe Jr"),
            ("hep-ph", "hep-ex"),
            date(2007, 4, 2),
            doi="10.1103/X.76",
        ),
        Paper("0704.0010", "Sparsity", authors=("Ada Roe", "Jon Doe"), published=date(2007, 4, 30)),
    ]


def test_a_comment_of_arxiv_may_say_that_a_paper_is_withdrawn(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(
        json.dumps({"id": "0704.0011", "title": "t", "comments": "Withdrawn by the author"})
    )
    assert list(read_papers(tmp_path / "p.jsonl")) == [Paper("0704.0011", "t", withdrawn=True)]


def test_a_file_cut_off_in_the_middle_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "papers.jsonl.gz"
    lines = b"\n".join(json.dumps({"id": f"p{n}", "title": f"Title {n * 7919}"}).encode() for n in range(2000))
    file.write_bytes(gzip.compress(lines)[:-2000])
    *papers, problem = read_papers(file)
    assert papers
    assert all(isinstance(paper, Paper) for paper in papers)
    assert isinstance(problem, Problem)
    assert "damaged" in problem.reason


def test_hidden_characters_do_not_come_in(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(json.dumps({"id": "x\u202e", "title": "a\x00b\ud800 \u202ec"}))
    assert list(read_papers(tmp_path / "p.jsonl")) == [Paper("x", "ab c")]


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_bytes(b"\xef\xbb\xbf" + GOOD + b"\r\n" + GOOD + b"\r\n")
    assert list(read_papers(tmp_path / "p.jsonl")) == [Paper("2310.01234", "One")] * 2


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = st.sampled_from(
    ["id", "title", "abstract", "authors", "published", "upvotes", "paper", "value", "at", "member"]
)


@given(
    st.lists(st.binary(max_size=60) | st.dictionaries(_FIELDS, _JSON).map(lambda d: json.dumps(d).encode()), max_size=6)
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_raises(tmp_path: Path, lines: list[bytes]) -> None:
    for name, data in (("a.jsonl", b"\n".join(lines)), ("b.jsonl.gz", gzip.compress(b"\n".join(lines))[:-1])):
        (tmp_path / name).write_bytes(data)
        for item in [*read_papers(tmp_path / name), *read_feedback(tmp_path / name)]:
            assert isinstance(item, Paper | ChannelFeedback | Problem)


def test_a_file_that_is_not_there_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_papers(tmp_path / "nothing.jsonl"))


def test_papers_are_read_from_a_pipe_that_cant_go_back(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=('{"id": "2603.00001", "title": "On graphs"}\n',))
    writer.start()
    assert [one.id for one in read_papers(pipe) if isinstance(one, Paper)] == ["2603.00001"]
    writer.join()
