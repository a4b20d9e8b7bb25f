"""What people do, and what discord.py makes of it."""

from __future__ import annotations

import discord
import pytest

from tests.fakes.discord import Channel, FakeDiscord, Guild, Member, Message, Right
from tests.fakes.discord.tests.conftest import Ears


async def posted(client: Ears, channel: Channel, text: str = "card") -> Message:
    await client.text(channel).send(text)
    return channel.visible[-1]


async def test_a_reaction_is_told_with_its_member_and_the_author(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    message = await posted(connected, ml)
    await ada.reacts(message, "👍")
    await fake.until(lambda: connected.all("raw_reaction_add"))
    (heard,) = connected.all("raw_reaction_add")
    assert (heard.member.name, str(heard.emoji), heard.message_id) == ("ada", "👍", int(message.id))
    assert heard.message_author_id == int(fake.bot.id)
    assert not heard.burst


async def test_a_reaction_is_put_on_once_and_taken_off_without_a_member(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    message = await posted(connected, ml)
    await ada.reacts(message, "👍")
    await ada.reacts(message, "👍")
    await ada.unreacts(message, "👍")
    await fake.until(lambda: connected.all("raw_reaction_remove"))
    assert len(connected.all("raw_reaction_add")) == 1
    assert connected.all("raw_reaction_remove")[0].member is None
    assert message.reactions == {}


async def test_burst_reactions_stand_beside_the_normal_ones(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member, lab: Guild
) -> None:
    message = await posted(connected, ml)
    bob = lab.member("bob")
    await ada.reacts(message, "👍")
    await bob.reacts(message, "👍", burst=True)
    read = await connected.text(ml).fetch_message(int(message.id))
    assert (read.reactions[0].normal_count, read.reactions[0].burst_count) == (1, 1)
    normal = [user.name async for user in read.reactions[0].users(type=discord.ReactionType.normal)]
    burst = [user.name async for user in read.reactions[0].users(type=discord.ReactionType.burst)]
    assert (normal, burst) == (["ada"], ["bob"])


async def test_the_people_behind_a_reaction_are_read_in_pages(
    fake: FakeDiscord, connected: Ears, ml: Channel, lab: Guild
) -> None:
    message = await posted(connected, ml)
    for number in range(130):
        await lab.member(f"m{number}").reacts(message, "👍")
    read = await connected.text(ml).fetch_message(int(message.id))
    assert len({user.id async for user in read.reactions[0].users()}) == 130
    assert [call.query["limit"] for call in fake.calls_to("get_reactions")] == ["100", "30"]


async def test_a_moderator_clears_one_emoji_or_all(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member, lab: Guild
) -> None:
    message, own = await posted(connected, ml), lab.emoji("paper")
    for emoji in ("👍", own, "👎"):
        await ada.reacts(message, emoji)
    await ada.clears_emoji(message, own)
    await fake.until(lambda: connected.all("raw_reaction_clear_emoji"))
    assert connected.all("raw_reaction_clear_emoji")[0].emoji.name == "paper"
    assert list(message.reactions) == ["👍", "👎"]
    await ada.clears(message)
    await fake.until(lambda: connected.all("raw_reaction_clear"))
    assert message.reactions == {}


async def test_message_content_is_readable_only_in_mentions_and_direct_messages(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    await ada.writes(ml, "a secret")
    await ada.mentions(ml, "today")
    await ada.sends_dm("federated")
    await fake.until(lambda: len(connected.all("message")) == 3)
    assert [one.content for one in connected.all("message")] == ["", f"<@{fake.bot.id}> today", "federated"]


async def test_a_reply_reaches_the_one_whom_it_answers(connected: Ears, ml: Channel, ada: Member) -> None:
    asked = await ada.writes(ml, "anything on graphs?")
    message = await connected.text(ml).fetch_message(int(asked.id))
    await message.reply("Yes", allowed_mentions=discord.AllowedMentions.none())
    await message.reply("Yes!")
    assert [message.pings for message in ml.visible] == [[], [], ["ada"]]
    assert ml.visible[1].reference == {"message_id": asked.id, "channel_id": ml.id}


@pytest.mark.parametrize(
    ("text", "allowed", "rung"),
    [
        ("<@{ada}> <@{bob}>", None, ["ada", "bob"]),
        ("<@{ada}> <@{bob}>", discord.AllowedMentions.none(), []),
        ("@everyone", None, []),
        ("@everyone", "may", ["ada", "bob"]),
        ("<@&{role}>", None, ["bob"]),
    ],
)
async def test_mentions_ring_as_they_are_allowed_to(
    connected: Ears, ml: Channel, ada: Member, lab: Guild, text: str, allowed: object, rung: list[str]
) -> None:
    bob, role = lab.member("bob"), lab.role("readers")
    bob.roles.append(role)
    if allowed == "may":
        await ada.allows(ml, Right.MENTION_EVERYONE)
    said = text.format(ada=ada.id, bob=bob.id, role=role.id)
    if isinstance(allowed, discord.AllowedMentions):
        await connected.text(ml).send(said, allowed_mentions=allowed)
    else:
        await connected.text(ml).send(said)
    assert ml.visible[0].pings == rung


async def test_nothing_in_an_embed_rings(connected: Ears, ml: Channel, ada: Member) -> None:
    await connected.text(ml).send(embed=discord.Embed(title=f"<@{ada.id}>", description="@everyone"))
    assert ml.visible[0].pings == []
    assert ml.visible[0].words == f"<@{ada.id}>\n@everyone"
