"""Buttons, selects and modals, and whose answers they are."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest

from tests.fakes.discord import Channel, FakeDiscord, Guild, Member, Upload
from tests.fakes.discord.tests.conftest import INTENTS, Answer, Ears, Told, registered


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


async def shown(client: Ears, channel: Channel, answer: Answer) -> None:
    """A message with a button that answers so."""
    await client.text(channel).send("card", view=Card(answer))


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
    assert [answer.words for answer in ada.answers] == ["still here"]
    await again.close()
    await running


async def test_a_select_gives_what_is_picked(connected: Ears, ml: Channel, ada: Member) -> None:
    async def nothing(told: Told) -> None:
        """Not pressed here."""

    await shown(connected, ml, nothing)
    await ada.picks(ml.visible[0], "topic", "Vision")
    assert [answer.words for answer in ada.answers] == ["Vision"]
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
    assert [answer.words for answer in ada.answers] == ["theory"]


async def test_a_file_goes_with_a_command(fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member) -> None:
    @connected.tree.command(description="Teach")
    async def teach(told: discord.Interaction, file: discord.Attachment) -> None:
        await told.response.defer(ephemeral=True)
        await told.followup.send(f"{file.filename}: {(await file.read()).decode()}", file=await file.to_file())

    await connected.tree.sync()
    await ada.says(ml, "teach", file=Upload("papers.bib", b"@article{}"))
    await fake.until(lambda: ada.answers and not ada.answers[0].thinking)
    assert ada.answers[0].words == "papers.bib: @article{}"
    assert [file.content for file in ada.answers[0].files] == [b"@article{}"]


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
    assert [answer.words for answer in ada.answers] == ["08:00 ['Tue']"]
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
    assert [answer.words for answer in ada.answers] == ["then so"]


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
    assert [message.words for message in ml.visible] == ["for one?"]
