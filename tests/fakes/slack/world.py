"""Workspaces, channels and what stands in them; nothing here speaks to the network."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.fakes.slack.values import Delivery, Json, Message, Refused, View

if TYPE_CHECKING:
    from tests.fakes.slack.people import Member
    from tests.fakes.slack.server import FakeSlack

SCOPES = frozenset(
    {
        *("app_mentions:read", "channels:history", "channels:read", "chat:write", "commands", "files:write"),
        *("groups:history", "groups:read", "im:history", "im:read", "im:write", "mpim:history", "mpim:read"),
        *("reactions:read", "reactions:write", "users:read"),
    }
)
"""What a workspace grants unless a test says otherwise."""
TOKEN_LIVES = timedelta(hours=12)


@dataclass(slots=True)
class Channel:
    """A channel or a direct conversation; `members` are user ids, the bot's own among them."""

    id: str
    workspace: Workspace
    name: str = ""
    private: bool = False
    archived: bool = False
    deleted: bool = False
    im: str = ""
    """In a direct conversation, the member's id."""
    group: bool = False
    """Whether it is a group conversation."""
    creator: str = "U0"
    members: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    @property
    def visible(self) -> list[Message]:
        """What everybody in the channel sees, oldest first, threads' messages included."""
        return sorted(self.messages, key=lambda one: one.ts)

    def message(self, ts: str) -> Message:
        """The message of that ts. Refused: message_not_found."""
        for message in self.messages:
            if message.ts == ts:
                return message
        raise Refused("message_not_found")

    @property
    def has_bot(self) -> bool:
        """Whether the bot may read here."""
        return bool(self.im) or self.workspace.bot_user in self.members

    @property
    def kind(self) -> str:
        """The prefix of its scopes: channels, groups, im or mpim."""
        return "im" if self.im else "mpim" if self.group else "groups" if self.private else "channels"

    def shown(self) -> Json:
        """As conversations.info has it."""
        basic: Json = {"id": self.id, "created": 1700000000, "is_archived": self.archived, "is_org_shared": False}
        if self.im:
            return basic | {"is_im": True, "user": self.im, "is_open": True, "priority": 0}
        return basic | {
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.private,
            "is_group": self.private,
            "is_im": False,
            "is_mpim": self.group,
            "is_private": self.private,
            "is_general": False,
            "is_shared": False,
            "is_member": self.has_bot,
            "creator": self.creator,
            "context_team_id": self.workspace.id,
            "num_members": len(self.members),
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }


@dataclass(slots=True)
class Token:
    """A bot token; `ends` only where tokens rotate. `dead` is the error it is answered with."""

    value: str
    ends: datetime | None = None
    dead: str = ""


class Workspace:
    """One team. `scopes` may be changed at any time; so may everything of its channels and members."""

    def __init__(self, slack: FakeSlack, key: str, name: str) -> None:
        self.slack, self.id, self.name = slack, key, name
        self.bot_user, self.bot_id = f"U0BOT{key}", f"B0BOT{key}"
        self.scopes = set(SCOPES)
        self.installed = True
        self.rotates = False
        self.organization = ""
        """Where the app is installed in all of it, its id."""
        self.channels: dict[str, Channel] = {}
        self.members: dict[str, Member] = {}
        self.views: dict[str, View] = {}
        self.files: dict[str, Json] = {}
        self.uploads: dict[str, bytes] = {}
        """The contents of files, by id."""
        self.tokens: list[Token] = [Token(f"xoxb-{key}-1")]
        self.refresh_tokens: set[str] = set()
        self._codes: dict[str, tuple[str, set[str]]] = {}
        self._numbers = itertools.count(1)
        self._last = ""

    @property
    def bot_token(self) -> str:
        """The newest token."""
        return self.tokens[-1].value

    def channel(
        self, key: str, name: str = "", *, private: bool = False, archived: bool = False, bot: bool = True
    ) -> Channel:
        """A new channel; the bot is a member unless `bot` is false."""
        made = Channel(key, self, name or key.lower(), private, archived)
        made.members.extend([self.bot_user] * bot)
        self.channels[key] = made
        return made

    def group(self, key: str, name: str, *, bot: bool = True) -> Channel:
        """A new group conversation (mpim) of members among themselves, and of the bot."""
        made = self.channel(key, name, private=True, bot=bot)
        made.group = True
        return made

    def member(
        self, key: str, name: str = "", *, admin: bool = False, owner: bool = False, bot: bool = False
    ) -> Member:
        """A new person (or another app's bot), who is in every channel they act in."""
        from tests.fakes.slack.people import Member

        made = Member(self, key, name or key.lower(), admin=admin, owner=owner, bot=bot)
        self.members[key] = made
        return made

    def direct(self, user: str) -> Channel:
        """The direct conversation of the bot with a member. Refused: user_not_found."""
        if user not in self.members:
            raise Refused("user_not_found")
        known = next((channel for channel in self.channels.values() if channel.im == user), None)
        if known is None:
            known = Channel(f"D{user[1:]}", self, "directmessage", private=True, im=user, members=[user])
            self.channels[known.id] = known
        return known

    def ts(self) -> str:
        """A new message's id: the clock's time, never the same twice and never going back."""
        made = f"{self.slack.clock().timestamp():.3f}{next(self._numbers) % 1000:03d}"
        if self._last and made <= self._last:
            seconds, micros = self._last.split(".")
            made = f"{int(seconds) + (int(micros) + 1) // 1_000_000}.{(int(micros) + 1) % 1_000_000:06d}"
        self._last = made
        return made

    def new_token(self) -> Token:
        """Another token, which from now on is `bot_token`; the earlier ones live on until they end."""
        ends = self.slack.clock() + TOKEN_LIVES if self.rotates else None
        prefix = "xoxe.xoxb" if self.rotates else "xoxb"
        self.tokens.append(Token(f"{prefix}-{self.id}-{len(self.tokens) + 1}", ends))
        return self.tokens[-1]

    def new_refresh_token(self) -> str:
        """A refresh token, good for one use."""
        made = f"xoxe-1-{self.id}-{next(self._numbers)}"
        self.refresh_tokens.add(made)
        return made

    def grants(self, by: str = "U1", scopes: set[str] | None = None) -> str:
        """A person agrees to install the app: the one-time code that their browser brings to the callback."""
        code = f"code.{self.id}.{next(self._numbers)}"
        self._codes[code] = (by, set(scopes) if scopes is not None else set(self.scopes))
        return code

    def redeem(self, code: str) -> str | None:
        """Install with a code; who agreed, or None when the code is not (or no longer) this workspace's."""
        if code not in self._codes:
            return None
        by, self.scopes = self._codes.pop(code)
        self.reinstalls()
        return by

    def revoke(self, why: str) -> None:
        """Let every token be answered with this error."""
        for token in self.tokens:
            token.dead = token.dead or why
        self.refresh_tokens.clear()

    def reinstalls(self) -> str:
        """Install anew; the new bot token."""
        self.revoke("token_revoked")
        self.installed = True
        return self.new_token().value

    async def uninstalls(self) -> None:
        """Someone removes the app: its tokens die, and both events go out."""
        self.installed = False
        self.revoke("account_inactive")
        await self.emit({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [self.bot_user]}})
        await self.emit({"type": "app_uninstalled"})

    async def revokes_tokens(self) -> None:
        """The bot's tokens are revoked, and the event goes out."""
        self.revoke("token_revoked")
        await self.emit({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [self.bot_user]}})

    async def emit(self, event: Json, **more: Any) -> list[Delivery]:
        """Send any event, where the app subscribed to it."""
        return await self.slack.post_office.event(self, event, **more)

    def find_channel(self, name: object) -> Channel:
        """A channel the bot may know of, by id; a member's id stands for the conversation with them.

        Refused: channel_not_found, also for a private channel the bot is not in.
        """
        key = str(name or "")
        if key in self.members:
            return self.direct(key)
        found = self.channels.get(key)
        if found is None or found.deleted or not (found.has_bot or not found.private):
            raise Refused("channel_not_found")
        return found
