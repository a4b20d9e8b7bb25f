"""What the bot asks Slack for, and what Slack refuses, through the real client."""

from __future__ import annotations

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import Channel, FakeSlack, Member, Workspace


async def refusal(call: object) -> str:
    """The error that a call is refused with."""
    with pytest.raises(SlackApiError) as refused:
        await call  # type: ignore[misc]
    return str(refused.value.response["error"])


async def test_a_token_knows_who_it_is_and_what_it_may(lab: Workspace, client: AsyncWebClient) -> None:
    told = await client.auth_test()
    assert (told["team_id"], told["user_id"], told["bot_id"]) == ("T1", lab.bot_user, lab.bot_id)
    assert set(told.headers["x-oauth-scopes"].split(",")) == lab.scopes


async def test_a_post_is_seen_with_its_blocks_and_metadata(ml: Channel, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(
        channel="C1",
        text="Secure sums",
        blocks=[{"type": "section", "block_id": "d1", "text": {"type": "mrkdwn", "text": "*Secure sums*"}}],
        metadata={"event_type": "card", "event_payload": {"key": "k1"}},
        unfurl_links=False,
    )
    [seen] = ml.visible
    assert (seen.ts, seen.text, seen.words) == (posted["ts"], "Secure sums", "*Secure sums*")
    assert seen.metadata == {"event_type": "card", "event_payload": {"key": "k1"}}
    assert seen.args["unfurl_links"] in (False, "0", "false")


async def test_a_form_is_read_as_json_is(slack: FakeSlack, lab: Workspace, ml: Channel) -> None:
    async with httpx.AsyncClient(base_url=slack.api, headers={"Authorization": f"Bearer {lab.bot_token}"}) as http:
        await http.post("chat.postMessage", json={"channel": "C1", "text": "one"})
        await http.post("chat.postMessage", data={"channel": "C1", "blocks": '[{"type":"divider"}]', "text": "two"})
    assert [(message.text, len(message.blocks)) for message in ml.visible] == [("one", 0), ("two", 1)]


async def test_history_is_newest_first_and_comes_in_pages(ml: Channel, client: AsyncWebClient) -> None:
    stamps = [(await client.chat_postMessage(channel="C1", text=f"m{n}"))["ts"] for n in range(5)]
    first = await client.conversations_history(channel="C1", limit=2, oldest=stamps[0])
    assert [message["text"] for message in first["messages"]] == ["m4", "m3"]
    rest = await client.conversations_history(
        channel="C1", limit=2, oldest=stamps[0], cursor=first["response_metadata"]["next_cursor"]
    )
    assert [message["text"] for message in rest["messages"]] == ["m2", "m1"], "oldest itself is left out"
    assert not rest["has_more"]


async def test_history_shows_metadata_only_when_asked_and_no_threads(ml: Channel, client: AsyncWebClient) -> None:
    top = await client.chat_postMessage(
        channel="C1", text="top", metadata={"event_type": "card", "event_payload": {"key": "k1"}}
    )
    await client.chat_postMessage(channel="C1", text="below", thread_ts=top["ts"])
    [bare] = (await client.conversations_history(channel="C1"))["messages"]
    [full] = (await client.conversations_history(channel="C1", include_all_metadata=True))["messages"]
    assert "metadata" not in bare
    assert full["metadata"]["event_payload"] == {"key": "k1"}
    thread = (await client.conversations_replies(channel="C1", ts=top["ts"]))["messages"]
    assert [one["text"] for one in thread] == ["top", "below"]


async def test_the_bot_changes_and_deletes_its_own_messages_only(
    ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    hers = await ada.writes(ml, "mine")
    posted = await client.chat_postMessage(channel="C1", text="old")
    await client.chat_update(channel="C1", ts=posted["ts"], text="new")
    assert ml.message(posted["ts"]).text == "new"
    assert await refusal(client.chat_update(channel="C1", ts=posted["ts"], text="x" * 4001)) == "msg_too_long"
    await client.chat_delete(channel="C1", ts=posted["ts"])
    assert [message.text for message in ml.visible] == ["mine"]
    assert await refusal(client.chat_update(channel="C1", ts=hers, text="x")) == "cant_update_message"
    assert await refusal(client.chat_delete(channel="C1", ts=hers)) == "cant_delete_message"


async def test_an_ephemeral_is_for_a_member_of_the_channel(ml: Channel, ada: Member, client: AsyncWebClient) -> None:
    assert await refusal(client.chat_postEphemeral(channel="C1", user="U1", text="hi")) == "user_not_in_channel"
    await ada.writes(ml, "hello")
    await client.chat_postEphemeral(channel="C1", user="U1", text="hi")
    assert [answer.text for answer in ada.ephemeral] == ["hi"]
    assert "hi" not in [message.text for message in ml.visible]


async def test_reactions_are_cut_unless_all_are_asked_for(
    lab: Workspace, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    ts = (await client.chat_postMessage(channel="C1", text="card"))["ts"]
    for number in range(8):
        await lab.member(f"U{number + 10}").reacts(ml, ts, "+1")
    await client.reactions_add(channel="C1", timestamp=ts, name="eyes")
    [cut, _] = (await client.reactions_get(channel="C1", timestamp=ts))["message"]["reactions"]
    assert (len(cut["users"]), cut["count"]) == (5, 8)
    [all_, own] = (await client.reactions_get(channel="C1", timestamp=ts, full=True))["message"]["reactions"]
    assert len(all_["users"]) == 8
    assert own == {"name": "eyes", "users": [lab.bot_user], "count": 1}
    assert await refusal(client.reactions_add(channel="C1", timestamp=ts, name="eyes")) == "already_reacted"


async def test_people_and_channels_are_told_of(lab: Workspace, ml: Channel, client: AsyncWebClient) -> None:
    lab.member("U2", owner=True)
    lab.channel("C2", private=True)
    lab.channel("C3", bot=False)
    lab.channel("C4", archived=True)
    user = (await client.users_info(user="U2"))["user"]
    assert (user["is_admin"], user["is_owner"], user["is_bot"]) == (True, True, False)
    assert (await client.conversations_info(channel="C3"))["channel"]["is_member"] is False
    listed = await client.users_conversations(types="public_channel,private_channel", exclude_archived=True)
    assert [channel["id"] for channel in listed["channels"]] == ["C1", "C2"]
    assert (await client.conversations_members(channel="C1"))["members"] == [lab.bot_user]


async def test_a_member_is_written_to_in_a_conversation_of_their_own(ada: Member, client: AsyncWebClient) -> None:
    opened = await client.conversations_open(users=["U1"])
    await client.chat_postMessage(channel=opened["channel"]["id"], text="psst")
    await client.chat_postMessage(channel="U1", text="again")
    assert [message.text for message in ada.dm.visible] == ["psst", "again"]


async def test_a_file_is_uploaded_and_shared(lab: Workspace, ml: Channel, client: AsyncWebClient) -> None:
    await client.files_upload_v2(channel="C1", filename="saved.bib", content="@misc{x}", initial_comment="yours")
    [seen] = ml.visible
    assert seen.text == "yours"
    assert seen.files[0]["name"] == "saved.bib"
    assert lab.uploads[seen.files[0]["id"]] == b"@misc{x}"


async def test_where_the_bot_may_not_write_slack_says_why(lab: Workspace, ml: Channel, client: AsyncWebClient) -> None:
    lab.channel("C2", bot=False)
    lab.channel("C3", bot=False, private=True)
    lab.channel("C4", archived=True)
    assert await refusal(client.chat_postMessage(channel="C2", text="x")) == "not_in_channel"
    assert await refusal(client.chat_postMessage(channel="C3", text="x")) == "channel_not_found"
    assert await refusal(client.chat_postMessage(channel="C4", text="x")) == "is_archived"
    assert await refusal(client.chat_postMessage(channel="C5", text="x")) == "channel_not_found"
    assert await refusal(client.chat_postMessage(channel="C1", text="x", thread_ts="1.1")) == "thread_not_found"
    assert await refusal(client.conversations_history(channel="C2")) == "not_in_channel"
    assert (await client.conversations_history(channel="C4"))["ok"], "an archive can be read"
    lab.scopes.add("chat:write.public")
    assert (await client.chat_postMessage(channel="C2", text="x"))["ok"]


async def test_a_missing_scope_is_named(lab: Workspace, ml: Channel, client: AsyncWebClient) -> None:
    lab.scopes.intersection_update({"chat:write", "groups:history"})
    with pytest.raises(SlackApiError) as refused:
        await client.conversations_history(channel="C1")
    told = refused.value.response
    assert (told["error"], told["needed"]) == ("missing_scope", "channels:history")
    assert told["provided"] == "chat:write,groups:history"


async def test_a_dead_token_is_refused_for_its_reason(slack: FakeSlack, lab: Workspace, client: AsyncWebClient) -> None:
    assert await refusal(AsyncWebClient("xoxb-guess", base_url=slack.api).auth_test()) == "invalid_auth"
    await lab.revokes_tokens()
    assert await refusal(client.auth_test()) == "token_revoked"
    fresh = AsyncWebClient(lab.reinstalls(), base_url=slack.api)
    assert (await fresh.auth_test())["ok"]
    await lab.uninstalls()
    assert await refusal(fresh.auth_test()) == "account_inactive"


async def test_an_unknown_method_is_refused_and_recorded(slack: FakeSlack, client: AsyncWebClient) -> None:
    assert await refusal(client.api_call("chat.shout")) == "unknown_method"
    assert slack.unknown == ["chat.shout"]
    assert [call.method for call in slack.calls_to("chat.shout")] == ["chat.shout"]


async def test_only_the_apps_own_token_opens_a_socket(slack: FakeSlack, client: AsyncWebClient) -> None:
    assert await refusal(client.apps_connections_open(app_token=client.token or "")) == "not_allowed_token_type"
    assert await refusal(client.apps_connections_open(app_token="xapp-guess")) == "invalid_auth"
    assert (await client.apps_connections_open(app_token=slack.app_token))["url"].startswith("ws://127.0.0.1:")
    slack.app_scopes.clear()
    assert await refusal(client.apps_connections_open(app_token=slack.app_token)) == "missing_scope"
