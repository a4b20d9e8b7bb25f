"""The command mail, over the real subscriptions and a platform that writes down what it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.installations.encryption import TokenCipher
from bot.model.messages import Asker, Place, PlaceKind
from bot.model.subscriptions import Content, Wish
from bot.ports.platform import NotAccepted
from bot.settings import DigestSettings
from bot.store import links, subscriptions
from bot.store.database import Store
from bot.subscriptions import StoredSubscriptions
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import PLACE, BotHarness, harness_over

ALONE = Place("fake", "d1", kind=PlaceKind.DIRECT, private=True)
BEN = Asker("ben", name="Ben")


class MailingChat(FakeChat):
    """A chat that can also send mail."""

    subscriptions: StoredSubscriptions
    wishes: list[Wish]
    full = False

    async def request(self, wish: Wish) -> None:
        if self.full:
            raise NotAccepted("full")
        await self.subscriptions.request(wish)
        self.wishes.append(wish)

    async def end_all_of(self, platform: str, workspace: str | None, member: str) -> int:
        return await self.subscriptions.end_all_of(platform, workspace, member)


@pytest.fixture
def chat(sqlite_store: Store, clock: Clock, tmp_path: Path) -> MailingChat:
    chat = MailingChat()
    cipher, defaults = TokenCipher((), tmp_path / "key"), DigestSettings().channel_defaults()
    chat.subscriptions, chat.wishes = StoredSubscriptions(sqlite_store, cipher, clock, "mail", defaults), []
    return chat


@pytest.fixture
def bot(sqlite_store: Store, clock: Clock, chat: MailingChat) -> BotHarness:
    return harness_over(sqlite_store, clock, chat)


async def test_an_address_alone_asks_for_what_is_trending(bot: BotHarness, chat: MailingChat) -> None:
    reply = await bot.say("mail ben@example.org", BEN, ALONE)
    assert reply.ok
    assert "A mail is on its way to ben@example.org." in reply.text
    assert "trending papers every day at 09:00 (UTC)" in reply.text
    [wish] = chat.wishes
    assert wish == Wish("ben@example.org", platform="fake", member="ben")


@pytest.mark.parametrize(
    ("line", "content", "subject", "weekly"),
    [
        ("mail ben@example.org weekly", Content.TRENDING, "", True),
        ("mail <mailto:ben@example.org|ben@example.org> daily graphs", Content.SEARCH, "graphs", False),
        ('mail ben@example.org weekly "graph learning" -survey', Content.SEARCH, '"graph learning" -survey', True),
        ("mail mailto:ben@example.org cat:cs.LG", Content.SEARCH, "cat:cs.LG", False),
    ],
)
async def test_words_behind_it_say_what_and_how_often(
    bot: BotHarness, chat: MailingChat, line: str, content: Content, subject: str, weekly: bool
) -> None:
    assert (await bot.say(line, BEN, ALONE)).ok
    [wish] = chat.wishes
    assert (wish.address, wish.content, wish.subject, wish.weekly) == ("ben@example.org", content, subject, weekly)


async def test_a_channels_link_asks_for_its_picks(bot: BotHarness, chat: MailingChat, clock: Clock) -> None:
    await bot.invite()
    channel = await bot.channel()
    async with bot.store.write() as tx:
        secret = await links.make(tx, channel.id, "ada", clock.now)
    for line in (f"https://papers.example.org/c/{secret}", f"<https://papers.example.org/c/{secret}>"):
        assert "a channel's picks every day" in (await bot.say(f"mail ben@example.org {line}", BEN, ALONE)).text
    assert {(wish.content, wish.subject) for wish in chat.wishes} == {(Content.CHANNEL, secret)}
    reply = await bot.say(f"mail ben@example.org https://papers.example.org/c/{'x' * 43}", BEN, ALONE)
    assert not reply.ok
    assert "leads nowhere" in reply.text


async def test_an_address_stays_out_of_channels(bot: BotHarness, chat: MailingChat) -> None:
    reply = await bot.say("mail ben@example.org", BEN, PLACE)
    assert not reply.ok
    assert "direct message" in reply.text
    assert "ben@" not in reply.text
    assert chat.wishes == []


async def test_where_no_mail_is_set_up_it_says_who_can_mend_that(sqlite_store: Store, clock: Clock) -> None:
    reply = await harness_over(sqlite_store, clock).say("mail ben@example.org", BEN, ALONE)
    assert not reply.ok
    assert "`email.smtp_url`" in reply.text


@pytest.mark.parametrize("line", ["mail ben@", "mail ben@nowhere", "mail @", "mail a@b@c.org x"])
async def test_a_broken_address_is_told(bot: BotHarness, chat: MailingChat, line: str) -> None:
    reply = await bot.say(line, BEN, ALONE)
    assert not reply.ok
    assert "is no mail address like you@example.org" in reply.text
    assert chat.wishes == []


async def test_words_without_an_address_may_be_a_search(bot: BotHarness) -> None:
    reply = await bot.say("mail spam filters", BEN, ALONE)
    assert not reply.ok
    assert [action.argument for action in reply.actions] == ["mail spam filters"]
    assert "`/papers mail off` ends it" in (await bot.say("mail", BEN, ALONE)).text


async def test_off_ends_what_this_member_asked_for(bot: BotHarness, chat: MailingChat) -> None:
    await bot.say("mail ben@example.org", BEN, ALONE)
    await bot.say("mail ben@example.org graphs", BEN, ALONE)
    for wish in [*chat.wishes, Wish("eve@example.org", platform="fake", member="eve"), Wish("page@example.org")]:
        await chat.subscriptions.confirm(wish)
    assert (await bot.say("mail off", BEN, ALONE)).text.startswith("Done: 2 subscriptions ended")
    assert (await bot.say("mail OFF.", BEN, ALONE)).text.startswith("You get no mail that you asked for")
    async with bot.store.read() as tx:
        assert len(await subscriptions.every(tx)) == 2


async def test_nobody_floods_an_inbox(bot: BotHarness, chat: MailingChat) -> None:
    replies = [await bot.say("mail ben@example.org", BEN, ALONE) for _ in range(4)]
    assert [reply.ok for reply in replies] == [True, True, True, False]
    others = [await bot.say(f"mail b{number}@example.org", BEN, ALONE) for number in range(9)]
    assert sum(reply.ok for reply in others) == 10 - 3
    chat.full = True
    assert "try again in a minute" in (await bot.say("mail z@example.org", BEN, ALONE)).text


async def test_what_is_forgotten_and_exported_names_the_subscriptions(bot: BotHarness, chat: MailingChat) -> None:
    await bot.say("mail ben@example.org", BEN, ALONE)
    await chat.subscriptions.confirm(chat.wishes[0])
    assert "1 subscription by mail" in (await bot.say("forget me", BEN, ALONE)).text
    export = (await bot.say("export mine", BEN, ALONE)).attachment
    assert export is not None
    assert '"row": "subscription"' in export.content
    await bot.say("forget me yes", BEN, ALONE)
    async with bot.store.read() as tx:
        assert await subscriptions.every(tx) == []
