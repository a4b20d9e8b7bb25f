"""Response URLs: five answers within thirty minutes to what a person did, even where the bot is no member."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from tests.fakes.slack.blocks import check_message
from tests.fakes.slack.post_office import show
from tests.fakes.slack.values import Ephemeral, Json, Refused
from tests.fakes.slack.views import with_ids

if TYPE_CHECKING:
    from tests.fakes.slack.person import Person
    from tests.fakes.slack.server import FakeSlack
    from tests.fakes.slack.world import Channel

MOST_USES = 5
LIVES = timedelta(minutes=30)


@dataclass(slots=True)
class Hook:
    """One response URL, with what it may replace."""

    person: Person
    channel: Channel
    made: datetime
    ts: str = ""
    ephemeral: Ephemeral | None = None
    used: list[Json] = field(default_factory=list)


class Hooks:
    """All response URLs. `used` has every post to any of them."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._hooks: dict[str, Hook] = {}
        self.used: list[Json] = []

    def new(self, person: Person, channel: Channel, ts: str = "", ephemeral: Ephemeral | None = None) -> str:
        """A response URL for what a person just did there, on that message."""
        key = self._slack.unique("hook")
        self._hooks[key] = Hook(person, channel, self._slack.clock(), ts, ephemeral)
        return f"{self._slack.url}/actions/{person.workspace.id}/{key}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one post."""
        raw = await request.text()
        try:
            body: Json = json.loads(raw)
            hook = self._open(request.match_info["key"])
            hook.used.append(body)
            self.used.append(body)
            self._take(hook, body)
        except (Refused, ValueError) as refused:
            error = refused.error if isinstance(refused, Refused) else "invalid_payload"
            return web.json_response({"ok": False, "error": error}, status=404 if "url" in error else 400)
        finally:
            self._slack.changed()
        return web.Response(text="ok")

    def _open(self, key: str) -> Hook:
        hook = self._hooks.get(key)
        if hook is None or self._slack.clock() - hook.made > LIVES:
            raise Refused("expired_url")
        if len(hook.used) >= MOST_USES:
            raise Refused("used_url")
        return hook

    def _take(self, hook: Hook, body: Json) -> None:
        original = hook.ephemeral or (hook.channel.message(hook.ts) if hook.ts else None)
        if original and body.get("delete_original"):
            if isinstance(original, Ephemeral):
                hook.person.ephemeral.remove(original)
            else:
                hook.channel.messages.remove(original)
        elif original and body.get("replace_original"):
            check_message(body)
            original.text, original.blocks = str(body.get("text") or ""), with_ids(body.get("blocks") or [])
        else:
            show(hook.person, hook.channel, body)
