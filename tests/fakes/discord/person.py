"""A person: who they are, what they alone see, and what they ask the bot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.discord import shapes
from tests.fakes.discord.asked import Interaction, Modal
from tests.fakes.discord.bits import Asking, Right
from tests.fakes.discord.commands import CHAT, GROUP, MESSAGE, SUBCOMMAND
from tests.fakes.discord.message import Message
from tests.fakes.discord.values import Json, Upload

if TYPE_CHECKING:
    from tests.fakes.discord.world import Channel, Guild, Role, User

BUTTON, STRING_SELECT, TEXT_INPUT, CHANNEL_SELECT, LINK = 2, 3, 4, 8, 5


class Person:
    """Somebody of one guild. What they may not or cannot do raises LookupError or ValueError, as their client would."""

    def __init__(self, guild: Guild, user: User) -> None:
        self.guild, self.user = guild, user
        self.roles: list[Role] = []
        self.answers: list[Message] = []
        """The messages of the bot that they alone see."""
        self.modals: list[Modal] = []
        """The open ones, the last on top."""
        self.errors: list[str] = []
        """What Discord told them when the bot did not answer."""
        self.installed = False
        """Whether they installed the bot for themselves."""

    @property
    def id(self) -> str:
        """Their user id."""
        return self.user.id

    @property
    def name(self) -> str:
        """Their user name."""
        return self.user.name

    @property
    def dm(self) -> Channel:
        """The conversation with the bot."""
        return self.guild.discord.direct(self.user)

    def shown(self, channel: Channel) -> Json:
        """As an interaction in that channel shows them."""
        return shapes.member(self, channel)

    async def says(self, channel: Channel, command: str, **options: Any) -> Interaction:
        """Use a slash command (`papers`, or `papers add` where there are subcommands)."""
        found = self._command(channel, command)
        data, known = _path(found, command)
        for one in known:
            if one.get("required") and one["name"] not in options:
                raise ValueError(f"/{command} needs {one['name']}")
        if unknown := set(options) - {one["name"] for one in known}:
            raise LookupError(f"/{command} has no {sorted(unknown)}")
        for name, given in options.items():
            if isinstance(given, Upload):
                options[name] = self._uploaded(data, given)
        _leaf(data)["options"] = [_option(one, options[one["name"]]) for one in known if one["name"] in options]
        return await self._asks(Asking.COMMAND, data, channel, name=found["name"])

    async def types(self, channel: Channel, command: str, text: str, option: str = "") -> list[Json]:
        """Type into a command's option; the choices that are offered (`name`, `value`)."""
        data, known = _path(self._command(channel, command), command)
        focused = next((one for one in known if one.get("autocomplete") and option in ("", one["name"])), None)
        if focused is None:
            raise LookupError(f"/{command} has no such option that completes")
        typed = {"name": focused["name"], "type": focused["type"], "value": text, "focused": True}
        _leaf(data)["options"] = [typed]
        asked = await self._asks(Asking.AUTOCOMPLETE, data, channel)
        return list(((asked.response or {}).get("data") or {}).get("choices") or [])

    async def chooses(self, command: str, message: Message) -> Interaction:
        """Choose a command from a message's context menu."""
        found = self._offered(self.guild.discord.commands.find(command, message.channel, MESSAGE), message.channel)
        shown = shapes.message(message)
        data = _data(found) | {"target_id": message.id, "resolved": {"messages": {message.id: shown}}}
        return await self._asks(Asking.COMMAND, data, message.channel, name=command)

    async def presses(self, message: Message, custom_id: str) -> Interaction:
        """Press a button."""
        button = self._seen(message).component(custom_id)
        if button["type"] != BUTTON or button.get("style") == LINK:
            raise LookupError(f"{custom_id!r} is no button")
        if button.get("disabled"):
            raise ValueError(f"the button {custom_id!r} is disabled")
        data: Json = {"custom_id": custom_id, "component_type": BUTTON, "id": button.get("id", 0)}
        return await self._asks(Asking.COMPONENT, data, message.channel, message)

    async def picks(self, message: Message, custom_id: str, *values: str) -> Interaction:
        """Pick values in a select."""
        select = self._seen(message).component(custom_id)
        _may_pick(select, values)
        data: Json = {"custom_id": custom_id, "component_type": select["type"], "id": select.get("id", 0)}
        data["values"] = list(values)
        if select["type"] == CHANNEL_SELECT:
            chosen = [self.guild.channels[one] for one in values]
            allowed = {one.id: str(int(one.rights(self.user))) for one in chosen}
            shown = {one.id: shapes.channel(one) | {"permissions": allowed[one.id]} for one in chosen}
            data["resolved"] = {"channels": shown}
        return await self._asks(Asking.COMPONENT, data, message.channel, message)

    async def submits(self, modal: Modal, values: dict[str, str | list[str]] | None = None) -> Interaction:
        """Submit a modal; what is not given stays as it was shown."""
        given = dict(values or {})
        if unknown := set(given) - set(modal.inputs):
            raise LookupError(f"the modal has no {sorted(unknown)}: {sorted(modal.inputs)}")
        filled = [_filled(component, given) for component in modal.body["components"]]
        data: Json = {"custom_id": modal.custom_id, "components": filled}
        asked = modal.interaction
        self.modals.remove(modal)
        return await self._asks(Asking.MODAL, data, asked.channel, asked.message)

    def _uploaded(self, data: Json, file: Upload) -> str:
        """The id under which a file of theirs goes with a command."""
        discord = self.guild.discord
        key = discord.ids.next()
        told = shapes.attachment(discord.keep(f"ephemeral-attachments/{key}", file), key, file)
        data.setdefault("resolved", {}).setdefault("attachments", {})[key] = told
        return key

    def _command(self, channel: Channel, command: str) -> Json:
        found = self.guild.discord.commands.find(command.split()[0], channel, CHAT)
        return self._offered(found, channel)

    def _offered(self, found: Json, channel: Channel) -> Json:
        """The command, if their client offers it to them there."""
        context = 0 if channel.guild else 1
        if found.get("contexts") is not None and context not in found["contexts"]:
            raise LookupError(f"{found['name']!r} is not offered there: contexts {found['contexts']}")
        types = found.get("integration_types") or [0]
        of_guild = (channel.guild is None or channel.guild.has_bot) and 0 in types
        if not of_guild and not (self.installed and 1 in types):
            raise LookupError(f"{found['name']!r} is not installed there: {types}")
        if channel.guild is not None:
            needed = Right(int(found.get("default_member_permissions") or 0))
            if needed & ~channel.rights(self.user) or Right.USE_APPLICATION_COMMANDS not in channel.rights(self.user):
                raise LookupError(f"{self.name} is not allowed to use {found['name']!r}")
        return found

    def _seen(self, message: Message) -> Message:
        if message not in message.channel.visible and message not in self.answers:
            raise LookupError(f"{self.name} does not see that message")
        return message

    async def _asks(
        self, kind: Asking, data: Json, channel: Channel, message: Message | None = None, name: str = ""
    ) -> Interaction:
        ids = self.guild.discord.ids
        now = self.guild.discord.clock()
        return await Interaction(ids.next(), ids.token(), kind, data, self, channel, now, name, message).ask()


def _data(command: Json) -> Json:
    guild = {"guild_id": command["guild_id"]} if "guild_id" in command else {}
    return {"id": command["id"], "name": command["name"], "type": command["type"]} | guild


def _path(command: Json, line: str) -> tuple[Json, list[Json]]:
    """The interaction's data down to a subcommand, and the options that it knows."""
    data, at = _data(command), command
    inner = data
    for step in line.split()[1:]:
        chosen = (
            option for option in at["options"] if option["name"] == step and option["type"] in (SUBCOMMAND, GROUP)
        )
        if (found := next(chosen, None)) is None:
            raise LookupError(f"/{line} has no {step!r}")
        inner["options"] = [{"name": step, "type": found["type"]}]
        inner, at = inner["options"][0], found
    return data, at.get("options") or []


def _leaf(data: Json) -> Json:
    while data.get("options"):
        data = data["options"][0]
    return data


def _option(known: Json, value: Any) -> Json:
    least, most = known.get("min_length", 0), known.get("max_length", 6000)
    if isinstance(value, str) and not least <= len(value) <= most:
        raise ValueError(f"{known['name']} takes {least} to {most} characters")
    if known.get("choices") and value not in [choice["value"] for choice in known["choices"]]:
        raise ValueError(f"{known['name']} does not offer {value!r}")
    return {"name": known["name"], "type": known["type"], "value": value}


def _may_pick(select: Json, values: tuple[str, ...]) -> None:
    if select.get("disabled"):
        raise ValueError(f"the select {select['custom_id']!r} is disabled")
    if not select.get("min_values", 1) <= len(values) <= select.get("max_values", 1):
        raise ValueError(f"{select['custom_id']!r} does not take {len(values)} values")
    offered = [option["value"] for option in select.get("options") or []]
    if select["type"] == STRING_SELECT and (unknown := set(values) - set(offered)):
        raise LookupError(f"{select['custom_id']!r} does not offer {sorted(unknown)}: {offered}")


def _filled(one: Json, given: dict[str, str | list[str]]) -> Json:
    """A component of a modal, as the person leaves it."""
    told: Json = {"type": one["type"], "id": one.get("id", 0)}
    if one.get("component"):
        return told | {"component": _filled(one["component"], given)}
    if one.get("components"):
        return told | {"components": [_filled(each, given) for each in one["components"]]}
    if "custom_id" not in one:
        return told
    told["custom_id"] = one["custom_id"]
    if one["type"] != TEXT_INPUT:
        shown = [each["value"] for each in one.get("options") or [] if each.get("default")]
        values = given.get(one["custom_id"], shown)
        picked = (values,) if isinstance(values, str) else tuple(values)
        if picked or one.get("required", True):
            _may_pick(one, picked)
        return told | {"values": list(picked)}
    value = str(given.get(one["custom_id"], one.get("value") or ""))
    if one.get("required", True) and not value:
        raise ValueError(f"{one['custom_id']} is required")
    if value and not (one.get("min_length") or 0) <= len(value) <= (one.get("max_length") or 4000):
        raise ValueError(f"{one['custom_id']} takes {one.get('min_length')} to {one.get('max_length')} characters")
    return told | {"value": value}
