"""Buttons, menus, modals, shortcuts and the home tab, with the real slack-bolt on the other side."""

from __future__ import annotations

from datetime import timedelta

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.fakes.clock import Clock
from tests.fakes.slack import Channel, FakeSlack, Json, Member, Workspace

Connected = AsyncSocketModeHandler
BUTTON: Json = {
    "type": "actions",
    "block_id": "card",
    "elements": [
        {"type": "button", "action_id": "more", "value": "2310.01234", "text": {"type": "plain_text", "text": "More"}}
    ],
}
MODAL: Json = {
    "type": "modal",
    "callback_id": "schedule",
    "title": {"type": "plain_text", "text": "Schedule"},
    "submit": {"type": "plain_text", "text": "Save"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "time",
            "label": {"type": "plain_text", "text": "When"},
            "element": {"type": "plain_text_input", "action_id": "at", "initial_value": "09:00"},
        },
        {
            "type": "input",
            "block_id": "days",
            "label": {"type": "plain_text", "text": "Days"},
            "element": {
                "type": "static_select",
                "action_id": "days",
                "options": [
                    {"text": {"type": "plain_text", "text": one}, "value": one} for one in ("daily", "weekdays")
                ],
            },
        },
    ],
}


async def test_a_button_is_pressed_and_the_message_is_replaced(
    slack: FakeSlack, app: AsyncApp, connected: Connected, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    bodies: list[Json] = []

    @app.action("more")
    async def more(ack: AsyncAck, body: Json, respond: AsyncRespond) -> None:
        await ack()
        bodies.append(body)
        await respond(text="counted", replace_original=True)

    ts = (await client.chat_postMessage(channel="C1", text="card", blocks=[BUTTON]))["ts"]
    await ada.presses(ml, ts, "more")
    await slack.until(lambda: ml.message(ts).text == "counted")
    [body] = bodies
    assert (body["user"]["id"], body["channel"]["id"], body["message"]["ts"]) == ("U1", "C1", ts)
    [action] = body["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("more", "card", "2310.01234")


async def test_a_button_in_an_answer_for_one_replaces_or_removes_that_answer(
    slack: FakeSlack, app: AsyncApp, connected: Connected, ml: Channel, ada: Member
) -> None:
    @app.command("/papers")
    async def papers(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond(text="five", blocks=[BUTTON])

    @app.action("more")
    async def more(ack: AsyncAck, body: Json, respond: AsyncRespond) -> None:
        await ack()
        assert body["container"]["is_ephemeral"]
        assert "message" not in body
        await respond(text="ten", blocks=[BUTTON], replace_original=True)
        await respond(text="shared", response_type="in_channel", replace_original=False)
        await respond(delete_original=True)

    await ada.says("/papers", "federated", ml)
    [answer] = await slack.until(lambda: ada.ephemeral)
    await ada.presses(ml, answer.ts, "more")
    await slack.until(lambda: not ada.ephemeral)
    assert answer.text == "ten"
    assert [message.text for message in ml.visible] == ["shared"]
    assert len(slack.response_urls) == 4


async def test_a_response_url_serves_five_times_in_half_an_hour(
    slack: FakeSlack, clock: Clock, app: AsyncApp, connected: Connected, lab: Workspace, ada: Member
) -> None:
    urls: list[str] = []

    @app.command("/papers")
    async def papers(ack: AsyncAck, command: Json) -> None:
        await ack()
        urls.append(command["response_url"])

    abroad = lab.channel("C9", bot=False)
    for _ in range(2):
        await ada.says("/papers", "x", abroad)
    await slack.until(lambda: len(urls) == 2)
    first, second = (AsyncWebhookClient(url) for url in urls)
    answers = [(await first.send(text="x")).status_code for _ in range(6)]
    assert answers == [200] * 5 + [404]
    assert len(ada.ephemeral) == 5
    assert (await second.send(text="x", blocks=[{"type": "banner"}])).body == '{"ok": false, "error": "invalid_blocks"}'
    clock.advance(timedelta(minutes=31))
    assert "expired_url" in (await second.send(text="x")).body


async def test_a_modal_is_opened_filled_in_refused_and_taken(
    slack: FakeSlack, app: AsyncApp, connected: Connected, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    given: list[Json] = []

    @app.command("/papers")
    async def papers(ack: AsyncAck, command: Json) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view=MODAL)

    @app.view("schedule")
    async def schedule(ack: AsyncAck, view: Json) -> None:
        given.append(view["state"]["values"])
        if view["state"]["values"]["time"]["at"]["value"] == "noonish":
            await ack(response_action="errors", errors={"time": "A time, as 09:00"})
        else:
            await ack()

    await ada.says("/papers", "schedule", ml)
    [modal] = await slack.until(lambda: ada.modals)
    assert "Schedule" in modal.words
    await ada.submits(modal, {"at": "noonish", "days": "weekdays"})
    assert modal.errors == {"time": "A time, as 09:00"}
    await ada.submits(modal, {"days": "daily"})
    assert ada.modals == []
    assert given[0]["days"]["days"]["selected_option"]["value"] == "weekdays"
    assert given[1]["time"]["at"]["value"] == "09:00"


async def test_a_trigger_serves_once_and_for_three_seconds(
    slack: FakeSlack,
    clock: Clock,
    app: AsyncApp,
    connected: Connected,
    ml: Channel,
    ada: Member,
    client: AsyncWebClient,
) -> None:
    triggers: list[str] = []

    @app.shortcut("settings")
    async def settings(ack: AsyncAck, shortcut: Json) -> None:
        await ack()
        triggers.append(shortcut["trigger_id"])

    for _ in range(2):
        await ada.chooses("settings")
    await slack.until(lambda: len(triggers) == 2)
    first, second = triggers
    opened = await client.views_open(trigger_id=first, view=MODAL)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=first, view=MODAL)
    clock.advance(timedelta(seconds=4))
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=second, view=MODAL)
    view = opened["view"]
    await client.views_update(view_id=view["id"], hash=view["hash"], view=MODAL | {"callback_id": "other"})
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=view["id"], hash=view["hash"], view=MODAL)
    assert ada.modals[0].body["callback_id"] == "other"


async def test_a_closed_modal_is_told_of_and_gone(
    slack: FakeSlack, app: AsyncApp, connected: Connected, ada: Member, client: AsyncWebClient
) -> None:
    @app.shortcut("settings")
    async def settings(ack: AsyncAck, shortcut: Json) -> None:
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=MODAL)

    @app.view_closed("schedule")
    async def closed(ack: AsyncAck) -> None:
        await ack()

    await ada.chooses("settings")
    [modal] = await slack.until(lambda: ada.modals)
    delivery = await ada.closes(modal)
    assert delivery
    assert delivery.acked
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(view_id=modal.id, view=MODAL)


async def test_a_message_shortcut_names_its_message(
    app: AsyncApp, connected: Connected, ml: Channel, ada: Member, client: AsyncWebClient
) -> None:
    got: list[Json] = []

    @app.shortcut("similar")
    async def similar(ack: AsyncAck, shortcut: Json) -> None:
        got.append(shortcut)
        await ack()

    ts = (await client.chat_postMessage(channel="C1", text="card"))["ts"]
    await ada.chooses("similar", ml, ts)
    assert (got[0]["type"], got[0]["message"]["text"], got[0]["message_ts"]) == ("message_action", "card", ts)


async def test_the_home_tab_is_published_and_its_menus_work(
    slack: FakeSlack, app: AsyncApp, connected: Connected, ada: Member, client: AsyncWebClient
) -> None:
    picked: list[Json] = []

    @app.event("app_home_opened")
    async def opened(event: Json) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [BUTTON]})

    @app.action("more")
    async def more(ack: AsyncAck, body: Json) -> None:
        picked.append(body)
        await ack()

    await ada.opens_home()
    home = await slack.until(lambda: ada.home)
    assert home
    await ada.presses_in(home, "more")
    assert picked[0]["view"]["id"] == home.id
    assert picked[0]["actions"][0]["value"] == "2310.01234"
