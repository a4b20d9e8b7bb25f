"""Every command, with good and bad arguments, by members who may run it and members who may not."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.registry import COMMANDS
from bot.model.messages import Action, Asker, Place, PlaceKind
from bot.ports.platform import Capabilities
from bot.store import channels, saved, votes
from bot.store.database import Store
from bot.store.states import ChannelState
from tests.fakes.clock import Clock
from tests.support.chat import FakeChat
from tests.support.harness import ADA, BEN, BotHarness, harness_over
from tests.support.saying import DM, HOSTILE, KNOWN, PAPERS, press

_ENOUGH = {"teach": KNOWN.id, "schedule": "10:00", "export": "", "pause": "", "resume": "", "link": "new"}
_ABOUT_A_PAPER = ["similar", "why", "abstract", "more", "less", "save", "unsave", "submit"]


async def test_an_empty_line_shows_help_and_the_channels_state(harness: BotHarness) -> None:
    await harness.say("subscribe federated learning")
    await harness.say(f"more {KNOWN.id}")
    text = (await harness.say("")).text
    assert "Next digest: Monday, 2 March at 09:00 (UTC)." in text
    assert "Learned from 1 vote by 1 member." in text
    assert "Topics: “federated learning”." in text
    for name, command in COMMANDS.items():
        assert (f"• `/papers {command.usage}`: {command.does}" in text) == command.listed, name


async def test_help_is_grouped_under_few_headings_and_fits_every_platform(harness: BotHarness) -> None:
    reply = await harness.say("help")
    headings = [row for row in reply.text.split("\n") if row.endswith(":")]
    assert headings == ["Find papers:", "Say what you like:", "What is yours:", "This channel:"]
    assert len(reply.text) < 3_000
    assert [action.label for action in reply.actions] == ["Today's papers"]


async def test_help_in_a_paused_channel_says_how_to_go_on(harness: BotHarness) -> None:
    await harness.say("pause")
    assert "paused; `/papers resume` begins the digests" in (await harness.say("help")).text


@pytest.mark.parametrize(
    "line",
    [
        "help",
        "search federated",
        "today",
        "trending month",
        "subscribe graphs",
        "topics",
        f"similar {KNOWN.id}",
        f"why https://arxiv.org/abs/{KNOWN.id}v2",
        f"abstract {KNOWN.title}",
        f"more {KNOWN.title[:40]}",
        f"less {KNOWN.id}",
        f"save {KNOWN.id}",
        f"unsave {KNOWN.id}",
        "saved",
        f"teach {KNOWN.id}",
        f"submit {KNOWN.id}",
        "taste",
        "stats",
        "schedule",
        "schedule 10:00 Berlin",
        "pause",
        "resume",
        "settings",
        "settings bar 0.4",
        "forget me",
        "export",
    ],
)
async def test_every_command_answers(harness: BotHarness, line: str) -> None:
    reply = await harness.say(line)
    assert reply.ok, reply.text
    assert reply.text
    assert not reply.public


@pytest.mark.parametrize("command", _ABOUT_A_PAPER)
async def test_a_missing_or_unknown_paper_is_told_with_the_mend(harness: BotHarness, command: str) -> None:
    for argument in ("", "2699.99999", "no such thing at all", "x" * 90_000, HOSTILE):
        reply = await harness.say(f"{command} {argument}")
        assert not reply.ok
        assert "id" in reply.text
        assert len(reply.text) < 300
        assert "`" not in reply.text
        assert reply.text.isprintable()


@pytest.mark.parametrize(
    ("line", "mend"),
    [
        ("search", "`/papers federated learning`"),
        ("subscribe", "`/papers subscribe federated learning`"),
        ("subscribe -", "`/papers subscribe federated learning`"),
        ("subscribe " + "x" * 201, "at most 200 characters"),
        ("unsubscribe graphs", "follows no topics"),
        ("trending decade", "`/papers trending day`"),
        ("today robots", "`/papers search today robots`"),
        ("teach", "`/papers teach 1602.05629 1912.04977`"),
        ("teach hello there", "Give arXiv ids"),
        ("saved pdf", "`/papers saved bib`"),
        ("forget him", "`/papers forget me`"),
        ("schedule 25:00", "it looks like 09:00"),
        ("settings volume 11", "hour, days, zone, count, bar, guess, style"),
        ("settings style loud", "cards, thread or compact"),
        ("settings style " + "x" * 50_000, "cards, thread or compact"),
        ("settings bar nan", "from 0"),
        ("settings bar 101%", "from 0"),
        ("settings guess perhaps", "on or off"),
        ("settings guess " + "x" * 50_000, "on or off"),
        ("settings count=0", "from 1 to 10"),
        ("schedule hour=25:00", "it looks like 09:00"),
    ],
)
async def test_bad_input_gets_one_clear_message_and_changes_nothing(harness: BotHarness, line: str, mend: str) -> None:
    await harness.say(f"save {KNOWN.id}")
    before = await harness.channel()
    reply = await harness.say(line)
    assert not reply.ok
    assert mend in reply.text
    assert len(reply.text) < 600
    assert await harness.channel() == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    command=st.sampled_from(sorted(COMMANDS)),
    argument=st.one_of(
        st.text(max_size=80), st.sampled_from([HOSTILE, KNOWN.id, "-", "0", "9" * 400, "a=b", "$\\frac"])
    ),
    offset=st.sampled_from([0, -5, 3, 499, 10**9, 2**70]),
    share=st.booleans(),
)
async def test_any_button_and_any_line_gets_a_reply(
    harness: BotHarness, command: str, argument: str, offset: int, share: bool
) -> None:
    action = Action("x", "share", f"{command} {argument}", offset) if share else Action("x", command, argument, offset)
    for reply in (await press(harness, action), await harness.say(f"{command} {argument}")):
        assert reply.text
        assert not any(char in reply.text for char in "\u202e\u200b\x1b")
        assert "`/papers pause` <!channel>" not in reply.text


# -- who may


@pytest.mark.parametrize("command", sorted(name for name, command in COMMANDS.items() if command.managers_only))
async def test_commands_that_change_the_channel_need_a_manager_or_the_inviter(
    harness: BotHarness, command: str
) -> None:
    line = f"{command} {_ENOUGH.get(command, 'graphs')}"
    before = await harness.channel()
    refused = await harness.say(line, BEN)
    assert not refused.ok
    assert "for whoever invited me" in refused.text
    assert await harness.channel() == before
    assert "managers" not in (await harness.say(line, Asker("ada"))).text, "ada invited the bot"
    assert "managers" not in (await harness.say(line, Asker("zoe", manager=True))).text
    assert "managers" not in (await harness.say(line, BEN, DM)).text


async def test_looking_at_schedule_and_settings_is_open_to_all(harness: BotHarness) -> None:
    assert (await harness.say("schedule", BEN)).ok
    assert (await harness.say("settings", BEN)).ok
    assert not (await harness.say("settings bar 0.1", BEN)).ok
    assert not (await harness.say("schedule bar=0.1", BEN)).ok


async def test_subscribe_in_a_direct_conversation_starts_digests(harness: BotHarness) -> None:
    assert (await harness.channel()).state is ChannelState.ACTIVE
    assert (await harness.say("subscribe federated", BEN, DM)).ok
    assert (await harness.channel(DM)).state is ChannelState.ACTIVE
    other = Place("fake", "c9", name="other")
    await harness.say("topics", place=other)
    assert (await harness.channel(other)).state is ChannelState.NEW, "nobody invited the bot there"


# -- topics


async def test_topics_are_followed_changed_muted_and_dropped(harness: BotHarness) -> None:
    assert (await harness.say("topics")).text.startswith("This channel follows no topics yet.")
    assert (await harness.say("subscribe Federated  Learning")).text.startswith("Subscribed to “Federated Learning”.")
    assert (await harness.say("subscribe federated learning alert")).text.startswith("Changed “Federated Learning”.")
    assert (await harness.say("subscribe —survey")).text.startswith("Muted “survey”"), "as a phone writes two dashes"
    text = (await harness.say("topics")).text
    assert "• Federated Learning (alerts at once): brought nothing yet. It matches " in text
    assert "• survey: muted; " in text
    assert not (await harness.say("unsubscribe robots")).ok
    assert "“Federated Learning”, “survey”" in (await harness.say("unsubscribe")).text
    assert (await harness.say("unsubscribe FEDERATED learning")).ok
    assert (await harness.say("unsubscribe -survey")).ok
    assert "no topics" in (await harness.say("topics")).text


async def test_a_channel_keeps_fifty_topics(harness: BotHarness) -> None:
    for n in range(50):
        assert (await harness.say(f"subscribe topic{n}")).ok
    assert not (await harness.say("subscribe one too many")).ok
    assert (await harness.say("subscribe topic7 alert")).ok, "those it has may still be changed"


# -- forget, export


async def test_an_export_has_everything_as_json_lines(harness: BotHarness) -> None:
    await harness.say("subscribe federated alert")
    await harness.say(f"submit {KNOWN.id}")
    await harness.react(KNOWN.id, "👍")
    harness.clock.now = harness.clock.now.replace(hour=9)
    await harness.beat()
    attachment = (await harness.say("export")).attachment
    assert attachment is not None
    rows = [json.loads(line) for line in attachment.content.split("\n")[:-1]]
    kinds = [row["row"] for row in rows]
    assert kinds.count("channel") == kinds.count("topic") == kinds.count("vote") == 1
    assert kinds.count("delivery") == 2
    assert kinds.count("choice") == len(harness.chat.shown["c1"]) - 2, "the cards of the digest, not its header"
    assert kinds.count("post") == len(harness.chat.shown["c1"])
    assert {row["message"] for row in rows if row["row"] == "post"} == {
        message.id for message in harness.chat.shown["c1"]
    }


async def test_forget_me_leaves_no_trace_and_says_so(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers(PAPERS[:5])
    await harness.invite(by="benjamin-7")
    ben = Asker("benjamin-7", name="Benjamin the Seventh")
    await harness.say(f"submit {KNOWN.id}", ben)
    await harness.react(KNOWN.id, "👍", member="benjamin-7")
    for line in (f"save {KNOWN.id}", f"less {PAPERS[1].id}", f"teach {PAPERS[2].id}", "subscribe graphs"):
        assert (await harness.say(line, ben)).ok
    await harness.say("subscribe robots", ben, Place("fake", "benjamin-7", kind=PlaceKind.DIRECT))
    reply = await harness.say("forget me yes", ben)
    assert reply.text.startswith("Done: ")
    assert "deleted" in reply.text
    export = (await harness.say("export", ADA)).attachment
    assert export is not None
    assert "benjamin" not in export.content.casefold()
    async with harness.store.read() as tx:
        assert await saved.for_member(tx, "fake", "", "benjamin-7") == []
        assert await votes.for_channel(tx, (await harness.channel()).id) == []


@pytest.mark.parametrize("same", [True, False])
async def test_saved_papers_and_forget_me_span_workspaces_where_member_ids_do(
    store: Store, clock: Clock, same: bool
) -> None:
    chat = FakeChat(capabilities=Capabilities(max_text=4_000, one_member_everywhere=same))
    harness = harness_over(store, clock, chat)
    await harness.list_papers(PAPERS)
    one, other = Place("fake", "c1", "W1"), Place("fake", "c2", "W2")
    alone = Place("fake", "d1", kind=PlaceKind.DIRECT)
    for place in (one, other):
        await harness.invite(place)
        await harness.say(f"more {PAPERS[1].id}", BEN, place)
    await harness.say(f"save {KNOWN.id}", BEN, one)
    assert [line.paper_id for line in (await harness.say("saved", BEN, alone)).lines] == [KNOWN.id] * same
    assert ("already" in (await harness.say(f"save {KNOWN.id}", BEN, other)).text) == same
    assert "Digests begin here" in (await harness.say("subscribe robots", BEN, alone)).text
    assert "Digests begin" not in (await harness.say("subscribe nets", BEN, alone)).text
    assert (await harness.say("forget me yes", BEN, one)).ok
    async with harness.store.read() as tx:
        left = [await votes.for_channel(tx, (await harness.channel(place)).id) for place in (one, other)]
        assert [len(some) for some in left] == [0, 0 if same else 1]
        assert (await channels.find(tx, alone) is None) == same


@pytest.mark.parametrize("query", ['""', "OR", "- -", "-OR", '"" alert'])
async def test_a_topic_without_a_word_is_refused_kindly(harness: BotHarness, query: str) -> None:
    reply = await harness.say(f"subscribe {query}")
    assert not reply.ok
    assert "As in `/papers subscribe federated learning`" in reply.text
    assert "no topics" in (await harness.say("topics")).text


async def test_why_says_in_a_sentence_what_speaks_for_a_paper(harness: BotHarness) -> None:
    await harness.say(f"more {KNOWN.id}")
    others = [paper for paper in PAPERS if paper.id != KNOWN.id and "federated" in paper.title.lower()]
    texts = [(await harness.say(f"why {one.id}")).text for one in others]
    assert any("because you liked “Accurate Target Privacy Preserving" in text for text in texts)
    assert "because you liked" not in (await harness.say(f"why {KNOWN.id}")).text, "no paper is its own reason"
    await harness.say("subscribe learning")
    texts = [(await harness.say(f"why {paper.id}")).text for paper in PAPERS[1:] if "learning" in paper.title.lower()]
    assert any("For it: your topic “learning”" in text for text in texts)
