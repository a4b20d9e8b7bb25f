"""What the fake Slack remembers: calls, deliveries, messages, views. All times come from its clock unless said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.slack.words import pings, words

Json = dict[str, Any]


class Refused(Exception):
    """Slack answers `{"ok": false, "error": error, **more}`."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


@dataclass(slots=True)
class Call:
    """One Web API call as it came, and what was answered; `answer` stays empty when the reply was lost."""

    method: str
    workspace: str
    token: str
    args: Json
    at: datetime
    status: int = 0
    answer: Json = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether Slack said yes, and the answer was sent."""
        return self.answer.get("ok") is True


@dataclass(slots=True)
class Message:
    """A message as Slack keeps it. `reactions` has the members of each emoji name, in their order."""

    ts: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[Json] = field(default_factory=list)
    bot_id: str | None = None
    edited: str | None = None
    broadcast: bool = False
    args: Json = field(default_factory=dict)
    """The call that made it, for what nobody sees: unfurl_links, mrkdwn…"""

    @property
    def words(self) -> str:
        """Everything a person reads: the blocks' texts, or `text` where there are no blocks."""
        return words(self.blocks) if self.blocks else self.text

    @property
    def pings(self) -> list[str]:
        """What in it rings somebody's bell: `<!channel>`, `<@U1>`, `<!subteam^S1>`."""
        return pings(self.text, self.blocks)


@dataclass(slots=True)
class Ephemeral:
    """A message that one member alone sees. `ts` serves `presses`."""

    ts: str
    channel: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None

    @property
    def words(self) -> str:
        """Everything a person reads."""
        return words(self.blocks) if self.blocks else self.text

    @property
    def pings(self) -> list[str]:
        """What in it rings somebody's bell."""
        return pings(self.text, self.blocks)


@dataclass(slots=True)
class View:
    """A modal or a home tab. `errors` are those of the last refused submission, by block id."""

    id: str
    body: Json
    hash: str
    user: str
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Everything a person reads, the title first."""
        title = self.body.get("title", {}).get("text", "")
        return f"{title}\n{words(self.body.get('blocks', []))}"


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt to hand a payload over. `after` is in real seconds from sending to the acknowledgement.

    `status` is HTTP's, or 200 for an acknowledged envelope; 0 when nothing came back in time.
    """

    number: int
    status: int
    after: float
    reply: Json
    at: datetime


@dataclass(slots=True)
class Delivery:
    """A payload on its way to the bot. `kind` is events_api, slash_commands or interactive."""

    kind: str
    payload: Json
    workspace: str
    tries: list[Try] = field(default_factory=list)
    reason: str = ""
    """Why the last try failed, as Slack names it: http_timeout, connection_failed, http_error."""
    stopped: bool = False
    """Answered with `x-slack-no-retry`."""

    @property
    def acked(self) -> bool:
        """Whether any try was answered with a 2xx in time."""
        return any(200 <= one.status < 300 for one in self.tries)

    @property
    def reply(self) -> Json:
        """What the bot said in the acknowledgement that counted."""
        return next((attempt.reply for attempt in self.tries if 200 <= attempt.status < 300), {})
