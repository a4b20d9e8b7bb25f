"""Commands and what completes them: what people ask, and the answers that Discord lets through."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta

import discord
import pytest
from discord import app_commands

from tests.fakes.clock import Clock
from tests.fakes.discord import Channel, FakeDiscord, Guild, Member
from tests.fakes.discord.tests.conftest import Ears, Told, registered


async def test_a_slash_command_is_answered_to_all_or_to_one(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    async def answer(told: Told) -> None:
        await told.response.send_message(f"to {told.user.name}", ephemeral=True)
        await told.followup.send("to all")

    await registered(connected, answer)
    asked = await ada.says(ml, "papers", query="federated")
    await fake.until(lambda: ml.visible)
    assert [answer.words for answer in ada.answers] == ["to ada"]
    assert [message.words for message in ml.visible] == ["to all"]
    assert asked.answers == [*ada.answers, *ml.visible]


async def test_a_deferral_becomes_the_first_thing_that_is_said(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    gate = asyncio.Event()

    async def answer(told: Told) -> None:
        await told.response.defer(ephemeral=True, thinking=True)
        await gate.wait()
        await told.followup.send("found", ephemeral=False)
        await told.followup.send("more", ephemeral=True)

    await registered(connected, answer)
    asked = await ada.says(ml, "papers", query="x")
    assert (asked.deferred, ada.answers[0].thinking) == (True, True)
    gate.set()
    await fake.until(lambda: len(ada.answers) == 2)
    assert [answer.words for answer in ada.answers] == ["found", "more"], "who sees it was said by the deferral"
    assert ml.visible == []


async def test_the_original_is_changed_and_taken_back(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    async def answer(told: Told) -> None:
        await told.response.defer(thinking=True)
        await told.edit_original_response(content="found", attachments=[discord.File(io.BytesIO(b"x"), "a.bib")])
        assert (await told.original_response()).content == "found"

    await registered(connected, answer)
    asked = await ada.says(ml, "papers", query="x")
    await fake.until(lambda: ml.visible)
    assert (ml.visible[0].words, ml.visible[0].files[0].content) == ("found", b"x")
    await fake.until(lambda: fake.calls_to("get_response_message"))
    assert asked.original is ml.visible[0]


async def test_an_answer_must_come_in_time(fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member) -> None:
    late: asyncio.Future[discord.HTTPException] = asyncio.get_running_loop().create_future()
    gate = asyncio.Event()

    async def answer(told: Told) -> None:
        await gate.wait()
        try:
            await told.response.send_message("late")
        except discord.NotFound as refused:
            late.set_result(refused)

    await registered(connected, answer)
    fake.answer_within = 0.05
    asked = await ada.says(ml, "papers", query="x")
    assert asked.failed
    assert ada.errors == ["The application did not respond"]
    gate.set()
    assert (await late).code == 10062


async def test_an_interaction_is_answered_once(fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member) -> None:
    async def answer(told: Told) -> None:
        await told.response.send_message("once")

    await registered(connected, answer)
    asked = await ada.says(ml, "papers", query="x")
    route = discord.http.Route("POST", f"/interactions/{asked.id}/{asked.token}/callback")
    with pytest.raises(discord.HTTPException) as refused:
        await connected.http.request(route, json={"type": 5})
    assert refused.value.code == 40060
    unknown = discord.http.Route("POST", f"/interactions/{asked.id}/guessed/callback")
    with pytest.raises(discord.NotFound):
        await connected.http.request(unknown, json={"type": 5})


async def test_a_token_lives_for_a_quarter_of_an_hour(
    fake: FakeDiscord, clock: Clock, connected: Ears, ml: Channel, ada: Member
) -> None:
    held: list[Told] = []

    async def answer(told: Told) -> None:
        held.append(told)
        await told.response.send_message("first")

    await registered(connected, answer)
    await ada.says(ml, "papers", query="x")
    clock.advance(timedelta(minutes=14, seconds=59))
    await held[0].followup.send("second")
    clock.advance(timedelta(seconds=1))
    with pytest.raises(discord.HTTPException) as refused:
        await held[0].followup.send("third")
    assert (refused.value.status, refused.value.code) == (401, 50027)
    assert [message.words for message in ml.visible] == ["first", "second"]


async def test_what_is_typed_is_completed(connected: Ears, ml: Channel, ada: Member) -> None:
    async def nothing(told: Told) -> None:
        """Not asked here."""

    await registered(connected, nothing)
    assert await ada.types(ml, "papers", "fed") == [{"name": "federated", "value": "federated"}]


@pytest.mark.parametrize("choices", [26 * [("a", "b")], [("x" * 101, "b")], [("", "b")]])
async def test_choices_have_their_limits(
    choices: list[tuple[str, str]], fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    @connected.tree.command(description="Search papers")
    async def papers(told: discord.Interaction, query: str) -> None:
        """Not asked here."""

    @papers.autocomplete("query")
    async def complete(told: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=name, value=value) for name, value in choices]

    await connected.tree.sync()
    fake.answer_within = 0.2
    assert await ada.types(ml, "papers", "fed") == []
    assert [call.status for call in fake.calls_to("create_interaction_response")] == [400]


async def test_only_what_is_registered_is_offered(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member, lab: Guild
) -> None:
    with pytest.raises(LookupError, match="no command 'papers' is registered"):
        await ada.says(ml, "papers", query="x")

    @connected.tree.command(description="Settings")
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.guild_only()
    async def settings(told: discord.Interaction) -> None:
        await told.response.send_message("set", ephemeral=True)

    await connected.tree.sync()
    assert (fake.commands.names, fake.commands.syncs.total()) == (["settings"], 1)
    await ada.says(ml, "settings")
    assert [answer.words for answer in ada.answers] == ["set"]
    with pytest.raises(LookupError, match="not allowed"):
        await lab.member("bob").says(ml, "settings")
    with pytest.raises(LookupError, match="not offered there"):
        await ada.says(ada.dm, "settings")
    with pytest.raises(LookupError, match="has no"):
        await ada.says(ml, "settings", time="x")


async def test_a_command_is_used_alone_with_the_bot(connected: Ears, ada: Member) -> None:
    async def answer(told: Told) -> None:
        assert told.guild is None
        await told.response.send_message(f"to {told.user.name}")

    await registered(connected, answer)
    with pytest.raises(ValueError, match="needs query"):
        await ada.says(ada.dm, "papers")
    await ada.says(ada.dm, "papers", query="x")
    assert [message.words for message in ada.dm.visible] == ["to ada"]


async def test_somebody_who_installed_the_bot_has_it_everywhere(fake: FakeDiscord, connected: Ears) -> None:
    other = fake.guild("other", bot=False)
    zoe, talk = other.member("zoe"), other.text("talk")

    @connected.tree.command(description="Search papers")
    @app_commands.allowed_installs(guilds=True, users=True)
    async def papers(told: discord.Interaction) -> None:
        assert not told.is_guild_integration()
        await told.response.send_message("found", ephemeral=True)

    await connected.tree.sync()
    with pytest.raises(LookupError, match="not installed"):
        await zoe.says(talk, "papers")
    zoe.installed = True
    await zoe.says(talk, "papers")
    assert [answer.words for answer in zoe.answers] == ["found"]


async def test_subcommands_are_said_by_their_path(connected: Ears, ml: Channel, ada: Member) -> None:
    group = app_commands.Group(name="topics", description="Topics")

    @group.command(description="Add one")
    async def add(told: discord.Interaction, name: str, weight: int = 1) -> None:
        await told.response.send_message(f"{name} {weight}", ephemeral=True)

    connected.tree.add_command(group)
    await connected.tree.sync()
    await ada.says(ml, "topics add", name="NLP", weight=3)
    assert [answer.words for answer in ada.answers] == ["NLP 3"]
    with pytest.raises(LookupError, match="drop"):
        await ada.says(ml, "topics drop", name="NLP")


async def test_a_message_has_its_menu(connected: Ears, ml: Channel, ada: Member) -> None:
    @connected.tree.context_menu(name="More like this")
    async def similar(told: discord.Interaction, message: discord.Message) -> None:
        await told.response.send_message(f"like {message.content}", ephemeral=True)

    await connected.tree.sync()
    await ada.chooses("More like this", await ada.writes(ml, "graphs"))
    assert [answer.words for answer in ada.answers] == ["like graphs"], "a menu's message is read without the intent"
