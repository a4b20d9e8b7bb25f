"""Votes on words: counted, listed, and taken back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.model.messages import Action, Asker, Place, Reply
from bot.store import members, word_votes
from bot.store.database import Store
from recommender import Feedback
from tests.fakes.clock import Clock
from tests.support.harness import ADA, BEN, PLACE, BotHarness, demo_papers, harness_over

PAPERS = demo_papers()[:40]
KNOWN = PAPERS[0]
OTHER = Place("fake", "c2", name="other")


@pytest.fixture
async def harness(sqlite_store: Store, clock: Clock) -> BotHarness:
    harness = harness_over(sqlite_store, clock)
    await harness.list_papers(PAPERS)
    await harness.invite()
    return harness


async def known(harness: BotHarness, place: Place = PLACE) -> tuple[Feedback, ...]:
    channel = await harness.channel(place)
    async with harness.store.read() as tx:
        return (await harness.app.digests.profile(tx, channel.id)).feedback


async def ranking(harness: BotHarness) -> list[Any]:
    ids = [paper.id for paper in PAPERS]
    return harness.app.paper_index.engine.rank(await known(harness), ids, now=harness.clock.now)


async def press(harness: BotHarness, action: Action, asker: Asker = ADA, event_id: str = "") -> Reply:
    return await harness.app.service.act(PLACE, asker, action, event_id)


async def test_votes_on_words_are_counted_listed_and_taken_back(harness: BotHarness) -> None:
    reply = await harness.say("less Reasoning")
    assert reply.text.startswith("Counted: less “reasoning”, from the next digest on. It matches ")
    assert reply.text.endswith(" of the 40 papers of the last 30 days. The same again takes it back.")
    await harness.say("less reasoning", BEN)
    await harness.say("more federated learning", BEN)
    text = (await harness.say("taste")).text
    assert "Learned from 3 votes by 2 members" in text
    assert "Corrected here: less “reasoning” (2 members), more “federated learning”." in text
    assert (await harness.say("less reasoning")).text == "Taken back: “reasoning” counts as before you spoke of it."
    assert ", less “reasoning”." in (await harness.say("taste")).text, "ben's stands"


async def test_more_after_less_replaces_the_vote_on_words(harness: BotHarness) -> None:
    await harness.say("less reasoning")
    await harness.say("more reasoning")
    assert "Corrected here: more “reasoning”." in (await harness.say("taste")).text


@pytest.mark.parametrize(
    "line", ["less *survey*", 'less "survey"', "less “Survey”", "less  survey ", "less _**survey**_", "LESS: survey"]
)
async def test_spelling_variants_of_a_word_are_one_vote_on_words(harness: BotHarness, line: str) -> None:
    await harness.say(line)
    assert "less “survey”" in (await harness.say("taste")).text


async def test_an_argument_that_names_a_paper_is_no_vote_on_words(harness: BotHarness) -> None:
    for named in (KNOWN.id, f"https://arxiv.org/abs/{KNOWN.id}", KNOWN.title, KNOWN.title[:40], KNOWN.title.upper()):
        assert f"“{KNOWN.title[:20]}" in (await harness.say(f"more {named}")).text, named
    assert [one for one in await known(harness) if one.paper_id != KNOWN.id] == []


@pytest.mark.parametrize("line", ["less the", "more *of a*", "less -survey", 'more "OR"', "less 7"])
async def test_a_vote_on_idle_words_is_refused_with_advice(harness: BotHarness, line: str) -> None:
    reply = await harness.say(line)
    assert not reply.ok
    assert "`/papers" in reply.text or "arXiv id" in reply.text
    assert await known(harness) == ()


async def test_a_member_has_at_most_fifty_votes_on_words_in_a_channel(harness: BotHarness) -> None:
    for n in range(50):
        assert (await harness.say(f"less word{n}")).ok
    assert "as many as I keep" in (await harness.say("less onemore")).text
    assert (await harness.say("less onemore", BEN)).ok
    assert (await harness.say("more word7")).ok, "those there are may still be changed"


async def test_the_take_back_button_of_taste_removes_only_the_members_own_vote(harness: BotHarness) -> None:
    await harness.say("less reasoning")
    await harness.say("less robots", BEN)
    [button] = (await harness.say("taste")).actions
    assert button.label == "Take back “reasoning”"
    assert (await press(harness, button)).text.startswith("Taken back: “reasoning”")
    assert (await harness.say("taste")).actions == ()
    assert "less “robots”" in (await harness.say("taste")).text


async def test_a_repeated_button_event_counts_once_and_gets_the_same_reply(harness: BotHarness) -> None:
    button = Action("Less", "less", '"reasoning"')
    answers = [(await press(harness, button, event_id="E1")).text for _ in range(3)]
    assert len(set(answers)) == 1
    assert len(await known(harness)) == 1
    assert (await press(harness, button, event_id="E2")).text.startswith("Taken back")
    assert await known(harness) == ()


async def test_why_has_a_button_against_the_word_that_spoke_for_a_paper(harness: BotHarness) -> None:
    await harness.say(f"more {KNOWN.id}")
    reply = await harness.say(f"why {KNOWN.id}")
    [button] = [action for action in reply.actions if action.command == "less"]
    assert (await press(harness, button)).text.startswith("Counted: less “")
    assert "This channel asked for less of “" in (await harness.say(f"why {KNOWN.id}")).text


async def test_a_card_picked_for_a_vote_on_words_names_the_words(harness: BotHarness) -> None:
    await harness.say("more federated")
    assert "For it: more “federated”, as asked here" in (await harness.say(f"why {KNOWN.id}")).text


async def test_votes_on_words_stay_in_their_channel(harness: BotHarness) -> None:
    await harness.invite(OTHER)
    await harness.say("less reasoning")
    assert await known(harness, OTHER) == ()
    assert "reasoning" not in (await harness.say("taste", place=OTHER)).text


async def test_corrections_are_exported_forgotten_with_their_member_and_go_with_their_channel(
    store: Store, clock: Clock
) -> None:
    harness = harness_over(store, clock)
    await harness.invite()
    await harness.say("less reasoning")
    await harness.say("less robots", BEN)
    exported = (await harness.say("export")).attachment
    assert exported
    assert exported.content.count('{"row": "correction"') == 2
    async with store.write() as tx:
        assert await members.forget(tx, "fake", "", "ada", harness.clock()) == 1
    assert [(one.member, one.paper_id.strip()) for one in await known(harness)] == [("ben", "robots")]


async def test_the_last_vote_on_words_counts(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.invite()
    channel = await harness.channel()
    for line in ("less a1", "more a1", "more b2", "less b2", "more c3", "more c3"):
        await harness.say(line)
    async with store.read() as tx:
        standing = await word_votes.for_channel(tx, channel.id)
    assert {(one.words, one.value) for one in standing} == {("a1", 1), ("b2", -1)}


words = st.sampled_from(["reasoning", "robots", "federated learning", "cat:cs.lg"])
step = st.tuples(st.sampled_from(["more", "less"]), words, st.sampled_from([ADA, BEN]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(steps=st.lists(step, max_size=6), last=step)
async def test_repeating_a_vote_on_words_restores_the_taste_exactly(
    harness: BotHarness, steps: list[tuple[str, str, Asker]], last: tuple[str, str, Asker]
) -> None:
    await harness.say(f"more {KNOWN.id}")
    for command, what, asker in steps:
        await harness.say(f"{command} *{what}*", asker)
    mine = [one for one in await known(harness) if one.member == last[2].member and one.paper_id.strip() == last[1]]
    if mine:
        await harness.say(f"{'more' if mine[0].value > 0 else 'less'} *{last[1]}*", last[2])
    before = await ranking(harness), await known(harness)
    for _ in range(2):
        await harness.say(f"{last[0]} *{last[1]}*", last[2])
    assert (await ranking(harness), await known(harness)) == before
