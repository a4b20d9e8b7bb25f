"""What is stored about a member: they get a copy, are told what would go, and are asked before it goes."""

from __future__ import annotations

import json

from bot.model.messages import Action, Asker, Place, PlaceKind
from bot.store import channels, saved, votes
from tests.support.harness import ADA, BEN, BotHarness
from tests.support.saying import KNOWN, PAPERS, button, press

HOME = Place("fake", "ada", kind=PlaceKind.DIRECT)


async def give_data(harness: BotHarness) -> None:
    for line in (f"more {KNOWN.id}", f"less {PAPERS[1].id}", 'less "survey"', f"save {KNOWN.id}"):
        await harness.say(line)
    await harness.say("subscribe robots", ADA, HOME)


async def test_forget_me_says_what_goes_and_deletes_nothing_unasked(harness: BotHarness) -> None:
    await give_data(harness)
    reply = await harness.say("forget me")
    assert "2 votes, 1 vote on words, 1 saved paper and the direct conversation" in reply.text
    assert "You invited me to #ml: you may then no longer manage the digests there" in reply.text
    assert "`/papers forget me yes`" in reply.text
    assert [action.label for action in reply.actions] == ["Yes, delete 5 entries", "Give me a copy"]
    async with harness.store.read() as tx:
        assert len(await votes.for_channel(tx, (await harness.channel()).id)) == 2
        assert await saved.for_member(tx, "fake", "", "ada")
    assert (await harness.channel()).owner == "ada"


async def test_the_button_deletes(harness: BotHarness) -> None:
    await give_data(harness)
    done = await press(harness, (await harness.say("forget me")).actions[0])
    assert done.text.startswith("Done: 5 entries about you deleted.")
    async with harness.store.read() as tx:
        assert await votes.for_channel(tx, (await harness.channel()).id) == []
        assert await channels.find(tx, HOME) is None
    assert (await harness.channel()).owner == ""
    assert "Yes, delete" in [action.label for action in (await harness.say("Forget me!", Asker("zoe"))).actions]


async def test_a_member_gets_all_of_their_own_and_nothing_of_others(harness: BotHarness) -> None:
    await give_data(harness)
    await harness.say(f"more {PAPERS[2].id}", BEN)
    await harness.say(f"save {PAPERS[3].id}", BEN)
    reply = await harness.say("export mine")
    assert not reply.public
    assert reply.attachment is not None
    rows = [json.loads(line) for line in reply.attachment.content.splitlines()]
    assert sorted(row["row"] for row in rows) == sorted(
        ["vote", "vote", "correction", "saved", "topic", "conversation", "invited"]
    )
    assert "ben" not in reply.attachment.content
    assert {row["paper_id"] for row in rows if row["row"] == "vote"} == {KNOWN.id, PAPERS[1].id}


async def test_anybody_may_export_their_own_and_only_managers_the_channel(harness: BotHarness) -> None:
    await harness.say(f"save {KNOWN.id}", BEN)
    own = await harness.say("export Mine", BEN)
    assert own.attachment
    assert own.attachment.name == "mine.jsonl"
    assert "for whoever invited me" in (await harness.say("export", BEN)).text
    assert "for whoever invited me" in (await harness.say("export all", BEN)).text
    assert (await harness.say("export mine", Asker("zoe"))).text.startswith("I have nothing of yours")


async def test_a_copy_is_one_press_away_and_is_shared_with_nobody(harness: BotHarness) -> None:
    await give_data(harness)
    copy = await press(harness, button(await harness.say("forget me"), "Give me a copy"))
    assert copy.attachment
    shared = await press(harness, Action("Share", "share", "export mine"))
    assert shared.attachment is None
