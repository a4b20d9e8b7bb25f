"""A channel whose members or sources mean ill, from the vote or the listing to the digest."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

from bot.digests.digest import Digest
from bot.store.database import Store
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.harness import BotHarness, demo_papers, harness_over

PAPERS = demo_papers()


async def channel_with_news(store: Store, clock: Clock) -> BotHarness:
    """A channel that has liked three of its cards, with other papers listed since."""
    harness = harness_over(store, clock)
    await harness.list_papers(PAPERS[:60])
    await harness.invite()
    await harness.say("settings bar 0")
    clock.now = clock.now.replace(hour=9, minute=0)
    await harness.beat()
    for card in [shown.message.card for shown in harness.chat.shown["c1"] if shown.message.card][:3]:
        await harness.react(card.paper_id)
    clock.now = (clock.now + timedelta(days=1)).replace(hour=8, minute=0)
    await harness.list_papers(PAPERS[60:120])
    return harness


async def next_digest(harness: BotHarness) -> Digest:
    return await harness.app.digests.compose(await harness.channel(), harness.clock())


async def test_votes_that_are_taken_back_again_and_again_leave_the_digest_as_it_was(store: Store, clock: Clock) -> None:
    harness = await channel_with_news(store, clock)
    before = await next_digest(harness)
    papers = [shown.message.card.paper_id for shown in harness.chat.shown["c1"] if shown.message.card]
    for turn in range(20):
        for paper_id in papers:
            for emoji in ("👎", "🔥"):
                clock.advance(timedelta(seconds=1))
                await harness.react(paper_id, emoji, member=f"turncoat{turn % 3}")
                await harness.react(paper_id, emoji, member=f"turncoat{turn % 3}", on=False)
    after = await next_digest(harness)
    assert after.picked == before.picked
    assert after.header() == before.header()


def _copies(count: int) -> list[Paper]:
    work = replace(PAPERS[60], abstract=" ".join(random.Random(1).sample(_words(), 60)))
    return [
        replace(work, id=f"https://evil.example/{n}", title=f"The work, part {n} of {count}", authors=(f"Author {n}",))
        for n in range(count)
    ]


def _words() -> list[str]:
    return sorted({word.lower() for paper in PAPERS[60:120] for word in paper.abstract.split() if word.isalpha()})


async def test_a_work_listed_three_hundred_times_is_one_card_and_one_new_paper(store: Store, clock: Clock) -> None:
    harness = await channel_with_news(store, clock)
    before = await harness.app.digests.candidates(await harness.channel(), clock.now.date())
    copies = _copies(300)
    await harness.list_papers(copies)
    after = await harness.app.digests.candidates(await harness.channel(), clock.now.date())
    assert len(after.unseen) == len(before.unseen) + 1
    digest = await next_digest(harness)
    shown = [card.paper_id for card in digest.cards] + [line.paper_id for line in digest.titles]
    assert sum("evil" in paper_id for paper_id in shown) <= 1
    left_out = next(paper.id for paper in copies if paper.id not in after.unseen)
    assert "the same work under another title" in (await harness.say(f"why {left_out}")).text


async def test_a_copy_does_not_keep_the_paper_on_arxiv_out(sqlite_store: Store, clock: Clock) -> None:
    harness = await channel_with_news(sqlite_store, clock)
    [copied] = _copies(1)
    original = replace(copied, id="2603.09999", title="The original", authors=("Ada Lovelace",))
    await harness.list_papers([replace(copied, id="0 before all others"), original])
    candidates = await harness.app.digests.candidates(await harness.channel(), clock.now.date())
    assert original.id in candidates.unseen
    assert "0 before all others" not in candidates.unseen
