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
from tests.support.house import PLACE, House, demo_papers, house_over, no_sleep

VOTES = load(None, {}).votes
TABLE = EmojiTable.of(VOTES.likes, VOTES.dislikes)
PAPERS = demo_papers()[:3]
ONE, OTHER, THIRD = (paper.id for paper in PAPERS)


async def with_cards(store: Store, clock: Clock, chat: FakeChat | None = None, sleep: Sleep = no_sleep) -> House:
    """A house whose channel has three cards."""
    house = house_over(store, clock, chat, sleep)
    await house.list_papers(PAPERS)
    await house.invite()
    for paper in PAPERS:
        await house.say(f"submit {paper.id}")
    clock.advance(timedelta(minutes=1))
    return house


async def heard(house: House) -> list[Feedback]:
    channel = await house.channel()
    async with house.store.read() as tx:
        return await feedback.of_channel(tx, channel.id, TABLE)


async def values(house: House) -> dict[tuple[str, str], float]:
    """What each member's vote on each paper is."""
    return {(one.paper_id, one.member or ""): one.value for one in await heard(house) if one.value}


def reaction(house: House, emoji: str, on: bool = True, *, after: float = 0, member: str = "ada") -> Reaction:
    at = house.clock() + timedelta(seconds=after)
    return Reaction(PLACE, house.chat.message_of(ONE), member, emoji, on, at)


async def read_back(house: House, days: int = 7) -> int:
    platforms = {house.chat.name: house.chat}
    return await house.app.reactions.resync(platforms, house.clock() - timedelta(days=days))
