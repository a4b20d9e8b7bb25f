"""Reading ids, links and BibTeX, and writing BibTeX."""

from __future__ import annotations

from datetime import date
from time import perf_counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.commands.bibliography import read, write
from recommender import Paper
from recommender.paper import title_key
from tests.support.harness import demo_papers

BIB = r"""
@string{pmlr = "PMLR"}
@inproceedings{mcmahan2017,
  title = {Communication-Efficient Learning of Deep Networks from {D}ecentralized Data},
  author = {McMahan, Brendan and Moore, Eider},
  eprint = {1602.05629}, archivePrefix = "arXiv",
}
@article{erdos, title = "On the evolution of random graphs by Erd{\H o}s",
  author = {P{\'a}l Erd{\H o}s and M{\"u}ller, J}, doi = {10.1000/ABC.1}}
@misc{byurl, title={A third}, url={https://arxiv.org/abs/1912.04977v3}}
@misc{nothing, year = 1999}
"""


def test_ids_links_and_dois_are_read_between_anything() -> None:
    named = read("1602.05629. <https://arxiv.org/pdf/1912.04977v2>;doi:10.1000/X (2310.01234v1) 1602.05629v3 hello")
    assert [paper.id for paper in named.papers] == ["1602.05629", "1912.04977", "doi:10.1000/x", "2310.01234"]
    assert named.problems == ("“hello” is no arXiv id, DOI or link to a paper",)


def test_bibtex_is_read_with_its_tex_and_what_is_no_paper_is_told() -> None:
    named = read(BIB)
    first, second, third = named.papers
    assert (first.id, first.authors) == ("1602.05629", ("Brendan McMahan", "Eider Moore"))
    assert first.title == "Communication-Efficient Learning of Deep Networks from Decentralized Data"
    assert (second.id, second.authors) == ("doi:10.1000/abc.1", ("Pál Erdős", "J Müller"))
    assert second.title.endswith("Erdős")
    assert third.id == "1912.04977"
    assert named.problems == ("“nothing” has no title and no id",)


@pytest.mark.parametrize(
    ("field", "url", "doi"),
    [
        ("url={https://xn--80ak6aa92e.com/a---b}", "https://xn--80ak6aa92e.com/a---b", ""),
        ("url={https://x.example/%0a%0dx~y}", "https://x.example/%0a%0dx~y", ""),
        (r"url={\url{https://x.example/a\_b}}", "https://x.example/a_b", ""),
        ("doi={10.1000/a--b%2fc``d''}", "", "10.1000/a--b/c``d''"),
        (r"doi={10.1000/a\_b}", "", "10.1000/a_b"),
        ("url={https://arxiv.org@evil.example/}", "", ""),
        ("url={javascript:alert(1)}", "", ""),
    ],
)
def test_links_and_ids_are_no_tex(field: str, url: str, doi: str) -> None:
    (paper,) = read(f"@misc{{a, title={{A title -- long enough for a paper}}, {field}}}").papers
    assert (paper.url, paper.doi) == (url, doi)
    assert paper.title == "A title – long enough for a paper" or field.startswith("doi")


def test_a_name_with_odd_tex_costs_nobody_their_entry() -> None:
    text = r"@misc{a, title={One \\title{x} \\footnote}, author={Jane Roe \\footnote and Erd{\\H o}s, P\\'al}}"
    (paper,) = read(text.replace(r"\\", "\\")).papers
    assert paper.authors == (r"Jane Roe \footnote", "Pál Erdős")


def test_a_broken_entry_leaves_the_others_whole() -> None:
    named = read("@article{good, title={A good and whole one}}\n@article{bad, title={never closed\n@book{c, title={C}}")
    assert "A good and whole one" in [paper.title for paper in named.papers]
    assert named.problems


@pytest.mark.parametrize(
    "text",
    [
        "@article{a, title={" * 20_000,
        "@article{a, title={" + "{" * 5_000 + "x" + "}" * 5_000 + "}}",
        "@article{a, title={" + "x " * 500_000 + "}}",
        "@a{" * 10_000,
        "@article{a, title={" + r"\'{" * 10_000 + "}}",
        "@article{k, title={same}}\n" * 4_000,
    ],
    ids=["unclosed", "nested", "megabyte", "openings", "accents", "doubles"],
)
def test_hostile_bibtex_is_read_in_bounded_time(text: str) -> None:
    begin = perf_counter()
    named = read(text)
    assert named.papers or named.problems
    assert perf_counter() - begin < 30, "measured under five seconds on a quiet machine"


_PARTS = st.sampled_from(
    ["@article", "{", "}", "title", "=", '"', ",", "\\", "#", "%", "a", "@", "\n", "$", "é", " and "]
)


@settings(deadline=None)  # the first BibTeX builds its grammar
@given(st.one_of(st.text(), st.lists(_PARTS).map("".join), st.lists(_PARTS).map(lambda p: "@article{" + "".join(p))))
@example("@article{,title={}}")
@example("@comment{")
def test_no_text_raises(text: str) -> None:
    for paper in read(text).papers:
        assert paper.id


def test_real_papers_come_back_from_their_own_bibtex() -> None:
    papers = demo_papers()
    named = read(write(papers))
    assert named.problems == ()
    assert [paper.id for paper in named.papers] == [paper.id for paper in papers]
    assert [title_key(paper.title) for paper in named.papers] == [title_key(paper.title) for paper in papers]
    assert [paper.authors for paper in named.papers] == [paper.authors for paper in papers]


@settings(deadline=None)
@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=3).map(tuple), st.text(max_size=20))
@example(r"50% & more_of {this} $x$ #1 ~ ^ \end", ("", " "), "a b")
def test_any_paper_makes_bibtex_that_can_be_read(title: str, authors: tuple[str, ...], doi: str) -> None:
    paper = Paper("2603.00001", title, authors=authors, doi=doi, published=date(2026, 3, 1))
    named = read(write([paper, paper]))
    assert named.problems == ()
    assert [one.id for one in named.papers] == ["2603.00001"]


def test_signs_that_mean_something_to_tex_are_written_for_it() -> None:
    title = "50% of A & B_c # 1 ~ 2"
    text = write([Paper("2603.00001", title)])
    assert r"50\% of A \& B\_c \# 1 \textasciitilde{} 2" in text
    assert read(text).papers[0].title == title


def test_every_entry_has_a_key_of_its_own_in_plain_letters() -> None:
    papers = [
        Paper(f"2603.0000{n}", "Soft pillows", authors=("Jörg Müller",), published=date(2026, 3, 1)) for n in "12"
    ]
    text = write(papers)
    assert "@misc{muller2026soft,\n" in text
    assert "@misc{muller2026soft-2,\n" in text
