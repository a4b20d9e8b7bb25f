"""The pages of mail and a mail itself in a real browser: light and dark, phone and desk, by keyboard, for everybody."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from playwright.async_api import Browser as Chromium

from bot.model.messages import Card, Message
from bot.platforms.mail.letter import html_of, letter_of
from bot.platforms.mail.platform import MailPlatform
from bot.store.database import Store
from bot.web.templates import Templates
from tests.fakes.clock import Clock
from tests.fakes.smtp import MailServer, mail_server
from tests.platforms.conformance import CARD
from tests.platforms.mail.mailbox import ADA, PAGE_URL, Browser, browsing, links_in, mail_platform
from tests.platforms.recording_service import RecordingService
from tests.support.browser import DESK, LOOKS, Look, accessibility_problems, is_wider_than_the_screen, running_browser

LONG = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 3
PICTURES = Path(os.environ.get("PAPERBOY_TEST_PICTURES", ""))
"""Where the pictures of the pages are kept, for people to look at; nowhere by default."""


@pytest.fixture
async def chromium() -> AsyncIterator[Chromium]:
    async with running_browser() as browser:
        yield browser


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as opened:
        yield opened


@pytest.fixture
async def platform(
    sqlite_store: Store, server: MailServer, clock: Clock, tmp_path: Path
) -> AsyncIterator[MailPlatform]:
    made, _ = mail_platform(sqlite_store, server, clock, tmp_path / "key")
    made._pages.service = RecordingService()
    yield made
    await made._client.close()


@pytest.fixture
async def pages(platform: MailPlatform) -> AsyncIterator[Browser]:
    async with browsing(platform) as opened:
        yield opened


async def keep(page: object, name: str, look: Look) -> None:
    if PICTURES.name:
        await page.screenshot(path=PICTURES / f"{name} on a {look}.png", full_page=True)  # type: ignore[attr-defined]


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_every_page_of_mail_is_for_everybody(
    chromium: Chromium, platform: MailPlatform, pages: Browser, look: Look
) -> None:
    vote = platform._subscriptions.seal("vote", "x", "1", f"On {LONG}", "1")
    off = platform._subscriptions.seal("off", "x")
    async with look.page(chromium) as page:
        for name, path in (("form", "/mail?q=graphs"), ("vote", f"/mail/vote/{vote}"), ("off", f"/mail/off/{off}")):
            await page.goto(pages.url + path)
            assert await accessibility_problems(page) == []
            assert not await is_wider_than_the_screen(page)
            await keep(page, name, look)
        await page.goto(f"{pages.url}/mail/vote/{vote}")
        await page.click("button.go")
        assert await accessibility_problems(page) == []
        await keep(page, "voted", look)


async def test_the_form_needs_a_keyboard_alone_and_no_script(
    chromium: Chromium, platform: MailPlatform, pages: Browser, server: MailServer
) -> None:
    async with Look(DESK, "light").page(chromium, scripts=False) as page:
        await page.goto(f"{pages.url}/mail")
        await page.focus("#address")
        await page.keyboard.type(ADA)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1:has-text('Look into your inbox')")
        await platform.outbox.settled()
        [path] = set(links_in(server.received[0])["confirm"])
        await page.goto(pages.url + path)
        await page.keyboard.press("Tab")
        await page.focus("main button")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1:has-text('It is set up')")


async def test_a_wrong_form_says_so_where_a_screen_reader_hears_it(chromium: Chromium, pages: Browser) -> None:
    async with await chromium.new_page(color_scheme="dark") as page:
        await page.goto(f"{pages.url}/mail")
        await page.fill("#address", ADA)
        await page.fill("#zone", "Atlantis")
        await page.evaluate("document.querySelector('#zone').form.noValidate = true")
        async with page.expect_navigation():
            await page.click("button.go")
        assert "Atlantis" in await page.inner_text("[role=alert]")
        assert await page.input_value("#address") == ADA
        assert await accessibility_problems(page) == []


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_a_mail_fits_the_screen_and_can_be_read(chromium: Chromium, tmp_path: Path, look: Look) -> None:
    cards = (
        CARD,
        Card(
            "2", f"On {LONG}", "https://arxiv.org/abs/2", "Emmy Noether + 299", published=date(2026, 3, 2), guess=True
        ),
        Card("3", "A plain one", why="your topic “graphs”: learning", summary="We look. We find.", upvotes=1234),
    )
    text = "3 papers for Monday, 2 March, learned from your 3 votes."
    message = Message(text, cards=cards, title="Mon 2 Mar: papers")
    off_url, vote_url = f"{PAGE_URL}/mail/off/T", f"{PAGE_URL}/mail/vote/T"
    letter = letter_of(message, PAGE_URL, off_url, lambda *_: vote_url, "You asked for it.")
    file = tmp_path / "mail.html"
    file.write_text(html_of(letter, Templates("bot.platforms.mail")), "utf-8")
    async with look.page(chromium, scripts=True) as page:
        await page.goto(file.as_uri())
        assert not await is_wider_than_the_screen(page)
        problems = await accessibility_problems(page)
        # A mail is no page: the mail program has the landmarks and the first heading.
        allowed = ("region", "landmark", "heading")
        assert [problem for problem in problems if not any(rule in problem for rule in allowed)] == []
        await keep(page, "mail", look)
