"""Answers to interactions: docs.discord.com/developers/interactions/receiving-and-responding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.discord import messages, shapes
from tests.fakes.discord.asked import Interaction, Modal
from tests.fakes.discord.bits import EPHEMERAL, LOADING, Answering, Asking
from tests.fakes.discord.components import check_modal
from tests.fakes.discord.errors import Errors
from tests.fakes.discord.limits import check_message
from tests.fakes.discord.message import Message
from tests.fakes.discord.values import Call, Json, Refused

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord

MESSAGES = {Answering.MESSAGE, Answering.DEFERRED}
UPDATES = {Answering.DEFERRED_UPDATE, Answering.UPDATE}


def create_interaction_response(discord: FakeDiscord, call: Call) -> Json | None:
    """The first answer, which must come in time and once."""
    asked = discord.interactions.get(call.where["interaction"])
    if asked is None or asked.token != call.where["token"] or asked.failed:
        raise Refused(10062)
    if asked.response is not None:
        raise Refused(40060)
    kind, data = call.body.get("type"), call.body.get("data") or {}
    if kind not in _allowed(asked):
        errors = Errors()
        errors.add(("type",), "BASE_TYPE_CHOICES", f"Value must be one of {sorted(map(int, _allowed(asked)))}.")
        errors.stop()
    message = _first(asked, Answering(kind), data, call)
    asked.answer(call.body, message)
    if "with_response" not in call.query:
        return None
    told: Json = {"id": asked.id, "type": int(asked.kind)}
    resource: Json = {"type": kind}
    if message is not None:
        told |= {"response_message_id": message.id, "response_message_ephemeral": message.ephemeral}
        told["response_message_loading"] = message.thinking
        resource["message"] = shapes.message(message)
    return {"interaction": told, "resource": resource}


def create_followup(discord: FakeDiscord, call: Call) -> Json:
    """One more message; after a deferral it becomes the one that was promised, seen by whom the deferral said."""
    asked = _by_token(discord, call)
    if asked.original is not None and asked.original.thinking:
        return shapes.message(_keep_promise(asked.original, call))
    return shapes.message(_say(asked, call.body, call))


def get_response_message(discord: FakeDiscord, call: Call) -> Json:
    return shapes.message(_answer(discord, call))


def edit_response_message(discord: FakeDiscord, call: Call) -> Json:
    message = _answer(discord, call)
    if message.thinking:
        return shapes.message(_keep_promise(message, call))
    messages.edit(message, call)
    return shapes.message(message)


def delete_response_message(discord: FakeDiscord, call: Call) -> None:
    message = _answer(discord, call)
    for interaction in discord.interactions.values():
        if message in interaction.person.answers:
            interaction.person.answers.remove(message)
        if interaction.original is message:
            interaction.original = None
    if message in message.channel.messages:
        messages.remove(message)


def _allowed(asked: Interaction) -> set[Answering]:
    if asked.kind is Asking.AUTOCOMPLETE:
        return {Answering.CHOICES}
    allowed = MESSAGES | (UPDATES if asked.message is not None else set())
    return allowed | ({Answering.MODAL} if asked.kind is not Asking.MODAL else set())


def _first(asked: Interaction, kind: Answering, data: Json, call: Call) -> Message | None:
    if kind is Answering.MESSAGE:
        return _say(asked, data, call)
    if kind is Answering.DEFERRED:
        return _show(asked, asked.draft((data.get("flags") or 0) & EPHEMERAL | LOADING))
    if kind is Answering.UPDATE and asked.message is not None:
        messages.edit(asked.message, _with(call, data))
    if kind in UPDATES:
        return asked.message
    if kind is Answering.MODAL:
        check_modal(data)
        asked.person.modals.append(Modal(data, asked))
    else:
        _check_choices(data.get("choices") or [])
    return None


def _say(asked: Interaction, body: Json, call: Call) -> Message:
    check_message(body, call.files)
    made = asked.draft(body.get("flags") or 0)
    made.files = call.files
    messages.fill(made, body, rings=True)
    return _show(asked, made)


def _show(asked: Interaction, message: Message) -> Message:
    asked.answers.append(message)
    if message.ephemeral:
        asked.person.answers.append(message)
    else:
        messages.add(message)
    return message


def _keep_promise(message: Message, call: Call) -> Message:
    """The message that a deferral promised is there; who sees it was said then."""
    check_message(call.body, call.files)
    message.files = call.files
    message.flags &= ~LOADING
    messages.fill(message, call.body, rings=True)
    messages.tell("MESSAGE_UPDATE", message)
    return message


def _with(call: Call, body: Json) -> Call:
    return Call(call.name, call.method, call.path, call.where, call.query, body, call.at, call.files)


def _check_choices(choices: list[Json]) -> None:
    errors = Errors()
    errors.count(("data", "choices"), choices, 25)
    for number, one in enumerate(choices):
        errors.text(("data", "choices", number, "name"), one.get("name"), 100, required=True)
        errors.text(("data", "choices", number, "value"), str(one.get("value") or ""), 100, required=True)
    errors.stop()


def _by_token(discord: FakeDiscord, call: Call) -> Interaction:
    asked = next(
        (interaction for interaction in discord.interactions.values() if interaction.token == call.where["token"]), None
    )
    if asked is None or asked.expired:
        raise Refused(50027)
    if asked.response is None:
        raise Refused(10015)
    return asked


def _answer(discord: FakeDiscord, call: Call) -> Message:
    asked = _by_token(discord, call)
    key = call.where["message"]
    if key == "@original":
        if asked.original is None:
            raise Refused(10008)
        return asked.original
    found = next((answer for answer in asked.answers if answer.id == key), None)
    if found is None:
        raise Refused(10008)
    return found


ROUTES = [
    ("POST", "/interactions/{interaction}/{token}/callback", create_interaction_response),
    ("POST", "/webhooks/{application}/{token}", create_followup),
    ("GET", "/webhooks/{application}/{token}/messages/{message}", get_response_message),
    ("PATCH", "/webhooks/{application}/{token}/messages/{message}", edit_response_message),
    ("DELETE", "/webhooks/{application}/{token}/messages/{message}", delete_response_message),
]
