"""Hands payloads to the bot as Slack does: at least once, three retries for events, none for what people wait for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.slack import payloads
from tests.fakes.slack.blocks import check_message
from tests.fakes.slack.values import Delivery, Ephemeral, Json, Message, Try
from tests.fakes.slack.views import with_ids

if TYPE_CHECKING:
    from tests.fakes.slack.person import Person
    from tests.fakes.slack.server import FakeSlack
    from tests.fakes.slack.world import Channel, Workspace


@dataclass
class PostOffice:
    """Every delivery of one Slack. `retries` follow a failed try at once; `twice` sends each event a second time."""

    slack: FakeSlack
    retries: int = 3
    twice: bool = False
    subscribed: set[str] = field(default_factory=lambda: set(payloads.SUBSCRIBED))
    deliveries: list[Delivery] = field(default_factory=list)
    _held: list[Delivery] | None = None

    async def event(self, workspace: Workspace, event: Json, *, name: str = "") -> list[Delivery]:
        """Tell the bot of an event, where the app subscribed to it and a scope allows it."""
        name = name or str(event["type"])
        needed = payloads.EVENT_SCOPES.get(name, ())
        if not workspace.installed and name not in payloads.FAREWELLS:
            return []
        if name not in self.subscribed or (needed and workspace.scopes.isdisjoint(needed)):
            return []
        about = {"event_ts": workspace.ts()} | event
        told = payloads.event(workspace, about, self.slack.unique("Ev"), self.slack.clock().timestamp())
        made = Delivery("events_api", told, workspace.id)
        self.deliveries.append(made)
        if self._held is not None:
            self._held.append(made)
            return [made]
        for _ in range(2 if self.twice else 1):
            await self._carry(made)
        return [made]

    async def ask(self, person: Person, kind: str, payload: Json, channel: Channel | None) -> Delivery:
        """Hand over what a person waits for: once, and without an answer they are told of a time-out."""
        assert person.workspace.installed, "nobody can use an app that is not installed"
        made = Delivery(kind, payload, person.workspace.id)
        self.deliveries.append(made)
        await self._try(made)
        if not made.acked:
            person.errors.append("operation_timeout")
        elif channel and (made.reply.get("text") or made.reply.get("blocks")):
            show(person, channel, made.reply)
        self.slack.changed()
        return made

    async def again(self, delivery: Delivery) -> Delivery:
        """Send a payload once more, as a retry: the same event id."""
        await self._try(delivery)
        self.slack.changed()
        return delivery

    async def retry_unacked(self) -> list[Delivery]:
        """Send again each event that nobody has acknowledged: what Slack does for a day after an outage."""
        left = [
            delivery
            for delivery in self.deliveries
            if delivery.kind == "events_api" and not delivery.acked and not delivery.stopped
        ]
        for one in left:
            await self.again(one)
        return left

    @contextmanager
    def holding(self) -> Iterator[list[Delivery]]:
        """Keep events back, to be released in any order, late, or never."""
        held: list[Delivery] = []
        self._held = held
        try:
            yield held
        finally:
            self._held = None

    async def release(self, held: Iterable[Delivery]) -> None:
        """Let held events go, in the order given."""
        for one in list(held):
            await self._carry(one)

    async def _carry(self, delivery: Delivery) -> None:
        for _ in range(1 + self.retries):
            if await self._try(delivery) or delivery.stopped:
                break
        self.slack.changed()

    async def _try(self, delivery: Delivery) -> bool:
        carrier = self.slack.signed if self.slack.listener else self.slack.sockets
        number, at = len(delivery.tries), self.slack.clock()
        status, after, reply = await carrier.carry(delivery, number)
        delivery.tries.append(Try(number, status, after, reply, at))
        return 200 <= status < 300


def show(person: Person, channel: Channel, body: Json, ts: str = "") -> Ephemeral | Message:
    """Show an answer to one person, or to all when its `response_type` is in_channel. Refused: as any message."""
    check_message(body)
    workspace = person.workspace
    blocks = with_ids(body.get("blocks") or [])
    stamp, text, thread = ts or workspace.ts(), str(body.get("text") or ""), body.get("thread_ts")
    if body.get("response_type") == "in_channel":
        message = Message(stamp, workspace.bot_user, text, blocks, thread_ts=thread, bot_id=workspace.bot_id, args=body)
        channel.messages.append(message)
        return message
    alone = Ephemeral(stamp, channel.id, text, blocks, thread)
    person.ephemeral.append(alone)
    return alone
