"""The ids and links that name one paper, and titles that do."""

from __future__ import annotations

import pytest

from recommender.paper import Paper, arxiv_id, canonical_id, find_doi, says_withdrawn, title_key
from tests.bounds import assert_cheap


@pytest.mark.parametrize(
    "text",
    [
        "1602.05629v3",
        "arXiv:1602.05629",
        "arXiv: 1602.05629v2 [cs.LG]",
        "arXiv:1602.05629v1 [cs.LG] 17 Feb 2016",
        "arxiv 1602.05629",
        "doi:10.48550/arXiv.1602.05629",
        "DOI: 10.48550/ARXIV.1602.05629",
        "https://www.doi.org/10.48550/arXiv.1602.05629",
        "https://arxiv.org/abs/arXiv:1602.05629",
        "https://arxiv.org/html/1602.05629v4.html",
        "https://www.alphaxiv.org/overview/1602.05629v3",
        "https://scirate.com/arxiv/1602.05629",
        "https://www.semanticscholar.org/arxiv/1602.05629",
        "https://api.semanticscholar.org/arXiv:1602.05629",
        "https://api.semanticscholar.org/graph/v1/paper/arXiv%3A1602.05629?fields=title",
        "https://papers.cool/arxiv/1602.05629",
        "https://www.emergentmind.com/papers/1602.05629",
        "https://www.connectedpapers.com/main/arxiv:1602.05629",
        "https://scholar.archive.org/search?q=arxiv:1602.05629",
        "https://fatcat.wiki/release/lookup?arxiv_id=1602.05629&x=1",
        "https://inspirehep.net/arxiv/1602.05629",
        "https://ui.adsabs.harvard.edu/abs/arXiv:1602.05629/abstract",
        "https://dblp.org/rec/journals/corr/abs-1602-05629.html",
        "DBLP:journals/corr/abs-1602-05629",
    ],
)
def test_a_paper_is_known_by_every_id_and_link_that_people_paste(text: str) -> None:
    assert canonical_id(text) == "1602.05629"


@pytest.mark.parametrize(
    "text",
    [
        "https://blog.example/arxiv/1602.05629",
        "https://scirate.com/arxiv/cs.LG",
        "https://www.semanticscholar.org/paper/Some-title/0123456789",
        "https://www.semanticscholar.org/arxiv/1602.05629/and/more",
        "https://scirate.com@evil.example/arxiv/1602.05629",
        "comment on arXiv:1602.05629",
        "1602-05629",
    ],
)
def test_other_texts_and_other_sites_name_no_arxiv_paper(text: str) -> None:
    assert arxiv_id(text) is None


def test_an_old_id_has_no_subject_class() -> None:
    assert (
        arxiv_id("https://arxiv.org/abs/math.GT/0309136v1")
        == arxiv_id("arXiv:math/0309136 [math.GT]")
        == "math/0309136"
    )
    assert find_doi("https://www.doi.org/10.1000/X") == "10.1000/x"


def test_a_title_in_tex_is_the_title_in_unicode() -> None:
    tex = r"$\mathcal{N}=4$ and $\sqrt{s}$ and $\mathbb{R}^n$ and $\text{ADMM}$ steps"
    assert title_key(tex) == title_key("𝒩=4 and √(s) and ℝ^n and ADMM steps") is not None
    assert title_key(r"The Erd\H{o}s--R\'enyi model of graphs") == title_key("The Erdős–Rényi model of graphs")


@pytest.mark.parametrize(
    "piece", ["scirate.com/", "x/arxiv:", "arxiv.org/list/", "$", "\\", "https://", "?a&", " ", "we to ", "this a "]
)
def test_no_text_is_slow_to_look_for_ids_in(piece: str) -> None:
    text = "a" + piece * (40_000 // len(piece)) + "b"
    assert_cheap(lambda: (canonical_id(text), title_key(text), says_withdrawn(text)))


@pytest.mark.parametrize(
    "text",
    [
        "This paper has been withdrawn by the author due to a crucial error in equation 1.",
        "This submission has been withdrawn by arXiv administrators because of a dispute.",
        "The authors have withdrawn this manuscript.",
        "We withdraw this paper, since Lemma 2 is wrong.",
        "Withdrawn: the proof has a gap.",
        "(withdrawn)",
        "Paper withdrawn",
        "12 pages. This article has now been\n  retracted at the request of its authors.",
        "[Withdrawn by the authors]",
    ],
)
def test_a_notice_says_that_a_paper_is_withdrawn(text: str) -> None:
    assert says_withdrawn(text)


@pytest.mark.parametrize(
    "text",
    [
        "We study why articles have been retracted.",
        "A drug that was withdrawn from the market; participants who withdrew.",
        "Whether a paper was retracted is predicted from its citations.",
        "The hand is withdrawn before it touches. This study of withdrawal shows nothing.",
        "Retraction maps on manifolds",
        "",
    ],
)
def test_papers_about_withdrawals_are_not_withdrawn(text: str) -> None:
    assert not says_withdrawn(text)


def test_the_pdf_of_an_arxiv_paper_is_arxivs() -> None:
    assert Paper("2310.01234", "T").pdf_link == "https://arxiv.org/pdf/2310.01234"
    assert Paper("math/0309136", "T", pdf_url="https://e.org/1.pdf").pdf_link == "https://arxiv.org/pdf/math/0309136"
    assert Paper("doi:10.1/x", "T", pdf_url="https://e.org/1.pdf").pdf_link == "https://e.org/1.pdf"
    assert Paper("x", "T").pdf_link == ""


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a@evil.example/", "https://e.org/<x>", "x" * 3_000])
def test_a_link_that_can_not_be_followed_is_never_given(url: str) -> None:
    paper = Paper("x", "T", pdf_url=url, code_url=url, project_url=url, discussion_url=url)
    assert (paper.pdf_link, paper.code_link, paper.project_link, paper.discussion_link) == ("", "", "", "")


@pytest.mark.parametrize(
    ("abstract", "code"),
    [
        ("It works. Code is available at https://github.com/a/b-c.", "https://github.com/a/b-c"),
        ("Our code: \\href{http://www.GitHub.com/a/b.git}{https://github.com/a/b}.", "https://github.com/a/b"),
        ("The source code (https://gitlab.com/a/b/-/tree/main) is open.", "https://gitlab.com/a/b"),
        ("We study commits to https://github.com/torvalds/linux over time.", ""),
        ("Code: https://github.com/a/b and https://github.com/a/c.", ""),
        ("Code: https://github.com/a", ""),
        ("Code: https://github.com.evil.example/a/b", ""),
        ("Code: https://github.com@evil.example/a/b", ""),
        ("Code: https://evil.example/github.com/a/b", ""),
        ("Code: https://github.com/../..", ""),
    ],
)
def test_the_code_is_the_only_repository_that_an_abstract_offers(abstract: str, code: str) -> None:
    assert Paper("x", "T", abstract).code_link == code


@pytest.mark.parametrize(
    ("abstract", "page"),
    [
        ("Project page: https://a.github.io/b/.", "https://a.github.io/b"),
        ("See the project's website at http://a.example.", "http://a.example"),
        ("Project page: https://github.com/a/b", ""),
        ("A project. The page of it. https://a.example", ""),
        ("Project page: https://./-/", ""),
        ("Project page: javascript:alert(1)", ""),
    ],
)
def test_the_project_page_is_the_one_that_an_abstract_calls_so(abstract: str, page: str) -> None:
    assert Paper("x", "T", abstract).project_link == page


def test_a_link_of_the_source_comes_before_one_in_the_abstract() -> None:
    abstract = "Code: https://github.com/a/b. Project page: https://a.example"
    paper = Paper("x", "T", abstract, code_url="https://github.com/c/d", project_url="https://c.example")
    assert (paper.code_link, paper.project_link) == ("https://github.com/c/d", "https://c.example")


@pytest.mark.parametrize("piece", ["https://github.com/a/b code ", "project page ", "https://github.com/" + "a" * 90])
def test_no_abstract_is_slow_to_look_for_links_in(piece: str) -> None:
    paper = Paper("x", "T", (piece * 20_000)[:20_000])
    assert_cheap(lambda: (paper.code_link, paper.project_link))
