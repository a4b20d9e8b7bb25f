"""A channel with cards that members vote on, and what was heard of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.digests import feedback
from bot.digests.feedback import EmojiTable
from bot.jobs.reactions import ReactionRecorder
from bot.model.messages import Reaction
from bot.ports.platform import Platform, Sleep
from bot.settings import load
from bot.store import channels
from bot.store.database import Store
from recommender import Feedback
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import PLACE, BotHarness, demo_papers, harness_over, no_sleep

VOTES = load(None, {}).votes
TABLE = EmojiTable.of(VOTES.likes, VOTES.dislikes)
PAPERS = demo_papers()[:3]
ONE, OTHER, THIRD = (paper.id for paper in PAPERS)


async def with_cards(store: Store, clock: Clock, chat: FakeChat | None = None, sleep: Sleep = no_sleep) -> BotHarness:
    """A harness whose channel has three cards."""
    harness = harness_over(store, clock, chat, sleep)
    await harness.list_papers(PAPERS)
    await harness.invite()
    for paper in PAPERS:
        await harness.say(f"submit {paper.id}")
    clock.advance(timedelta(minutes=1))
    return harness


async def heard(harness: BotHarness) -> list[Feedback]:
    channel = await harness.channel()
    async with harness.store.read() as tx:
        return await feedback.of_channel(tx, channel.id, TABLE)


async def values(harness: BotHarness) -> dict[tuple[str, str], float]:
    """What each member's vote on each paper is."""
    return {(item.paper_id, item.member or ""): item.value for item in await heard(harness) if item.value}


def reaction(harness: BotHarness, emoji: str, on: bool = True, *, after: float = 0, member: str = "ada") -> Reaction:
    at = harness.clock() + timedelta(seconds=after)
    return Reaction(PLACE, harness.chat.message_of(ONE), member, emoji, on, at)


async def read_back(harness: BotHarness, days: int = 7) -> int:
    since = harness.clock() - timedelta(days=days)
    return await resync(harness.app.reactions, harness.store, harness.chat, since)


async def resync(reactions: ReactionRecorder, store: Store, platform: Platform, since: datetime) -> int:
    """Read the reactions on the messages since then back, in all channels of a platform; how many votes changed."""
    async with store.read() as tx:
        every = await channels.list_all(tx, [platform.name])
    result = await reactions.resync(platform, dict.fromkeys(every, since))
    return result.changes
