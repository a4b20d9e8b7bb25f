"""Reading ids, links, BibTeX and RIS, and writing BibTeX and RIS."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from time import perf_counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.commands import bibtex, ris
from bot.commands.bibliography import read
from bot.model.commands import LONGEST_LINE
from bot.reports.citations import bibtex as write
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


def test_ids_links_and_dois_are_read_from_any_text() -> None:
    named = read("1602.05629. <https://arxiv.org/pdf/1912.04977v2>;doi:10.1000/X (2310.01234v1) 1602.05629v3 hello")
    assert [paper.id for paper in named.papers] == ["1602.05629", "1912.04977", "doi:10.1000/x", "2310.01234"]
    assert named.problems == ("“hello” is no arXiv id, DOI or link to a paper",)


def test_bibtex_with_tex_is_read_and_unreadable_entries_are_reported() -> None:
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
def test_links_and_ids_in_bibtex_are_not_read_as_tex(field: str, url: str, doi: str) -> None:
    (paper,) = read(f"@misc{{a, title={{A title -- long enough for a paper}}, {field}}}").papers
    assert (paper.url, paper.doi) == (url, doi)
    assert paper.title == "A title – long enough for a paper" or field.startswith("doi")


def test_an_author_name_with_odd_tex_keeps_its_bibtex_entry() -> None:
    text = r"@misc{a, title={One \\title{x} \\footnote}, author={Jane Roe \\footnote and Erd{\\H o}s, P\\'al}}"
    (paper,) = read(text.replace(r"\\", "\\")).papers
    assert paper.authors == (r"Jane Roe \footnote", "Pál Erdős")


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (
            "@article{a, title={First of two titles}}\n@article{a, title={Second of two titles}}",
            ["First of two titles", "Second of two titles"],
        ),
        (
            "@article{,\n title={First of two titles}}\n@book{,\n title={Second of two titles}}",
            ["First of two titles", "Second of two titles"],
        ),
        ("@article{title={A title without a key}}", ["A title without a key"]),
        ('@article{O"Neil 2010, title="The "best" of M\\"uller", year=2010}', ['The "best" of Müller']),
        ("@article{a, title={A title},, author={B} year=2010 note={no comma}}", ["A title"]),
        ("@article{a, title={A title}, abstract={We annotate with\n@Override{x} in Java.}, year=2017}", ["A title"]),
        (
            "@article{a, title={A title}\n\n@article{b, title={Its brace was missing}}",
            ["A title", "Its brace was missing"],
        ),
        ("@article(a, title={In (round) brackets)}, year=2000)", ["In (round) brackets)"]),
        ('@string{g = "graphs"} @article{a, title = "On " # g # { and trees}}', ["On graphs and trees"]),
        (
            '@article{a, title="Quotes {"}in{"} quotes"} @book{b, title = bare words, year = 2000}',
            ['Quotes "in" quotes', "bare words"],
        ),
        ("@Article{a,\n% a comment\n TITLE = {Upper case}, title = {again}}", ["Upper case"]),
        ("@article{a, title={Reaching 90% accuracy}, url={https://example.org/a%20b}}", ["Reaching 90% accuracy"]),
        ("@article{a, title={R&D of H&amp;M with <i>E. coli</i> at p<0.05}}", ["R&D of H&M with E. coli at p<0.05"]),
        ("@article{a, title={Main}, subtitle={Sub}}", ["Main: Sub"]),
    ],
)
def test_every_entry_is_read_however_it_is_written(text: str, titles: list[str]) -> None:
    named = read(text)
    assert [paper.title for paper in named.papers] == titles
    assert named.problems == ()


def test_entries_that_are_no_papers_are_named() -> None:
    named = read("@comment{@article{old, title={Taken out}}}\n@misc{x, year=1}\n@misc{}\n@a{b, title={never closed\n\n")
    assert named.papers == ()
    assert named.problems == (
        "“old” is commented out",
        "“x” has no title and no id",
        "the entry in line 3 has no title and no id",
        "“b” has a bracket or a quote that is never closed",
    )


def test_two_short_titles_of_different_people_are_two_papers() -> None:
    named = read("@a{x, title={Editorial}, author={Jane Roe}}\n@a{y, title={Editorial}, author={John Doe}}")
    assert [paper.authors for paper in named.papers] == [("Jane Roe",), ("John Doe",)]


def test_a_title_in_tex_makes_the_same_paper_as_from_arxiv() -> None:
    title = r"$\mathcal{N}=4$ and $\sqrt{s}$ and $\mathbb{R}^n$ and $\text{ADMM}$ steps"
    (paper,) = read(f"@article{{K1, title={{{title}}}}}").papers
    assert paper.title == "𝒩=4 and √(s) and ℝ^n and ADMM steps"
    assert title_key(paper.title) == title_key(title)


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        ("Reagle, Jr., Joseph M. and {Barnes and Noble Inc.}", ("Joseph M. Reagle Jr.", "Barnes and Noble Inc.")),
        ("Aad, Georges AND Doe, Jane\n  and others", ("Georges Aad", "Jane Doe")),
        ("van der Berg, Jan and Ludwig van Beethoven and et al.", ("Jan van der Berg", "Ludwig van Beethoven")),
        ("Roe, Jane; Doe, John", ("Jane Roe", "John Doe")),
        ("given=Jane, prefix=van, family=Roe", ("Jane van Roe",)),
        (r"M{\"u}ller, J{\"o}rg and {\L}ukasz Kaiser", ("Jörg Müller", "Łukasz Kaiser")),
        ("H{&ouml;}rmann, Lars", ("Lars Hörmann",)),
        ("{ATLAS Collaboration}", ("ATLAS Collaboration",)),
    ],
)
def test_names_are_read_as_bibtex_reads_them(authors: str, names: tuple[str, ...]) -> None:
    (paper,) = read(f"@article{{a, title={{A title}}, author={{{authors}}}}}").papers
    assert paper.authors == names


@pytest.mark.parametrize(
    "fields",
    [
        "eprint={1602.05629}, archiveprefix={arXiv}",
        "eprint={arXiv:1602.05629v2}, eprinttype={arxiv}",
        "journal={ArXiv}, volume={abs/1602.05629}",
        "journal={CoRR}, volume={abs/1602.05629}",
        "number={arXiv:1602.05629}, publisher={arXiv}",
        "journal={arXiv preprint arXiv:1602.05629}",
        "note={arXiv: 1602.05629 [cs.LG]}",
        "howpublished={\\url{https://arxiv.org/abs/1602.05629}}",
        "doi={10.48550/arXiv.1602.05629}",
        "url={https://arxiv.org/pdf/1602.05629v1}",
    ],
)
def test_an_arxiv_paper_is_known_by_its_own_fields(fields: str) -> None:
    (paper,) = read(f"@misc{{a, title={{Some title of a paper}}, {fields}}}").papers
    assert paper.id == "1602.05629"


@pytest.mark.parametrize(
    "fields",
    [
        "note={Comment on arXiv:1602.05629}",
        "note={Supersedes arXiv:1602.05629}",
        "note={Extended version of https://arxiv.org/abs/1602.05629}",
        "note={arXiv:1602.05629 and arXiv:1912.04977}",
        "eprint={1602.05629}, eprinttype={pubmed}",
        "number={1602.05629}",
    ],
)
def test_a_note_on_another_paper_does_not_make_an_entry_that_paper(fields: str) -> None:
    (paper,) = read(f"@misc{{a, title={{A rebuttal of federated averaging}}, {fields}}}").papers
    assert paper.id.startswith("title:")


def test_ids_are_read_with_the_category_that_arxiv_prints_behind_them() -> None:
    named = read("arXiv:2611.00022v1 [cs.LG], doi:10.48550/arXiv.1602.05629 https://scirate.com/arxiv/1912.04977")
    assert [paper.id for paper in named.papers] == ["2611.00022", "1602.05629", "1912.04977"]
    assert named.problems == ()


RIS = """TY  - JOUR
TI  - A study of &amp; sums over
several lines
AU  - Roe, Jane, Jr.
A1  - Doe, John
DO  - https://doi.org/10.1000/X
UR  - https://x.example/a%20b
AB  - An abstract.
ER  -

TY  - UNPB
T1  - Federated averaging
AN  - arXiv:1602.05629
TY  - BOOK
PB  - Nobody
ER  -
"""


def test_ris_is_read_and_what_is_no_paper_is_named() -> None:
    named = read(RIS)
    first, second = named.papers
    assert (first.id, first.title) == ("doi:10.1000/x", "A study of & sums over several lines")
    assert (first.authors, first.url) == (("Jane Roe Jr.", "John Doe"), "https://x.example/a%20b")
    assert (second.id, second.title) == ("1602.05629", "Federated averaging")
    assert named.problems == ("the entry in line 14 has no title and no id",)


@pytest.mark.parametrize(
    "unit", ["@misc{a, title={A title}, eprint={2310.01234}}\n", "TY  - JOUR\nAN  - arXiv:2310.01234\n", "2310.01234 "]
)
def test_what_a_cut_text_ends_in_is_not_taken_for_another_paper(unit: str) -> None:
    for short in range(12):
        text = (unit * (LONGEST_LINE // len(unit) + 1))[: LONGEST_LINE - short]
        assert [paper.id for paper in read(text).papers] == ["2310.01234"]


def test_real_papers_come_back_from_their_own_ris() -> None:
    papers = [replace(paper, abstract="") for paper in demo_papers()]
    named = read(ris.write(papers))
    assert named.problems == ()
    assert [paper.id for paper in named.papers] == [paper.id for paper in papers]
    assert [title_key(paper.title) for paper in named.papers] == [title_key(paper.title) for paper in papers]
    assert [paper.authors for paper in named.papers] == [paper.authors for paper in papers]


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


_KEYS = st.text("abcXY019:-_", min_size=1, max_size=8)
_VALUES = st.lists(
    st.sampled_from(["word ", "{x}", "{\\'e}", "%", "@", "@b{c} ", "\n@d{e}\n", "#", ",", "=", '"', "\\&"])
).map("".join)


@settings(deadline=None)
@given(st.lists(st.tuples(_KEYS, _VALUES, st.sampled_from(["", ",", ",,", "\n", "%"])), max_size=6), st.data())
def test_every_entry_of_a_file_is_a_paper_or_named(parts: list[tuple[str, str, str]], data: st.DataObject) -> None:
    text = ""
    for number, (key, value, between) in enumerate(parts):
        broken = data.draw(st.sampled_from(["", "", "", "{", "}", '"']))
        text += f"@article{{{key}, year = {number},\n title = {{T{number}T {broken}{value}}}{between}\n}}\n"
    found = bibtex.entries(text)
    years = [entry.fields.get("year") for entry in found]
    assert [year for year in years if year] == [str(number) for number in range(len(parts))]
    named = read(text)
    assert len(named.papers) + len(named.problems) >= len(parts)


@settings(deadline=None)
@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=3).map(tuple), st.text(max_size=20))
@example(r"50% & more_of {this} $x$ #1 ~ ^ \end", ("", " "), "a b")
def test_any_paper_makes_bibtex_that_can_be_read(title: str, authors: tuple[str, ...], doi: str) -> None:
    paper = Paper("2603.00001", title, authors=authors, doi=doi, published=date(2026, 3, 1))
    named = read(write([paper, paper]))
    assert named.problems == ()
    assert [paper.id for paper in named.papers] == ["2603.00001"]


def test_special_signs_of_tex_are_escaped_in_bibtex() -> None:
    title = "50% of A & B_c # 1 ~ 2"
    text = write([Paper("2603.00001", title)])
    assert r"50\% of A \& B\_c \# 1 \textasciitilde{} 2" in text
    assert read(text).papers[0].title == title


def test_ids_and_links_are_written_as_they_are_and_names_of_groups_in_braces() -> None:
    groups = ("ATLAS Collaboration", "Research and Development Team", "Joseph M. Reagle Jr.", "Jane Roe")
    paper = Paper(
        "doi:10.1145/1_2", "A title", authors=groups, doi="10.1145/1_2", url="https://x.example/a_b?c=1&d=%20#e"
    )
    text = write([paper])
    assert "doi = {10.1145/1_2}" in text
    assert "url = {https://x.example/a_b?c=1&d=%20#e}" in text
    assert "{ATLAS Collaboration} and {Research and Development Team} and Reagle, Jr., Joseph M. and Jane Roe" in text
    assert read(text).papers[0].authors == groups


def test_every_entry_has_a_key_of_its_own_in_plain_letters() -> None:
    papers = [
        Paper(f"2603.0000{n}", "Soft pillows", authors=("Jörg Müller",), published=date(2026, 3, 1)) for n in "12"
    ]
    text = write(papers)
    assert "@misc{muller2026soft,\n" in text
    assert "@misc{muller2026soft-2,\n" in text
