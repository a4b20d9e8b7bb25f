"""The whole bot with mail: opt-in, digests, votes, leaving, refusals and bounces, each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from bot.model.subscriptions import Content, Wish
from bot.platforms.mail.platform import MailPlatform
from bot.store import channels, links, votes
from bot.store.channels import Channel
from bot.store.database import Store
from bot.store.states import ChannelState, PostState
from bot.store.votes import VoteSignal
from bot.subscriptions import StoredSubscriptions
from tests.fakes.clock import Clock
from tests.fakes.smtp import MailServer, Received, mail_server
from tests.platforms.mail.mailbox import ADA, BEN, PAGE_URL, Browser, browsing, links_in, mail_platform
from tests.store.whole import dump
from tests.support.chat import FakeChat
from tests.support.dying import Death, Fate, MortalPlatform, MortalStore
from tests.support.harness import PLACE, BotHarness, demo_papers, harness_over

ONE_CLICK = b"List-Unsubscribe=One-Click"
STEPS = 16
"""Places at which a process may die while it plans and sends one mail: before and after each of its transactions, and
before and after the mail itself."""
DSN = b"""\
From: MAILER-DAEMON@mail.test
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It came back.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.test

Final-Recipient: rfc822; ada@example.org
Action: failed
Status: 5.1.1

--b--
"""


@dataclass
class Post:
    """The bot with mail, its server, and a browser before its pages."""

    bot: BotHarness
    platform: MailPlatform
    subscriptions: StoredSubscriptions
    server: MailServer
    browser: Browser
    clock: Clock

    async def subscribe(self, address: str = ADA, **fields: str) -> Received:
        """Fill in the form; the confirmation that comes."""
        before = len(self.server.received)
        assert (await self.browser.subscribe(address, **fields)).status == 200
        await self.platform.outbox.settled()
        [confirmation] = self.server.received[before:]
        return confirmation

    async def join(self, address: str = ADA, **fields: str) -> None:
        """Subscribe and confirm, and forget the confirmation."""
        confirmation = await self.subscribe(address, **fields)
        [path] = set(links_in(confirmation)["confirm"])
        assert (await self.browser.post(path)).status == 200
        self.server.received.clear()

    async def morning(self, first: int, last: int) -> None:
        """The next morning, with some of the demo's papers as its news."""
        await self.bot.next_morning()
        self.clock.now -= timedelta(hours=2)
        await self.bot.list_papers(demo_papers()[first:last])
        self.clock.now += timedelta(hours=2)
        await self.bot.beat()

    async def channel(self) -> Channel:
        async with self.bot.store.read() as tx:
            [channel] = await channels.list_all(tx, ["mail"])
        return channel

    async def states(self) -> list[PostState]:
        return [post.state for post in await self.bot.posts((await self.channel()).place)]


@asynccontextmanager
async def posting(store: Store, clock: Clock, folder: Path, **how: object) -> AsyncIterator[Post]:
    async with mail_server() as server:
        platform, subscriptions = mail_platform(store, server, clock, folder / "key", **how)  # type: ignore[arg-type]
        bot = harness_over(store, clock, cast("FakeChat", platform))
        running = asyncio.create_task(platform.run(bot.app.service))
        async with browsing(platform) as browser:
            await asyncio.sleep(0)
            yield Post(bot, platform, subscriptions, server, browser, clock)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.fixture
async def post(store: Store, clock: Clock, tmp_path: Path) -> AsyncIterator[Post]:
    async with posting(store, clock, tmp_path) as opened:
        yield opened


async def test_papers_come_after_a_confirmation_and_each_once(post: Post) -> None:
    confirmation = await post.subscribe()
    message = confirmation.message
    assert (message["To"], message["Subject"]) == (ADA, "Confirm: papers by mail")
    assert "List-Unsubscribe" not in message
    [path] = set(links_in(confirmation)["confirm"])
    for _ in range(3):  # programs that scan mail open every link
        assert "trending papers every day at 09:00 (UTC) to ada@example.org?" in (await post.browser.get(path)).words
    await post.morning(0, 40)
    assert post.server.to(ADA) == [confirmation]
    for _ in range(2):
        assert (await post.browser.post(path)).status == 200
    await post.morning(40, 80)
    await post.bot.beat()
    [_, digest] = post.server.to(ADA)
    assert digest.message["Subject"].endswith(" + 4 more")
    assert await post.states() == [PostState.SENT]
    await post.morning(80, 100)
    assert len(post.server.to(ADA)) == 3


async def test_a_digest_has_the_headers_of_a_list_and_both_texts(store: Store, clock: Clock, tmp_path: Path) -> None:
    async with posting(store, clock, tmp_path, unsubscribe="leave@example.org", bounces="bounces@example.org") as post:
        await post.join()
        await post.morning(0, 40)
        [mail] = post.server.received
        [stored] = await post.bot.posts((await post.channel()).place)
    message = mail.message
    [off] = set(links_in(mail)["off"])
    assert message["Message-ID"] == f"<{stored.key}@papers.example.org>" == f"<{stored.message}>"
    token = off.rpartition("/")[2]
    assert message["List-Unsubscribe"] == f"<{PAGE_URL}{off}>, <mailto:leave@example.org?subject=off%20{token}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (message["Auto-Submitted"], message["Precedence"]) == ("auto-generated", "bulk")
    assert message["List-Id"] == "Paperboy <paperboy.papers.example.org>"
    assert message["From"] == "Paperboy <papers@example.org>"
    assert message["Date"].datetime == clock.now.replace(microsecond=0)
    assert mail.sender.startswith("bounces+")
    assert mail.sender.endswith("@example.org")
    assert len(mail.sender.partition("@")[0]) <= 64
    html = mail.part("html")
    for card in ("More like this", "Unsubscribe", "because" if "because" in html else "papers"):
        assert card in html
    assert not any(tag in html for tag in ("<img", "<script", "<link", "url(", "@import"))
    assert {part.get_content_type() for part in message.walk()} == {
        "multipart/alternative",
        "text/plain",
        "text/html",
    }


@pytest.mark.parametrize("body", [ONE_CLICK, b"", b"x" * 50_000, b"\xff\x00"])
async def test_one_click_ends_it_and_a_second_click_changes_nothing(post: Post, body: bytes) -> None:
    await post.join()
    await post.morning(0, 40)
    [off] = set(links_in(post.server.received[0])["off"])
    for _ in range(3):
        assert "No more mails?" in (await post.browser.get(off)).words
    assert (await post.channel()).state is ChannelState.ACTIVE
    for _ in range(2):
        page = await post.browser.post(off, body=body)
        assert (page.status, "You are unsubscribed" in page.words) == (200, True)
    left = await dump(post.bot.store)
    assert (left["subscriptions"], left["channels"], left["posts"]) == ([], [], [])
    await post.morning(40, 80)
    assert len(post.server.received) == 1


async def test_votes_teach_the_reader_and_the_next_mail_says_why(post: Post) -> None:
    await post.join()
    await post.join(BEN)
    await post.morning(0, 40)
    mine = post.server.to(ADA)[0]
    like, dislike = links_in(mine)["vote"][:2]
    for path in (like, dislike):
        for _ in range(2):
            assert (await post.browser.get(path)).status == 200
    assert await standing(post) == []
    for _ in range(2):
        page = await post.browser.post(like)
        assert "Counted: more like" in page.words
    assert [signal for _, signal in await standing(post)] == [VoteSignal.MORE]
    post.clock.advance(timedelta(seconds=1))
    page = await post.browser.post(dislike)
    assert [signal for _, signal in await standing(post)] == [VoteSignal.LESS]
    back = [line.split('"')[0] for line in page.text.split('action="')[2:]][-1]
    post.clock.advance(timedelta(seconds=1))
    assert "Taken back" in (await post.browser.post(back)).words
    assert await standing(post) == []
    post.clock.advance(timedelta(seconds=1))
    await post.browser.post(like)
    await post.morning(40, 80)
    assert "learned from your 1 vote." in post.server.to(ADA)[-1].part("plain")
    assert "because you liked" in post.server.to(ADA)[-1].part("plain")
    assert "learned from" not in post.server.to(BEN)[-1].part("plain")


async def standing(post: Post) -> list[tuple[str, str]]:
    async with post.bot.store.read() as tx:
        rooms = await channels.list_all(tx, ["mail"])
        stored = [vote for room in rooms for vote in await votes.for_channel(tx, room.id)]
    return [(vote.paper_id, vote.signal) for vote in stored if vote.on]


async def test_a_server_that_says_later_gets_the_mail_later_and_once(post: Post) -> None:
    await post.join()
    post.server.recipient_answers[ADA].extend(["451 4.7.1 greylisted"] * 2)
    await post.morning(0, 40)
    assert (post.server.received, await post.states()) == ([], [PostState.PLANNED])
    await post.bot.beat_until_settled(seconds=60)
    assert (len(post.server.received), await post.states()) == (1, [PostState.SENT])


async def test_an_address_that_refuses_twice_in_a_row_is_paused_until_it_asks_again(post: Post) -> None:
    await post.join()
    post.server.recipient_answers[ADA].extend(["550 5.1.1 who is ada@example.org?"] * 2)
    await post.morning(0, 40)
    assert await post.states() == [PostState.FAILED]
    await post.morning(40, 80)
    channel = await post.channel()
    assert channel.state is ChannelState.LOST
    assert channel.state_reason == "the address was refused (550 5.1.1, there is no such mailbox), twice in a row"
    for day in range(3):
        await post.bot.next_morning()
        await post.bot.app.scheduler.run("lost channels")
        await post.bot.beat()
        assert (await post.channel()).state is ChannelState.LOST, day
    assert post.server.received == []
    await post.join()
    await post.morning(80, 100)
    assert len(post.server.received) == 1


async def test_one_refusal_between_two_mails_changes_nothing(post: Post) -> None:
    await post.join()
    for first in (0, 20, 40, 60):
        if first in (0, 40):
            post.server.recipient_answers[ADA].append("550 5.2.2 full")
        await post.morning(first, first + 20)
    assert len(post.server.received) == 2
    assert (await post.channel()).state is ChannelState.ACTIVE


async def test_a_mail_that_came_back_pauses_its_address(store: Store, clock: Clock, tmp_path: Path) -> None:
    async with posting(store, clock, tmp_path, bounces="bounces@example.org") as post:
        await post.join()
        await post.morning(0, 40)
        token = post.server.received[0].sender.partition("+")[2].partition("@")[0]
        delayed = DSN.replace(b"Action: failed", b"Action: delayed").replace(b"5.1.1", b"4.4.1")
        for body in (b"", b"nonsense", delayed, b"Action: failed\r\nStatus: 5.1.1\r\n"):
            assert (await post.browser.post(f"/mail/bounce/{token}", body=body)).status == 422
        for wrong in (token[:-1], token[:-1] + "ü", "x", "." * 100):
            assert (await post.browser.post(f"/mail/bounce/{wrong}", body=DSN)).status == 404
        assert (await post.channel()).state is ChannelState.ACTIVE
        for _ in range(2):
            assert (await post.browser.post(f"/mail/bounce/{token}", body=DSN)).status == 200
        assert (await post.channel()).state_reason == "a mail came back"
        await post.morning(40, 80)
        assert len(post.server.received) == 1


@pytest.mark.parametrize("fault", ["cut", "drop", "hang", "299 perhaps"])
async def test_a_mail_that_may_have_been_taken_is_not_sent_again(
    store: Store, clock: Clock, tmp_path: Path, fault: str
) -> None:
    async with posting(store, clock, tmp_path, taking_seconds=0.3) as post:
        await post.join()
        post.server.data_answers.append(fault)
        await post.morning(0, 40)
        await post.bot.beat_until_settled(seconds=60)
        assert (len(post.server.received), await post.states()) == (0 if fault == "drop" else 1, [PostState.FAILED])
        await post.morning(40, 80)
        ids = [link for mail in post.server.received for link in mail.part("plain").split() if "/abs/" in link]
        assert len(ids) == len(set(ids))
        assert (await post.states())[-1] is PostState.SENT


async def test_a_server_that_is_down_for_an_hour_costs_no_digest(post: Post) -> None:
    await post.join()
    port, post.platform._client.server = post.platform._client.server, replace(post.platform._client.server, port=9)
    await post.morning(0, 40)
    for _ in range(12):
        post.clock.advance(timedelta(minutes=5))
        await post.bot.beat()
    post.platform._client.server = port
    await post.bot.beat_until_settled(seconds=60)
    assert (len(post.server.received), await post.states()) == (1, [PostState.SENT])


@pytest.mark.parametrize("at", range(1, 19))
async def test_a_process_that_dies_at_any_step_sends_each_mail_at_most_once(
    sqlite_store: Store, sqlite_url: str, clock: Clock, tmp_path: Path, at: int
) -> None:
    async with posting(sqlite_store, clock, tmp_path) as post:
        await post.join()
        await post.bot.list_papers(demo_papers()[:40])
        await post.bot.next_morning()
        fate = Fate()
        dying = MortalStore(sqlite_url, fate)
        mortal = harness_over(dying, clock, cast("FakeChat", MortalPlatform(post.platform, fate)))
        await mortal.app.paper_index.sync()
        fate.at, fate.steps = at, 0
        with suppress(Death):
            await mortal.app.planner.plan_due()
            await mortal.app.delivery_worker.deliver((await post.channel()).id)
        await dying.close()
        sent_before = len(post.server.received)
        after = harness_over(sqlite_store, clock, cast("FakeChat", post.platform))
        await after.app.paper_index.sync()
        await after.beat_until_settled(seconds=60)
        [state] = await post.states()
        assert len(post.server.received) == (1 if state is PostState.SENT else sent_before)
        assert state in (PostState.SENT, PostState.FAILED)
        assert fate.dead == (at <= STEPS), fate.steps


async def test_a_subscription_to_a_search_is_mailed_its_matches(post: Post) -> None:
    await post.join(content="search", q="robot")
    await post.morning(0, 60)
    [mail] = post.server.received
    assert "about “robot”." in mail.part("plain")


async def test_a_subscription_to_a_link_gets_the_picks_of_that_channel_until_it_is_revoked(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    async with posting(store, clock, tmp_path) as post:
        chat = FakeChat()
        team = harness_over(store, clock, chat)
        await team.list_papers(demo_papers()[:40])
        await team.invite()
        await team.next_morning()
        await team.beat()
        source = await team.channel()
        shown = [shown.message.card for shown in chat.shown[PLACE.address] if shown.message.card]
        await team.react(shown[2].paper_id)
        async with store.write() as tx:
            secret = await links.make(tx, source.id, "ada", clock.now)
        await post.join(content="channel", link=f"{PAGE_URL}/c/{secret}", hour="10:00")
        clock.advance(timedelta(hours=1))
        await post.bot.beat()
        [mail] = post.server.received
        text = mail.part("plain")
        assert all(card.title in text and card.why in text for card in shown)
        assert text.index(shown[2].title) < text.index(shown[0].title)
        assert "1 👍 in #ml" in text
        assert "picked for the channel" in text
        async with store.write() as tx:
            await links.revoke(tx, source.id, clock.now)
        await team.list_papers(demo_papers()[40:80])
        await team.next_morning()
        await team.beat()
        clock.advance(timedelta(hours=1))
        await post.bot.beat()
        assert len(post.server.received) == 1


async def test_no_log_line_names_an_address(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    post.server.recipient_answers[ADA].append("550 5.1.1 no ada@example.org")
    await post.browser.subscribe(ADA)
    await post.platform.outbox.settled()
    await post.join()
    post.server.recipient_answers[ADA].extend(["451 ada@example.org later", "550 5.1.1 no ada@example.org"])
    post.server.data_answers.append("554 no spam for ada@example.org")
    for first in (0, 20, 40):
        await post.morning(first, first + 20)
        await post.bot.beat_until_settled(seconds=60)
    lines = [record.getMessage() for record in caplog.records if not record.name.startswith("mail.")]
    assert lines
    assert not [line for line in lines if "ada@" in line]
    assert "ada@" not in repr(await dump(post.bot.store))


async def test_the_third_confirmation_of_a_day_is_the_last(post: Post) -> None:
    for _ in range(5):
        page = await post.browser.subscribe(ADA)
        assert "Look into your inbox" in page.words
    await post.platform.outbox.settled()
    assert len(post.server.received) == 3


async def test_a_subscribed_address_gets_the_same_answer(post: Post) -> None:
    await post.join()
    first = await post.browser.subscribe(ADA)
    second = await post.browser.subscribe(BEN)
    assert first.status == second.status == 200
    assert first.words == second.words.replace(BEN, ADA)


async def test_a_confirmation_is_tried_again_where_the_server_says_later(post: Post) -> None:
    post.server.recipient_answers[ADA].extend(["451 later", "421 busy"])
    await post.subscribe()


async def test_mail_that_ended_is_not_sent_though_it_was_planned(post: Post) -> None:
    await post.join()
    post.server.recipient_answers[ADA].append("451 later")
    await post.morning(0, 40)
    assert await post.subscriptions.end((await post.channel()).place)
    post.clock.advance(timedelta(minutes=10))
    await post.bot.beat()
    assert post.server.received == []


async def test_a_weekly_subscription_comes_on_mondays(post: Post) -> None:
    await post.join(often="weekly", hour="07:00", zone="Berlin")
    channel = await post.channel()
    assert (channel.days, channel.zone, channel.hour) == ("mon", "Europe/Berlin", "07:00")
    assert channel.next_due_at is not None
    assert channel.next_due_at.weekday() == 0


async def test_a_subscription_of_another_wish_is_another_place(post: Post) -> None:
    await post.subscriptions.confirm(Wish(ADA))
    await post.subscriptions.confirm(Wish(ADA, Content.SEARCH, "robot"))
    await post.morning(0, 60)
    assert len(post.server.to(ADA)) == 2
