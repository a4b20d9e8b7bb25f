"""Lines that mean a command without naming it, and lines that only look so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.intents import Intent, mistyped, phrase
from bot.commands.registry import COMMANDS
from bot.store.states import ChannelState
from tests.support.harness import BEN, BotHarness, demo_papers
from tests.support.saying import DM, KNOWN, button, press

REAL_WORDS = sorted({word for paper in demo_papers() for word in f"{paper.title} {paper.abstract}".casefold().split()})


@pytest.mark.parametrize(
    ("line", "name"),
    [
        *((line, "hello") for line in ("hi", "Hi!", "hello", "Hello there", "hey", "who are you?")),
        *((line, "thanks") for line in ("thanks", "Thank you!", "thank you, Paperboy", "Thanks a lot :)")),
        *((line, "help") for line in ("what can you do?", "/help", "?", "please what can you do")),
        *(
            (line, "help")
            for line in ("hello, what can you do?", "Hi! Thanks. What can you do?", "hi paperboy, help me")
        ),
        *((line, "thanks") for line in ("thanks, bye", "Thank you! Good night.")),
        *((line, "status") for line in ("status", "Status?", "how are you?")),
        *((line, "undo") for line in ("undo", "undo that")),
        *((line, "sources") for line in ("sources", "Sources!")),
        *((line, "today") for line in ("what's new?", "any news?")),
    ],
)
async def test_a_whole_line_is_answered_as_meant_and_a_search_is_one_press_away(
    harness: BotHarness, line: str, name: str
) -> None:
    meant = await harness.say(name)
    reply = await harness.say(line)
    assert reply.text == meant.text
    search = reply.actions[-1]
    assert (search.label, search.command, search.argument) == (f"Search “{line}”", "search", line)
    assert (await press(harness, search)).text == (await harness.say(f"search {line}")).text


@pytest.mark.parametrize(
    "line",
    [
        *("follow the leader algorithm", "follow up questions in dialogue", "status report generation", "stop words"),
        *("hello world programs", "start of sequence tokens", "thanks to attention", "undo operations in editors"),
        *("sources of bias", "muted", "hi-res images", "who are you talking to", "todays papers", "good papers"),
    ],
)
async def test_a_line_that_only_begins_like_an_everyday_word_is_a_search(harness: BotHarness, line: str) -> None:
    before = await harness.channel()
    reply = await harness.say(line)
    assert line in reply.text or "Nothing" in reply.text or "nearly every" in reply.text
    assert "search" not in [action.command for action in reply.actions if action.label.startswith("Search")]
    assert await harness.channel() == before
    assert "no topics" in (await harness.say("topics")).text


async def test_follow_and_mute_are_for_topics(harness: BotHarness) -> None:
    reply = await harness.say("follow diffusion models")
    assert reply.text.startswith("Subscribed to “diffusion models”.")
    assert reply.actions[-1].label == "Search “follow diffusion models”"
    assert (await harness.say("Mute: robotics")).text.startswith("Muted “robotics”")
    assert "• robotics: muted" in (await harness.say("topics")).text
    assert (await harness.say("unmute robotics")).text == "Unsubscribed from “robotics”."
    assert (await harness.say("unfollow Diffusion models")).text == "Unsubscribed from “diffusion models”."
    assert "As in `/papers subscribe" in (await harness.say("follow")).text
    assert "`/papers subscribe" in (await harness.say("mute")).text
    refused = await harness.say("mute robotics", BEN)
    assert "for whoever invited me" in refused.text
    assert button(refused, "Search “mute robotics”"), "who may not mute may still search"


async def test_stop_pauses_and_start_goes_on(harness: BotHarness) -> None:
    assert (await harness.say("stop", BEN)).text.startswith("That is for whoever invited me")
    await harness.say("stop")
    assert (await harness.channel()).state is ChannelState.PAUSED
    await harness.say("start")
    assert (await harness.channel()).state is ChannelState.ACTIVE


@pytest.mark.parametrize(
    ("line", "name", "argument"),
    [
        ("hepl", "help", ""),
        ("Hlep!", "help", ""),
        ("tody", "today", ""),
        ("trendng month", "trending", "month"),
        ("subcribe graphs", "subscribe", "graphs"),
        ("subsrcibe graphs", "subscribe", "graphs"),
        ("unsuscribe graphs", "unsubscribe", "graphs"),
        ("simlar 2511.00001", "similar", "2511.00001"),
        ("folow graphs", "subscribe", "graphs"),
        ("stauts", "status", ""),
        ("thnaks", "thanks", ""),
        ("setings", "settings", ""),
        ("scheduel 9am", "schedule", "9am"),
        ("forgte me", "forget", "me"),
    ],
)
def test_a_mistyped_name_is_read(line: str, name: str, argument: str) -> None:
    intent = mistyped(line, COMMANDS)
    assert intent is not None
    assert (intent.name, intent.argument) == (name, argument)


@pytest.mark.parametrize(
    "line",
    [
        *("safe reinforcement learning", "loss landscape", "moore penrose inverse", "state space models", "hi"),
        *("topic models", "expert finding", "teacher student", "describe images", "transcribe speech", "heap sort"),
        *("mode collapse", "stats of papers", "helpful assistants", "similarity search", "abstraction", "thinks"),
    ],
)
def test_real_words_are_no_mistyped_names(line: str) -> None:
    assert mistyped(line, COMMANDS) is None


def test_hardly_any_word_of_real_papers_is_like_a_name() -> None:
    """Those that are get a search all the same, because the index knows them."""
    near = [word for word in REAL_WORDS if mistyped(f"{word} learning", COMMANDS)]
    assert len(near) < len(REAL_WORDS) / 200, near


async def test_a_mistyped_line_says_how_it_was_read(harness: BotHarness) -> None:
    reply = await harness.say("subcribe graphs")
    assert reply.text.startswith("I read “subcribe” as `/papers subscribe graphs`. Subscribed to “graphs”.")
    assert button(reply, "Search “subcribe graphs”").argument == "subcribe graphs"
    assert not (await harness.say("search subcribe graphs")).text.startswith("I read")
    assert (await harness.say("hepl")).text.startswith("I read “hepl” as `/papers help`. Next digest:")


async def test_a_word_of_some_paper_is_searched_for_though_it_is_like_a_name(harness: BotHarness) -> None:
    word = "scheduled"
    assert mistyped(word, COMMANDS)
    assert "I read" in (await harness.say(word)).text or "Nothing" not in (await harness.say(word)).text
    known = KNOWN.authors[0].split()[-1]
    assert f"“{known}”" in (await harness.say(known)).text


async def test_hello_says_who_it_is_and_the_next_step_in_every_place(harness: BotHarness) -> None:
    text = (await harness.say("hi")).text
    assert text.startswith("Hello! I am Paperboy: I bring this channel")
    assert "Next digest: Monday, 2 March at 09:00 (UTC)." in text
    alone = await harness.say("hi", BEN, DM)
    assert "`/papers subscribe federated learning` (any topic) begins a digest of your own" in alone.text
    assert [action.label for action in alone.actions] == ["Today's papers", "What I can do", "Search “hi”"]


async def test_status_offers_managers_what_they_may_do(harness: BotHarness) -> None:
    labels = [action.label for action in (await harness.say("status")).actions]
    assert labels == ["Today's papers", "Pause", "Schedule", "What I can do", "Search “status”"]
    assert "Pause" not in [action.label for action in (await harness.say("status", BEN)).actions]
    await harness.say("pause")
    reply = await harness.say("status")
    assert "paused" in reply.text
    assert button(reply, "Resume")


async def test_sources_tells_when_each_was_read(harness: BotHarness) -> None:
    assert "No source has been read yet" in (await harness.say("sources")).text
    await harness.app.ingest.run()
    assert "• shelf: read today at " in (await harness.say("sources")).text


@given(st.text())
def test_no_line_is_too_odd(line: str) -> None:
    for intent in (phrase(line), mistyped(line, COMMANDS)):
        assert intent is None or (isinstance(intent, Intent) and intent.name in COMMANDS)


async def test_several_pasted_commands_are_each_answered(harness: BotHarness) -> None:
    reply = await harness.say(f"subscribe graphs\n/papers more {KNOWN.id}\n\nfollow robots\nsearch federated")
    parts = reply.text.split("\n\n")
    assert [part.split("“")[0] for part in parts] == ["Subscribed to ", "Counted. More like ", "Subscribed to ", ""]
    assert reply.lines
    assert reply.ok
    one = await harness.say("federated learning\nwith clients")
    assert "federated learning with clients" in one.text
    assert not (await harness.say("subscribe\npause", BEN)).ok
