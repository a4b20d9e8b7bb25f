"""The command link: one secret address of the channel's page, made and ended by managers, shown to them alone."""

from __future__ import annotations

import pytest

from bot.model.messages import SHARE, Action, Asker, Place, PlaceKind, Reply
from bot.settings import load
from bot.store import links
from bot.store.database import Store
from bot.store.links import ChannelLink
from tests.fakes.clock import Clock
from tests.store.whole import dump
from tests.support.harness import ADA, BEN, BotHarness, harness_over, paper
from tests.support.saying import button, press

URL = "https://papers.example.org"
HOME = Place("fake", "ben", kind=PlaceKind.DIRECT)


@pytest.fixture
async def bot(store: Store, clock: Clock) -> BotHarness:
    """A bot whose page others reach, in one channel."""
    web = load(None, {}).web.model_copy(update={"public_url": URL})
    harness = harness_over(store, clock, web=web)
    await harness.invite()
    return harness


def token_of(reply: Reply) -> str:
    page, feed = (link.url for link in reply.links)
    token = page.removeprefix(f"{URL}/c/")
    assert feed == f"{URL}/feeds/c/{token}.atom"
    return token


async def found(bot: BotHarness, token: str) -> ChannelLink | None:
    async with bot.store.read() as tx:
        return await links.find(tx, token)


async def test_a_manager_makes_the_link_and_ends_it(bot: BotHarness) -> None:
    reply = await bot.say("link")
    assert reply.ok
    assert not reply.public
    assert "Whoever has a link can read" in reply.text
    token = token_of(reply)
    assert token not in reply.text
    link = await found(bot, token)
    assert link
    assert (link.works, link.channel_id) == (True, (await bot.channel()).id)
    assert (await press(bot, button(reply, "Revoke"))).text.startswith("Done: the link and its feed have ended.")
    link = await found(bot, token)
    assert link
    assert not link.works
    assert (await bot.say("link revoke")).text.startswith("There is no link to end.")


async def test_asked_again_it_says_who_made_it_and_replaces_it_only_when_told(bot: BotHarness) -> None:
    first = token_of(await bot.say("link"))
    again = await bot.say("link", Asker("eve", manager=True))
    assert "another manager made it today" in again.text
    assert not again.links
    assert "you made it today" in (await bot.say("link")).text
    new = await press(bot, button(again, "New link"))
    assert "The link before it has ended." in new.text
    old, link = await found(bot, first), await found(bot, token_of(new))
    assert old
    assert link
    assert (old.works, link.works) == (False, True)


async def test_a_press_that_is_reported_twice_does_not_end_the_link_it_made(bot: BotHarness) -> None:
    again = [await bot.say("link"), await bot.say("link")][1]
    service, press_new = bot.app.service, button(again, "New link")
    place = (await bot.channel()).place
    replies = [await service.act(place, ADA, press_new, event_id="event-1") for _ in range(2)]
    token = token_of(replies[0])
    assert not replies[1].links
    link = await found(bot, token)
    assert link
    assert link.works


async def test_only_managers_make_a_channels_link_and_anybody_their_own(bot: BotHarness) -> None:
    for line in ("link", "link new", "link revoke"):
        assert not (await bot.say(line, BEN)).ok
    own = await bot.say("link", BEN, HOME)
    assert "your own page" in own.text
    link = await found(bot, token_of(own))
    assert link
    assert link.channel_id == (await bot.channel(HOME)).id


async def test_nobody_shares_it_and_the_store_does_not_know_it(
    bot: BotHarness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    reply = await bot.say("link")
    token = token_of(reply)
    assert all(action.command != SHARE for action in reply.actions)
    for line in ("link", "link new"):
        shared = await press(bot, Action("Share", SHARE, line))
        assert not shared.ok
        assert not shared.links
    await bot.say("export")
    assert token not in repr(await dump(bot.store))
    assert token not in caplog.text
    exported = (await bot.say("export")).attachment
    assert exported
    assert '"row": "link"' in exported.content
    assert token not in exported.content


async def test_several_pasted_commands_keep_their_links(bot: BotHarness) -> None:
    reply = await bot.say("/papers taste\n/papers link")
    assert token_of(reply)


async def test_other_words_behind_its_name_are_a_search_for_anybody(bot: BotHarness) -> None:
    await bot.list_papers([paper(1, title="Link prediction in sparse graphs")])
    for line in ("link prediction", "Link prediction in sparse graphs"):
        reply = await bot.say(line, BEN)
        assert [each.title for each in reply.lines] == ["Link prediction in sparse graphs"]
    assert not (await press(bot, Action("Odd", "link", "everywhere"))).ok
    async with bot.store.read() as tx:
        assert await links.count_standing(tx) == 0
    assert token_of(await bot.say("LINK New"))


@pytest.mark.parametrize("web", [{}, {"page": False, "public_url": URL}])
async def test_without_a_page_that_members_reach_it_says_what_to_set(
    sqlite_store: Store, clock: Clock, web: dict[str, object]
) -> None:
    harness = harness_over(sqlite_store, clock, web=load(None, {}).web.model_copy(update=web))
    await harness.invite()
    reply = await harness.say("link")
    assert not reply.ok
    assert "`PAPERBOY_WEB__PUBLIC_URL=https://papers.example.org`" in reply.text
    async with sqlite_store.read() as tx:
        assert await links.count_standing(tx) == 0
