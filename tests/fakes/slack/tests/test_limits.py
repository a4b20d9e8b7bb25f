"""Slack's limits on what is posted: each at its edge and one step over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import Channel, Json, Member, Refused
from tests.fakes.slack.blocks import check_message
from tests.fakes.slack.views import with_ids

DIVIDER: Json = {"type": "divider"}


def mrkdwn(length: int) -> Json:
    return {"type": "mrkdwn", "text": "x" * length}


def plain(length: int) -> Json:
    return {"type": "plain_text", "text": "x" * length}


def section(length: int, **more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(length)} | more


def context(count: int) -> Json:
    return {"type": "context", "elements": [mrkdwn(1)] * count}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def button(text: int = 1, value: int = 1, action_id: str = "a") -> Json:
    return {"type": "button", "text": plain(text), "value": "x" * value, "action_id": action_id}


def select(count: int, label: int = 1, value: int = 3, kind: str = "static_select") -> Json:
    options = [{"text": plain(label), "value": f"{n:0{value}}"} for n in range(count)]
    return {"type": kind, "options": options, "action_id": "s"}


EDGES: dict[str, tuple[list[Json], list[Json]]] = {
    "blocks": ([DIVIDER] * 50, [DIVIDER] * 51),
    "section": ([section(3000)], [section(3001)]),
    "empty section": ([section(1)], [section(0)]),
    "fields": (
        [{"type": "section", "fields": [mrkdwn(2000)] + [mrkdwn(1)] * 9}],
        [{"type": "section", "fields": [mrkdwn(1)] * 11}],
    ),
    "field": ([{"type": "section", "fields": [mrkdwn(2000)]}], [{"type": "section", "fields": [mrkdwn(2001)]}]),
    "header": ([{"type": "header", "text": plain(150)}], [{"type": "header", "text": plain(151)}]),
    "header's type": ([{"type": "header", "text": plain(1)}], [{"type": "header", "text": mrkdwn(1)}]),
    "context": ([context(10)], [context(11)]),
    "actions": (
        [actions(*(button(action_id=f"a{n}") for n in range(25)))],
        [actions(*(button(action_id=f"a{n}") for n in range(26)))],
    ),
    "button text": ([actions(button(text=75))], [actions(button(text=76))]),
    "button value": ([actions(button(value=2000))], [actions(button(value=2001))]),
    "action_id": ([actions(button(action_id="a" * 255))], [actions(button(action_id="a" * 256))]),
    "action_ids": ([actions(button(), button(action_id="b"))], [actions(button(), button())]),
    "block_id": ([DIVIDER | {"block_id": "b" * 255}], [DIVIDER | {"block_id": "b" * 256}]),
    "block_ids": ([DIVIDER | {"block_id": "b"}, DIVIDER], [DIVIDER | {"block_id": "b"}] * 2),
    "options": ([actions(select(100))], [actions(select(101))]),
    "option label": ([actions(select(1, label=75))], [actions(select(1, label=76))]),
    "option value": ([actions(select(1, value=150))], [actions(select(1, value=151))]),
    "overflow": ([actions(select(5, kind="overflow"))], [actions(select(6, kind="overflow"))]),
    "kinds of block": ([DIVIDER], [{"type": "banner"}]),
    "kinds of element": ([section(1, accessory=button())], [section(1, accessory={"type": "plain_text_input"})]),
    "button's properties": ([actions(button())], [actions(button() | {"colour": "red"})]),
    "markdown": ([{"type": "markdown", "text": "x" * 12_000}], [{"type": "markdown", "text": "x" * 12_001}]),
}


@pytest.mark.parametrize("name", EDGES)
async def test_what_just_fits_is_posted_and_one_more_is_refused(name: str, ml: Channel, client: AsyncWebClient) -> None:
    fits, over = EDGES[name]
    await client.api_call("chat.postMessage", json={"channel": "C1", "text": "x", "blocks": fits})
    with pytest.raises(SlackApiError) as refused:
        await client.api_call("chat.postMessage", json={"channel": "C1", "text": "x", "blocks": over})
    assert refused.value.response["error"] == "invalid_blocks"
    assert "json-pointer:/blocks" in refused.value.response["errors"][0]
    assert len(ml.visible) == 1


async def refused(client: AsyncWebClient, **message: Any) -> str:
    with pytest.raises(SlackApiError) as refusal:
        await client.api_call("chat.postMessage", json={"channel": "C1", **message})
    return str(refusal.value.response["error"])


async def test_a_message_has_a_text_or_blocks_and_neither_too_long(ml: Channel, client: AsyncWebClient) -> None:
    assert await refused(client) == "no_text"
    assert await refused(client, text="x" * 40_001) == "msg_too_long"
    assert await refused(client, text="x", blocks=[section(2640)] * 5 + [section(1)]) == "msg_blocks_too_long"
    await client.chat_postMessage(channel="C1", text="x" * 40_000)
    await client.chat_postMessage(channel="C1", text="x", blocks=[section(2640)] * 5)
    assert len(ml.visible) == 2


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"event_payload": {}}, "invalid_metadata_format"),
        ({"event_type": "card"}, "invalid_metadata_format"),
        ({"event_type": "card", "event_payload": {}, "more": 1}, "invalid_metadata_format"),
        ({"event_type": "card", "event_payload": {"Key": "k"}}, "invalid_metadata_schema"),
        ({"event_type": "card", "event_payload": {"1k": "k"}}, "invalid_metadata_schema"),
        ({"event_type": "card", "event_payload": {"k": {"nested": 1}}}, "invalid_metadata_schema"),
    ],
)
async def test_metadata_is_flat_with_small_keys(
    metadata: Json, error: str, ml: Channel, client: AsyncWebClient
) -> None:
    assert await refused(client, text="x", metadata=metadata) == error


async def test_a_modal_keeps_to_its_limits(client: AsyncWebClient, ada: Member) -> None:
    field = {"type": "input", "label": plain(3), "element": {"type": "plain_text_input"}}
    modal: Json = {"type": "modal", "title": plain(24), "submit": plain(24), "blocks": [field]}
    wrong: list[tuple[Json, str]] = [
        (modal | {"title": plain(25)}, "invalid_arguments"),
        ({key: modal[key] for key in ("type", "title", "blocks")}, "invalid_arguments"),
        (modal | {"private_metadata": "x" * 3001}, "invalid_arguments"),
        (modal | {"blocks": [DIVIDER] * 101}, "invalid_blocks"),
        (modal | {"blocks": [{"type": "file"}]}, "invalid_blocks"),
        (modal | {"private_metadata": "é" * 2000, "blocks": [section(2500)] * 100}, "view_too_large"),
    ]
    for view, error in wrong:
        with pytest.raises(SlackApiError) as refusal:
            await client.views_open(trigger_id="t", view=view)
        assert refusal.value.response["error"] == error
    with pytest.raises(SlackApiError) as refusal:
        await client.views_publish(user_id="U1", view=modal)
    assert refusal.value.response["error"] == "invalid_arguments", "a modal is no home tab"


NAMES = st.sampled_from(
    ["type", "text", "elements", "fields", "accessory", "element", "options", "block_id", "confirm"]
)
KINDS = st.sampled_from(["section", "actions", "context", "input", "rich_text", "header", "button", "static_select"])
ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | KINDS | st.just("mrkdwn"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def wrong_with(blocks: list[Any]) -> list[str]:
    """What Slack says is wrong with blocks."""
    try:
        check_message({"text": "x", "blocks": blocks})
    except Refused as refused:
        return [refused.error, *refused.more["errors"]]
    return []


@given(
    st.lists(st.just(DIVIDER) | st.dictionaries(NAMES, ANYTHING).map(lambda one: {"type": "section"} | one) | ANYTHING)
)
def test_whatever_is_posted_is_taken_whole_or_refused_in_words(blocks: list[Any]) -> None:
    wrong = wrong_with(blocks)
    if wrong:
        assert wrong[0] == "invalid_blocks"
        assert all("[json-pointer:/blocks" in one for one in wrong[1:])
    else:
        assert len(with_ids(blocks)) == len(blocks)
