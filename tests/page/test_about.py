"""The pages about this Paperboy: how to get it, and what it stores."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import aiohttp
from aiohttp import web

from bot.commands.registry import COMMANDS
from bot.platforms.discord.platform import DiscordPlatform
from bot.platforms.slack.platform import SlackPlatform
from bot.ports.platform import Invitation, Platform
from bot.settings import load
from bot.store.database import Store
from bot.store.tables import metadata
from bot.web.server import serving
from bot.web.templates import Templates
from bot.website import website
from tests.fakes.clock import Clock
from tests.page.conftest import HTML, Site
from tests.support.chat import FakeChat
from tests.support.harness import harness_over

DISCORD_TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.x.y"  # the id 123456789012345678, and two parts that are no secret


class InvitingChat(FakeChat):
    """A chat that people can get the bot into."""

    def __init__(self, name: str, invitation: Invitation) -> None:
        super().__init__(name=name)
        self.invitation = invitation


async def install_page(store: Store, clock: Clock, platforms: Sequence[Platform]) -> str:
    bot = harness_over(store, clock, web=load(None, {}).web.model_copy(update={"port": 0}))
    app = replace(bot.app, platforms={platform.name: platform for platform in platforms})
    async with (
        website(app, required=True, clock=clock) as url,
        aiohttp.ClientSession() as client,
        client.get(f"{url}/install", headers=HTML) as answer,
    ):
        assert answer.status == 200
        return await answer.text()


async def test_install_says_what_each_platform_offers(sqlite_store: Store, clock: Clock) -> None:
    hostile = Invitation("Post & Co", "Write <b>a letter</b> to", "/join", "Join", "https://post.example/?a=1&b=2")
    page = await install_page(sqlite_store, clock, [InvitingChat("post", hostile), FakeChat(name="silent")])
    assert "Post &amp; Co" in page
    assert "Write &lt;b&gt;a letter&lt;/b&gt; to <code>/join</code>." in page
    assert '<a class="go" href="https://post.example/?a=1&amp;b=2" rel="noreferrer">Join</a>' in page
    assert "silent" not in page


async def test_install_says_that_no_chat_is_set_up(site: Site) -> None:
    page = await site.get("/install")
    assert "This Paperboy is in no chat yet." in page.text


async def test_privacy_tells_of_every_table_and_field(site: Site) -> None:
    page = await site.get("/privacy")
    assert page.status == 200
    for table in metadata.tables.values():
        assert f"<h3>{table.name}</h3>" in page.text
        for column in table.c:
            assert f"<code>{column.name}</code>: " in page.text
    assert "<code>/papers forget me</code>" in page.text
    assert "`" not in page.text


def test_one_slack_workspace_has_no_button(clock: Clock) -> None:
    invitation = SlackPlatform("xoxb-1", "xapp-1", clock, COMMANDS).invitation
    assert "no other can install it" in invitation.text
    assert not invitation.url


def test_discord_is_invited_by_a_link_for_its_application(clock: Clock, tmp_path: Path) -> None:
    invitation = DiscordPlatform(DISCORD_TOKEN, clock, tmp_path, COMMANDS).invitation
    assert invitation.url.startswith("https://discord.com/oauth2/authorize?client_id=123456789012345678&")
    assert DISCORD_TOKEN not in repr(invitation)
    assert not DiscordPlatform("nonsense", clock, tmp_path, COMMANDS).invitation.url


async def test_without_the_page_no_other_page_links_to_it(site: Site) -> None:
    async def install(request: web.Request) -> web.Response:
        return Templates("bot.platforms.slack").page("begin.html", url="https://slack.com/x")

    async with serving([web.get("/slack/install", install)], "127.0.0.1", 0) as url:
        for path in ("/slack/install", "/nowhere"):
            async with site.client.get(url + path, headers=HTML) as answer:
                text = await answer.text()
            assert "Paperboy" in text
            assert re.findall(r'href="(/(?!static)[^"]*)"|action="', text) == [], path
    assert 'href="/trending"' in (await site.get("/")).text
