"""Search results: paging and sharing."""

from __future__ import annotations

import pytest

from bot.commands.registry import COMMANDS
from bot.model.messages import Action
from bot.store import saved
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.support.harness import BEN, BotHarness, harness_over, paper
from tests.support.saying import DM, KNOWN, button, press


async def test_a_search_is_paged_to_its_end(harness: BotHarness) -> None:
    reply, seen = await harness.say("search learning"), list[str]()
    while any(action.label == "More" for action in reply.actions):
        assert reply.first == len(seen) + 1
        seen += [line.paper_id for line in reply.lines]
        more = button(reply, "More")
        reply = await press(harness, more)
    seen += [line.paper_id for line in reply.lines]
    assert len(seen) == len(set(seen)) > 10
    assert (await press(harness, Action("More", "search", "learning", 500))).text.endswith("That was all.")


@pytest.mark.parametrize("line", ["similar " + KNOWN.id, "saved", "search learning for us"])
@pytest.mark.parametrize("offset", [9_999, 2**70])
async def test_an_offset_past_the_end_of_a_list_says_that_was_all(harness: BotHarness, line: str, offset: int) -> None:
    await harness.say(f"save {KNOWN.id}")
    command, _, argument = line.partition(" ")
    assert (await press(harness, Action("More", command, argument, offset))).text.endswith("That was all.")


async def test_a_negative_offset_is_the_beginning(harness: BotHarness) -> None:
    first = await harness.say("search learning")
    assert (await press(harness, Action("More", "search", "learning", -7))).lines == first.lines


async def test_a_result_line_has_authors_date_and_a_matching_sentence(harness: BotHarness) -> None:
    reply = await harness.say("federated")
    for line in reply.lines:
        assert "\n" not in line.detail
        assert "\n" not in line.note
    assert "federated" in reply.lines[0].note.casefold()
    assert reply.lines[0].detail.split(" · ")[0]


async def test_a_query_of_ten_thousand_words_is_answered_shortly(harness: BotHarness) -> None:
    reply = await harness.say("learning after:never " * 5_000)
    assert reply.ok
    assert len(reply.text) < 600


async def test_a_result_line_says_when_a_paper_was_posted_and_its_likes(harness: BotHarness) -> None:
    await harness.say(f"submit {KNOWN.id}")
    await harness.react(KNOWN.id, "👍", member="ada")
    await harness.react(KNOWN.id, "🔥", member="ben")
    [line] = [line for line in (await harness.say(f"search {KNOWN.title}")).lines if line.paper_id == KNOWN.id]
    assert line.detail.endswith("posted 2 Mar, 2 👍")


async def test_trending_puts_a_reaction_here_above_upvotes(harness: BotHarness) -> None:
    assert "none has upvotes" in (await harness.say("trending")).text
    await harness.list_papers([paper(1, "Upvoted by the world", upvotes=4), paper(2, "Upvoted a little", upvotes=1)])
    await harness.say(f"more {KNOWN.id}")
    lines = (await harness.say("trending day")).lines
    assert [line.paper_id for line in lines] == [KNOWN.id, "2603.00001", "2603.00002"]


@pytest.mark.parametrize("title", ["GPT-4", "Naïve Bayes, again!", "Crème de la crème of pillows, and their softness"])
async def test_a_title_names_its_paper_whatever_its_length_and_accents(harness: BotHarness, title: str) -> None:
    await harness.list_papers([paper(7, title, "About nothing else.")])
    for said in (title, title.upper(), title.replace("ï", "i").replace("è", "e")):
        reply = await harness.say(f"save {said}")
        assert reply.ok, reply.text


# -- share


@pytest.mark.parametrize("line", ["search learning", "today", f"similar {KNOWN.id}", "trending month"])
async def test_share_shows_the_same_to_all(harness: BotHarness, line: str) -> None:
    await harness.say(f"more {KNOWN.id}")
    private = await harness.say(line)
    shared = await press(harness, button(private, "Share"), BEN)
    assert shared.public
    assert (shared.text, shared.lines, shared.cards) == (private.text, private.lines, private.cards)
    assert shared.actions == ()
    alone = await harness.say(line, BEN, DM)
    assert "Share" not in [action.label for action in alone.actions], "there is nobody to share it with"


@pytest.mark.parametrize("command", sorted(name for name, command in COMMANDS.items() if not command.shareable))
async def test_commands_that_are_private_or_change_something_cannot_be_shared(
    harness: BotHarness, command: str
) -> None:
    await harness.say(f"save {KNOWN.id}")
    await harness.say(f"more {KNOWN.id}")
    before = await harness.say("export")
    argument = {"forget": "me", "settings": "bar 0.1", "schedule": "10:00", "saved": "bib", "link": "new"}.get(
        command, KNOWN.id
    )
    if COMMANDS[command].alone or COMMANDS[command].arguments:  # with words behind its name the line is a search
        argument = ""
    reply = await press(harness, Action("Share", "share", f"{command} {argument}"))
    assert not reply.public
    assert not reply.ok
    assert (reply.lines, reply.cards, reply.attachment) == ((), (), None)
    assert (await harness.say("export")) == before
    async with harness.store.read() as tx:
        assert await saved.for_member(tx, "fake", "", "ada")


async def test_a_failure_is_not_shared(harness: BotHarness) -> None:
    reply = await press(harness, Action("Share", "share", "similar nothing at all"))
    assert not reply.ok
    assert not reply.public


@pytest.mark.parametrize("command", ["", "drop", "SEARCH", "__class__", "resume\n"])
async def test_a_button_with_an_unknown_command_is_refused(harness: BotHarness, command: str) -> None:
    reply = await press(harness, Action("x", command, "y"))
    assert not reply.ok
    assert "`/papers help`" in reply.text


async def test_a_search_among_no_papers_says_so(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.invite()
    reply = await harness.say("federated")
    assert reply.text == (
        "I have no papers yet, so there is nothing to find. `/papers sources` says whether they could be read."
    )


async def test_where_nothing_is_found_the_note_names_no_hits(harness: BotHarness) -> None:
    assert (await harness.say("フェデレーテッド")).text.startswith("Nothing found for “フェデレーテッド”.")
