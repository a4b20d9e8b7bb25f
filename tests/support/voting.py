"""A channel with cards that members vote on, and what was heard of them."""

from __future__ import annotations

from datetime import timedelta

from bot.digests import feedback
from bot.digests.feedback import EmojiTable
from bot.model.messages import Reaction
from bot.ports.platform import Sleep
from bot.settings import load
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
    platforms = {harness.chat.name: harness.chat}
    return await harness.app.reactions.resync(platforms, harness.clock() - timedelta(days=days))
