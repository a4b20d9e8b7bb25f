"""Takes the pictures of docs/pictures: `python -m tests.pictures docs/pictures`.

They show the real program over the demo's papers: eight days of digests in one channel, whose members like federated
learning and privacy, and dislike pictures and videos.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from PIL import Image
from playwright.async_api import Browser

from bot.charts.png import png
from bot.digests.digest import Digest
from bot.model.messages import Message
from bot.platforms.mail.letter import html_of, letter_of
from bot.settings import DigestSettings, load
from bot.store import links
from bot.store.opening import open_store
from bot.web.templates import Templates
from bot.website import website
from recommender import Paper
from tests.fakes.clock import Clock
from tests.page.conftest import Site
from tests.support.browser import DESK, PHONE, Look, running_browser
from tests.support.harness import BotHarness, demo_papers, harness_over

_LIKED, _DISLIKED = ("federated", "privacy", "private", "unlearning"), ("image", "video", "visual", "3d")
_COLOURS = 128
"""Few colours make small files."""


async def main(folder: Path) -> None:
    """Take all pictures."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        store = await open_store(f"sqlite:///{home}/paperboy.db")
        clock = Clock(datetime(2025, 11, 3, 8, 0, tzinfo=UTC))
        web = load(None, {}).web.model_copy(update={"port": 8080, "requests_per_minute": 0})
        bot = harness_over(store, clock, web=web, digest=DigestSettings(titles=10, bar=0.6))
        await bot.invite()
        await bot.say("subscribe federated learning")
        await _live_through(bot)
        channel = await bot.channel()
        async with store.write() as tx:
            token = await links.make(tx, channel.id, "ada", clock())
        assert token
        async with (
            website(bot.app, required=True, clock=clock) as url,
            aiohttp.ClientSession() as client,
            running_browser() as browser,
        ):
            await _pages(Site(url, bot, client), token, browser, folder)
            await _mail(await bot.app.digests.compose(channel, clock()), home, browser, folder)
        for name in ("taste", "stats"):
            [chart] = (await bot.say(name)).charts
            _keep(png(chart), folder / f"{name}.png")
        await store.close()


async def _live_through(bot: BotHarness) -> None:
    """The days of the corpus: papers in the morning, a digest, and reactions."""
    by_day: dict[object, list[Paper]] = {}
    for paper in demo_papers():
        by_day.setdefault(paper.published, []).append(paper)
    days = sorted(day for day in by_day if day)  # type: ignore[type-var]
    for day in days:
        bot.clock.now = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=8)  # type: ignore[arg-type]
        await bot.list_papers(by_day[day], day)  # type: ignore[arg-type]
        if day == days[-1]:
            return
        bot.clock.now = bot.clock.now.replace(hour=9, minute=1)
        await bot.beat_until_settled()
        titles = {paper.id: f"{paper.title} {paper.abstract}".casefold() for paper in by_day[day]}
        for post in await bot.posts():
            text = titles.get(post.paper_id or "", "")
            if any(word in text for word in _LIKED):
                await bot.react(str(post.paper_id), "👍")
                await bot.react(str(post.paper_id), "🔥", member="ben")
            elif any(word in text for word in _DISLIKED):
                await bot.react(str(post.paper_id), "👎")


async def _pages(site: Site, token: str, browser: Browser, folder: Path) -> None:
    paper_id = next(paper.id for paper in demo_papers() if "federated" in paper.title.casefold())
    for name, path, look in (
        ("day", "/", Look(DESK, "light")),
        ("search", "/search?q=federated", Look(PHONE, "dark")),
        ("paper", f"/paper/{paper_id}", Look(DESK, "light")),
        ("channel-desk", f"/c/{token}", Look(DESK, "light")),
        ("channel-phone", f"/c/{token}", Look(PHONE, "dark")),
        ("feeds", "/feeds", Look(DESK, "light")),
    ):
        async with look.page(browser) as page:
            await page.goto(site.url + path)
            _keep(await page.screenshot(), folder / f"{name}.png")


async def _mail(digest: Digest, home: str, browser: Browser, folder: Path) -> None:
    message = Message(digest.header(), cards=digest.cards, title="Fri 14 Nov: papers")
    page_url = "https://papers.example.org"
    letter = letter_of(
        message,
        page_url,
        f"{page_url}/mail/off/secret",
        lambda *_: f"{page_url}/mail/vote/secret",
        "You get this because this address asked for it and confirmed it.",
    )
    file = Path(home) / "mail.html"
    await asyncio.to_thread(file.write_text, html_of(letter, Templates("bot.platforms.mail")), "utf-8")
    async with Look(PHONE, "light").page(browser) as page:
        await page.goto(file.as_uri())
        _keep(await page.screenshot(), folder / "mail.png")


def _keep(content: bytes, file: Path) -> None:
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
