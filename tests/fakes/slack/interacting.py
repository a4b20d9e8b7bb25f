"""How a person uses buttons, menus, shortcuts, modals and the home tab."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tests.fakes.slack import payloads
from tests.fakes.slack.person import Person
from tests.fakes.slack.values import Delivery, Json, View
from tests.fakes.slack.views import check_view

if TYPE_CHECKING:
    from tests.fakes.slack.world import Channel

_MANY = ("multi_static_select", "checkboxes")
_PICKED = {
    "timepicker": "selected_time",
    "datepicker": "selected_date",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
}


class Interacting(Person):
    """Somebody who presses and fills in."""

    async def presses(
        self, channel: Channel, ts: str, action_id: str, value: Any = None, block_id: str | None = None
    ) -> Delivery:
        """Press a button, or pick `value` in a menu, of a message or of an ephemeral that they see."""
        seen = next((answer for answer in self.ephemeral if answer.ts == ts), None)
        blocks = seen.blocks if seen else channel.message(ts).blocks
        container = {"type": "message", "message_ts": ts, "channel_id": channel.id, "is_ephemeral": seen is not None}
        told = payloads.interaction(
            self,
            "block_actions",
            container=container,
            channel={"id": channel.id, "name": "directmessage" if channel.im else channel.name},
            actions=[self._action(blocks, action_id, value, block_id)],
            state={"values": state(blocks, {})},
            trigger_id=self.workspace.slack.triggers.new(self),
            response_url=self.workspace.slack.hooks.new(self, channel, ts, seen),
        )
        if seen is None:
            message = channel.message(ts)
            app, team = self.workspace.slack.app_id, channel.workspace.id
            told["message"] = payloads.message(message, me=app, team=team)
            if message.thread_ts:
                container["thread_ts"] = message.thread_ts
        return await self.workspace.slack.post_office.ask(self, "interactive", told, channel)

    async def presses_in(self, view: View, action_id: str, value: Any = None, block_id: str | None = None) -> Delivery:
        """Press a button or pick in a menu of a modal or the home tab."""
        blocks = view.body.get("blocks", [])
        told = payloads.interaction(
            self,
            "block_actions",
            container={"type": "view", "view_id": view.id},
            view=payloads.view(view, self.workspace, state(blocks, {})),
            actions=[self._action(blocks, action_id, value, block_id)],
            trigger_id=self.workspace.slack.triggers.new(self),
        )
        return await self.workspace.slack.post_office.ask(self, "interactive", told, None)

    async def chooses(self, callback_id: str, channel: Channel | None = None, ts: str = "") -> Delivery:
        """Use a message shortcut, or without a message a global one."""
        slack = self.workspace.slack
        stamp = self.workspace.ts()
        told = payloads.interaction(
            self,
            "message_action" if channel else "shortcut",
            callback_id=callback_id,
            trigger_id=slack.triggers.new(self),
            action_ts=stamp,
        )
        if channel:
            self._joins(channel)
            told |= {
                "message_ts": ts,
                "channel": {"id": channel.id, "name": "directmessage" if channel.im else channel.name},
                "message": payloads.message(channel.message(ts), me=slack.app_id, team=channel.workspace.id),
                "response_url": slack.hooks.new(self, channel, ts),
            }
        return await slack.post_office.ask(self, "interactive", told, channel)

    async def opens_home(self, tab: str = "home") -> list[Delivery]:
        """Look at the bot's home tab."""
        event: Json = {"type": "app_home_opened", "user": self.id, "channel": self.dm.id, "tab": tab}
        if self.home:
            event["view"] = payloads.view(self.home, self.workspace)
        return await self.workspace.emit(event)

    async def submits(self, view: View, values: Mapping[str, Any] | None = None) -> Delivery:
        """Send a modal with values by action_id or block_id; what is not given stays as it was offered.

        The acknowledgement closes it, shows `view.errors`, updates it, pushes another or clears them all.
        """
        filled = state(view.body.get("blocks", []), dict(values or {}))
        told = payloads.interaction(
            self,
            "view_submission",
            view=payloads.view(view, self.workspace, filled),
            trigger_id=self.workspace.slack.triggers.new(self),
            response_urls=[],
        )
        done = await self.workspace.slack.post_office.ask(self, "interactive", told, None)
        if done.acked and view in self.modals:
            self._answered(view, done.reply)
        return done

    async def closes(self, view: View) -> Delivery | None:
        """Close a modal; the bot is told when the view asked for it."""
        self.modals.remove(view)
        if not view.body.get("notify_on_close"):
            return None
        told = payloads.interaction(self, "view_closed", view=payloads.view(view, self.workspace), is_cleared=False)
        return await self.workspace.slack.post_office.ask(self, "interactive", told, None)

    def _answered(self, view: View, reply: Json) -> None:
        action = reply.get("response_action")
        view.errors = {}
        if action == "errors":
            known = {block.get("block_id") for block in view.body["blocks"] if block.get("type") == "input"}
            assert set(reply["errors"]) <= known, "errors name input blocks of the view by block_id"
            view.errors = dict(reply["errors"])
        elif action == "update":
            check_view(reply["view"])
            self.workspace.slack.views.update(self, view, reply["view"])
        elif action == "push":
            check_view(reply["view"])
            self.workspace.slack.views.push(self, reply["view"])
        elif action == "clear":
            self.modals.clear()
        else:
            self.modals.remove(view)

    def _action(self, blocks: list[Json], action_id: str, value: Any, block_id: str | None) -> Json:
        fitting = [
            (block, element)
            for block, element in elements(blocks)
            if element.get("action_id") == action_id and block_id in (None, block.get("block_id"))
        ]
        assert fitting, f"nothing with action_id {action_id!r}: {[e.get('action_id') for _, e in elements(blocks)]}"
        block, element = fitting[0]
        told = {"action_id": action_id, "block_id": block.get("block_id"), "type": element["type"]}
        told |= filled(element, value)
        if element["type"] == "button":
            told |= {key: element[key] for key in ("text", "value", "style") if key in element}
        return told | {"action_ts": self.workspace.ts()}


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Each interactive element with its block."""
    for block in blocks:
        for element in [block.get("accessory"), block.get("element"), *block.get("elements", [])]:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def state(blocks: list[Json], values: dict[str, Any]) -> Json:
    """What stands in a form's fields: block_id → action_id → value. Fails on a value for no field."""
    told: Json = {}
    left = dict(values)
    for block, element in elements(blocks):
        if element["type"] in ("button", "overflow"):
            continue
        given = left.pop(element["action_id"], left.pop(str(block.get("block_id")), None))
        told.setdefault(block["block_id"], {})[element["action_id"]] = {"type": element["type"]} | filled(
            element, given
        )
    assert not left, f"no field takes {sorted(left)}"
    return told


def filled(element: Json, value: Any) -> Json:
    """An element's part of a payload, with this value in it or what it offered at first."""
    kind = element["type"]
    if kind in ("button",):
        return {}
    if kind in _PICKED:
        name = _PICKED[kind]
        return {name: value if value is not None else element.get(name.replace("selected", "initial"))}
    offered = [*element.get("options", []), *(o for g in element.get("option_groups", []) for o in g["options"])]
    if kind in _MANY:
        if value is None:
            return {"selected_options": element.get("initial_options", [])}
        return {"selected_options": [one for one in offered if one["value"] in value]}
    if offered or kind == "external_select":
        if value is None:
            return {"selected_option": element.get("initial_option")}
        [picked] = [one for one in offered if one["value"] == value]
        return {"selected_option": picked}
    return {"value": value if value is not None else element.get("initial_value")}
