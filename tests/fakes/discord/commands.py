"""Application commands as the bot registers them: docs.discord.com/developers/interactions/application-commands."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.fakes.discord.about import guild_of
from tests.fakes.discord.errors import Errors, Path
from tests.fakes.discord.values import Call, Json, Refused

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord
    from tests.fakes.discord.world import Channel

CHAT, USER, MESSAGE = 1, 2, 3
SUBCOMMAND, GROUP, STRING = 1, 2, 3
MOST = {CHAT: 100, USER: 15, MESSAGE: 15}
MOST_CREATED = 200
NAME = re.compile(r"^[-_'\w]{1,32}$")
EVERYWHERE = ""


class Commands:
    """What is registered: for a guild by its id, for everywhere by ''."""

    def __init__(self, discord: FakeDiscord) -> None:
        self._discord = discord
        self.registered: dict[str, list[Json]] = {EVERYWHERE: []}
        self.syncs: Counter[str] = Counter()
        """How often a whole list was overwritten, by guild id."""
        self.created: Counter[str] = Counter()
        """Commands that were not there before, which Discord limits to 200 a day."""

    @property
    def names(self) -> list[str]:
        """The names of what is registered everywhere."""
        return [str(one["name"]) for one in self.registered[EVERYWHERE]]

    def find(self, name: str, channel: Channel, kind: int = CHAT) -> Json:
        """The command that somebody sees there. Raises LookupError where there is none."""
        guild = channel.guild.id if channel.guild else EVERYWHERE
        for one in self.registered.get(guild, []) + self.registered[EVERYWHERE]:
            if one["name"] == name and one["type"] == kind:
                return one
        raise LookupError(f"no command {name!r} is registered: {self.names}")

    def overwrite(self, guild: str, given: list[Json]) -> list[Json]:
        """Register these and nothing else. Raises Refused 50035 or 30034."""
        errors = Errors()
        for number, one in enumerate(given):
            _command(errors, (number,), one)
            if not set(one.get("integration_types") or [0]) <= (self._discord.installs or {0}):
                # docs.discord.com/developers/interactions/application-commands#installation-context
                text = "Installation contexts must be supported by the application."
                errors.add((number, "integration_types"), "APPLICATION_COMMAND_INTEGRATION_TYPES", text)
        counts = Counter(one.get("type", CHAT) for one in given)
        for kind, count in counts.items():
            if count > MOST.get(kind, 0):
                errors.add((), "APPLICATION_COMMANDS_LIMIT", f"Maximum number of application commands: {MOST}")
        if len({(one.get("type", CHAT), one.get("name")) for one in given}) < len(given):
            errors.add((), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
        errors.stop()
        known = {(one["type"], one["name"]): one["id"] for one in self.registered.get(guild, [])}
        fresh = [one for one in given if (one.get("type", CHAT), one["name"]) not in known]
        if self.created[guild] + len(fresh) > MOST_CREATED:
            raise Refused(30034)
        self.created[guild] += len(fresh)
        self.syncs[guild] += 1
        self.registered[guild] = [self._whole(one, known, guild) for one in given]
        return self.registered[guild]

    def _whole(self, one: Json, known: dict[tuple[int, str], str], guild: str) -> Json:
        kind = one.get("type", CHAT)
        more: Json = {"type": kind, "application_id": self._discord.application, "version": self._discord.ids.next()}
        more["id"] = known.get((kind, one["name"])) or self._discord.ids.next()
        defaults: Json = {"description": "", "default_member_permissions": None, "nsfw": False, "options": []}
        if guild:
            more["guild_id"] = guild
        else:
            defaults |= {"integration_types": [0], "contexts": None}
        return defaults | one | more


def size(command: Json) -> int:
    """The characters of a command's names, descriptions and values, which 8000 limits."""
    total = sum(len(str(command.get(key) or "")) for key in ("name", "description", "value"))
    return total + sum(size(one) for key in ("options", "choices") for one in command.get(key) or [])


def _command(errors: Errors, at: Path, one: Json) -> None:
    kind, name = one.get("type", CHAT), str(one.get("name") or "")
    if kind == CHAT:
        _named(errors, at, one)
        _options(errors, at, one.get("options") or [])
    else:
        errors.text((*at, "name"), name, 32, required=True)
        if one.get("description"):
            errors.add((*at, "description"), "APPLICATION_COMMAND_INVALID_DESCRIPTION", "Must be empty.")
    if size(one) > 8000:
        errors.add(at, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")


def _named(errors: Errors, at: Path, one: Json) -> None:
    name = str(one.get("name") or "")
    if not NAME.match(name) or name != name.lower():
        text = "Command name is invalid"
        errors.add((*at, "name"), "APPLICATION_COMMAND_INVALID_NAME", text)
    errors.text((*at, "description"), one.get("description"), 100, least=1, required=True)


def _options(errors: Errors, at: Path, options: list[Any]) -> None:
    errors.count((*at, "options"), options, 25)
    optional = False
    for number, one in enumerate(options):
        here: Path = (*at, "options", number)
        _named(errors, here, one)
        errors.count((*here, "choices"), one.get("choices") or [], 25)
        if one.get("choices") and one.get("autocomplete"):
            errors.add(here, "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE", "Choices exclude autocomplete.")
        if one.get("required") and optional:
            errors.add(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options come first.")
        optional = optional or not one.get("required")
        if one.get("type") in (SUBCOMMAND, GROUP):
            _options(errors, here, one.get("options") or [])


def get_global_commands(discord: FakeDiscord, call: Call) -> list[Json]:
    return discord.commands.registered[EVERYWHERE]


def bulk_overwrite_global_commands(discord: FakeDiscord, call: Call) -> list[Json]:
    return discord.commands.overwrite(EVERYWHERE, call.body)


def get_guild_commands(discord: FakeDiscord, call: Call) -> list[Json]:
    return discord.commands.registered.get(guild_of(discord, call).id, [])


def bulk_overwrite_guild_commands(discord: FakeDiscord, call: Call) -> list[Json]:
    return discord.commands.overwrite(guild_of(discord, call).id, call.body)


ROUTES = [
    ("GET", "/applications/{application}/commands", get_global_commands),
    ("PUT", "/applications/{application}/commands", bulk_overwrite_global_commands),
    ("GET", "/applications/{application}/guilds/{guild}/commands", get_guild_commands),
    ("PUT", "/applications/{application}/guilds/{guild}/commands", bulk_overwrite_guild_commands),
]
