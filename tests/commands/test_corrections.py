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
from tests.support.house import ADA, BEN, PLACE, House, demo_papers, house_over

PAPERS = demo_papers()[:40]
KNOWN = PAPERS[0]
OTHER = Place("fake", "c2", name="other")


@pytest.fixture
async def house(sqlite_store: Store, clock: Clock) -> House:
    house = house_over(sqlite_store, clock)
    await house.list_papers(PAPERS)
    await house.invite()
    return house


async def known(house: House, place: Place = PLACE) -> tuple[Feedback, ...]:
    channel = await house.channel(place)
    async with house.store.read() as tx:
        return (await house.app.digests.profile(tx, channel.id)).feedback


async def ranking(house: House) -> list[Any]:
    ids = [paper.id for paper in PAPERS]
    return house.app.paper_index.engine.rank(await known(house), ids, now=house.clock.now)


async def press(house: House, action: Action, asker: Asker = ADA, event_id: str = "") -> Reply:
    return await house.app.service.act(PLACE, asker, action, event_id)


async def test_words_are_counted_listed_and_taken_back(house: House) -> None:
    reply = await house.say("less Reasoning")
    assert reply.text.startswith("Counted: less “reasoning”, from the next digest on. It matches ")
    assert reply.text.endswith(" of the 40 papers of the last 30 days. The same again takes it back.")
    await house.say("less reasoning", BEN)
    await house.say("more federated learning", BEN)
    text = (await house.say("taste")).text
    assert "Learned from 3 votes by 2 members" in text
    assert "Corrected here: less “reasoning” (2 members), more “federated learning”." in text
    assert (await house.say("less reasoning")).text == "Taken back: “reasoning” counts as before you spoke of it."
    assert ", less “reasoning”." in (await house.say("taste")).text, "ben's stands"


async def test_more_after_less_turns_it_round(house: House) -> None:
    await house.say("less reasoning")
    await house.say("more reasoning")
    assert "Corrected here: more “reasoning”." in (await house.say("taste")).text


@pytest.mark.parametrize(
    "line", ["less *survey*", 'less "survey"', "less “Survey”", "less  survey ", "less _**survey**_", "LESS: survey"]
)
async def test_one_word_is_one_correction_however_it_is_written(house: House, line: str) -> None:
    await house.say(line)
    assert "less “survey”" in (await house.say("taste")).text


async def test_a_paper_stays_a_paper_however_it_is_named(house: House) -> None:
    for named in (KNOWN.id, f"https://arxiv.org/abs/{KNOWN.id}", KNOWN.title, KNOWN.title[:40], KNOWN.title.upper()):
        assert f"“{KNOWN.title[:20]}" in (await house.say(f"more {named}")).text, named
    assert [one for one in await known(house) if one.paper_id != KNOWN.id] == []


@pytest.mark.parametrize("line", ["less the", "more *of a*", "less -survey", 'more "OR"', "less 7"])
async def test_what_says_too_little_is_refused_with_the_mend(house: House, line: str) -> None:
    reply = await house.say(line)
    assert not reply.ok
    assert "`/papers" in reply.text or "arXiv id" in reply.text
    assert await known(house) == ()


async def test_a_member_keeps_fifty_corrections_here(house: House) -> None:
    for n in range(50):
        assert (await house.say(f"less word{n}")).ok
    assert "as many as I keep" in (await house.say("less onemore")).text
    assert (await house.say("less onemore", BEN)).ok
    assert (await house.say("more word7")).ok, "those there are may still be changed"


async def test_the_button_of_taste_takes_back_ones_own_and_nobody_elses(house: House) -> None:
    await house.say("less reasoning")
    await house.say("less robots", BEN)
    [button] = (await house.say("taste")).actions
    assert button.label == "Take back “reasoning”"
    assert (await press(house, button)).text.startswith("Taken back: “reasoning”")
    assert (await house.say("taste")).actions == ()
    assert "less “robots”" in (await house.say("taste")).text


async def test_a_press_told_twice_counts_once_and_answers_the_same(house: House) -> None:
    button = Action("Less", "less", '"reasoning"')
    answers = [(await press(house, button, event_id="E1")).text for _ in range(3)]
    assert len(set(answers)) == 1
    assert len(await known(house)) == 1
    assert (await press(house, button, event_id="E2")).text.startswith("Taken back")
    assert await known(house) == ()


async def test_why_offers_to_correct_the_word_that_spoke_for_a_paper(house: House) -> None:
    await house.say(f"more {KNOWN.id}")
    reply = await house.say(f"why {KNOWN.id}")
    [button] = [action for action in reply.actions if action.verb == "less"]
    assert (await press(house, button)).text.startswith("Counted: less “")
    assert "This channel asked for less of “" in (await house.say(f"why {KNOWN.id}")).text


async def test_a_paper_that_more_brought_says_so(house: House) -> None:
    await house.say("more federated")
    assert "For it: more “federated”, as asked here" in (await house.say(f"why {KNOWN.id}")).text


async def test_corrections_stay_in_their_channel(house: House) -> None:
    await house.invite(OTHER)
    await house.say("less reasoning")
    assert await known(house, OTHER) == ()
    assert "reasoning" not in (await house.say("taste", place=OTHER)).text


async def test_corrections_are_exported_forgotten_with_their_member_and_go_with_their_channel(
    store: Store, clock: Clock
) -> None:
    house = house_over(store, clock)
    await house.invite()
    await house.say("less reasoning")
    await house.say("less robots", BEN)
    exported = (await house.say("export")).attachment
    assert exported
    assert exported.content.count('{"row": "correction"') == 2
    async with store.write() as tx:
        assert await members.forget(tx, "fake", "", "ada") == 1
    assert [(one.member, one.paper_id.strip()) for one in await known(house)] == [("ben", "robots")]


async def test_what_stands_last_stands(store: Store, clock: Clock) -> None:
    house = house_over(store, clock)
    await house.invite()
    channel = await house.channel()
    for line in ("less a1", "more a1", "more b2", "less b2", "more c3", "more c3"):
        await house.say(line)
    async with store.read() as tx:
        standing = await word_votes.for_channel(tx, channel.id)
    assert {(one.words, one.value) for one in standing} == {("a1", 1), ("b2", -1)}


words = st.sampled_from(["reasoning", "robots", "federated learning", "cat:cs.lg"])
step = st.tuples(st.sampled_from(["more", "less"]), words, st.sampled_from([ADA, BEN]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(steps=st.lists(step, max_size=6), last=step)
async def test_the_same_again_brings_back_exactly_what_was(
    house: House, steps: list[tuple[str, str, Asker]], last: tuple[str, str, Asker]
) -> None:
    await house.say(f"more {KNOWN.id}")
    for verb, what, asker in steps:
        await house.say(f"{verb} *{what}*", asker)
    mine = [one for one in await known(house) if one.member == last[2].member and one.paper_id.strip() == last[1]]
    if mine:
        await house.say(f"{'more' if mine[0].value > 0 else 'less'} *{last[1]}*", last[2])
    before = await ranking(house), await known(house)
    for _ in range(2):
        await house.say(f"{last[0]} *{last[1]}*", last[2])
    assert (await ranking(house), await known(house)) == before
