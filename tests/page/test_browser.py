"""The pages in a real browser: light and dark, phone and desk, by keyboard, without scripts, and for everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page

from tests.page.conftest import Site
from tests.support.browser import (
    DESK,
    LOOKS,
    PHONE,
    Look,
    accessibility_problems,
    is_wider_than_the_screen,
    running_browser,
)
from tests.support.harness import demo_papers, paper

LONG = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 4
"""A word that is wider than a phone."""
FULL = replace(
    paper(7, f"On {LONG}"),
    abstract=f"We study it. {LONG} is long. " * 20,
    authors=tuple(f"Author Number{number} van der Wombat" for number in range(300)),
    organization="A Laboratory of Wombats",
    upvotes=12_345,
    comments=99,
    code_url="https://github.com/wombats/burrows",
    project_url="https://wombats.example/burrows",
    discussion_url="https://huggingface.co/papers/2603.00007",
    categories=tuple(f"cs.{chr(65 + number)}X" for number in range(20)),
    withdrawn=True,
)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with running_browser() as browser:
        yield browser


@pytest.fixture
async def full_site(site: Site) -> Site:
    """A site with papers of several days, upvotes, and all facts that a paper may have."""
    today = site.bot.clock.now.date()
    corpus = [replace(each, upvotes=number % 5 * 7, comments=number % 3) for number, each in enumerate(demo_papers())]
    for ago in range(4):
        await site.bot.list_papers(corpus[ago * 25 : ago * 25 + 25], today - timedelta(days=ago))
    await site.bot.list_papers([FULL], today)
    return site


def paths(site: Site) -> list[str]:
    """Every kind of page for everybody."""
    today = site.bot.clock.now.date()
    return [
        *("/", f"/day/{today - timedelta(days=1)}", "/day/2001-01-01", "/week", "/month", "/trending?period=month"),
        *("/trending?page=2&period=month", "/search", "/search?q=federated+lerning", "/search?q=zyzzyva&sort=newest"),
        *(f"/search?q={LONG}", f"/paper/{FULL.id}", f"/paper/{demo_papers()[0].id}"),
        *("/feeds", "/install", "/privacy"),
    ]


@pytest.mark.timeout(600)  # axe-core reads every element of some twenty pages
@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_every_page_is_for_everybody_and_fits_the_screen(full_site: Site, browser: Browser, look: Look) -> None:
    problems = []
    async with look.page(browser) as page:
        for path in paths(full_site):
            answer = await page.goto(full_site.url + path)
            assert answer
            assert answer.status == 200, path
            problems += await accessibility_problems(page)
            if await is_wider_than_the_screen(page):
                problems.append(f"{path} is wider than the screen")
    assert not problems, "\n".join(problems)


async def test_pages_fit_a_small_screen_and_large_letters(full_site: Site, browser: Browser) -> None:
    async with Look((320, 640), "light").page(browser) as page:
        for path in paths(full_site):
            await page.goto(full_site.url + path)
            assert not await is_wider_than_the_screen(page), path


async def test_light_and_dark_follow_the_reader(full_site: Site, browser: Browser) -> None:
    shades = []
    for scheme in ("light", "dark"):
        async with Look(DESK, scheme).page(browser) as page:
            await page.goto(full_site.url)
            shades.append(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
    light, dark = (sum(map(int, shade.removeprefix("rgb(").removesuffix(")").split(","))) for shade in shades)
    assert light > 700 > 150 > dark


async def test_the_keyboard_alone_reaches_the_papers_and_the_search(full_site: Site, browser: Browser) -> None:
    async with Look(DESK, "light").page(browser) as page:
        await page.goto(full_site.url)
        await page.keyboard.press("Tab")
        assert await focused_text(page) == "Skip to the papers"
        await page.keyboard.press("Enter")
        while "/paper/" not in await page.evaluate("document.activeElement.href || ''"):
            await page.keyboard.press("Tab")
        title = await focused_text(page)
        assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/paper/**")
        assert await page.locator("h1").inner_text() == title
        while await page.evaluate("document.activeElement.id") != "q":
            await page.keyboard.press("Tab")
        await page.keyboard.type("federated learning")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/search?q=federated+learning")
        assert await page.locator(".paper").count() == 10


async def test_everything_works_without_scripts(full_site: Site, browser: Browser) -> None:
    async with Look(PHONE, "dark").page(browser, scripts=False) as page:
        await page.goto(full_site.url)
        await page.get_by_label("Search papers").fill("learning")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_role("link", name="Newest first").click()
        await page.get_by_role("link", name="Page 2 ›").click()
        await page.locator(".paper h2 a").first.click()
        summary = page.get_by_text("Cite as BibTeX")
        await summary.click()
        assert "title = {" in await page.get_by_label("BibTeX").inner_text()
        await page.locator("dl.facts a[href^='/day/']").click()
        await page.locator(".steps a").first.click()
        assert "/day/" in page.url


async def focused_text(page: Page) -> str:
    return str(await page.evaluate("document.activeElement.innerText"))
