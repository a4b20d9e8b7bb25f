"""What Discord takes in a message, a modal or a command, and how it says what it does not."""

from __future__ import annotations

import io
from typing import Any

import discord
import pytest

from tests.fakes.discord import Channel, FakeDiscord, Json
from tests.fakes.discord.tests.conftest import Ears


async def post(client: Ears, channel: Channel, body: Json) -> Json:
    """What Discord answers to a message's body: itself, or its refusal."""
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=channel.id)
    try:
        return dict(await client.http.request(route, json=body))
    except discord.HTTPException as refused:
        return {"code": refused.code, "text": refused.text}


def button(**more: Any) -> Json:
    return {"type": 2, "style": 1, "label": "More", "custom_id": "more"} | more


def row(*components: Json) -> Json:
    return {"type": 1, "components": list(components)}


def select(**more: Any) -> Json:
    return {"type": 3, "custom_id": "s", "options": [{"label": "a", "value": "a"}]} | more


def rich(*components: Json) -> Json:
    return {"flags": 1 << 15, "components": list(components)}


def words(length: int) -> Json:
    return {"type": 10, "content": "x" * length}


LINK = {"type": 2, "style": 5, "label": "arXiv", "url": "https://arxiv.org/abs/2601.00001"}
FIELD = {"name": "a", "value": "b"}
TAKEN: dict[str, Json] = {
    "content": {"content": "x" * 2000},
    "title": {"embeds": [{"title": "x" * 256}]},
    "description": {"embeds": [{"description": "x" * 4096}]},
    "6000 in all": {"embeds": [{"description": "x" * 3000}, {"description": "x" * 3000}]},
    "25 fields": {"embeds": [{"fields": [FIELD] * 25}]},
    "10 embeds": {"embeds": [{"title": "x"}] * 10},
    "5 rows": {"components": [row(button(custom_id=str(number))) for number in range(5)]},
    "link": {"components": [row(LINK)]},
    "select": {"components": [row(select())]},
    "40 parts": rich(*[words(10)] * 40),
    "4000 shown": rich({"type": 17, "components": [words(2000), words(2000)]}),
    "section": rich({"type": 9, "components": [words(5)], "accessory": button()}),
    "layout": rich(words(1), {"type": 14}, row(button(), LINK)),
}
REFUSED: dict[str, tuple[Json, str]] = {
    "content": ({"content": "x" * 2001}, "In content: Must be 2000 or fewer"),
    "title": ({"embeds": [{}, {"title": "x" * 257}]}, "embeds.1.title: Must be 256"),
    "description": ({"embeds": [{"description": "x" * 4097}]}, "embeds.0.description: Must be 4096"),
    "author": ({"embeds": [{"author": {"name": "x" * 257}}]}, "embeds.0.author.name: Must be 256"),
    "footer": ({"embeds": [{"footer": {"text": "x" * 2049}}]}, "embeds.0.footer.text: Must be 2048"),
    "field value": (
        {"embeds": [{"fields": [FIELD, {"name": "a", "value": ""}]}]},
        "embeds.0.fields.1.value: This field is required",
    ),
    "26 fields": ({"embeds": [{"fields": [FIELD] * 26}]}, "embeds.0.fields: Must be between 0 and 25"),
    "11 embeds": ({"embeds": [{"title": "x"}] * 11}, "In embeds: Must be between 0 and 10"),
    "6001 in all": (
        {"embeds": [{"description": "x" * 3000}, {"description": "x" * 3000, "footer": {"text": "x"}}]},
        "In embeds: Embed size exceeds maximum size of 6000",
    ),
    "url": ({"embeds": [{"title": "x", "url": "javascript:x"}]}, "embeds.0.url: Scheme"),
    "nonce": ({"content": "x", "nonce": "x" * 26}, "In nonce: Must be 25 or fewer"),
    "6 rows": ({"components": [row(button(custom_id=str(number))) for number in range(6)]}, "In components"),
    "6 buttons": (
        {"components": [row(*[button(custom_id=str(number)) for number in range(6)])]},
        "components.0.components: Must be between 1 and 5",
    ),
    "custom id": ({"components": [row(button(custom_id="x" * 101))]}, "components.0.components.0.custom_id"),
    "no custom id": ({"components": [row(button(custom_id=""))]}, "custom_id: This field is required"),
    "same custom id": ({"components": [row(button(), button())]}, "custom id cannot be duplicated"),
    "same id": (rich(words(1) | {"id": 7}, words(1) | {"id": 7}), "Component id cannot be duplicated"),
    "label": ({"components": [row(button(label="x" * 81))]}, "components.0.components.0.label: Must be 80"),
    "26 options": (
        {"components": [row(select(options=[{"label": "a", "value": str(number)} for number in range(26)]))]},
        "options: Must be between 1 and 25",
    ),
    "select and button": ({"components": [row(select(), button())]}, "components.0.components: Must be between"),
    "text without its flag": ({"components": [words(1)]}, "components.0.type: Value must be one of {1}"),
    "content with the flag": (rich(words(1)) | {"content": "x"}, "In content: The 'content' field cannot"),
    "embeds with the flag": (rich(words(1)) | {"embeds": [{"title": "x"}]}, "In embeds: The 'embeds' field"),
    "41 parts": (rich(*[words(10)] * 41), "Total number of components cannot exceed 40"),
    "41 nested parts": (rich({"type": 17, "components": [words(1)] * 40}), "cannot exceed 40"),
    "4001 shown": (rich(words(2000), words(2001)), "exceeds the maximum of 4000"),
    "bare button": (rich(button()), "components.0.type: Value must be one of"),
    "section without accessory": (rich({"type": 9, "components": [words(1)]}), "accessory: This field is required"),
    "container in container": (
        rich({"type": 17, "components": [{"type": 17, "components": [words(1)]}]}),
        "components.0.components.0.type",
    ),
    "users and parse": (
        {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        "mutually exclusive",
    ),
}


@pytest.mark.parametrize("name", TAKEN)
async def test_what_is_within_the_limits_is_taken(name: str, connected: Ears, ml: Channel) -> None:
    answer = await post(connected, ml, TAKEN[name])
    assert answer.get("id") == ml.visible[0].id, answer


@pytest.mark.parametrize("name", REFUSED)
async def test_what_exceeds_a_limit_is_refused_with_its_path(name: str, connected: Ears, ml: Channel) -> None:
    body, said = REFUSED[name]
    answer = await post(connected, ml, body)
    assert answer["code"] == 50035, answer
    assert said in answer["text"]
    assert ml.visible == []


@pytest.mark.parametrize("body", [{}, {"content": ""}, {"embeds": []}, {"flags": 1 << 15}])
async def test_a_message_says_something(body: Json, connected: Ears, ml: Channel) -> None:
    assert (await post(connected, ml, body))["code"] == 50006


async def test_components_v2_is_for_good(connected: Ears, ml: Channel) -> None:
    view = discord.ui.LayoutView()
    view.add_item(discord.ui.TextDisplay("hello"))
    sent = await connected.text(ml).send(view=view)
    assert ml.visible[0].words == "hello"
    with pytest.raises(discord.HTTPException) as refused:
        await sent.edit(content="x", view=None)
    assert refused.value.code == 50035


async def test_a_components_own_id_is_kept(connected: Ears, ml: Channel) -> None:
    await post(connected, ml, rich(words(1), words(1) | {"id": 1}, words(1) | {"id": 1 << 30}))
    assert [component["id"] for component in ml.visible[0].components] == [2, 1, 1 << 30]


async def test_files_come_as_they_were_sent(fake: FakeDiscord, connected: Ears, ml: Channel) -> None:
    sent = await connected.text(ml).send("library", file=discord.File(io.BytesIO(b"@article{}"), "papers.bib"))
    assert [(file.filename, file.content) for file in ml.visible[0].files] == [("papers.bib", b"@article{}")]
    assert (sent.attachments[0].filename, sent.attachments[0].size) == ("papers.bib", 10)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ({"name": "Papers", "description": "x"}, "0.name: Command name is invalid"),
        ({"name": "papers", "description": ""}, "0.description: This field is required"),
        ({"name": "papers", "description": "x" * 101}, "0.description: Must be 100 or fewer"),
        ({"name": "x" * 33, "type": 3}, "0.name: Must be 32 or fewer"),
        ({"name": "x", "type": 3, "description": "x"}, "0.description: Must be empty"),
        (
            {
                "name": "x",
                "description": "x",
                "options": [{"type": 3, "name": str(n), "description": "x"} for n in range(26)],
            },
            "0.options: Must be between 0 and 25",
        ),
    ],
)
async def test_a_command_has_its_limits(command: Any, said: str, fake: FakeDiscord, connected: Ears) -> None:
    with pytest.raises(discord.HTTPException) as refused:
        await connected.http.bulk_upsert_global_commands(int(fake.application), [command])
    assert (refused.value.code, said in refused.value.text) == (50035, True), refused.value.text
    assert fake.commands.syncs.total() == 0


async def test_two_hundred_commands_may_be_made_a_day(fake: FakeDiscord, connected: Ears) -> None:
    def named(start: int, count: int) -> Any:
        return [{"name": f"c{number}", "description": "x"} for number in range(start, start + count)]

    for start in (0, 0, 100):
        await connected.http.bulk_upsert_global_commands(int(fake.application), named(start, 100))
    with pytest.raises(discord.HTTPException) as refused:
        await connected.http.bulk_upsert_global_commands(int(fake.application), named(200, 1))
    assert refused.value.code == 30034
