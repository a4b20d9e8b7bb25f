"""The layout of a digest in each style, on platforms that support it and that do not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.model.messages import Message
from bot.ports.platform import Capabilities
from bot.settings import DigestSettings
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import ADA, BEN, BotHarness, demo_papers, harness_over

PAPERS = demo_papers()
PLAIN = Capabilities(max_text=4000, lookup=True)


async def due(store: Store, clock: Clock, style: str, chat: FakeChat | None = None) -> BotHarness:
    """A channel of this style whose hour has come."""
    harness = harness_over(store, clock, chat)
    await harness.list_papers(PAPERS[:20])
    await harness.invite()
    assert (await harness.say(f"settings style {style}")).ok
    clock.advance(timedelta(hours=1, minutes=1))
    return harness


def shown(harness: BotHarness) -> Sequence[Message]:
    return [message.message for message in harness.chat.shown["c1"]]


async def test_a_compact_digest_is_one_message_of_numbered_papers(sqlite_store: Store, clock: Clock) -> None:
    harness = await due(sqlite_store, clock, "compact")
    await harness.beat()
    [one] = shown(harness)
    assert one.text == (
        "5 papers for Monday, 2 March. React with the number of each you like, as 1️⃣: tomorrow's follow your taste."
    )
    assert one.numbered
    assert len({line.paper_id for line in one.lines}) == 5
    known = {paper.id: paper for paper in PAPERS}
    for line in one.lines:
        assert line.title
        assert line.url == known[line.paper_id].link
        assert known[line.paper_id].authors[0] in line.detail
    assert [line.note for line in one.lines if line.note.startswith("🎲")] in ([], ["🎲 a guess"])


async def test_the_header_of_a_thread_says_where_the_cards_are(sqlite_store: Store, clock: Clock) -> None:
    harness = await due(sqlite_store, clock, "thread")
    await harness.beat()
    header, *cards = shown(harness)
    assert header.text == (
        "5 papers for Monday, 2 March. All in the thread. React with 👍 or 👎: tomorrow's follow your taste."
    )
    assert all(card.card and card.thread for card in cards)
    await harness.react(cards[0].card.paper_id if cards[0].card else "")
    await harness.list_papers(PAPERS[30:38], clock.now.date() + timedelta(days=1))
    await harness.next_morning()
    await harness.beat()
    assert shown(harness)[6].text.endswith("learned from 1 vote by 1 member. All in the thread.")


@pytest.mark.parametrize("style", ["thread", "compact"])
async def test_a_paper_shown_in_any_style_never_comes_again(store: Store, clock: Clock, style: str) -> None:
    harness = await due(store, clock, style)
    await harness.beat()
    had = {line.paper_id for one in shown(harness) for line in one.lines}
    had |= {one.card.paper_id for one in shown(harness) if one.card}
    assert len(had) == 5
    for paper_id in had:
        assert "has been here already" in (await harness.say(f"submit {paper_id}")).text
    assert "In all: 0 of 5 liked" in (await harness.say("stats")).text
    before = len(shown(harness))
    await harness.list_papers(PAPERS[20:40], clock.now.date() + timedelta(days=1))
    await harness.say("settings style cards")
    await harness.next_morning()
    await harness.beat()
    new = {one.card.paper_id for one in shown(harness)[before:] if one.card}
    assert new
    assert not new & had


@pytest.mark.parametrize("style", ["thread", "compact"])
async def test_a_quiet_day_is_one_line_in_every_style(sqlite_store: Store, clock: Clock, style: str) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.invite()
    await harness.say(f"settings style {style}")
    clock.advance(timedelta(hours=1, minutes=1))
    await harness.beat()
    [one] = shown(harness)
    assert one.text.startswith("Nothing new for Monday")
    assert not one.numbered


@pytest.mark.parametrize(
    ("wanted", "can"),
    [
        ("thread", PLAIN),
        ("compact", PLAIN),
        ("compact", Capabilities(max_text=4000, lookup=True, numbers=4)),
    ],
)
async def test_a_style_that_a_platform_cant_do_falls_back_to_cards(
    sqlite_store: Store, clock: Clock, wanted: str, can: Capabilities
) -> None:
    await due(sqlite_store, clock, wanted)
    simple = FakeChat(can)
    again = harness_over(sqlite_store, clock, simple)
    await again.beat()
    header, *cards = shown(again)
    assert (len(cards), header.text.count("thread")) == (5, 0)
    assert all(card.card and not card.thread for card in cards)


# -- the setting


async def test_the_style_is_set_by_managers_and_offered_where_it_can_be_done(sqlite_store: Store, clock: Clock) -> None:
    harness = await due(sqlite_store, clock, "compact")
    assert (await harness.say("settings style THREAD", ADA)).text == "Done: style is thread."
    assert not (await harness.say("settings style cards", BEN)).ok
    form = (await harness.say("settings")).form
    assert form
    [field] = [field for field in form.fields if field.name == "style"]
    assert (field.value, field.choices) == ("thread", ("cards", "thread", "compact"))
    again = harness_over(sqlite_store, clock, FakeChat(PLAIN))
    assert "The style here is only cards" in (await again.say("settings style thread")).text
    form = (await again.say("settings")).form
    assert form
    [field] = [field for field in form.fields if field.name == "style"]
    assert (field.value, field.choices) == ("cards", ("cards",))


async def test_a_new_channel_takes_the_style_of_the_settings(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock, digest=DigestSettings.model_validate({"style": "thread"}))
    await harness.invite()
    assert (await harness.channel()).style == "thread"
