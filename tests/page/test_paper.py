"""The page of one paper."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest

from bot.commands import bibliography
from tests.page.conftest import Site
from tests.support.harness import demo_papers, paper


class Meta(HTMLParser):
    """The meta tags of a page, as Zotero reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self.pre = ""
        self._in_pre = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "meta" and given.get("name"):
            self.values.setdefault(str(given["name"]), []).append(str(given["content"]))
        self._in_pre = tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self._in_pre = False

    def handle_data(self, data: str) -> None:
        self.pre += data if self._in_pre else ""


FULL = replace(
    paper(7, r"A $\beta$-test of robots and their makers", r"We prove $\alpha \leq 3$. It is <b>sharp</b>."),
    published=date(2026, 3, 1),
    upvotes=1_234,
    comments=5,
    organization="Robots & Sons",
    code_url="https://github.com/robots/sons",
    project_url="https://robots.example/sons",
    discussion_url="https://huggingface.co/papers/2603.00007",
    categories=("cs.RO", "cs.LG"),
)


async def test_a_paper_shows_all_that_is_known_of_it(site: Site) -> None:
    await site.bot.list_papers([FULL])
    page = await site.get("/paper/2603.00007")
    assert page.status == 200
    for text in (
        "A β-test of robots",
        "We prove α≤ 3.",
        "Robots &amp; Sons",
        "1,234",
        'href="https://arxiv.org/abs/2603.00007" rel="noreferrer"',
        'href="https://arxiv.org/pdf/2603.00007"',
        'href="https://github.com/robots/sons"',
        'href="https://robots.example/sons"',
        'href="https://huggingface.co/papers/2603.00007"',
        "/search?q=author%3A%22Ada+Lovelace%22",
        "/search?q=cat%3Acs.RO",
        f'href="/day/{site.bot.clock.now.date()}"',
    ):
        assert text in page.text, text


async def test_the_links_of_authors_and_categories_find_the_paper(site: Site) -> None:
    await site.bot.list_papers([FULL])
    for path in ("/search?q=author%3A%22Ada+Lovelace%22", "/search?q=cat%3Acs.RO"):
        assert "A β-test of robots" in (await site.get(path)).text


async def test_reference_managers_read_the_paper(site: Site) -> None:
    await site.bot.list_papers([FULL])
    meta = Meta((await site.get("/paper/2603.00007")).text)
    assert meta.values["citation_title"] == ["A β-test of robots and their makers"]
    assert meta.values["citation_author"] == ["Ada Lovelace", "Emmy Noether"]
    assert meta.values["citation_publication_date"] == ["2026/03/01"]
    assert meta.values["citation_pdf_url"] == ["https://arxiv.org/pdf/2603.00007"]
    assert meta.values["citation_arxiv_id"] == ["2603.00007"]
    [read] = bibliography.read(meta.pre).papers
    assert (read.id, read.authors) == ("2603.00007", ("Ada Lovelace", "Emmy Noether"))


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("2603.00007v2", "/paper/2603.00007"),
        ("https://arxiv.org/abs/2603.00007", "/paper/2603.00007"),
        ("arXiv:2603.00007", "/paper/2603.00007"),
        ("A%20$%5Cbeta$-test%20of%20robots%20and%20their%20makers", "/paper/2603.00007"),
        ("math/0501001v1", "/paper/math/0501001"),
        ("10.1000/abc.1", "/paper/doi:10.1000/abc.1"),
    ],
)
async def test_other_names_of_a_paper_lead_to_its_page(site: Site, name: str, address: str) -> None:
    old = replace(paper(8, "Of old names and slashes"), id="math/0501001")
    by_doi = replace(paper(9, "Of digital object identifiers"), id="doi:10.1000/abc.1")
    await site.bot.list_papers([FULL, old, by_doi])
    answer = await site.get(f"/paper/{name}?sort=newest")
    assert (answer.status, answer.headers["Location"]) == (302, f"{address}?sort=newest")
    assert (await site.get(address)).status == 200


@pytest.mark.parametrize("name", ["9999.99999", "/evil.example", "//evil.example/x", "taught:00", "%00", "x" * 2_000])
async def test_an_unknown_paper_is_a_plain_404_and_leads_nowhere(site: Site, name: str) -> None:
    answer = await site.get(f"/paper/{name}")
    assert answer.status == 404
    assert "Location" not in answer.headers


async def test_similar_papers_come_in_the_order_asked_for(site: Site) -> None:
    corpus = [replace(each, upvotes=number) for number, each in enumerate(demo_papers()[:60])]
    await site.bot.list_papers(corpus)
    by_id = {each.id: each for each in corpus}

    async def similar(sort: str) -> list[str]:
        text = (await site.get(f"/paper/{corpus[0].id}?sort={sort}")).text.split('id="similar"')[1]
        return sorted((each.id for each in corpus if f'"/paper/{each.id}"' in text), key=text.index)

    best = await similar("best")
    assert len(best) == 12
    assert await similar("upvotes") == sorted(best, key=lambda i: -by_id[i].upvotes)
    newest = [by_id[i].published for i in await similar("newest")]
    assert newest == sorted(newest, key=lambda day: day or date.min, reverse=True)


async def test_a_withdrawn_paper_is_marked(site: Site) -> None:
    await site.bot.list_papers([replace(FULL, withdrawn=True)])
    assert "<strong>Withdrawn</strong>" in (await site.get("/paper/2603.00007")).text
    assert "β-test" not in (await site.get("/")).text


async def test_what_comes_from_outside_is_escaped(site: Site) -> None:
    evil = '"><script>alert(1)</script>'
    await site.bot.list_papers([
        replace(
            FULL, title=f"Evil {evil} titles", abstract=evil, authors=(evil,), organization=evil,
            categories=(evil,), code_url="javascript:alert(1)", source=evil,
        )
    ])  # fmt: skip
    for path in ("/", "/trending", "/search?q=evil", "/paper/2603.00007"):
        page = await site.get(path)
        assert page.status == 200
        assert "<script" not in page.text
        assert "javascript:" not in page.text
