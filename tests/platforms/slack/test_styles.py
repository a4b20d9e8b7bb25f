"""The styles of a digest in Slack: what is asked of it, what people see, and what their emoji do there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.model.codec import load_message
from bot.model.messages import Style
from bot.settings import DigestSettings
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.fakes.slack.server import FakeSlack
from tests.platforms.rendered import DIGEST, Snapshots
from tests.platforms.slack.team import SlackTeam
from tests.platforms.whole_bot import digest_posted
from tests.support.harness import BotHarness
from tests.support.voting import resync

SNAPSHOTS = Snapshots(Path(__file__))


async def requests(style: Style) -> list[dict[str, Any]]:
    """The calls of chat.postMessage for the digest."""
    clock = Clock()
    async with FakeSlack(clock) as slack:
        team, head = SlackTeam(slack, clock), ""
        for place, draft in enumerate(DIGEST.drafts(style, team.platform.capabilities)):
            message = replace(load_message(draft.body), thread=head if draft.threaded else "")
            sent = await team.platform.send(team.place, message, f"pb1.1-{place}")
            head = head or sent
        return [dict(call.args) for call in slack.calls_to("chat.postMessage")]


@pytest.mark.parametrize("style", list(Style))
async def test_slack_is_asked_exactly_what_the_snapshot_says(style: Style) -> None:
    """After a change that is meant: `python -m tests.platforms.slack.test_styles`."""
    assert SNAPSHOTS.kept(f"digest_{style}") == await requests(style)


@contextlib.asynccontextmanager
async def team_with_digest(store: Store, style: Style) -> AsyncIterator[tuple[SlackTeam, BotHarness]]:
    """A team in whose channel today's digest has come."""
    clock = Clock()
    async with FakeSlack(clock) as slack:
        team = SlackTeam(slack, clock)
        async with digest_posted(store, team, DigestSettings(count=3, style=style)) as harness:
            yield team, harness


async def votes(team: SlackTeam, harness: BotHarness) -> dict[str, float]:
    channel = await harness.channel(team.place)
    async with harness.store.read() as tx:
        profile = await harness.app.digests.profile(tx, channel.id)
    return {one.paper_id: one.value for one in profile.feedback if one.value}


async def test_a_channel_sees_the_header_and_its_thread_the_cards(sqlite_store: Store) -> None:
    async with team_with_digest(sqlite_store, Style.THREAD) as (team, harness):
        header, *cards = team.ml.visible
        said = "3 papers for Monday, 2 March. All in the thread, with 10 more titles."
        assert said in header.text
        assert said in header.words
        assert (header.thread_ts, [card.thread_ts for card in cards]) == (None, [header.ts] * 4)
        assert not any(card.broadcast for card in cards)
        first = (await harness.posts(team.place))[1]
        await team.ada.reacts(team.ml, cards[0].ts, "-1")
        assert await votes(team, harness) == {first.paper_id: -1.0}


async def test_numbers_on_a_compact_digest_count_also_when_read_back(sqlite_store: Store) -> None:
    async with team_with_digest(sqlite_store, Style.COMPACT) as (team, harness):
        digest, titles = team.ml.visible
        assert titles.thread_ts == digest.ts
        post, _ = await harness.posts(team.place)
        one, two, three = (line["paper_id"] for line in post.body["lines"])
        assert all(f"{number}. " in digest.text for number in (1, 2, 3))
        await team.ada.reacts(team.ml, digest.ts, "two")
        await team.ada.reacts(team.ml, digest.ts, "three")
        await team.ada.reacts(team.ml, digest.ts, "keycap_ten")
        await team.ada.reacts(team.ml, digest.ts, "+1")
        assert await votes(team, harness) == {two: 1.0, three: 1.0}
        await team.stop()
        await team.ada.unreacts(team.ml, digest.ts, "two")
        await team.bo.reacts(team.ml, digest.ts, "one")
        team.clock.advance(timedelta(minutes=1))
        since = team.clock() - timedelta(days=1)
        assert await resync(harness.app.reactions, harness.store, team.platform, since) == 2
        assert await votes(team, harness) == {one: 1.0, three: 1.0}


async def test_titles_are_posted_in_the_headers_thread_and_take_votes_there(sqlite_store: Store) -> None:
    async with team_with_digest(sqlite_store, Style.CARDS) as (team, harness):
        header, *cards, titles = team.ml.visible
        assert "10 more titles in the thread." in header.text
        assert [card.thread_ts for card in cards] == [None] * 3
        assert (titles.thread_ts, titles.broadcast) == (header.ts, False)
        post = (await harness.posts(team.place))[-1]
        listed = [line["paper_id"] for line in post.body["lines"]]
        assert [line["title"] in titles.text for line in post.body["lines"]] == [True] * 10
        await team.ada.reacts(team.ml, titles.ts, "keycap_ten")
        assert "Counted" in await team.press_number("bo", titles.ts, 2)
        assert await votes(team, harness) == {listed[1]: 1.0, listed[9]: 1.0}
        assert "Taken back" in await team.press_number("bo", titles.ts, 2)
        await team.ada.unreacts(team.ml, titles.ts, "keycap_ten")
        assert await votes(team, harness) == {}
        await team.stop()
        await team.bo.reacts(team.ml, titles.ts, "one")
        team.clock.advance(timedelta(minutes=1))
        since = team.clock() - timedelta(days=1)
        assert await resync(harness.app.reactions, harness.store, team.platform, since) == 1
        assert await votes(team, harness) == {listed[0]: 1.0}


if __name__ == "__main__":
    SNAPSHOTS.keep({f"digest_{each}": asyncio.run(requests(each)) for each in Style})
