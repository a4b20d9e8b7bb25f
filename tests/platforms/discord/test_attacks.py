"""The whole bot on Discord, and Discord at its worst: each card once, each vote counted, nobody hammered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from bot.settings import DigestSettings
from bot.store.database import Store
from bot.store.states import ChannelState
from bot.store.tables import deliveries
from tests.fakes.discord import Channel, FakeDiscord, Member, Right
from tests.fakes.discord import Message as Shown
from tests.platforms.discord.server import DiscordServer, server_at_work
from tests.support.harness import ADA, BotHarness, comes_true, demo_papers, harness_over

DAY = demo_papers()[:4]


@dataclass
class Life:
    """A server, and the bot that serves it."""

    server: DiscordServer
    harness: BotHarness

    @property
    def fake(self) -> FakeDiscord:
        return self.server.fake

    async def invited(self, channel: Channel) -> None:
        """A channel with a digest whose hour has come."""
        await self.harness.invite(self.server.place_of(channel), by=self.server.ada.id)

    async def beats(self, count: int, apart: timedelta = timedelta(seconds=30)) -> None:
        for _ in range(count):
            await self.harness.beat()
            self.server.clock.advance(apart)

    async def is_lost(self) -> bool:
        return (await self.harness.channel(self.server.place)).state is ChannelState.LOST

    async def states(self, channel: Channel) -> list[str]:
        return [str(post.state) for post in await self.harness.posts(self.server.place_of(channel))]


@pytest.fixture
async def life(sqlite_store: Store, tmp_path: Path) -> AsyncIterator[Life]:
    async with server_at_work(tmp_path) as server:
        await server.stop()
        harness = harness_over(
            sqlite_store, server.clock, cast("Any", server.platform), digest=DigestSettings(count=2, titles=0)
        )
        server.speaks_to = harness.app.service
        await harness.list_papers(DAY)
        await server.start()
        yield Life(server, harness)
        await harness.app.delivery_worker.stop()


def due(life: Life) -> None:
    """It is a minute after the digest's hour."""
    life.server.clock.advance(timedelta(hours=1, minutes=1))


def once(channel: Channel) -> list[str]:
    """What was said in a channel, which must have been said once."""
    said = [message.words for message in channel.visible]
    assert len(said) == len(set(said)), said
    return said


def card(channel: Channel) -> Shown:
    return next(message for message in channel.visible if any(each.startswith("do:") for each in message.custom_ids))


async def test_every_post_that_met_a_bad_gateway_is_there_once(life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    life.fake.faults.status("create_message", 502, times=3, accepted=True)
    await life.beats(6)
    assert len(once(life.server.ml)) == 3
    assert await life.states(life.server.ml) == ["sent"] * 3


async def test_every_forum_post_that_met_a_bad_gateway_is_there_once(life: Life) -> None:
    forum = life.server.lab.forum("papers", ("New",), require_tag=True)
    await life.invited(forum)
    due(life)
    for name in ("start_thread", "create_message"):
        life.fake.faults.status(name, 502, times=2, accepted=True)
    await life.beats(8)
    assert await life.states(forum) == ["sent"] * 3
    posts = [message for thread in forum.threads for message in thread.visible]
    assert len({post.words for post in posts}) == len(posts) == 3


@pytest.mark.parametrize("status", [403, 404])
async def test_a_page_of_a_proxy_silences_no_channel(status: int, life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    life.fake.faults.status("create_message", status, times=2)
    await life.beats(8)
    assert not await life.is_lost()
    assert len(once(life.server.ml)) == 3
    assert await life.states(life.server.ml) == ["sent"] * 3
    assert life.server.ada.dm.visible == []


async def test_a_lost_reply_is_settled_after_discord_forgot_the_nonce(life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    life.fake.faults.hang("create_message", times=1, accepted=True)
    beat = asyncio.ensure_future(life.harness.beat())
    await life.fake.until(lambda: life.server.ml.visible)
    await life.harness.app.delivery_worker.stop()  # the process ends while Discord has not answered
    await asyncio.wait({beat})
    life.server.clock.advance(timedelta(minutes=20))
    await life.beats(3)
    assert len(once(life.server.ml)) == 3


async def test_lost_post_is_not_sent_again_without_permission_to_read_the_history(life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    life.fake.faults.hang("create_message", times=1, accepted=True)
    beat = asyncio.ensure_future(life.harness.beat())
    await life.fake.until(lambda: life.server.ml.visible)
    await life.harness.app.delivery_worker.stop()
    await asyncio.wait({beat})
    await life.server.ada.denies(life.server.ml, Right.READ_MESSAGE_HISTORY)
    life.server.clock.advance(timedelta(minutes=20))
    await life.beats(3)
    assert len(once(life.server.ml)) == 1
    await life.server.ada.allows(life.server.ml, Right.READ_MESSAGE_HISTORY)
    await life.beats(6)
    assert [said for said in once(life.server.ml) if said.startswith("I am back")]
    assert await life.states(life.server.ml) == ["sent"] * 3


async def test_a_lost_right_is_met_once_and_the_owner_told(life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    await life.server.ada.denies(life.server.ml, Right.SEND_MESSAGES)
    await life.beats(5)
    assert [call.name for call in life.fake.invalid] == ["create_message"]
    assert await life.is_lost()
    assert len(life.server.ada.dm.visible) == 1


@pytest.mark.parametrize("right", [Right.SEND_MESSAGES, Right.VIEW_CHANNEL])
async def test_a_right_given_back_brings_the_digest(right: Right, life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    await life.server.ada.denies(life.server.ml, right)
    await life.beats(2)
    assert await life.is_lost()
    await life.server.ada.allows(life.server.ml, right)
    await life.fake.until(lambda: life.server.ml.visible, within=2)
    await life.beats(2)
    assert await life.states(life.server.ml) == ["sent"] * 3


async def test_a_right_given_back_while_the_bot_was_away_brings_the_digest(life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    await life.server.ada.denies(life.server.ml, Right.SEND_MESSAGES)
    await life.beats(2)
    await life.server.stop()
    await life.server.ada.allows(life.server.ml, Right.SEND_MESSAGES)
    await life.server.start()
    await life.fake.until(lambda: life.server.ml.visible)
    await life.beats(2)
    assert await life.states(life.server.ml) == ["sent"] * 3


async def test_timed_out_bot_posts_its_digest_when_the_time_out_is_over(life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    await life.server.lab.times_bot_out(life.server.now() + timedelta(minutes=10))
    await life.beats(10)
    assert life.server.ml.visible == []
    assert not await life.is_lost()
    assert len(life.fake.invalid) <= 2, "asked again now and then, and not at every beat"
    await life.beats(20)
    assert await life.states(life.server.ml) == ["sent"] * 3
    assert life.server.ada.dm.visible == []


async def test_lost_channel_comes_back_when_a_moderator_ends_the_time_out(life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    await life.server.lab.times_bot_out(life.server.now() + timedelta(days=5))
    await life.harness.app.service.left(life.server.place, "a permission is missing")
    await life.beats(2)
    assert await life.is_lost()
    await life.server.lab.times_bot_out(None)
    await life.fake.until(lambda: life.server.ml.visible)
    assert not await life.is_lost()


async def test_digest_comes_within_minutes_after_a_time_out_ended_early(life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    await life.server.lab.times_bot_out(life.server.now() + timedelta(days=5))
    await life.beats(4)
    await life.server.lab.times_bot_out(None)
    await life.beats(12)
    assert await life.states(life.server.ml) == ["sent"] * 3


@pytest.mark.parametrize("right", [Right.CREATE_PUBLIC_THREADS, Right.SEND_MESSAGES_IN_THREADS])
async def test_thread_style_falls_back_to_cards_without_thread_permissions(right: Right, life: Life) -> None:
    await life.invited(life.server.ml)
    await life.harness.say("settings style thread", place=life.server.place, asker=ADA)
    await life.server.ada.denies(life.server.ml, right)
    await life.server.ada.types(life.server.ml, "papers", "x")  # once that is answered, the bot knows it
    due(life)
    await life.beats(4)
    header, *cards_ = once(life.server.ml)
    assert "thread" not in header
    assert len(cards_) == 2
    assert life.fake.invalid == []


async def test_a_thread_that_is_closed_in_the_middle_is_asked_for_once(life: Life) -> None:
    await life.invited(life.server.ml)
    await life.harness.say("settings style thread", place=life.server.place, asker=ADA)
    due(life)
    life.server.ml.overwrite(life.server.lab.bot_role).deny |= Right.CREATE_PUBLIC_THREADS  # and nobody tells
    await life.beats(6)
    assert len(once(life.server.ml)) == 3
    assert [call.name for call in life.fake.invalid] == ["start_thread_from_message"]
    assert not await life.is_lost()


async def test_deleted_forum_post_is_not_replaced_by_one_post_for_each_paper(life: Life) -> None:
    forum = life.server.lab.forum("papers")
    await life.invited(forum)
    due(life)
    gate = life.fake.faults.hang("create_message")
    beat = asyncio.ensure_future(life.harness.beat())
    await life.fake.until(lambda: life.fake.calls_to("create_message"))
    await life.server.ada.deletes(forum.threads[0])
    gate.set()
    await beat
    await life.beats(6)
    assert forum.threads == []
    assert await life.states(forum) == ["sent", "failed", "failed"]


async def test_refused_forum_post_is_not_replaced_by_one_post_for_each_paper(life: Life) -> None:
    forum = life.server.lab.forum("papers")
    await life.invited(forum)
    due(life)
    life.fake.faults.proxy("start_thread", 400, {"code": 200000, "message": "Message was blocked"})
    await life.beats(6)
    assert forum.threads == []
    assert await life.states(forum) == ["failed", "failed", "failed"]


async def test_a_forum_of_a_server_with_too_many_threads_gets_its_day_later(life: Life) -> None:
    forum = life.server.lab.forum("papers")
    await life.invited(forum)
    due(life)
    life.fake.faults.error("start_thread", 160006, times=8)
    await life.beats(3)
    assert forum.threads == []
    await life.beats(12, timedelta(minutes=16))
    assert await life.states(forum) == ["sent"] * 3
    assert len(forum.threads) == 1


async def test_an_outage_loses_no_channel_and_a_removal_keeps_everything(life: Life) -> None:
    await life.invited(life.server.ml)
    await life.server.lab.outage()
    await life.server.lab.recovers()
    await life.server.ada.types(
        life.server.ml, "papers", "x"
    )  # once that is answered, all that was told before is known
    await life.server.lab.removes_bot()
    await comes_true(life.is_lost)
    await life.beats(3)
    assert life.fake.invalid == []
    await life.server.lab.adds_bot()
    await life.fake.until(lambda: life.server.ml.visible)
    due(life)
    await life.beats(3)
    assert await life.states(life.server.ml) == ["sent"] * 3


async def test_server_that_invites_the_bot_back_gets_the_days_digest_late(life: Life) -> None:
    await life.invited(life.server.ml)
    await life.server.lab.removes_bot()
    await comes_true(life.is_lost)
    due(life)
    await life.beats(2)
    await life.server.lab.adds_bot()
    await life.fake.until(lambda: life.server.ml.visible)
    assert "Next digest: in a moment." in life.server.ml.visible[0].words
    await life.beats(3)
    assert await life.states(life.server.ml) == ["sent"] * 3


async def test_digest_that_is_too_late_after_a_lost_channel_returns_is_recorded_as_missed(life: Life) -> None:
    await life.invited(life.server.ml)
    await life.server.lab.removes_bot()
    await comes_true(life.is_lost)
    life.server.clock.advance(timedelta(days=4, hours=14))  # a Friday night
    await life.server.lab.adds_bot()
    await life.fake.until(lambda: life.server.ml.visible)
    await life.beats(3)
    channel = await life.harness.channel(life.server.place)
    async with life.harness.store.read() as tx:
        rows = (await tx.execute(sa.select(deliveries.c.state, deliveries.c.local_date))).all()
    assert [(state, str(day)) for state, day in rows] == [("missed", "2026-03-06")]
    assert channel.next_due_at is not None
    assert channel.next_due_at > life.server.now()


async def test_server_with_a_chosen_channel_is_not_asked_again(life: Life) -> None:
    server = life.server
    club = life.fake.guild("club", bot=False)
    general, boss = club.text("general"), club.member("boss", manager=True)
    await club.adds_bot()
    for chosen in (False, True):
        [hello] = await life.fake.until(lambda: general.visible)
        if chosen:
            assert "I begin there." in (await server.answered(await boss.picks(hello, "begin", general.id))).words
        for message in general.visible:
            await boss.removes(message)
        server.clock.advance(timedelta(minutes=10))
        await server.restart()
        await server.answered(await boss.says(general, "papers", query="help"))
    await club.outage()
    await club.recovers()
    await server.answered(await boss.says(general, "papers", query="help"))
    assert general.visible == []


async def test_a_token_that_was_reset_loses_no_digest(life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    life.fake.faults.error("create_message", 0, times=12)
    await life.beats(60, timedelta(minutes=5))
    assert await life.states(life.server.ml) == ["sent"] * 3


async def test_an_outage_of_ten_minutes_loses_no_digest(life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    await life.fake.goes_away()
    await life.beats(20)
    await life.fake.comes_back()
    await life.beats(20)
    assert await life.states(life.server.ml) == ["sent"] * 3


@pytest.mark.parametrize("via", [True, False])
async def test_a_limit_is_obeyed_and_loses_nothing(via: bool, life: Life) -> None:
    await life.invited(life.server.ml)
    due(life)
    life.fake.faults.limit("create_message", 120, times=7, via=via)
    await life.beats(10, timedelta(seconds=10))
    assert len(life.fake.invalid) == 1
    await life.beats(100, timedelta(seconds=60))
    assert await life.states(life.server.ml) == ["sent"] * 3
    once(life.server.ml)


async def test_a_promise_whose_reply_was_lost_is_kept(life: Life) -> None:
    life.fake.faults.status("create_interaction_response", 502, accepted=True)
    asked = await life.server.ada.says(life.server.ml, "papers", query="help")
    assert not asked.failed
    shown = await life.server.answered(asked)
    assert "papers" in shown.words


async def test_many_who_ask_at_once_are_all_answered(life: Life) -> None:
    people = [life.server.lab.member(f"m{number}") for number in range(30)]
    asked = await asyncio.gather(*(person.says(life.server.ml, "papers", query="help") for person in people))
    assert [one for one in asked if one.failed] == []
    for one in asked:
        await life.server.answered(one)


async def test_a_shared_answer_whose_reply_was_lost_is_shared_once(
    life: Life, caplog: pytest.LogCaptureFixture
) -> None:
    await life.invited(life.server.ml)
    asked = await life.server.answered(await life.server.ada.says(life.server.ml, "papers", query="learning"))
    [button] = [each for each in asked.custom_ids if each.startswith("do:share")]
    before = len(life.server.ml.visible)
    life.fake.faults.status("create_followup", 502, accepted=True)
    await life.server.ada.presses(asked, button)
    await life.fake.until(lambda: "An answer could not be shown" in caplog.text)
    assert len(life.server.ml.visible) == before + 1


@pytest.mark.parametrize("call", ["create_interaction_response", "edit_response_message", "create_followup"])
async def test_an_answer_that_hangs_holds_up_nobody_else(life: Life, call: str) -> None:
    await life.invited(life.server.ml)
    due(life)
    life.fake.answer_within = 60
    before, gates = len(life.fake.calls_to(call)), [life.fake.faults.hang(call) for _ in range(3)]
    people = [life.server.lab.member(f"m{number}") for number in range(4)]
    asking = [asyncio.create_task(asks_and_shares(life, person)) for person in people[:3]]
    await life.fake.until(lambda: len(life.fake.calls_to(call)) == before + 3)
    await asyncio.wait_for(asks_and_shares(life, people[3]), 20)
    await life.beats(1)
    assert await life.states(life.server.ml) == ["sent"] * 3
    await people[3].reacts(card(life.server.ml), "👍")

    async def counted() -> bool:
        answer = await life.server.answered(await people[3].says(life.server.ml, "papers", query="help"))
        return "Learned from 1 vote" in answer.words

    await comes_true(counted)
    for gate in gates:
        gate.set()
    await asyncio.gather(*asking)


async def asks_and_shares(life: Life, person: Member) -> None:
    """Somebody asks, shares what they got, and all of it has come."""
    asked = await life.server.answered(await person.says(life.server.ml, "papers", query="learning"))
    [button] = [each for each in asked.custom_ids if each.startswith("do:share")]
    shared = await person.presses(asked, button)
    await life.fake.until(lambda: len(shared.answers) == 2)
