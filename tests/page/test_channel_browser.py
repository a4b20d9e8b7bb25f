"""The page of a channel in a real browser: light and dark, phone and desk, and for everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from bot.store import contributions, links
from tests.page.conftest import Site
from tests.support.browser import (
    DESK,
    LOOKS,
    Look,
    accessibility_problems,
    is_wider_than_the_screen,
    running_browser,
)
from tests.support.harness import demo_papers, paper

LONG = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 4
"""A word that is wider than a phone."""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with running_browser() as browser:
        yield browser


@pytest.fixture
async def paths(site: Site) -> list[str]:
    """Every kind of page of a channel that has had digests, likes, dislikes, topics and a quiet day."""
    bot = site.bot
    await bot.list_papers([*demo_papers()[:40], paper(7, f"On {LONG}", f"We study it. {LONG} is long. " * 20)])
    await bot.invite()
    await bot.say("settings titles 10")
    await bot.say("settings bar 0")
    await bot.say(f'subscribe "{LONG[:100]}" alert')
    await bot.say("subscribe -robots")
    await bot.next_morning()
    await bot.beat_until_settled()
    posted = [post.paper_id for post in await bot.posts() if post.paper_id]
    for number, paper_id in enumerate(posted):
        await bot.react(paper_id, "👎" if number % 2 else "👍")
    await bot.next_morning()
    await bot.beat_until_settled()
    await bot.next_morning()
    await bot.beat_until_settled()
    channel = await bot.channel()
    async with bot.store.write() as tx:
        own_id = await contributions.give(tx, channel, "ada", paper(8, f"Our own {LONG}"), bot.clock())
        base = f"/c/{await links.make(tx, channel.id, 'ada', bot.clock())}"
    searches = [f"{base}/search", f"{base}/search?q=federated+lerning", f"{base}/search?q=zyzzyva&order=query"]
    return [base, f"{base}/next", *searches, f"{base}/paper/{posted[0]}", f"{base}/paper/{own_id}"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_a_channels_pages_are_for_everybody_and_fit_the_screen(
    site: Site, paths: list[str], browser: Browser, look: Look
) -> None:
    problems = []
    async with look.page(browser) as page:
        for path in paths:
            answer = await page.goto(site.url + path)
            assert answer
            assert answer.status == 200, path
            problems += await accessibility_problems(page)
            if await is_wider_than_the_screen(page):
                problems.append(f"{path} is wider than the screen")
    assert not problems, "\n".join(problems)


async def test_a_reader_goes_from_the_days_to_a_paper_and_back_with_the_keyboard(
    site: Site, paths: list[str], browser: Browser
) -> None:
    base = paths[0]
    async with Look(DESK, "light").page(browser) as page:
        await page.goto(site.url + base)
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        while f"{base}/paper/" not in await page.evaluate("document.activeElement.href || ''"):
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/paper/**")
        await page.locator(".up a").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{base}")
        await page.locator("#q").focus()
        await page.keyboard.type("federated learning")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{base}/search?q=federated+learning")
