"""The command why: the reasons for and against a paper, and its outlook."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model.codec import dump_message
from bot.model.messages import Message, Place
from bot.reports.outlook import next_digest
from bot.store import delivery_plans, papers, pick_log
from bot.store.database import Store
from bot.store.delivery_plans import Draft
from bot.store.pick_log import LoggedPick
from bot.store.states import DeliveryKind
from recommender import Standing
from tests.fakes.clock import Clock
from tests.support.harness import BotHarness, demo_papers, harness_over, paper

PAPERS = demo_papers()[:20]


@pytest.fixture
async def harness(sqlite_store: Store, clock: Clock) -> BotHarness:
    """A channel that has liked one paper and waits for its next digest."""
    harness = harness_over(sqlite_store, clock)
    await harness.list_papers(demo_papers()[20:150], clock.now.date() - timedelta(days=200))
    await harness.list_papers(PAPERS[:12])
    await harness.invite()
    await harness.say("settings count 3 bar 0")
    await harness.say(f"more {PAPERS[0].id}")
    return harness


async def why(harness: BotHarness, paper_id: str) -> str:
    return (await harness.say(f"why {paper_id}")).text


def shown(harness: BotHarness) -> list[str]:
    return [message.message.card.paper_id for message in harness.chat.shown["c1"] if message.message.card]


async def morning(harness: BotHarness) -> None:
    harness.clock.now = harness.clock.now.replace(hour=9)
    await harness.beat()


async def test_why_tells_of_every_paper_that_waits_what_the_next_digest_does_with_it(harness: BotHarness) -> None:
    told = {paper.id: await why(harness, paper.id) for paper in PAPERS[:12]}
    await morning(harness)
    comes = {paper_id for paper_id, text in told.items() if "It is in the next digest as it would be now." in text}
    assert comes == set(shown(harness))
    for paper_id in set(told) - comes:
        assert "of the 12 new papers rank higher, and a digest has 3 cards." in told[paper_id]


async def test_why_says_that_a_paper_is_below_the_bar_and_where_that_is(harness: BotHarness) -> None:
    await harness.say("settings bar 0.99")
    texts = [await why(harness, paper.id) for paper in PAPERS[1:12]]
    assert all("the bar is 99%." in text for text in texts)
    assert any("below the bar, so the next digest leaves it out." in text for text in texts)


async def test_why_says_when_a_paper_was_here_and_how_it_was_liked(harness: BotHarness) -> None:
    await morning(harness)
    [first, *_] = shown(harness)
    await harness.react(first, member="ada")
    await harness.react(first, member="ben")
    await harness.react(first, "👎", member="cy")
    harness.clock.now += timedelta(days=1)
    assert "It was posted here yesterday, 2 👍, 1 👎; no paper comes twice." in await why(harness, first)


async def test_why_says_which_digest_passed_a_paper_over(harness: BotHarness) -> None:
    await morning(harness)
    harness.clock.now += timedelta(days=3)
    other = next(paper.id for paper in PAPERS[:12] if paper.id not in shown(harness))
    assert "It could have come with the digest of 2 March, which brought 3 other papers." in await why(harness, other)


async def test_why_says_that_the_digest_that_could_have_brought_it_was_quiet(harness: BotHarness) -> None:
    await harness.say(f'subscribe -"{PAPERS[0].title}"')
    await harness.say("settings bar 0.999")
    await morning(harness)
    assert shown(harness) == []
    text = await why(harness, PAPERS[5].id)
    assert "It could have come with the digest of 2 March, which brought nothing: 12 new papers were listed" in text


async def test_why_says_that_nothing_listed_a_paper_and_how_it_comes_all_the_same(harness: BotHarness) -> None:
    async with harness.store.write() as tx:
        await papers.record(tx, [paper(77)], harness.clock.now)
    await harness.app.paper_index.sync()
    text = await why(harness, "2603.00077")
    assert "No source has listed it, so no digest brings it; `/papers submit 2603.00077` does." in text


async def test_why_says_that_a_paper_is_older_than_digests_look_back(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.list_papers(PAPERS[:2], clock.now.date() - timedelta(days=20))
    await harness.invite()
    assert "It was listed longer ago than digests look back." in await why(harness, PAPERS[0].id)


async def test_why_names_the_topic_that_mutes_a_paper(harness: BotHarness) -> None:
    await harness.say(f'subscribe -"{PAPERS[3].title}"')
    assert (await why(harness, PAPERS[3].id)).endswith('is left out: this channel muted “"' + PAPERS[3].title + '"”.')


async def test_why_before_any_vote_still_tells_what_becomes_of_a_paper(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.list_papers(PAPERS[:2])
    await harness.invite()
    text = await why(harness, PAPERS[0].id)
    assert "has told me nothing yet" in text
    assert text.endswith("It is in the next digest as it would be now.")


async def test_why_says_nothing_of_what_another_channel_had(harness: BotHarness) -> None:
    other = Place("fake", "c2", name="other")
    await harness.invite(other)
    await harness.say("pause", place=other)
    await morning(harness)
    await harness.react(shown(harness)[0])
    text = (await harness.say(f"why {shown(harness)[0]}", place=other)).text
    assert "posted here" not in text
    assert "👍" not in text.replace("React to a card", "")


def test_why_names_the_near_duplicate_that_is_picked_instead() -> None:
    found = Standing(2, 9, picked=False, below=False, twin="x")
    assert next_digest(found, 5, "On `graphs`").endswith("has nearly the same in “On 'graphs'”.")
    assert next_digest(replace(found, picked=True), 5) == "It is in the next digest as it would be now."


async def test_a_learned_bar_is_shown_and_can_leave_a_digest_empty(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    old = clock.now.date() - timedelta(days=200)
    await harness.list_papers([*PAPERS, *demo_papers()[20:150]], old)
    await harness.invite()
    channel = await harness.channel()
    # Thirty days on which papers that fitted well were liked, and one that fitted less was not.
    had = demo_papers()[20:110]
    async with harness.store.write() as tx:
        for n in range(30):
            day, some = clock.now.date() - timedelta(days=n + 1), had[3 * n : 3 * n + 3]
            drafts = [Draft(dump_message(Message(text=one.title)), one.id) for one in some]
            planned = await delivery_plans.plan(tx, channel.id, day, DeliveryKind.DIGEST, clock.now, drafts, clock.now)
            assert planned
            picked = [LoggedPick(one.id, fit=fit) for one, fit in zip(some, (0.995, 0.99, 0.85), strict=True)]
            await pick_log.record(tx, {planned.id: pick_log.merged(picked, [])})
    await harness.app.delivery_worker.deliver_all()
    for n in range(90):
        if n % 3 < 2:
            await harness.say(f"more {had[n].id}")
    assert "• bar learned:" in (await harness.say("settings")).text
    text = await why(harness, PAPERS[0].id)
    assert "the bar is 99%, as this channel's likes set it." in text
    zeolites = paper(1, "Zeolites and their pores", "Zeolites have pores.")
    await harness.list_papers([zeolites])
    before = len(harness.chat.shown["c1"])
    await morning(harness)
    assert harness.chat.titles()[before].endswith(
        "1 new paper was listed, none close enough to what this channel likes, as its own likes set the bar. "
        "`/papers settings bar 0.8` lets more through."
    )
    await harness.say("settings bar 0.4")
    assert "the bar is 40%." in await why(harness, PAPERS[0].id)
    await harness.say("settings bar learned")
    assert (await harness.channel()).bar_learned
