"""Channels, threads and forums, and what the bot may do in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import discord
import pytest

from tests.fakes.discord import Channel, FakeDiscord, Guild, Member, Right
from tests.fakes.discord.tests.conftest import Ears


async def forum_of(fake: FakeDiscord, client: Ears, channel: Channel) -> discord.ForumChannel:
    found = await fake.until(lambda: client.get_channel(int(channel.id)))
    assert isinstance(found, discord.ForumChannel)
    return found


async def thread_of(fake: FakeDiscord, client: Ears, channel: Channel) -> discord.Thread:
    found = await fake.until(lambda: client.get_channel(int(channel.id)))
    assert isinstance(found, discord.Thread)
    return found


async def refusal(client: Ears, channel: Channel) -> int:
    with pytest.raises(discord.HTTPException) as refused:
        await client.get_partial_messageable(int(channel.id)).send("card")
    return refused.value.code


async def test_history_is_read_backwards_and_forwards(connected: Ears, ml: Channel) -> None:
    for number in range(5):
        await connected.text(ml).send(str(number))
    middle = discord.Object(int(ml.visible[2].id))

    async def read(**how: object) -> str:
        return "".join([message.content async for message in connected.text(ml).history(**how)])  # type: ignore[arg-type]

    assert await read() == "43210"
    assert await read(limit=2) == "43"
    assert await read(before=middle) == "10"
    assert await read(after=middle) == "34"
    assert await read(after=middle, limit=1) == "3"


async def test_a_message_is_changed_and_deleted(fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member) -> None:
    sent = await connected.text(ml).send("card")
    await sent.edit(content="a better card", embed=discord.Embed(title="Paper"))
    assert ml.visible[0].words == "a better card\nPaper"
    assert ml.visible[0].edited
    await sent.delete()
    assert ml.visible == []
    with pytest.raises(discord.NotFound) as gone:
        await sent.edit(content="x")
    assert gone.value.code == 10008
    other = await connected.text(ml).fetch_message(int((await ada.writes(ml, "mine")).id))
    with pytest.raises(discord.Forbidden) as refused:
        await other.edit(content="x")
    assert refused.value.code == 50005


async def test_a_lost_right_is_refused_by_its_code(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    await ada.denies(ml, Right.SEND_MESSAGES)
    assert await refusal(connected, ml) == 50013
    await fake.until(lambda: connected.all("guild_channel_update"))
    await ada.denies(ml, Right.VIEW_CHANNEL)
    assert await refusal(connected, ml) == 50001
    assert len(connected.all("guild_channel_update")) == 1, "nobody is told of what they don't see any more"
    await ada.allows(ml, Right.VIEW_CHANNEL | Right.SEND_MESSAGES)
    await connected.text(ml).send("card")


@pytest.mark.parametrize("right", [Right.EMBED_LINKS, Right.ADD_REACTIONS, Right.READ_MESSAGE_HISTORY])
async def test_each_right_is_asked_for_where_it_is_needed(
    right: Right, fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    sent = await connected.text(ml).send("card")
    await ada.denies(ml, right)
    text = connected.text(ml)
    asking: dict[Right, Callable[[], Awaitable[object]]] = {
        Right.EMBED_LINKS: lambda: text.send(embed=discord.Embed(title="Paper")),
        Right.ADD_REACTIONS: lambda: sent.add_reaction("👍"),
        Right.READ_MESSAGE_HISTORY: lambda: text.fetch_message(sent.id),
    }
    with pytest.raises(discord.Forbidden) as refused:
        await asking[right]()
    assert refused.value.code == 50013


async def test_to_send_is_another_right_in_threads(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    thread = ml.thread("talk")
    await ada.denies(ml, Right.SEND_MESSAGES)
    await connected.get_partial_messageable(int(thread.id)).send("card")
    await ada.denies(ml, Right.SEND_MESSAGES_IN_THREADS)
    assert await refusal(connected, thread) == 50013


async def test_a_channel_that_is_gone_is_unknown(
    fake: FakeDiscord, connected: Ears, ml: Channel, lab: Guild, ada: Member
) -> None:
    thread = ml.thread("talk")
    await ada.deletes(ml)
    await fake.until(lambda: connected.all("guild_channel_delete"))
    assert (await refusal(connected, ml), await refusal(connected, thread)) == (10003, 10003)


async def test_a_bot_that_was_thrown_out_has_no_access(
    fake: FakeDiscord, connected: Ears, ml: Channel, lab: Guild
) -> None:
    await lab.removes_bot()
    assert await refusal(connected, ml) == 50001
    with pytest.raises(discord.NotFound):
        await connected.fetch_guild(int(lab.id))


async def test_somebody_may_take_no_messages_of_the_bot(connected: Ears, ada: Member) -> None:
    person = await connected.fetch_user(int(ada.id))
    await person.send("hello")
    assert [message.words for message in ada.dm.visible] == ["hello"]
    ada.user.takes_dms = False
    assert await refusal(connected, ada.dm) == 50007


async def test_a_thread_is_archived_opened_by_a_message_and_deleted(
    fake: FakeDiscord, connected: Ears, ml: Channel, ada: Member
) -> None:
    made = ml.thread("talk")
    thread = await thread_of(fake, connected, made)
    sent = await thread.send("card")
    await ada.archives(made)
    await fake.until(lambda: thread.archived)
    with pytest.raises(discord.HTTPException) as refused:
        await sent.add_reaction("👍")
    assert refused.value.code == 50083
    await thread.send("another")
    assert not made.archived
    await ada.archives(made, locked=True)
    assert await refusal(connected, made) == 50083
    await ada.deletes(made)
    await fake.until(lambda: connected.all("raw_thread_delete"))


async def test_a_thread_hangs_on_a_message_once(fake: FakeDiscord, connected: Ears, ml: Channel) -> None:
    sent = await connected.text(ml).send("card")
    thread = await sent.create_thread(name="about it")
    assert (thread.id, ml.threads[0].id) == (sent.id, str(sent.id))
    with pytest.raises(discord.HTTPException) as refused:
        await sent.create_thread(name="again")
    assert refused.value.code == 160004


async def test_a_forum_takes_posts_alone(fake: FakeDiscord, connected: Ears, lab: Guild, ada: Member) -> None:
    posts = lab.forum("papers", ("NLP", "Vision"), require_tag=True)
    forum = await forum_of(fake, connected, posts)
    assert [available_tag.name for available_tag in forum.available_tags] == ["NLP", "Vision"]
    assert await refusal(connected, posts) == 50008
    with pytest.raises(discord.HTTPException) as refused:
        await forum.create_thread(name="today", content="card")
    assert refused.value.code == 40067
    thread, first = await forum.create_thread(name="today", content="card", applied_tags=forum.available_tags[:1])
    assert thread.id == first.id
    assert [message.words for message in posts.threads[0].visible] == ["card"]
    assert [posts.tags[one] for one in posts.threads[0].applied] == ["NLP"]
    await ada.reacts(posts.threads[0].visible[0], "👍")
    await fake.until(lambda: connected.all("raw_reaction_add"))


@pytest.mark.parametrize("name", ["", "x" * 101])
async def test_a_threads_name_has_its_length(
    name: str, fake: FakeDiscord, connected: Ears, ml: Channel, lab: Guild
) -> None:
    with pytest.raises(discord.HTTPException) as refused:
        await connected.text(ml).create_thread(name=name, type=discord.ChannelType.public_thread)
    assert refused.value.code == 50035
    assert ml.threads == []


async def test_an_announcement_is_passed_on(fake: FakeDiscord, connected: Ears, lab: Guild, ml: Channel) -> None:
    news = lab.announcements("news")
    await fake.until(lambda: connected.get_channel(int(news.id)))
    sent = await connected.text(news).send("card")
    await sent.publish()
    assert news.visible[0].flags & 1
    with pytest.raises(discord.HTTPException) as refused:
        await (await connected.text(ml).send("card")).publish()
    assert refused.value.code == 50024


async def test_the_bot_renames_and_archives_its_own_threads(fake: FakeDiscord, connected: Ears, ml: Channel) -> None:
    thread = await connected.text(ml).create_thread(name="talk", type=discord.ChannelType.public_thread)
    await thread.edit(name="more talk", archived=True)
    assert (ml.threads[0].name, ml.threads[0].archived) == ("more talk", True)
    with pytest.raises(discord.HTTPException) as refused:
        await thread.edit(name="x")
    assert refused.value.code == 50083
    archived = [archived_thread.name async for archived_thread in connected.text(ml).archived_threads()]
    assert archived == ["more talk"]


async def test_an_emoji_that_does_not_exist_is_unknown(connected: Ears, ml: Channel, lab: Guild) -> None:
    sent = await connected.text(ml).send("card")
    await sent.add_reaction(lab.emoji("paper"))
    for emoji in ("nothing:123", "thumbsup"):
        with pytest.raises(discord.NotFound) as refused:
            await sent.add_reaction(emoji)
        assert refused.value.code == 10014
    read = await connected.text(ml).fetch_message(sent.id)
    assert [reaction.me for reaction in read.reactions] == [True]
