"""The bot against simcord, which nobody here wrote: Discord's rules for commands, components and permissions."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord

from bot.commands.registry import COMMANDS
from bot.model.messages import Action, Attachment, Form, FormField, Line, Message, Place, Reply
from bot.platforms.discord.commands import application_commands
from bot.platforms.discord.platform import DiscordPlatform
from bot.ports.platform import AccessLost, Rejected
from tests.fakes.clock import Clock
from tests.platforms.conformance import CARD, HOSTILE
from tests.platforms.recording_service import RecordingService
from tests.platforms.rendered import SHOWN

LONG = "A sentence that is repeated. " * 400


@dataclass
class Simulated:
    """A server in simcord, the bot in it, and two members of whom one manages its channels."""

    env: simcord.Env
    platform: DiscordPlatform
    service: RecordingService

    def __post_init__(self) -> None:
        self.lab = self.env.create_guild()
        self.ml = self.lab.create_text_channel("ml-papers")
        managers = self.lab.create_role("managers", permissions=discord.Permissions(manage_channels=True))
        self.ada = self.lab.add_member(self.env.create_user("ada"), roles=[managers])
        self.bo = self.lab.add_member(self.env.create_user("bo"))

    def place(self, channel: Any = None) -> Place:
        return Place("discord", str((channel or self.ml).id), str(self.lab.id))

    async def post(self, message: Message, key: str = "key-1") -> discord.Message:
        await self.platform.send(self.place(), message, key)
        assert self.ml.last_message
        return self.ml.last_message

    async def without(self, **rights: bool) -> Any:
        """A channel where the bot lacks rights."""
        assert self.lab.me
        return self.lab.create_text_channel("closed", overwrites={self.lab.me: discord.PermissionOverwrite(**rights)})


@pytest.fixture
async def sim(tmp_path: Path) -> AsyncIterator[Simulated]:
    logging.getLogger("discord").setLevel(logging.CRITICAL)
    service, platform = RecordingService(), DiscordPlatform("token", Clock(), tmp_path, COMMANDS)
    client = platform.client(service)
    env = simcord.Env(client, shard_count=1)
    await env.start()
    await platform.rest.open(client.http)
    # simcord does not know GET /applications/@me, by which the bot learns how it can be installed.
    await platform.rest.put_commands(str(client.application_id), application_commands(COMMANDS, "papers", [0, 1]))
    yield Simulated(env, platform, service)
    await env.shutdown()
    env.raise_errors()


@pytest.mark.parametrize("name", sorted(SHOWN))
async def test_what_the_bot_shows_is_taken(sim: Simulated, name: str) -> None:
    shown = SHOWN[name]
    if isinstance(shown, Message):
        await sim.post(shown)
    else:
        sim.service.answer = shown
        assert (await sim.ada.slash(sim.ml, "papers", query=name)).response


async def test_what_is_too_long_or_means_harm_is_taken_too(sim: Simulated) -> None:
    card = replace(CARD, title=LONG, url=f"https://x.org/{'a' * 3_000}", authors=HOSTILE, summary=LONG, why=HOSTILE)
    said = await sim.post(Message(LONG, card, (Line("1", LONG, note=HOSTILE),) * 9, numbered=True))
    assert said.mention_everyone is False
    sim.service.answer = Reply(LONG, (Line("1", LONG),) * 40, (card,) * 20, (Action(LONG, "search", LONG, 5),) * 30)
    assert (await sim.ada.slash(sim.ml, "papers", query="x")).followups


async def test_slash_command_is_offered_answered_privately_and_knows_managers(sim: Simulated) -> None:
    for who in (sim.ada, sim.bo):
        assert sim.ml.history() == []
        assert "papers" in who.available_commands(sim.ml)
        answer = await who.slash(sim.ml, "papers", query="federated")
        assert answer.response is not None
        assert answer.response.ephemeral
    assert [(asker.member, asker.manager, line) for _, asker, line in sim.service.asked] == [
        (str(sim.ada.id), True, "federated"),
        (str(sim.bo.id), False, "federated"),
    ]


async def test_what_is_typed_is_completed(sim: Simulated) -> None:
    sim.service.suggestions = [f"federated {number} {'x' * 200}" for number in range(40)]
    choices = await sim.ada.autocomplete(sim.ml, "papers", "query", "fed")
    assert len(choices) == 25


async def test_buttons_lists_and_forms_are_pressed_as_people_do(sim: Simulated) -> None:
    card = await sim.post(Message(card=CARD))
    await sim.bo.click(card, label="Save")
    sim.service.answer = Reply(
        "Found.",
        (Line("1", "One"), Line("2", "Two")),
        actions=(Action("More", "search", "federated", 5),),
        form=Form(
            "settings",
            "Settings here",
            (FormField("bar", "the bar", "0.8"), FormField("guess", "a guess", "on", ("on", "off"))),
        ),
    )
    answer = await sim.ada.slash(sim.ml, "papers", query="settings")
    assert answer.response is not None
    await sim.ada.click(answer.response, label="More")
    await sim.ada.select(answer.response, ["2"])
    shown = await sim.ada.click(answer.response, label="Change")
    assert [(action.command, action.argument) for _, _, action in sim.service.acted] == [
        ("save", CARD.paper_id),
        ("search", "federated"),
        ("abstract", "2"),
    ]
    await sim.ada.submit_modal(shown, {"bar": "0.5", "guess": ["off"]})
    assert sim.service.asked[-1][2] == "settings bar=0.5 guess=off"


async def test_a_message_is_asked_about_by_its_menu(sim: Simulated) -> None:
    card = await sim.post(Message(card=CARD))
    for menu in ("More like this", "Why this paper"):
        answer = await sim.bo.context_menu(sim.ml, menu, card)
        assert answer.response is not None
    assert [(command, message) for _, _, command, message, _ in sim.service.abouts] == [
        ("more", str(card.id)),
        ("why", str(card.id)),
    ]


async def test_a_file_comes_with_an_answer_and_a_direct_message_is_answered(sim: Simulated) -> None:
    sim.service.answer = Reply("All of it.", attachment=Attachment("papers.bib", "@article{a}"))
    answer = await sim.ada.slash(sim.ml, "papers", query="saved bib")
    assert answer.response is not None
    assert [file.filename for file in answer.response.attachments] == ["papers.bib"]
    await sim.bo.send_dm("federated")
    assert sim.service.asked[-1][2] == "federated"


async def test_a_digest_goes_into_the_thread_of_its_header_and_is_found_there(sim: Simulated) -> None:
    since = sim.env.now() - timedelta(minutes=1)
    header = await sim.platform.send(sim.place(), Message("One paper."), "key-1")
    card = await sim.platform.send(sim.place(), Message(card=CARD, thread=header), "key-2")
    [thread] = sim.ml.threads
    assert [f"{thread.id}/{message.id}" for message in thread.history()] == [card]
    assert await sim.platform.find(sim.place(), "key-1", since) == header
    assert await sim.platform.find(sim.place(), "key-2", since, header) == card
    assert await sim.platform.find(sim.place(), "key-3", since) is None


@pytest.mark.parametrize("right", ["view_channel", "send_messages"])
async def test_a_right_that_the_bot_lacks_is_lost_access(sim: Simulated, right: str) -> None:
    closed = await sim.without(**{right: False})
    with pytest.raises(AccessLost):
        await sim.platform.send(sim.place(closed), Message("Good morning."), "key-1")


async def test_a_thread_that_is_closed_to_the_bot_costs_only_the_thread(sim: Simulated) -> None:
    closed = await sim.without(send_messages_in_threads=False)
    header = await sim.platform.send(sim.place(closed), Message("One paper."), "key-1")
    with pytest.raises(Rejected):
        await sim.platform.send(sim.place(closed), Message(card=CARD, thread=header), "key-2")


async def test_find_raises_where_the_bot_may_not_read_the_history(sim: Simulated) -> None:
    closed = await sim.without(read_message_history=False)
    await sim.platform.send(sim.place(closed), Message("One paper."), "key-1")
    with pytest.raises(AccessLost):
        await sim.platform.find(sim.place(closed), "key-1", sim.env.now() - timedelta(minutes=1))


async def test_reactions_are_told_and_those_nobody_heard_of_are_read_back(sim: Simulated) -> None:
    card = await sim.post(Message(card=CARD))
    await sim.ada.react(card, "👍")
    await sim.bo.react(card, "🔥")
    await sim.bo.unreact(card, "🔥")
    assert [(each.member, each.emoji, each.on) for each in sim.service.reactions] == [
        (str(sim.ada.id), "👍", True),
        (str(sim.bo.id), "🔥", True),
        (str(sim.bo.id), "🔥", False),
    ]
    await card.add_reaction("👎")  # the bot's own
    assert await sim.platform.reactions(sim.place(), str(card.id)) == [(str(sim.ada.id), "👍")]
