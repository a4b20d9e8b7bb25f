"""Commands, buttons, selects and modals: what people ask, and the answers that Discord lets through."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import discord
import pytest
from discord import app_commands

from tests.discord_fake.conftest import INTENTS, Ears
from tests.fakes.clock import Clock
from tests.fakes.discord import Channel, FakeDiscord, Guild, Member, Upload

Told = discord.Interaction[Ears]
Answer = Callable[[Told], Awaitable[object]]


class Card(discord.ui.View):
    """One button and one select."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(timeout=None)
        self.answer = answer

    @discord.ui.button(label="More", custom_id="more")
    async def more(self, told: Told, _: discord.ui.Button[Card]) -> None:
        await self.answer(told)

    @discord.ui.select(custom_id="topic", options=[discord.SelectOption(label=one) for one in ("NLP", "Vision")])
    async def topic(self, told: Told, chosen: discord.ui.Select[Card]) -> None:
        await told.response.send_message(chosen.values[0], ephemeral=True)


class Form(discord.ui.Modal, title="Schedule"):
    """A time and a choice."""

    time = discord.ui.Label(
        text="Time", component=discord.ui.TextInput(custom_id="time", max_length=5, default="08:00")
    )  # type: ignore[var-annotated]
    day = discord.ui.Label(  # type: ignore[var-annotated]
        text="Day",
        component=discord.ui.Select(
            custom_id="day", options=[discord.SelectOption(label=one) for one in ("Mon", "Tue")]
        ),
    )

    async def on_submit(self, told: discord.Interaction) -> None:
        assert isinstance(self.time.component, discord.ui.TextInput)
        assert isinstance(self.day.component, discord.ui.Select)
        await told.response.send_message(f"{self.time.component.value} {self.day.component.values}", ephemeral=True)


async def registered(client: Ears, answer: Answer) -> None:
    """`/papers query:` that answers so, registered."""

    @client.tree.command(description="Search papers")
    async def papers(told: discord.Interaction, query: str) -> None:
        await answer(told)  # type: ignore[arg-type]

    @papers.autocomplete("query")
    async def complete(told: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{typed}erated", value="federated")]

    await client.tree.sync()


async def shown(client: Ears, channel: Channel, answer: Answer) -> None:
    """A message with a button that answers so."""
    await client.text(channel).send("card", view=Card(answer))


async def test_a_slash_command_is_answered_to_all_or_to_one(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    async def answer(told: Told) -> None:
        await told.response.send_message(f"to {told.user.name}", ephemeral=True)
        await told.followup.send("to all")

    await registered(connected, answer)
    asked = await ada.says(ml, "papers", query="federated")
    await fake.until(lambda: ml.visible)
    assert [one.words for one in ada.answers] == ["to ada"]
    assert [one.words for one in ml.visible] == ["to all"]
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
    assert [one.words for one in ada.answers] == ["found", "more"], "who sees it was said by the deferral"
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
    assert [one.words for one in ml.visible] == ["first", "second"]


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
    assert [one.status for one in fake.calls_to("create_interaction_response")] == [400]


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
    assert [one.words for one in ada.answers] == ["set"]
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
    assert [one.words for one in ada.dm.visible] == ["to ada"]


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
    assert [one.words for one in zoe.answers] == ["found"]


async def test_subcommands_are_said_by_their_path(connected: Ears, ml: Channel, ada: Member) -> None:
    group = app_commands.Group(name="topics", description="Topics")

    @group.command(description="Add one")
    async def add(told: discord.Interaction, name: str, weight: int = 1) -> None:
        await told.response.send_message(f"{name} {weight}", ephemeral=True)

    connected.tree.add_command(group)
    await connected.tree.sync()
    await ada.says(ml, "topics add", name="NLP", weight=3)
    assert [one.words for one in ada.answers] == ["NLP 3"]
    with pytest.raises(LookupError, match="drop"):
        await ada.says(ml, "topics drop", name="NLP")


async def test_a_message_has_its_menu(connected: Ears, ml: Channel, ada: Member) -> None:
    @connected.tree.context_menu(name="More like this")
    async def similar(told: discord.Interaction, message: discord.Message) -> None:
        await told.response.send_message(f"like {message.content}", ephemeral=True)

    await connected.tree.sync()
    await ada.chooses("More like this", await ada.writes(ml, "graphs"))
    assert [one.words for one in ada.answers] == ["like graphs"], "a menu's message is read without the intent"


async def test_a_button_changes_its_message(connected: Ears, ml: Channel, ada: Member) -> None:
    async def answer(told: Told) -> None:
        await told.response.edit_message(content="changed", view=None)

    await shown(connected, ml, answer)
    message = ml.visible[0]
    assert message.custom_ids == ["more", "topic"]
    await ada.presses(message, "more")
    assert (message.words, message.custom_ids) == ("changed", [])
    with pytest.raises(LookupError, match="more"):
        await ada.presses(message, "more")


async def test_a_button_may_be_answered_later_and_apart(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    async def answer(told: Told) -> None:
        await told.response.defer()
        await told.edit_original_response(content="changed")
        await told.followup.send("said", ephemeral=True)

    await shown(connected, ml, answer)
    await ada.presses(ml.visible[0], "more")
    await fake.until(lambda: ada.answers)
    assert ml.visible[0].content == "changed"


async def test_a_button_works_for_a_bot_that_started_anew(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    async def answer(told: Told) -> None:
        await told.response.send_message("still here", ephemeral=True)

    await shown(connected, ml, answer)
    await connected.close()
    again = Ears(INTENTS)
    running = asyncio.ensure_future(again.start(fake.token))
    await fake.until(lambda: again.all("ready"))
    again.add_view(Card(answer))
    await ada.presses(ml.visible[0], "more")
    assert [one.words for one in ada.answers] == ["still here"]
    await again.close()
    await running


async def test_a_select_gives_what_is_picked(connected: Ears, ml: Channel, ada: Member) -> None:
    async def nothing(told: Told) -> None:
        """Not pressed here."""

    await shown(connected, ml, nothing)
    await ada.picks(ml.visible[0], "topic", "Vision")
    assert [one.words for one in ada.answers] == ["Vision"]
    with pytest.raises(LookupError, match="Robots"):
        await ada.picks(ml.visible[0], "topic", "Robots")


async def test_a_channel_is_picked_from_the_guild(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member, lab: Guild
) -> None:
    class Where(discord.ui.View):
        @discord.ui.select(cls=discord.ui.ChannelSelect, custom_id="where")
        async def where(self, told: Told, chosen: discord.ui.ChannelSelect[Where]) -> None:
            await told.response.send_message(chosen.values[0].name, ephemeral=True)

    await connected.text(ml).send("where?", view=Where())
    await ada.picks(ml.visible[0], "where", lab.text("theory").id)
    assert [one.words for one in ada.answers] == ["theory"]


async def test_a_file_goes_with_a_command(fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member) -> None:
    @connected.tree.command(description="Teach")
    async def teach(told: discord.Interaction, file: discord.Attachment) -> None:
        await told.response.defer(ephemeral=True)
        await told.followup.send(f"{file.filename}: {(await file.read()).decode()}", file=await file.to_file())

    await connected.tree.sync()
    await ada.says(ml, "teach", file=Upload("papers.bib", b"@article{}"))
    await fake.until(lambda: ada.answers and not ada.answers[0].thinking)
    assert ada.answers[0].words == "papers.bib: @article{}"
    assert [one.content for one in ada.answers[0].files] == [b"@article{}"]


async def test_nobody_presses_what_somebody_else_was_told(
    connected: Ears, ml: Channel, ada: Member, lab: Guild
) -> None:
    async def answer(told: Told) -> None:
        await told.response.send_message("for you", view=Card(answer), ephemeral=True)

    await registered(connected, answer)
    await ada.says(ml, "papers", query="x")
    with pytest.raises(LookupError, match="does not see"):
        await lab.member("bob").presses(ada.answers[0], "more")
    await ada.presses(ada.answers[0], "more")
    assert len(ada.answers) == 2


async def test_a_modal_is_filled_in_and_submitted(connected: Ears, ml: Channel, ada: Member) -> None:
    async def answer(told: Told) -> None:
        await told.response.send_modal(Form())

    await registered(connected, answer)
    await ada.says(ml, "papers", query="x")
    (modal,) = ada.modals
    assert (modal.title, list(modal.inputs)) == ("Schedule", ["time", "day"])
    with pytest.raises(LookupError, match="hour"):
        await ada.submits(modal, {"hour": "9"})
    with pytest.raises(ValueError, match="time takes"):
        await ada.submits(modal, {"time": "half past nine"})
    await ada.submits(modal, {"day": "Tue"})
    assert [one.words for one in ada.answers] == ["08:00 ['Tue']"]
    assert ada.modals == []


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        (8, {"choices": []}, 50035),
        (6, {}, 50035),
        (4, {"content": "x" * 2001}, 50035),
        (4, {}, 50006),
        (9, {"title": "x" * 46, "custom_id": "x", "components": []}, 50035),
        (9, {"title": "x", "custom_id": "x", "components": []}, 50035),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused_and_may_be_given_again(
    kind: int, data: dict[str, Any], code: int, fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    codes: list[int] = []

    async def answer(told: Told) -> None:
        route = discord.http.Route("POST", f"/interactions/{told.id}/{told.token}/callback")
        try:
            await connected.http.request(route, json={"type": kind, "data": data})
        except discord.HTTPException as refused:
            codes.append(refused.code)
        await told.response.send_message("then so", ephemeral=True)

    await registered(connected, answer)
    await ada.says(ml, "papers", query="x")
    assert codes == [code]
    assert [one.words for one in ada.answers] == ["then so"]


async def test_what_one_person_sees_stays_theirs_when_it_changes(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    def layout(text: str) -> discord.ui.LayoutView:
        view = discord.ui.LayoutView()
        view.add_item(discord.ui.TextDisplay(text))
        return view

    async def answer(told: Told) -> None:
        await told.response.defer(ephemeral=True, thinking=True)
        await told.edit_original_response(view=layout("found"))
        await told.edit_original_response(view=layout("found more"))

    await registered(connected, answer)
    await ada.says(ml, "papers", query="x")
    await fake.until(lambda: ada.answers and ada.answers[0].words == "found more")
    assert ada.answers[0].ephemeral
    assert ml.visible == []


async def test_a_plain_message_is_seen_by_all(connected: Ears, ml: Channel) -> None:
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=ml.id)
    await connected.http.request(route, json={"content": "for one?", "flags": 64})
    assert [one.words for one in ml.visible] == ["for one?"]
