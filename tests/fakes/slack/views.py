"""Modals and home tabs: their limits, and who has which one open."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.fakes.slack.blocks import check_blocks
from tests.fakes.slack.elements import PLAIN, Unfit, string, text
from tests.fakes.slack.values import Json, Refused, View

if TYPE_CHECKING:
    from tests.fakes.slack.person import Person
    from tests.fakes.slack.server import FakeSlack

MOST_BLOCKS = 100
MOST_BYTES = 250_000
MOST_STACKED = 3
TRIGGER_LIVES = timedelta(seconds=3)


def check_view(view: Any, kinds: tuple[str, ...] = ("modal",)) -> None:
    """Check a view. Refused: invalid_arguments, view_too_large, invalid_blocks."""
    if not isinstance(view, dict) or view.get("type") not in kinds:
        raise Refused("invalid_arguments", response_metadata={"messages": ["[ERROR] unsupported type of view"]})
    if len(json.dumps(view).encode()) > MOST_BYTES:
        raise Refused("view_too_large")
    blocks = view.get("blocks")
    try:
        if view["type"] == "modal":
            text(view.get("title"), "/view/title", 24, PLAIN)
            for name in ("submit", "close"):
                if name in view:
                    text(view[name], f"/view/{name}", 24, PLAIN)
            if "submit" not in view and any(block.get("type") == "input" for block in blocks or []):
                raise Unfit("missing required field: submit", "/view/submit")
        string(view.get("private_metadata", ""), "/view/private_metadata", 3000, 0)
        string(view.get("callback_id", ""), "/view/callback_id", 255, 0)
    except Unfit as unfit:
        raise Refused("invalid_arguments", response_metadata={"messages": [f"[ERROR] {unfit}"]}) from unfit
    check_blocks(blocks, MOST_BLOCKS, view["type"])


class Triggers:
    """Trigger ids: each opens one view, within three seconds of the clock."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._made: dict[str, tuple[Person, datetime]] = {}
        self._used: set[str] = set()

    def new(self, person: Person) -> str:
        """A new trigger id for what a person just did."""
        made = f"{self._slack.unique('')}.{person.workspace.id}.trigger"
        self._made[made] = (person, self._slack.clock())
        return made

    def use(self, trigger: object) -> Person:
        """Whose it is. Refused: invalid_trigger_id, exchanged_trigger_id, expired_trigger_id."""
        key = str(trigger)
        if key not in self._made:
            raise Refused("invalid_trigger_id")
        if key in self._used:
            raise Refused("exchanged_trigger_id")
        person, made = self._made[key]
        if self._slack.clock() - made > TRIGGER_LIVES:
            raise Refused("expired_trigger_id")
        self._used.add(key)
        return person


class Views:
    """All views of all workspaces."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack

    def push(self, person: Person, body: Json) -> View:
        """Put a modal on top of what a person sees. Refused: push_limit_reached."""
        if len(person.modals) >= MOST_STACKED:
            raise Refused("push_limit_reached")
        person.modals.append(self._new(person, body))
        return person.modals[-1]

    def open(self, person: Person, body: Json) -> View:
        """Show a modal to a person, in place of those they had open."""
        person.modals.clear()
        return self.push(person, body)

    def publish(self, person: Person, body: Json, known: object = None) -> View:
        """Set a person's home tab. Refused: hash_conflict."""
        if known and person.home and known != person.home.hash:
            raise Refused("hash_conflict")
        if person.home is None:
            person.home = self._new(person, body)
        return self._write(person.home, body)

    def update(self, person: Person, view: View, body: Json, known: object = None) -> View:
        """Change an open view. Refused: not_found when it was closed, hash_conflict."""
        if view not in person.modals and view is not person.home:
            raise Refused("not_found")
        if known and known != view.hash:
            raise Refused("hash_conflict")
        return self._write(view, body)

    def _new(self, person: Person, body: Json) -> View:
        made = View(self._slack.unique("V"), _with_ids(body), self._slack.unique("hash."), person.id)
        person.workspace.views[made.id] = made
        return made

    def _write(self, view: View, body: Json) -> View:
        view.body, view.hash, view.errors = _with_ids(body), self._slack.unique("hash."), {}
        return view


def _with_ids(body: Json) -> Json:
    return body | {"blocks": with_ids(body.get("blocks", []))}


def with_ids(blocks: list[Json]) -> list[Json]:
    """Blocks with a block_id each, and with an action_id wherever one may be missing: Slack makes them up."""
    given = []
    for number, block in enumerate(blocks):
        made: Json = {"block_id": f"made-{number}"} | block
        for name in ("accessory", "element"):
            if name in made and made[name].get("type") != "image":
                made[name] = {"action_id": f"made-{number}"} | made[name]
        if made["type"] == "actions":
            made["elements"] = [{"action_id": f"made-{number}-{n}"} | e for n, e in enumerate(made["elements"])]
        given.append(made)
    return given
