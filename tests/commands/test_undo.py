"""Undo takes back the asker's votes in a channel, the last one first."""

from __future__ import annotations

from datetime import timedelta

from bot.model.messages import Place
from bot.store import votes, word_votes
from bot.store.votes import VoteSignal
from tests.support.harness import ADA, BEN, BotHarness
from tests.support.saying import KNOWN, PAPERS, button, press

OTHER = PAPERS[1]


async def standing(harness: BotHarness) -> list[tuple[str, str, str]]:
    channel = await harness.channel()
    async with harness.store.read() as tx:
        return [(vote.paper_id, vote.member, vote.signal) for vote in await votes.for_channel(tx, channel.id)]


async def say_later(harness: BotHarness, *lines: str) -> list[str]:
    """Say each line a minute after the one before."""
    texts = []
    for line in lines:
        harness.clock.advance(timedelta(minutes=1))
        texts.append((await harness.say(line)).text)
    return texts


async def test_the_votes_are_taken_back_one_after_the_other(harness: BotHarness) -> None:
    await harness.say(f"more {KNOWN.id}", BEN)
    await say_later(harness, f"more {KNOWN.id}", f"less {OTHER.id}", 'less "survey"')
    words, paper, first, none = await say_later(harness, "undo", "undo", "undo", "undo")
    assert words.startswith("Taken back: “less” for the words “survey”, of today.")
    assert paper.startswith(f"Taken back: “less” for “{OTHER.title}”, of today.")
    assert first.startswith(f"Taken back: “more” for “{KNOWN.title}”")
    assert none.startswith("You have no vote here that I could take back.")
    assert await standing(harness) == [(KNOWN.id, "ben", VoteSignal.MORE)], "another member's vote stays"


async def test_a_vote_that_was_replaced_counts_again(harness: BotHarness) -> None:
    await say_later(harness, f"more {KNOWN.id}", f"less {KNOWN.id}", "undo")
    assert await standing(harness) == [(KNOWN.id, "ada", VoteSignal.MORE)]
    await say_later(harness, "undo")
    assert await standing(harness) == []


async def test_a_button_puts_it_back(harness: BotHarness) -> None:
    await say_later(harness, f"less {KNOWN.id}")
    harness.clock.advance(timedelta(minutes=1))
    reply = await harness.say("undo")
    await press(harness, button(reply, "Put it back"))
    assert await standing(harness) == [(KNOWN.id, "ada", VoteSignal.LESS)]
    await say_later(harness, "undo", "less graphs")
    harness.clock.advance(timedelta(minutes=1))
    await press(harness, button(await harness.say("undo"), "Put it back"))
    channel = await harness.channel()
    async with harness.store.read() as tx:
        assert [vote.words for vote in await word_votes.for_channel(tx, channel.id)] == ["graphs"]


async def test_papers_taught_in_one_go_are_taken_back_in_one_go(harness: BotHarness) -> None:
    await say_later(harness, f"teach {KNOWN.id} {OTHER.id}", f"teach {PAPERS[2].id}")
    assert "1 paper that you taught today" in (await say_later(harness, "undo"))[0]
    harness.clock.advance(timedelta(minutes=1))
    reply = await harness.say("undo")
    assert "2 papers that you taught today" in reply.text
    assert await standing(harness) == []
    await press(harness, button(reply, "Put back"))
    assert {paper_id for paper_id, _, _ in await standing(harness)} == {KNOWN.id, OTHER.id}


async def test_an_emoji_that_only_its_member_can_take_off_is_named_with_its_card(harness: BotHarness) -> None:
    await harness.say(f"submit {KNOWN.id}")
    await harness.react(KNOWN.id, "🔥")
    await harness.react(KNOWN.id, "🙈")
    text = (await harness.say("undo")).text
    assert text.startswith(f"Your last vote here is your 🔥 on “{KNOWN.title}”")
    assert "Take the emoji off its card" in text
    assert (KNOWN.id, "ada", "🔥") in await standing(harness)


async def test_votes_of_other_channels_stay(harness: BotHarness) -> None:
    await say_later(harness, f"more {KNOWN.id}")
    elsewhere = await harness.say("undo", ADA, Place("fake", "c2"))
    assert elsewhere.text.startswith("You have no vote here")
    assert len(await standing(harness)) == 1
