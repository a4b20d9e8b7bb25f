"""What Discord tells the bot: reactions, servers that come and go, and a gateway that breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.model.messages import Message, PlaceKind, Reaction
from bot.ports.platform import NotAccepted
from bot.store.errors import StoreAway
from tests.fakes.clock import Clock
from tests.fakes.discord import Channel, Intent, Right
from tests.fakes.discord import Message as Shown
from tests.platforms.conformance import CARD
from tests.platforms.discord.server import DiscordServer, server_at_work


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DiscordServer]:
    async with server_at_work(tmp_path) as server:
        yield server


async def card(server: DiscordServer, channel: Channel | None = None) -> Shown:
    where = channel or server.ml
    await server.platform.send(server.place_of(where), Message(card=CARD), f"{where.id}-{len(where.messages)}")
    return where.visible[-1]


async def test_cleared_reactions_make_the_message_be_read_back(server: DiscordServer) -> None:
    said = await card(server)
    await server.bo.reacts(said, "👍")
    await server.ada.clears_emoji(said, "👍")
    await server.ada.clears(said)
    await server.fake.until(lambda: len(server.service.reread_) == 2)
    assert {(place.address, message) for place, message in server.service.reread_} == {(server.ml.id, said.id)}


async def test_a_reaction_is_told_again_while_the_store_is_away(
    server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, react, failures = await card(server), server.service.react, iter([StoreAway("away"), StoreAway("away")])

    async def away_twice(reaction: Reaction, event_id: str | None = None) -> None:
        if failure := next(failures, None):
            raise failure
        await react(reaction, event_id)

    monkeypatch.setattr(server.service, "react", away_twice)
    await server.bo.reacts(said, "🔥")
    [told] = await server.fake.until(lambda: server.service.reactions)
    assert (told.member, told.emoji) == (server.bo.id, "🔥")


async def test_a_burst_reaction_is_a_reaction(server: DiscordServer) -> None:
    said = await card(server)
    await server.bo.reacts(said, "🔥", burst=True)
    [told] = await server.fake.until(lambda: server.service.reactions)
    assert (told.emoji, told.on) == ("🔥::burst", True)


async def test_emoji_of_bots_and_on_other_peoples_messages_are_not_told(server: DiscordServer) -> None:
    said, chatter = await card(server), await server.bo.writes(server.ml, "hello")
    await server.lab.member("robot", bot=True).reacts(said, "👍")
    await server.bo.reacts(chatter, "👎")
    await server.bo.reacts(said, "🔥")
    await server.fake.until(lambda: server.service.reactions)
    assert [each.emoji for each in server.service.reactions] == ["🔥"]


async def test_a_reaction_in_a_direct_message_is_its_members_own(server: DiscordServer) -> None:
    await server.platform.tell(server.place, server.ada.id, "Good morning.")
    [message] = server.ada.dm.visible
    await server.ada.reacts(message, "👍")
    [told] = await server.fake.until(lambda: server.service.reactions)
    assert (told.place.address, told.place.kind, told.place.workspace) == (server.ada.dm.id, PlaceKind.DIRECT, "")


async def test_removed_bot_loses_the_servers_channels_but_an_outage_loses_none(server: DiscordServer) -> None:
    await server.lab.outage()
    await server.lab.recovers()
    assert server.service.dismissals == []
    await server.lab.removes_bot()
    await server.fake.until(lambda: server.service.dismissals)
    assert server.service.dismissals == [(server.lab.id, "I was removed from the server")]
    server.service.lost = [(server.place, "removed")]
    await server.lab.adds_bot()
    await server.fake.until(lambda: server.ml.visible)
    assert [message.words for message in server.ml.visible] == ["I am back."]
    assert {room.address for room in server.service.rolls[-1]} == {server.place.address, server.elsewhere.address}


async def test_a_new_server_is_asked_where_the_papers_shall_go(server: DiscordServer) -> None:
    club = server.fake.guild("club", bot=False)
    general, papers = club.text("general"), club.forum("papers")
    boss, guest = club.member("boss", manager=True), club.member("guest")
    await club.adds_bot()
    [hello] = await server.fake.until(lambda: general.visible)
    assert "Where shall I post?" in hello.words
    refused = await server.answered(await guest.picks(hello, "begin", papers.id))
    assert "only whoever has Manage Channels" in refused.words
    assert server.service.invitations == []
    begun = await server.answered(await boss.picks(hello, "begin", general.id, papers.id))
    assert begun.words.splitlines() == ["\\#general: I begin there.", "\\#papers: I begin there."]
    assert [(place.address, place.kind, by) for place, by in server.service.invitations] == [
        (general.id, PlaceKind.CHANNEL, boss.id),
        (papers.id, PlaceKind.FORUM, boss.id),
    ]
    assert general.visible[-1].words == "Hello, I bring papers."
    assert papers.threads[0].visible[0].words == "Hello, I bring papers."


async def test_server_that_invited_the_bot_while_it_was_off_is_greeted_once(tmp_path: Path) -> None:
    async with server_at_work(tmp_path, clock=Clock(datetime(2026, 1, 1, 12, tzinfo=UTC))) as server:
        [hello] = await server.fake.until(lambda: server.ml.visible)
        assert "Where shall I post?" in hello.words
        await server.restart()
        await server.fake.until(lambda: len(server.fake.calls_to("get_channel_messages")) == 2)
        await server.ask("ada", "help")
        assert server.ml.visible == [hello]


async def test_where_it_may_not_post_it_says_what_is_missing(server: DiscordServer) -> None:
    club = server.fake.guild("club", bot=False)
    general, secret = club.text("general"), club.text("secret")
    boss = club.member("boss", manager=True)
    secret.overwrite(club.bot_role).deny |= Right.SEND_MESSAGES
    await club.adds_bot()
    [hello] = await server.fake.until(lambda: general.visible)
    answer = await server.answered(await boss.picks(hello, "begin", secret.id))
    assert "allow me Send Messages there" in answer.words
    assert server.service.invitations == []


async def test_a_server_where_it_may_post_nowhere_is_told_to_its_owner(server: DiscordServer) -> None:
    club = server.fake.guild("club", bot=False)
    club.text("general").overwrite(club.bot_role).deny |= Right.SEND_MESSAGES
    server.fake.users[club.owner.id] = club.owner
    await club.adds_bot()
    dm = server.fake.direct(club.owner)
    [told] = await server.fake.until(lambda: dm.visible)
    assert "I can't post there yet" in told.words
    assert "/papers resume" in told.words


@pytest.mark.parametrize("how", ["channel", "role", "given", "new channel"])
async def test_a_server_where_it_may_post_nowhere_is_asked_when_it_may(server: DiscordServer, how: str) -> None:
    club = server.fake.guild("club", bot=False)
    boss, general = club.member("boss", manager=True), club.text("general")
    if how == "channel":
        general.overwrite(club.bot_role).deny |= Right.SEND_MESSAGES
    elif how == "new channel":
        general.overwrite(club.everyone).deny |= Right.SEND_MESSAGES
    else:
        club.everyone.rights &= ~Right.SEND_MESSAGES
        club.bot_role.rights &= ~Right.SEND_MESSAGES
    server.fake.users[club.owner.id] = club.owner
    posters = club.role("posters", Right.SEND_MESSAGES)
    await club.adds_bot()
    await server.fake.until(lambda: server.fake.direct(club.owner).visible)
    await boss.renames(general, "lounge")  # which allows nothing
    if how == "channel":
        await boss.allows(general, Right.SEND_MESSAGES)
    elif how == "role":
        await club.grants(club.bot_role, Right.SEND_MESSAGES)
    elif how == "given":
        await club.gives_bot(posters)
    else:
        general = club.text("papers")
    [hello] = await server.fake.until(lambda: general.visible)
    assert "Where shall I post?" in hello.words
    await boss.renames(general, "papers")
    begun = await server.answered(await boss.picks(hello, "begin", general.id))
    assert begun.words == "\\#papers: I begin there."
    assert len(server.fake.direct(club.owner).visible) == 1
    assert len(general.visible) == 2, "the question and the greeting, each once"


async def test_manager_is_told_why_the_chosen_channel_cannot_be_posted_in(server: DiscordServer) -> None:
    club = server.fake.guild("club", bot=False)
    general, papers = club.text("general"), club.forum("papers", (), require_tag=True)
    boss = club.member("boss", manager=True)
    await club.adds_bot()
    [hello] = await server.fake.until(lambda: general.visible)
    answer = await server.answered(await boss.picks(hello, "begin", papers.id))
    assert "I could not post there. This forum requires a tag on every post" in answer.words
    server.fake.faults.status("create_message", 403, channel=general.id)
    answer = await server.answered(await boss.picks(hello, "begin", general.id))
    assert "I could not post there. A page that is not Discord's" in answer.words
    assert "html" not in answer.words


async def test_a_permission_given_back_lets_a_lost_channel_go_on(server: DiscordServer) -> None:
    for right in (Right.SEND_MESSAGES, Right.CREATE_PUBLIC_THREADS):  # cards need no threads
        await server.ada.denies(server.ml, right)
    await server.service.left(server.place, "no permission")
    await server.ada.allows(server.ml, Right.SEND_MESSAGES)
    await server.fake.until(lambda: server.ml.visible)
    assert server.ml.visible[0].words == "I am back."


async def test_a_lost_channel_that_refuses_the_greeting_stays_lost(server: DiscordServer) -> None:
    await server.service.left(server.place, "no permission")
    server.fake.faults.error("create_message", 50013, channel=server.ml.id)
    await server.ada.allows(server.ml, Right.SEND_MESSAGES)
    await server.fake.until(lambda: len(server.service.lost) == 2)
    assert server.service.lost[1][0].address == server.ml.id
    assert "50013" in server.service.lost[1][1]
    assert server.ml.visible == []


async def test_a_role_that_gains_a_permission_lets_lost_channels_go_on(server: DiscordServer) -> None:
    server.lab.everyone.rights &= ~Right.SEND_MESSAGES
    await server.restart()
    await server.service.left(server.place, "no permission")
    assert all(not rooms for rooms in server.service.rolls[1:])
    await server.lab.grants(server.lab.bot_role, Right.SEND_MESSAGES)
    await server.fake.until(lambda: server.ml.visible)
    assert server.ml.visible[0].words == "I am back."


async def test_a_role_that_is_given_to_the_bot_lets_lost_channels_go_on(server: DiscordServer) -> None:
    server.lab.everyone.rights &= ~Right.SEND_MESSAGES
    server.lab.bot_role.rights &= ~Right.SEND_MESSAGES
    roles = [server.lab.role("decoration"), server.lab.role("posters", Right.SEND_MESSAGES)]
    await server.restart()
    await server.service.left(server.place, "no permission")
    for role in roles:
        await server.lab.gives_bot(role)
    await server.fake.until(lambda: server.ml.visible)
    assert [message.words for message in server.ml.visible] == ["I am back."]


async def test_lost_thread_goes_on_when_unlocked_or_when_writing_is_allowed_again(
    server: DiscordServer,
) -> None:
    thread = server.ml.thread("reading group")
    thread.owner = server.ada.user
    await server.restart()
    await server.ada.archives(thread, locked=True)
    await server.service.left(server.place_of(thread), "locked")
    await server.ada.renames(thread, "club")  # still locked
    assert thread.visible == []
    await server.ada.unarchives(thread)
    await server.fake.until(lambda: len(thread.visible) == 1)
    await server.ada.denies(server.ml, Right.SEND_MESSAGES_IN_THREADS)
    await server.service.left(server.place_of(thread), "no permission")
    server.clock.advance(timedelta(minutes=10))  # until then it would be the same greeting
    await server.ada.allows(server.ml, Right.SEND_MESSAGES_IN_THREADS)
    await server.fake.until(lambda: len(thread.visible) == 2)
    assert {message.words for message in thread.visible} == {"I am back."}
    assert server.ml.visible == []


async def test_a_channel_that_nobody_else_sees_is_private(server: DiscordServer) -> None:
    server.ml.overwrite(server.lab.everyone).deny |= Right.VIEW_CHANNEL
    server.ml.overwrite(server.lab.bot_role).allow |= Right.VIEW_CHANNEL
    server.ml.overwrite(server.ada.roles[0]).allow |= Right.VIEW_CHANNEL
    await server.restart()
    await server.ask("ada", "federated")
    assert [place.private for place, _, _ in server.service.asked] == [True]
    assert {room.address: room.private for room in server.service.rolls[-1]} == {
        server.ml.id: True,
        server.elsewhere.address: False,
    }


async def test_renamed_and_deleted_channels_and_threads_are_told(server: DiscordServer) -> None:
    thread = server.ml.thread("reading group")
    thread.owner = server.ada.user
    await server.stop()
    await server.start()
    await server.ada.renames(server.ml, "papers")
    await server.ada.renames(thread, "club")
    await server.fake.until(lambda: len(server.service.names) == 2)
    assert [(place.address, place.name) for place in server.service.names] == [
        (server.ml.id, "papers"),
        (thread.id, "club"),
    ]
    await server.ada.deletes(thread)
    await server.ada.deletes(server.ml)
    await server.fake.until(lambda: len(server.service.lost) == 2)
    assert [(place.address, why) for place, why in server.service.lost] == [
        (thread.id, "the thread was deleted"),
        (server.ml.id, "the channel was deleted"),
    ]


async def test_a_resumed_connection_misses_nothing(server: DiscordServer) -> None:
    said = await card(server)
    server.fake.gateway.drop()
    await server.bo.reacts(said, "👍")
    await server.fake.until(lambda: server.service.reactions, within=20)
    assert server.fake.gateway.resumed
    assert server.service.misses == 0


async def test_an_invalid_session_has_the_reactions_read_back(server: DiscordServer) -> None:
    await server.fake.gateway.reconnect()
    await server.fake.until(lambda: server.fake.gateway.resumed)
    assert server.service.misses == 0
    await server.fake.gateway.invalidate()
    await server.fake.until(lambda: server.service.misses == 1, within=20)
    said = await card(server)
    await server.bo.reacts(said, "👍")
    await server.fake.until(lambda: server.service.reactions)


async def test_a_connection_built_anew_has_the_reactions_read_back(server: DiscordServer) -> None:
    await server.stop()
    await server.start()
    await server.fake.until(lambda: server.service.misses == 1)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (4004, r"does not know the bot's token"),
        (4014, r"does not allow the bot one of the events"),
        (4012, r"closed the connection \(4012\)"),
    ],
)
async def test_a_connection_closed_for_good_says_why_in_one_line(server: DiscordServer, code: int, why: str) -> None:
    await server.fake.gateway.close(code)
    assert server._task
    with pytest.raises(NotAccepted, match=why) as caught:
        await asyncio.wait_for(server._task, 20)
    assert "\n" not in str(caught.value)
    server._task = None


async def test_silent_gateway_is_given_up_and_can_be_tried_again(server: DiscordServer, tmp_path: Path) -> None:
    await server.stop()
    server.fake.gateway.refuse(1)
    server.platform._connecting_seconds = 0.3
    with pytest.raises(NotAccepted, match="gateway can't be reached"):
        await server.platform.run(server.service)
    await server.start()
    await server.bo.reacts(await card(server), "👍")
    await server.fake.until(lambda: server.service.reactions)


async def test_many_shards_each_hear_their_servers(server: DiscordServer) -> None:
    await server.stop()
    server.fake.gateway.shards = 2
    server.platform = server.new()
    other = server.fake.guild("other")
    there = other.text("papers")
    server._task = asyncio.create_task(server.platform.run(server.service))
    await server.fake.until(lambda: len(server.fake.gateway.ready) == 2, within=30)
    for channel, who in ((server.ml, server.bo), (there, other.member("cy"))):
        await who.reacts(await card(server, channel), "👍")
    await server.fake.until(lambda: len(server.service.reactions) == 2)
    assert {reaction.place.workspace for reaction in server.service.reactions} == {server.lab.id, other.id}


async def test_no_privileged_event_is_asked_for(server: DiscordServer) -> None:
    asked = Intent(server.fake.gateway.identified[0]["intents"])
    privileged = Intent.MESSAGE_CONTENT | Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES
    assert not asked & privileged
