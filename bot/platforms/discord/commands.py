"""The commands that the bot registers at Discord.

docs.discord.com/developers/interactions/application-commands
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from bot.model.commands import Commands
from bot.platforms.discord.render import Json
from bot.platforms.discord.rest import Rest
from bot.ports.platform import PlatformError, Rejected, Sleep

_SLASH, _ON_A_MESSAGE = 1, 3
_STRING, _ATTACHMENT = 3, 11
_LONGEST_LINE = 6_000
IN_SERVERS, FOR_MEMBERS = 0, 1
"""How an application can be installed: in a server, and by a member for themselves."""
_SERVER, _DIRECT, _ELSEWHERE = 0, 1, 2
"""Where a command can be used: in servers, in the direct conversation with the bot, and in other conversations."""
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 60.0, 3_600.0
log = structlog.get_logger(__name__)


def application_commands(commands: Commands, name: str, installs: Sequence[int] = (IN_SERVERS,)) -> list[Json]:
    """The commands to register, for everybody: the slash command and the commands on a message.

    `installs` are the ways in which the application can be installed. The option `query` is required, so that Discord
    puts the text behind the command's name right into it.
    """
    query: Json = {
        "type": _STRING,
        "name": "query",
        "description": "A search, or help, today, subscribe …",
        "required": True,
        "autocomplete": True,
        "max_length": _LONGEST_LINE,
    }
    taking = commands.file_command()
    file: Json = {"type": _ATTACHMENT, "name": "file", "description": f"With {taking.name}: {taking.takes_file}"}
    contexts = [_SERVER, _DIRECT] + [_ELSEWHERE] * (FOR_MEMBERS in installs)
    where: Json = {"contexts": contexts, "integration_types": list(installs)}
    slash: Json = {
        "type": _SLASH,
        "name": name,
        "description": "Find papers, and say what this channel likes",
        "options": [query, file],
    }
    menus: list[Json] = [{"type": _ON_A_MESSAGE, "name": menu.name} for menu in commands.menus().values()]
    return [each | where for each in (slash, *menus)]


def installs_of(application: Json) -> list[int]:
    """The ways in which an application can be installed; servers alone if Discord does not say."""
    config = application.get("integration_types_config")
    kinds = [kind for kind in (IN_SERVERS, FOR_MEMBERS) if isinstance(config, dict) and str(kind) in config]
    return kinds or [IN_SERVERS]


def differing(registered: Sequence[Json], wanted: Sequence[Json]) -> list[str]:
    """The names of the commands that are missing, differ from the wanted ones, or should not be there."""
    unmatched = {(each.get("type", _SLASH), each.get("name")): each for each in registered}
    wrong = [each["name"] for each in wanted if not _matches(unmatched.pop((each["type"], each["name"]), {}), each)]
    return wrong + [str(name) for _, name in unmatched]


class CommandRegistration:
    """Registers the commands at Discord. `name` is the slash command's."""

    def __init__(self, commands: Commands, name: str) -> None:
        self._commands, self._name = commands, name

    async def register(self, rest: Rest, application: str) -> bool:
        """Register the commands unless Discord has them. Returns whether Discord has them now."""
        try:
            installs = await _installs(rest)
            wanted = application_commands(self._commands, self._name, installs)
            if not differing(await rest.commands(application), wanted):
                return True
            try:
                await rest.put_commands(application, wanted)
            except Rejected:
                if installs == [IN_SERVERS]:
                    raise
                log.warning("Discord refused commands for members; the commands are registered for servers alone.")
                await rest.put_commands(application, application_commands(self._commands, self._name))
        except PlatformError as error:
            log.warning(
                "The commands could not be registered; some may be missing.", command=self._name, why=str(error)
            )
            return False
        return True

    async def keep_trying(self, rest: Rest, application: str, sleep: Sleep) -> None:
        """Try until Discord has the commands, with growing waits."""
        wait = _FIRST_WAIT_SECONDS
        while True:
            await sleep(wait)
            if await self.register(rest, application):
                log.warning("The commands are registered now.")
                return
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)


async def _installs(rest: Rest) -> list[int]:
    try:
        return installs_of(await rest.ask("/applications/@me", {}))
    except PlatformError as error:
        log.warning("Discord did not say how the application can be installed; assuming servers alone.", why=str(error))
        return [IN_SERVERS]


def _matches(registered: Any, wanted: Any) -> bool:
    """Whether a registered value has all parts of the wanted one. Discord adds ids and defaults, and may reorder
    numbers."""
    if isinstance(wanted, dict):
        return isinstance(registered, dict) and all(
            _matches(registered.get(key), value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        if not isinstance(registered, list) or len(registered) != len(wanted):
            return False
        if all(isinstance(each, int) for each in [*registered, *wanted]):
            return sorted(registered) == sorted(wanted)
        return all(map(_matches, registered, wanted))
    return bool(registered == wanted)
