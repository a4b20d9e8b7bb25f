"""What is Discord's alone: forums, threads, what is tried again, and what Discord says no to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.commands.registry import COMMANDS
from bot.model.messages import Line, Message, Place
from bot.platforms.discord.platform import DiscordPlatform
from bot.ports.platform import AccessLost, NotAccepted, PlatformError, Rejected, Uncertain
from tests.fakes.discord import Right
from tests.platforms.conformance import CARD
from tests.platforms.discord.server import DiscordServer, server_at_work


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DiscordServer]:
    async with server_at_work(tmp_path) as server:
        yield server


async def test_a_card_is_one_message_that_calls_nobody(server: DiscordServer) -> None:
    await server.platform.send(server.place, Message("@everyone", CARD), "key-1")
    [message] = server.ml.visible
    assert message.posted["allowed_mentions"] == {"parse": []}
    assert message.pings == []
    assert "\\@everyone" in message.words


async def test_an_announcement_channel_is_a_channel_like_any_other(server: DiscordServer) -> None:
    news = server.lab.announcements("news")
    place, platform, since = server.place_of(news), server.platform, server.now() - timedelta(minutes=1)
    header = await platform.send(place, Message("5 papers"), "key-0")
    card = await platform.send(place, Message(card=CARD, thread=header), "key-1")
    assert [message.id for message in news.visible] == [header] == [thread.id for thread in news.threads]
    assert await platform.find(place, "key-0", since) == header
    assert await platform.find(place, "key-1", since, header) == card
    await server.ada.reacts(news.visible[0], "👍")
    await server.bo.reacts(news.threads[0].visible[0], "🔥")
    told = await server.fake.until(lambda: server.service.reactions[1:] and server.service.reactions)
    assert [(each.place.address, each.message) for each in told] == [(news.id, header), (news.id, card)]


async def test_a_digest_in_a_thread_stands_in_the_thread_of_its_header(server: DiscordServer) -> None:
    place, platform = server.place, server.platform
    header = await platform.send(place, Message("5 papers for Monday, 2 March. React!"), "key-0")
    first = await platform.send(place, Message(card=CARD, thread=header), "key-1")
    second = await platform.send(place, Message(card=CARD, thread=header), "key-2")
    [thread] = server.ml.threads
    assert thread.name == "5 papers for Monday, 2 March"
    assert [f"{thread.id}/{message.id}" for message in thread.visible] == [first, second]
    assert [message.id for message in server.ml.visible] == [header]
    since = server.now() - timedelta(minutes=1)
    assert await platform.find(place, "key-2", since, header) == second
    assert await platform.find(place, "key-2", since) is None
    await server.ada.reacts(thread.visible[1], "👍")
    [told] = await server.fake.until(lambda: server.service.reactions)
    assert (told.place.address, told.message) == (place.address, second)
    assert await platform.reactions(place, second) == [(server.ada.id, "👍")]


async def test_closed_thread_rejects_the_card_and_does_not_lose_the_channel(
    server: DiscordServer,
) -> None:
    header = await server.platform.send(server.place, Message("5 papers"), "key-0")
    await server.ada.denies(server.ml, Right.SEND_MESSAGES_IN_THREADS)
    with pytest.raises(Rejected):
        await server.platform.send(server.place, Message(card=CARD, thread=header), "key-1")
    gone = await server.platform.send(server.place, Message("4 papers"), "key-2")
    await server.ada.removes(server.ml.visible[-1])
    with pytest.raises(Rejected):
        await server.platform.send(server.place, Message(card=CARD, thread=gone), "key-3")


async def test_a_thread_that_nobody_opened_holds_nothing(server: DiscordServer) -> None:
    header = await server.platform.send(server.place, Message("5 papers"), "key-0")
    assert await server.platform.find(server.place, "key-1", server.now(), header) is None


@pytest.mark.parametrize("require_tag", [False, True])
async def test_a_forum_gets_a_post_whose_messages_are_its_cards(server: DiscordServer, require_tag: bool) -> None:
    forum = server.lab.forum("papers", ("New", "Read"), require_tag=require_tag)
    place, platform = server.place_of(forum), server.platform
    header = await platform.send(place, Message("5 papers for Monday"), "key-0")
    card = await platform.send(place, Message(card=CARD, thread=header), "key-1")
    [post] = forum.threads
    assert (post.name, len(post.applied)) == ("5 papers for Monday", int(require_tag))
    assert [f"{post.id}/{message.id}" for message in post.visible] == [header, card]
    assert post.archive_minutes
    since = server.now() - timedelta(minutes=1)
    assert await platform.find(place, "key-0", since) == header
    assert await platform.find(place, "key-1", since, header) == card
    await server.bo.reacts(post.visible[0], "🔥")
    [told] = await server.fake.until(lambda: server.service.reactions)
    assert (told.place.address, told.message) == (forum.id, header)


async def test_a_paper_of_its_own_is_a_forums_post_under_its_title(server: DiscordServer) -> None:
    forum = server.lab.forum("papers")
    await server.platform.send(server.place_of(forum), Message(card=CARD), "key-1")
    assert [post.name for post in forum.threads] == [CARD.title]


async def test_a_forums_post_whose_answer_was_lost_is_not_made_twice(server: DiscordServer) -> None:
    forum = server.lab.forum("papers")
    place = server.place_of(forum)
    for fault in (server.fake.faults.lose_reply, lambda name: server.fake.faults.status(name, 502, accepted=True)):
        fault("start_thread")
        key = f"key-{len(forum.threads)}"
        with pytest.raises(Uncertain):
            await server.platform.send(place, Message("5 papers"), key)
        post = forum.threads[-1]
        assert await server.platform.send(place, Message("5 papers"), key) == f"{post.id}/{post.id}"
    assert len(forum.threads) == 2


async def test_archived_forum_post_is_found_and_not_posted_again(
    server: DiscordServer,
) -> None:
    forum = server.lab.forum("papers")
    place, since = server.place_of(forum), server.now()
    server.fake.faults.lose_reply("start_thread")
    with pytest.raises(Uncertain):
        await server.platform.send(place, Message("5 papers"), "key-1")
    [post] = forum.threads
    await server.ada.archives(post)
    for number in range(130):
        server.clock.advance(timedelta(seconds=1))
        forum.thread(f"Question {number}", archived=True).owner = server.ada.user
    assert await server.platform.send(place, Message("5 papers"), "key-1") == f"{post.id}/{post.id}"
    assert await server.platform.find(place, "key-1", since) == f"{post.id}/{post.id}"
    assert [thread.id for thread in forum.threads if thread.owner is server.fake.bot] == [post.id]


async def test_posts_that_were_archived_long_ago_are_not_looked_through(server: DiscordServer) -> None:
    forum = server.lab.forum("papers")
    for number in range(250):
        forum.thread(f"{number} papers", archived=True)
    server.clock.advance(timedelta(days=3))
    assert await server.platform.find(server.place_of(forum), "key-1", server.now()) is None
    assert len(server.fake.calls_to("list_public_archived_threads")) == 1
    assert server.fake.calls_to("get_channel_messages") == []


async def test_other_peoples_posts_in_a_forum_are_not_looked_through(server: DiscordServer) -> None:
    forum = server.lab.forum("papers")
    for number in range(20):
        forum.thread(f"Question {number}").owner = server.ada.user
    await server.platform.send(server.place_of(forum), Message("5 papers"), "key-1")
    assert len(server.fake.calls_to("get_channel_messages")) == 0


async def test_a_forum_whose_tags_are_only_for_moderators_says_so(server: DiscordServer) -> None:
    forum = server.lab.forum("papers", (), require_tag=True)
    with pytest.raises(AccessLost, match="tag"):
        await server.platform.send(server.place_of(forum), Message("5 papers"), "key-1")
    server.fake.faults.error("start_thread", 40067)  # it came to want one in this moment
    with pytest.raises(AccessLost, match="requires a tag"):
        await server.platform.send(server.place_of(server.lab.forum("more")), Message("5 papers"), "key-2")


async def test_a_502_after_acceptance_leads_to_one_message(server: DiscordServer) -> None:
    server.fake.faults.status("create_message", 502, accepted=True)
    with pytest.raises(Uncertain):
        await server.platform.send(server.place, Message(card=CARD), "key-1")
    assert len(server.fake.calls_to("create_message")) == 1, "the library must not try again by itself"
    message = await server.platform.send(server.place, Message(card=CARD), "key-1")
    assert [message.id for message in server.ml.visible] == [message]


async def test_what_discord_forgot_the_nonce_of_is_found(server: DiscordServer) -> None:
    server.fake.faults.lose_reply("create_message")
    since = server.now()
    with pytest.raises(Uncertain):
        await server.platform.send(server.place, Message("Good morning."), "key-1")
    for number in range(120):
        await server.bo.writes(server.ml, f"chatter {number}")
    assert await server.platform.find(server.place, "key-1", since) == server.ml.visible[0].id


async def test_a_message_of_somebody_else_is_never_taken_for_the_bots(server: DiscordServer) -> None:
    await server.platform.send(server.place, Message("Good morning."), "key-1")
    copy = await server.bo.writes(server.ml, "copy")
    copy.components = server.ml.visible[0].components
    await server.ada.removes(server.ml.visible[0])
    assert await server.platform.find(server.place, "key-1", server.now()) is None


@pytest.mark.parametrize("via", [True, False])
async def test_a_429_is_waited_for_and_not_tried_at_once(server: DiscordServer, via: bool) -> None:
    server.fake.faults.limit("create_message", 7.5, via=via)
    with pytest.raises(NotAccepted) as caught:
        await server.platform.send(server.place, Message("Good morning."), "key-1")
    assert caught.value.retry_after == (7.5 if via else 600.0)
    assert len(server.fake.calls_to("create_message")) == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (50001, AccessLost),
        (50013, AccessLost),
        (10003, AccessLost),
        (50035, Rejected),
        (50006, Rejected),
        (0, NotAccepted),
    ],
)
async def test_each_no_of_discords_is_asked_for_once(
    server: DiscordServer, code: int, error: type[PlatformError]
) -> None:
    server.fake.faults.error("create_message", code)
    with pytest.raises(error):
        await server.platform.send(server.place, Message("Good morning."), "key-1")
    assert len(server.fake.calls_to("create_message")) == 1


@pytest.mark.parametrize(("code", "why"), [(50001, "allow me View Channel"), (50013, "Send Messages"), (10003, "gone")])
async def test_lost_access_is_told_in_words_that_people_can_act_on(server: DiscordServer, code: int, why: str) -> None:
    server.fake.faults.error("create_message", code)
    with pytest.raises(AccessLost, match=rf"^Discord says {code}: .*{why}"):
        await server.platform.send(server.place, Message("Good morning."), "key-1")


async def test_an_archived_thread_is_opened_again_and_a_locked_one_is_lost(server: DiscordServer) -> None:
    thread = server.ml.thread("reading group", archived=True)
    thread.owner = server.ada.user
    place = Place("discord", thread.id, server.lab.id)
    await server.platform.send(place, Message("Good morning."), "key-1")
    assert not thread.archived
    await server.ada.archives(thread, locked=True)
    with pytest.raises(AccessLost):
        await server.platform.send(place, Message("Good morning."), "key-2")


async def test_a_vanished_message_has_no_reactions_to_take_votes_from(server: DiscordServer) -> None:
    message = await server.platform.send(server.place, Message(card=CARD), "key-1")
    await server.ada.removes(server.ml.visible[0])
    with pytest.raises(Rejected):
        await server.platform.reactions(server.place, message)


async def test_a_post_that_vanished_from_a_forum_is_not_the_forum_lost(server: DiscordServer) -> None:
    forum = server.lab.forum("papers")
    message = await server.platform.send(server.place_of(forum), Message("5 papers"), "key-1")
    await server.ada.deletes(forum.threads[0])
    with pytest.raises(Rejected):
        await server.platform.reactions(server.place_of(forum), message)
    said = await server.platform.send(server.place, Message(card=CARD), "key-2")
    await server.ada.deletes(server.ml)
    with pytest.raises(AccessLost):
        await server.platform.reactions(server.place, said)


async def test_reactions_of_many_people_and_both_types_are_read_back(server: DiscordServer) -> None:
    message = await server.platform.send(server.place, Message(card=CARD), "key-1")
    card = server.ml.visible[0]
    people = [server.lab.member(f"m{number}") for number in range(130)]
    robot = server.lab.member("robot", bot=True)
    await server.stop()
    for person in [*people, robot]:
        await person.reacts(card, "👍")
    await people[0].reacts(card, server.parrot, burst=True)
    await people[1].reacts(card, "🔥", burst=True)
    found = await server.platform.reactions(server.place, message)
    assert len(found) == 132
    assert {(people[0].id, ":parrot:::burst"), (people[1].id, "🔥::burst"), (people[129].id, "👍")} <= set(found)
    await server.platform.rest.close()


async def test_numbered_lines_stand_under_the_emoji_that_stand_for_them(server: DiscordServer) -> None:
    lines = tuple(Line(str(n), f"Title {n}") for n in range(1, 11))
    await server.platform.send(server.place, Message("Also today", lines=lines, numbered=True), "key-1")
    words = server.ml.visible[0].words
    assert "1️⃣ **Title 1**" in words
    assert "🔟 **Title 10**" in words


async def test_a_wrong_token_is_one_clear_line(server: DiscordServer, tmp_path: Path) -> None:
    fake = server.fake
    wrong = DiscordPlatform(
        "a.b.wrong", server.clock, tmp_path, COMMANDS, api_url=fake.api, gateway_url=fake.gateway_url
    )
    with pytest.raises(NotAccepted, match=r"does not know the bot's token\. Copy it anew") as caught:
        await wrong.run(server.service)
    assert "wrong" not in str(caught.value)


async def test_lost_access_is_found_out_at_the_first_try(server: DiscordServer) -> None:
    await server.ada.denies(server.ml, Right.VIEW_CHANNEL)
    with pytest.raises(AccessLost):
        await server.platform.send(server.place, Message("Good morning."), "key-1")
    assert len(server.fake.invalid) == 1
