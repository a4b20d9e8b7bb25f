"""Commands on a message find its paper, and run once however often the event arrives."""

from __future__ import annotations

import pytest

from bot.model.messages import Action, Reply
from bot.store import saved, votes
from tests.support.harness import ADA, BEN, PLACE, BotHarness, demo_papers

PAPERS = demo_papers()[:40]
KNOWN = PAPERS[0]


async def about(harness: BotHarness, command: str, message: str = "", text: str = "", event_id: str = "") -> Reply:
    return await harness.app.service.act_on_message(PLACE, BEN, command, message, text, event_id)


async def standing(harness: BotHarness) -> list[tuple[str, str, str]]:
    async with harness.store.read() as tx:
        found = await votes.for_channel(tx, (await harness.channel()).id)
    return [(vote.paper_id, vote.member, vote.signal) for vote in found]


@pytest.fixture
async def posted(harness: BotHarness) -> BotHarness:
    """With the first digest in the channel."""
    await harness.say("settings bar 0")
    await harness.next_morning()
    await harness.beat()
    return harness


async def test_a_card_is_about_its_paper(posted: BotHarness) -> None:
    card = next(message for message in posted.chat.shown["c1"] if message.message.card)
    assert card.message.card
    reply = await about(posted, "more", card.id, "whatever https://arxiv.org/abs/1602.05629 it links to")
    assert reply.ok
    assert card.message.card.title[:40] in reply.text
    assert await standing(posted) == [(card.message.card.paper_id, "ben", "said:more")]


async def test_a_digests_header_asks_which_of_its_cards_is_meant(posted: BotHarness) -> None:
    header, *cards = posted.chat.shown["c1"]
    reply = await about(posted, "more", header.id)
    papers = [card.message.card.paper_id for card in cards if card.message.card]
    assert [line.paper_id for line in reply.lines] == papers
    assert [action.argument for action in reply.actions] == papers
    assert await standing(posted) == []
    await posted.app.service.act(PLACE, BEN, reply.actions[1])
    assert await standing(posted) == [(papers[1], "ben", "said:more")]


@pytest.mark.parametrize("style", ["compact", "thread"])
async def test_a_digest_in_another_style_asks_which_of_its_papers_is_meant(harness: BotHarness, style: str) -> None:
    await harness.say(f"settings bar=0 style={style}")
    await harness.next_morning()
    await harness.beat()
    reply = await about(harness, "why", harness.chat.shown["c1"][0].id)
    assert len(reply.lines) >= 5
    assert (await harness.app.service.act(PLACE, BEN, reply.actions[0])).ok


@pytest.mark.parametrize(
    "text",
    [
        f"has anybody read https://arxiv.org/abs/{KNOWN.id}?",
        f"(https://arxiv.org/pdf/{KNOWN.id}v3.pdf).",
        f"arXiv:{KNOWN.id}, and lunch at 12",
        f"https://huggingface.co/papers/{KNOWN.id} https://arxiv.org/abs/{KNOWN.id}!",
    ],
)
async def test_a_message_is_about_the_paper_it_links_to(harness: BotHarness, text: str) -> None:
    reply = await about(harness, "why", "m99", text)
    assert reply.ok
    assert KNOWN.title[:40] in reply.text


async def test_several_links_ask_which_is_meant(harness: BotHarness) -> None:
    links = " ".join(f"https://arxiv.org/abs/{paper.id}" for paper in PAPERS[:13])
    reply = await about(harness, "why", "m99", links)
    assert [line.title for line in reply.lines] == [paper.title for paper in PAPERS[:10]]
    assert all(action.command == "why" and len(action.label) <= 60 for action in reply.actions)


@pytest.mark.parametrize("text", ["", "lunch?", "see https://example.org/abs/1", "<" * 100_000])
async def test_a_message_without_a_paper_says_what_this_is_for(harness: BotHarness, text: str) -> None:
    reply = await about(harness, "more", "m99", text)
    assert not reply.ok
    assert "on my cards" in reply.text


@pytest.mark.parametrize("command", ["forget", "pause", "nonsense", "export"])
async def test_act_on_message_refuses_commands_that_take_no_paper(harness: BotHarness, command: str) -> None:
    assert not (await about(harness, command, "m99", f"https://arxiv.org/abs/{KNOWN.id}")).ok


async def test_a_repeated_vote_event_counts_once_and_gets_the_same_reply(harness: BotHarness) -> None:
    press = Action("More like this", "more", KNOWN.id)
    first = await harness.app.service.act(PLACE, BEN, press, "press-1")
    again = await harness.app.service.act(PLACE, BEN, press, "press-1")
    assert first == again
    assert first.text.startswith("Counted.")
    assert await standing(harness) == [(KNOWN.id, "ben", "said:more")]
    back = [await harness.app.service.act(PLACE, BEN, press, "press-2") for _ in range(2)]
    assert back[0] == back[1]
    assert back[0].text.startswith("Taken back")
    assert await standing(harness) == []


async def test_a_repeated_less_event_takes_back_a_more_once(harness: BotHarness) -> None:
    await harness.app.service.act(PLACE, BEN, Action("", "more", KNOWN.id), "press-1")
    for event in ("press-2", "press-2", "press-1"):
        await harness.app.service.act(PLACE, BEN, Action("", "less" if event == "press-2" else "more", KNOWN.id), event)
    assert await standing(harness) == [(KNOWN.id, "ben", "said:less")]


async def test_a_repeated_save_event_saves_once_and_a_second_press_keeps_the_paper(
    harness: BotHarness,
) -> None:
    press = Action("Save", "save", KNOWN.id)
    for event, begin in (("press-1", "Saved"), ("press-1", "Saved"), ("press-2", "You keep"), ("press-3", "You keep")):
        reply = await harness.app.service.act(PLACE, BEN, press, event)
        async with harness.store.read() as tx:
            kept = [paper_id for paper_id, _ in await saved.for_member(tx, "fake", "", "ben")]
        assert kept == [KNOWN.id]
        assert reply.text.startswith(begin)


async def test_forget_me_forgets_what_was_pressed(harness: BotHarness) -> None:
    await harness.app.service.act(PLACE, BEN, Action("", "more", KNOWN.id), "press:ben:1")
    await harness.say("forget me yes", BEN)
    assert (await harness.app.service.act(PLACE, BEN, Action("", "more", KNOWN.id), "press:ben:1")).text.startswith(
        "Counted"
    )
    assert await standing(harness) == [(KNOWN.id, "ben", "said:more")]


async def test_presses_of_two_members_are_two_votes(harness: BotHarness) -> None:
    for asker in (ADA, BEN):
        await harness.app.service.act(PLACE, asker, Action("", "more", KNOWN.id), f"press:{asker.member}:1")
    assert len(await standing(harness)) == 2
