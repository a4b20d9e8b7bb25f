"""The commands teach, save and submit."""

from __future__ import annotations

from typing import Any

import pytest

from bot.model.messages import Place
from bot.ports.platform import AccessLost, Rejected
from bot.store import votes
from tests.support.harness import ADA, BEN, BotHarness
from tests.support.saying import KNOWN, PAPERS, button, press

BIB = f"""@misc{{a, title={{A paper that nobody here has ever heard of}}, author={{Noether, Emmy}}}}
@misc{{b, title={{Vandalised}}, eprint={{{KNOWN.id}}}, abstract={{{"spam " * 2_000}}}}}
@misc{{c, year=1999}}"""


async def test_teach_learns_from_ids_links_and_bibtex_and_names_what_it_could_not_read(harness: BotHarness) -> None:
    reply = await harness.say(f"teach {BIB}")
    assert reply.text.startswith("Learned from 2 papers")
    assert "Skipped: “c” has no title and no id." in reply.text
    assert "Learned from 2 votes by 1 member" in (await harness.say("taste")).text
    told = await harness.say(f"abstract {KNOWN.id}")
    [card] = told.cards
    assert (card.title, card.summary) == (KNOWN.title, ""), "the abstract is said once"
    assert "spam" not in told.text, "what its source told of it stays"


async def test_teach_reports_ids_that_no_source_knows(harness: BotHarness) -> None:
    reply = await harness.say(f"teach 2601.00001 {KNOWN.id} https://arxiv.org/abs/2601.00002")
    assert reply.ok
    assert "I could not find 2601.00001, 2601.00002." in reply.text
    assert "Learned from 1 paper: the next digest follows it." in reply.text
    reply = await harness.say("teach 2601.00001")
    assert not reply.ok
    assert "try again" in reply.text


async def test_a_taught_entry_with_two_ids_merges_two_papers(harness: BotHarness) -> None:
    title = "A long and telling title of a paper by itself"
    await harness.say(f"teach @misc{{x, title={{{title}}}}}")
    before = len(harness.app.paper_index.engine)
    await harness.say(f"teach @misc{{x, title={{{title}}}, eprint={{2601.00001}}}}")
    assert len(harness.app.paper_index.engine) == before
    assert [line.title for line in (await harness.say(f"search {title}")).lines][:1] == [title]


async def test_saved_papers_are_private_to_the_member_and_export_as_bibtex_that_teach_reads(
    harness: BotHarness,
) -> None:
    for paper in PAPERS[:12]:
        await harness.say(f"save {paper.id}", BEN)
    assert "nothing yet" in (await harness.say("saved", ADA)).text
    first = await harness.say("saved", BEN)
    assert len(first.lines) == 10
    rest = await press(harness, button(first, "More"), BEN)
    assert len(rest.lines) == 2
    assert not rest.actions
    bib = (await harness.say("saved bib", BEN)).attachment
    assert bib is not None
    assert (await harness.say(f"teach {bib.content}")).text.startswith("Learned from 12 papers")
    again = await harness.say(f"save {PAPERS[0].id}", BEN)
    assert again.text.startswith(f"You keep “{PAPERS[0].title}” already.")
    assert "12 in all" in (await harness.say("saved", BEN)).text
    dropped = await press(harness, button(again, "Remove it"), BEN)
    assert dropped.text.endswith("no longer among your saved papers.")
    assert "11 in all" in (await harness.say("saved", BEN)).text


# -- submit


async def test_a_submitted_paper_is_posted_once(harness: BotHarness) -> None:
    assert (await harness.say(f"submit {KNOWN.id}")).text == "Posted."
    [shown] = harness.chat.shown["c1"]
    assert shown.message.card
    assert shown.message.text == "A member put this before the channel:"
    again = await harness.say(f"submit {KNOWN.id}")
    assert not again.ok
    assert "has been here already" in again.text


async def test_a_manager_who_resumes_in_an_uninvited_channel_becomes_its_owner(harness: BotHarness) -> None:
    place = Place("fake", "c9", name="new")
    begun = await harness.say("resume", place=place)
    assert begun.text.startswith("I begin here. Up to 5 cards at 09:00")
    assert (await harness.channel(place)).owner == ADA.member
    await harness.say("pause", place=place)
    assert (await harness.say("resume", place=place)).text.startswith("Welcome back.")


@pytest.mark.parametrize(
    ("error", "told"), [(Rejected("too odd"), "too odd"), (AccessLost("not invited"), "Invite me")]
)
async def test_a_submission_that_could_not_be_posted_says_so(harness: BotHarness, error: Exception, told: str) -> None:
    def refuse(message: Any) -> None:
        raise error

    harness.chat.before = refuse
    reply = await harness.say(f"submit {KNOWN.id}")
    assert not reply.ok
    assert told in reply.text


async def test_less_takes_back_a_taught_paper(harness: BotHarness) -> None:
    async def standing() -> set[str]:
        async with harness.store.read() as tx:
            channel = await harness.channel()
            return {vote.signal for vote in await votes.for_paper(tx, channel.id, KNOWN.id)}

    await harness.say(f"teach {KNOWN.id}")
    assert (await harness.say(f"more {KNOWN.id}")).text.startswith("Counted.")
    text = (await harness.say(f"more {KNOWN.id}")).text
    assert text.startswith("Taken back")
    assert text.endswith("no longer counts, taught or voted.")
    assert await standing() == set()
    await harness.say(f"teach {KNOWN.id}")
    await harness.say(f"less {KNOWN.id}")
    assert (await harness.say(f"less {KNOWN.id}")).text.endswith("no longer counts.")
    assert await standing() == set()
