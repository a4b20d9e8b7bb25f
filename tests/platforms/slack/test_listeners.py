from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.commands.registry import COMMANDS
from bot.digests.feedback import plain_emoji
from bot.model.messages import Action, Attachment, Form, Line, Message, Place, PlaceKind, Reaction, Reply
from bot.platforms.slack.platform import SlackPlatform
from bot.platforms.slack.render import INLINE_ATTACHMENT
from bot.store.errors import StoreError
from tests.fakes.slack.world import Channel
from tests.platforms.conformance import CARD
from tests.platforms.recording_service import RecordingService
from tests.platforms.slack.team import SlackTeam, buttons, choices, team_at_work


@dataclass
class BotApi(RecordingService):
    """Also writes down what becomes of channels, and fails as often as it is told to."""

    failures: int = 0
    tries: int = 0
    lost: list[tuple[Place, str]] = field(default_factory=list)
    names: list[Place] = field(default_factory=list)

    async def react(self, reaction: Reaction, event_id: str | None = None) -> None:
        self.tries += 1
        if self.tries <= self.failures:
            raise StoreError("the disk is full")
        await super().react(reaction, event_id)

    async def left(self, place: Place, why: str) -> None:
        self.lost.append((place, why))

    async def renamed(self, place: Place) -> None:
        self.names.append(place)


@pytest.fixture
async def team() -> AsyncIterator[SlackTeam]:
    async with team_at_work(BotApi()) as team:
        team.slack.ack_within = 0.5
        yield team
        assert team.slack.unknown == []


def service_of(team: SlackTeam) -> BotApi:
    assert isinstance(team.service, BotApi)
    return team.service


async def card(team: SlackTeam) -> str:
    return await team.platform.send(team.place, Message(card=CARD), "key-1")


async def test_a_reaction_is_acknowledged_after_it_was_taken_in(team: SlackTeam) -> None:
    message, service = await card(team), service_of(team)
    service.failures = 2
    [delivery] = await team.ada.reacts(team.ml, message, "+1")
    assert [attempt.status for attempt in delivery.tries] == [0, 0, 200]
    assert service.tries == 3
    assert [each.emoji for each in service.reactions] == [":+1:"]


async def test_event_is_not_lost_while_auth_test_does_not_answer(team: SlackTeam) -> None:
    message = await card(team)
    team.slack.faults.error("auth.test", "internal_error", times=1_000)
    [delivery] = await team.ada.reacts(team.ml, message, "+1")
    assert delivery.acked
    assert len(team.service.reactions) == 1


async def test_an_event_told_twice_is_taken_in_once_and_acknowledged_twice(team: SlackTeam) -> None:
    message, service = await card(team), service_of(team)
    [delivery] = await team.ada.reacts(team.ml, message, "+1")
    await team.slack.again(delivery)
    assert [attempt.status for attempt in delivery.tries] == [200, 200]
    assert service.tries == 1


async def test_a_question_told_twice_is_answered_once(team: SlackTeam) -> None:
    [mention] = await team.ada.mentions(team.ml, "more 2310.01234")
    await team.slack.until(lambda: team.ada.ephemeral)
    await team.slack.again(mention)
    await team.ada.mentions(team.ml, "help")
    await team.slack.until(lambda: len(team.ada.ephemeral) > 1)
    assert [line for _, _, line in team.service.asked] == ["more 2310.01234", "help"]


async def test_what_overtakes_keeps_its_own_time(team: SlackTeam) -> None:
    message = await card(team)
    with team.slack.holding() as held:
        await team.ada.reacts(team.ml, message, "+1")
        await team.ada.unreacts(team.ml, message, "+1")
    await team.slack.release(reversed(held))
    off, on = team.service.reactions
    assert (off.on, on.on) == (False, True)
    assert on.at < off.at


@pytest.mark.parametrize(
    ("name", "means"),
    [("thumbsup", "👍"), ("+1::skin-tone-5", "👍"), ("thumbsdown::skin-tone-2", "👎"), ("parrot", ":parrot:")],
)
async def test_every_name_of_an_emoji_means_the_emoji(team: SlackTeam, name: str, means: str) -> None:
    await team.ada.reacts(team.ml, await card(team), name)
    assert [plain_emoji(each.emoji) for each in team.service.reactions] == [means]


async def test_the_bot_itself_and_other_peoples_messages_are_no_concern(team: SlackTeam) -> None:
    await team.bot_reacts(await card(team), "👍")
    [delivery] = await team.ada.reacts(team.ml, await team.bo.writes(team.ml, "lunch?"), "+1")
    assert delivery.acked
    assert team.service.reactions == []


async def test_vote_of_a_bot_is_taken_back_once_slack_says_that_it_is_a_bot(team: SlackTeam) -> None:
    helper = team.lab.member("UX", "helper", bot=True)
    await helper.reacts(team.ml, await card(team), "+1")
    await team.slack.until(lambda: len(team.service.reactions) == 2)
    counted, taken_back = team.service.reactions
    assert (counted.on, taken_back) == (True, replace(counted, on=False))
    await helper.unreacts(team.ml, counted.message, "+1")
    await helper.reacts(team.ml, counted.message, "fire")
    assert len(team.service.reactions) == 2


async def test_a_reaction_counts_also_while_slack_does_not_say_whose_it_is(team: SlackTeam) -> None:
    team.slack.faults.status("users.info", 503)
    [delivery] = await team.ada.reacts(team.ml, await card(team), "+1")
    await team.slack.until(lambda: team.slack.calls_to("users.info"))
    await team.ada.reacts(team.ml, delivery.payload["event"]["item"]["ts"], "fire")
    assert [attempt.status for attempt in delivery.tries] == [200]
    assert [(reaction.emoji, reaction.on) for reaction in team.service.reactions] == [(":+1:", True), (":fire:", True)]


async def test_an_admin_of_another_company_manages_nothing_in_a_shared_channel(team: SlackTeam) -> None:
    team.lab.members["eve"] = team.slack.workspace("T2", "partners").member("eve", "eve", admin=True)
    for member in ("eve", "ada"):
        await team.lab.emit({"type": "app_mention", "channel": "C1", "user": member, "text": "pause", "ts": "1.0"})
    await team.slack.until(lambda: len(team.service.asked) == 2)
    assert {asker.member: asker.manager for _, asker, _ in team.service.asked} == {"eve": False, "ada": True}


async def test_a_mention_in_a_thread_is_answered_in_the_thread(team: SlackTeam) -> None:
    message = await card(team)
    await team.ada.mentions(team.ml, "similar https://arxiv.org/abs/1 a<b & c", thread_ts=message)
    [answer] = await team.slack.until(lambda: team.ada.ephemeral)
    assert answer.thread_ts == message
    assert [line for _, _, line in team.service.asked] == ["similar https://arxiv.org/abs/1 a<b & c"]
    assert len(team.ml.visible) == 2, "the card and the mention"


async def test_a_direct_message_is_answered_there(team: SlackTeam) -> None:
    await team.bo.sends_dm("federated")
    said = await team.slack.until(lambda: [each for each in team.bo.dm.visible if each.user == team.lab.bot_user])
    assert said[0].words == "It is so."
    assert opens_no_links(said[0].args)
    [(place, asker, line)] = team.service.asked
    assert (place.kind, place.address, asker.member, line) == (PlaceKind.DIRECT, team.bo.dm.id, "bo", "federated")


async def test_what_people_say_to_each_other_is_no_question(team: SlackTeam) -> None:
    team.slack.subscribed.add("message.channels")
    team.lab.scopes.add("channels:history")
    await team.ada.writes(team.ml, "federated")
    await team.ask("ada", "help")
    assert [line for _, _, line in team.service.asked] == ["help"]


async def test_another_bot_that_mentions_this_one_gets_no_answer(team: SlackTeam) -> None:
    said = {"text": f"<@{team.lab.bot_user}> today", "ts": "1.0", "channel": "C1", "user": "U9"}
    [told] = await team.lab.emit({"type": "app_mention", "bot_id": "B9", **said})
    assert told.acked
    await team.ask("ada", "help")
    assert [line for _, _, line in team.service.asked] == ["help"]


async def test_admins_manage_and_others_do_not(team: SlackTeam) -> None:
    await team.ask("ada", "pause")
    await team.ask("bo", "pause")
    assert [asker.manager for _, asker, _ in team.service.asked] == [True, False]
    assert team.service.asked[0][1].name == "ada"


async def test_members_whom_the_settings_name_manage_too(team: SlackTeam) -> None:
    await team.stop()
    team.platform = SlackPlatform(
        team.lab.bot_token, team.slack.app_token, team.clock, COMMANDS, api_url=team.slack.api, managers=["bo"]
    )
    await team.start()
    await team.ask("bo", "pause")
    assert [asker.manager for _, asker, _ in team.service.asked] == [True]


async def test_people_are_looked_up_once(team: SlackTeam) -> None:
    for _ in range(3):
        await team.ask("ada", "help")
    assert len(team.slack.calls_to("users.info")) == 1


async def test_failed_question_is_answered_with_the_event_id_of_the_log(
    team: SlackTeam, caplog: pytest.LogCaptureFixture
) -> None:
    team.service.breaks = RuntimeError("secret detail")
    answer = await team.ask("ada", "federated")
    assert "That went wrong" in answer
    event_id = re.search(r"log says how under (\w+)\.", answer)
    assert event_id
    assert f"event_id='{event_id[1]}'" in caplog.text
    assert "secret" not in answer
    assert team.ada.errors == []


async def test_slack_not_saying_who_asks_is_answered_in_words(team: SlackTeam) -> None:
    team.slack.faults.status("users.info", 503)
    assert "try again" in await team.ask("ada", "pause")
    assert team.service.asked == []


async def test_a_pressed_button_says_that_it_was_counted_to_who_pressed_it(team: SlackTeam) -> None:
    message = await card(team)
    team.service.answer = Reply("Counted. More like “Federated”.")
    assert "Counted." in await team.press("bo", message, "more")
    [(place, asker, action)] = team.service.acted
    assert (place.address, asker.member, action) == (team.ml.id, "bo", Action("More like this", "more", CARD.paper_id))
    assert len(team.ml.visible) == 1


async def test_a_shared_answer_is_seen_by_all(team: SlackTeam) -> None:
    team.service.answer = Reply("Found.", (Line("1", "A hit"),), actions=(Action("Share", "share", "federated"),))
    await team.ask("ada", "federated")
    team.service.answer = Reply("Found for all.", (Line("1", "A hit"),), public=True)
    [button] = buttons(team.ada.ephemeral[-1].blocks)
    await team.ada.presses(team.ml, team.ada.ephemeral[-1].ts, button["action_id"])
    [shared] = await team.slack.until(lambda: team.ml.visible)
    assert "Found for all." in shared.words
    assert opens_no_links(shared.args)
    assert team.slack.response_urls


def opens_no_links(posted: Mapping[str, Any]) -> bool:
    return (posted["unfurl_links"], posted["unfurl_media"]) == (False, False)


async def test_a_long_file_goes_to_the_askers_direct_messages(team: SlackTeam) -> None:
    content = "@article{a}\n" * INLINE_ATTACHMENT
    team.service.answer = Reply("Your papers.", attachment=Attachment("saved.bib", content))
    answer = await team.ask("bo", "saved bib")
    assert "saved.bib" in answer
    assert "direct messages" in answer
    assert [each.decode() for each in team.lab.uploads.values()] == [content]
    assert [each["name"] for message in team.bo.dm.visible for each in message.files] == ["saved.bib"]


async def test_a_file_that_slack_does_not_take_is_told_of(team: SlackTeam) -> None:
    team.slack.faults.error("files.getUploadURLExternal", "missing_scope")
    team.service.answer = Reply("Your papers.", attachment=Attachment("saved.bib", "x" * 2 * INLINE_ATTACHMENT))
    answer = await team.ask("bo", "saved bib")
    assert "Your papers." in answer
    assert "did not take the file" in answer


async def test_the_bot_greets_where_it_is_invited_however_often_it_is_told(team: SlackTeam) -> None:
    team.slack.twice = True
    fresh = team.lab.channel("C7", "new-papers", bot=False)
    [told] = await team.ada.invites_bot(fresh)
    await team.restart()
    await team.slack.again(told)
    assert [message.words for message in fresh.visible] == ["Hello, I bring papers."]
    assert {(place, by) for place, by in team.service.invitations} == {
        (Place("slack", "C7", "T1", "new-papers"), "ada")
    }


async def test_a_greeting_whose_reply_is_lost_is_said_once(team: SlackTeam) -> None:
    fresh = team.lab.channel("C7", "new-papers", bot=False)
    team.slack.faults.lose_reply("chat.postMessage")
    [told] = await team.ada.invites_bot(fresh)
    assert told.acked
    assert len(fresh.visible) == 1


async def test_somebody_else_joining_is_no_invitation(team: SlackTeam) -> None:
    await team.lab.emit({"type": "member_joined_channel", "user": "bo", "channel": "C1", "inviter": "ada"})
    assert team.service.invitations == []


@pytest.mark.parametrize("private", [False, True])
async def test_what_becomes_of_a_channel_reaches_the_service(team: SlackTeam, private: bool) -> None:
    room, service = team.lab.channel("C8", "room", private=private), service_of(team)
    await team.ada.renames(room, "hall")
    assert [(place.address, place.name) for place in service.names] == [("C8", "hall")]
    await team.ada.archives(room)
    await team.ada.unarchives(room)
    assert [(place.address, by) for place, by in service.invitations] == [("C8", "")]
    await team.ada.removes_bot(room)
    await team.ada.invites_bot(room)
    await team.ada.deletes_channel(room)
    assert [place.address for place, _ in service.lost] == ["C8"] * 3
    assert [why.split()[-1] for _, why in service.lost] == ["archived", "channel", "deleted"]


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled", "abruptly"])
async def test_another_connection_takes_over_when_slack_ends_one(team: SlackTeam, reason: str) -> None:
    message = await card(team)
    if reason == "abruptly":
        team.slack.sockets.drop()
    else:
        await team.slack.sockets.disconnect(reason)
    await team.slack.until(lambda: team.slack.sockets.opened > 1)
    [delivery] = await team.ada.reacts(team.ml, message, "+1")
    async with asyncio.timeout(10):
        while not delivery.acked:  # it may have met the end of a connection; Slack tells it again
            await team.slack.sockets.connected()
            await team.slack.retry_unacked()
    assert len(team.service.reactions) == 1


async def test_late_removal_or_archive_event_after_the_return_ends_nothing(team: SlackTeam) -> None:
    room = team.lab.channel("C9", "reading")
    with team.slack.holding() as held:
        await team.ada.removes_bot(room)
        await team.ada.invites_bot(room)
        await team.ada.archives(room)
        await team.ada.unarchives(room)
    await team.slack.release(reversed(held))
    assert service_of(team).lost == []


async def test_late_invitation_after_a_removal_begins_nothing(team: SlackTeam) -> None:
    room = team.lab.channel("C9", "reading", bot=False)
    with team.slack.holding() as held:
        await team.ada.invites_bot(room)
        await team.ada.removes_bot(room)
    joined, *gone = held
    await team.slack.release(gone)
    service_of(team).lost.clear()
    await team.slack.release([joined])
    assert [place.address for place, _ in service_of(team).lost] == [room.id]
    assert all(delivery.acked for delivery in held)
    assert room.visible == []


@pytest.mark.parametrize("said", ["R&amp;D &lt;3 -survey", "R&D <3 -survey"])
async def test_the_commands_words_are_read_as_they_were_typed(team: SlackTeam, said: str) -> None:
    await team.ada.says("/papers", said, team.ml)
    await team.told(team.ada, 0)
    assert [line for _, _, line in service_of(team).asked] == ["R&D <3 -survey"]


async def test_command_in_a_conversation_between_members_counts_for_the_asker_alone(team: SlackTeam) -> None:
    between = Channel("D0ADABO", team.lab, "directmessage", private=True, im="bo")
    service, ada = service_of(team), team.ada
    service.answer = Reply("Subscribed.", cards=(CARD,), form=Form("schedule", "When", ()))
    await ada.says("/papers", "subscribe graphs", between)
    await team.told(ada, 0)
    [button] = [each for each in buttons(ada.ephemeral[0].blocks) if each["text"]["text"] == "More like this"]
    [similar, *_] = choices(ada.ephemeral[0].blocks)
    for action_id, value in ((button["action_id"], None), similar):
        count = len(ada.ephemeral)
        await ada.presses(between, ada.ephemeral[0].ts, action_id, value)
        await team.told(ada, count)
    [change] = [each for each in buttons(ada.ephemeral[0].blocks) if each["text"]["text"] == "Change"]
    await ada.presses(between, ada.ephemeral[0].ts, change["action_id"])
    await team.slack.until(lambda: len(service.asked) == 2)
    assert {place.address for place, _, _ in (*service.asked, *service.acted)} == {ada.dm.id}


@pytest.mark.parametrize("may_look", [True, False], ids=["with mpim:read", "as the manifest has it"])
async def test_a_group_conversation_is_never_taken_for_a_public_channel(team: SlackTeam, may_look: bool) -> None:
    assert "mpim:read" not in team.lab.scopes
    team.lab.scopes |= {"mpim:read"} if may_look else set()
    group = team.lab.group("C7", "mpdm-ada--bo--carl-1")
    await team.ada.says("/papers", "federated", group)
    [(place, _, _)] = await team.slack.until(lambda: team.service.asked)
    assert (place.address, place.name, place.private) == ("C7", "", True)
    told = await team.platform.describe(replace(place, private=None))
    assert (told.name, told.private) == ("", True if may_look else None)


async def test_a_channel_is_public_only_where_slack_says_so(team: SlackTeam) -> None:
    place = replace(team.place, private=None)
    assert (await team.platform.describe(place)).private is False
    hidden = team.lab.channel("C8", "board", private=True)
    assert (await team.platform.describe(replace(place, address=hidden.id, name=""))).private is True
    unseen = team.lab.channel("C9", "others", private=True, bot=False)
    assert (await team.platform.describe(replace(place, address=unseen.id, name=""))).private is None
