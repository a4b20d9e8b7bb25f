"""The search page."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

import pytest

from tests.page.conftest import Site
from tests.support.harness import demo_papers, paper


def url(query: str, **parameters: str) -> str:
    return f"/search?{urlencode({'q': query, **parameters})}"


async def test_a_search_shows_the_matching_sentence_and_how_to_follow_it(site: Site) -> None:
    await site.bot.list_papers([paper(1, abstract="Nothing of note. Wombats dig burrows at night. The end.")])
    page = await site.get(url("wombats"))
    assert page.status == 200
    assert "Wombats dig burrows at night." in page.text
    assert "Nothing of note." not in page.text
    assert 'href="/feeds/search.atom?q=wombats"' in page.text
    assert 'href="/paper/2603.00001"' in page.text
    assert "by mail" not in page.text  # no mail here


async def test_a_corrected_query_says_so_and_is_followed_corrected(site: Site) -> None:
    await site.bot.list_papers(demo_papers()[:40])
    page = await site.get(url("lerning"))
    assert "did you mean “learning”?" in page.text
    assert 'href="/feeds/search.atom?q=learning"' in page.text


async def test_notes_for_visitors_name_no_command_of_the_chat(site: Site) -> None:
    await site.bot.list_papers(demo_papers()[:5])
    page = await site.get(url("2501.99999"))
    assert "I don&#39;t have “2501.99999”." in page.text
    assert "/papers" not in page.text


async def test_hits_are_sorted_by_fit_date_or_upvotes(site: Site) -> None:
    numbers = {1: (date(2026, 3, 1), 5), 2: (date(2026, 1, 1), 90), 3: (date(2026, 2, 1), 0)}
    await site.bot.list_papers(
        [
            paper(number, title=f"Wombat {number}", published=day, upvotes=upvotes)
            for number, (day, upvotes) in numbers.items()
        ]
    )

    async def order(sort: str) -> list[int]:
        text = (await site.get(url("wombat", sort=sort))).text
        return sorted(numbers, key=lambda number: text.index(f"Wombat {number}"))

    assert await order("newest") == [1, 3, 2]
    assert await order("upvotes") == [2, 1, 3]
    assert (await site.get(url("wombat", sort="best"))).status == 200
    assert (await site.get(url("wombat", sort="magic"))).status == 404


async def test_sorted_searches_leave_out_papers_with_only_some_of_the_words(site: Site) -> None:
    await site.bot.list_papers(
        [paper(1, "Wombat burrows", "x"), paper(2, "Wombat songs", "y", published=date(2026, 3, 1))]
    )
    assert "Wombat songs" in (await site.get(url("wombat burrows"))).text
    assert "Wombat songs" not in (await site.get(url("wombat burrows", sort="newest"))).text


async def test_long_results_have_pages_without_gaps_or_repeats(site: Site) -> None:
    await site.bot.list_papers([paper(number, f"Wombat {number:03}") for number in range(25)])
    for sort in ("best", "newest", "upvotes"):
        pages = [(await site.get(url("wombat", sort=sort, page=str(number)))).text for number in (1, 2, 3)]
        assert [page.count('class="paper"') for page in pages] == [10, 10, 5]
        assert all(sum(f"Wombat {number:03}" in page for page in pages) == 1 for number in range(25))
        assert 'rel="next"' not in pages[2]
        assert (await site.get(url("wombat", sort=sort, page="4"))).status == 404


async def test_an_empty_search_explains_the_language(site: Site) -> None:
    for path in ("/search", "/search?q=", "/search?q=%20%09"):
        page = await site.get(path)
        assert page.status == 200
        assert "author:bengio" in page.text


async def test_a_search_without_hits_says_what_to_do(site: Site) -> None:
    page = await site.get(url("zyzzyva"))
    assert page.status == 200
    assert "Nothing found." in page.text
    assert "/feeds/search.atom?q=zyzzyva" in page.text  # the next such paper will come


async def test_a_query_that_is_too_long_is_refused_plainly(site: Site) -> None:
    assert (await site.get(url("x" * 500))).status == 200
    page = await site.get(url("x" * 501))
    assert page.status == 413
    assert "A search may have 500 characters at most; this one has 501." in page.text


@pytest.mark.parametrize(
    "query", ['"><script>alert(1)</script>', "{{ 7 * 7 }}", "a\0b", "\ud800".encode("utf-8", "surrogatepass")]
)
async def test_a_query_can_not_inject(site: Site, query: str | bytes) -> None:
    page = await site.get(f"/search?{urlencode({'q': query})}")
    assert page.status == 200
    assert "<script>" not in page.text
    assert "49" not in page.text.split("<main")[1]
