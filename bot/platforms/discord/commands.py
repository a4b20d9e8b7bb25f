"""The commands Discord offers in the bot's name, told to it when they changed.

docs.discord.com/developers/interactions/application-commands
"""

from __future__ import annotations

import json
import logging
from hashlib import sha256
from pathlib import Path

from bot.platforms.base import PlatformError
from bot.platforms.discord.render import Json
from bot.platforms.discord.rest import Rest

_SLASH, _ON_A_MESSAGE = 1, 3
_STRING, _ATTACHMENT = 3, 11
_LONGEST_LINE = 6_000
MENUS = {"More like this": "more", "Why this paper": "why"}
"""Commands on a message, and what each says about the paper in it."""
log = logging.getLogger(__name__)


def commands(name: str) -> list[Json]:
    """What Discord is told: one slash command and the commands on a message, everywhere, for everybody.

    `query` is required so that Discord puts what is typed after the command's name right into it.
    """
    query: Json = {
        "type": _STRING,
        "name": "query",
        "description": "A search, or help, today, subscribe …",
        "required": True,
        "autocomplete": True,
        "max_length": _LONGEST_LINE,
    }
    file: Json = {"type": _ATTACHMENT, "name": "file", "description": "With teach: a .bib file of papers you love"}
    everywhere: Json = {"contexts": [0, 1, 2], "integration_types": [0, 1]}
    slash: Json = {
        "type": _SLASH,
        "name": name,
        "description": "Find papers, and say what this channel likes",
        "options": [query, file],
    }
    menus: list[Json] = [{"type": _ON_A_MESSAGE, "name": menu} for menu in MENUS]
    return [each | everywhere for each in (slash, *menus)]


class Commands:
    """Keeps in `folder` what Discord was told last: it may be told some two hundred times a day and no more."""

    def __init__(self, name: str, folder: Path) -> None:
        self._told, self._file = commands(name), folder / "commands"

    async def tell(self, rest: Rest, application: str) -> bool:
        """Tell Discord of the commands if they are not those it knows; whether it was told."""
        text = json.dumps([application, self._told], sort_keys=True)
        known = sha256(text.encode()).hexdigest()
        if self._last() == known:
            return False
        try:
            await rest.put_commands(application, self._told)
        except PlatformError as error:
            log.warning("Discord could not be told of the commands; the next start tries again. %s", error)
            return False
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(known, "utf-8")
        except OSError as error:
            log.warning("The next start will tell Discord of the commands again: %s", error)
        return True

    def _last(self) -> str:
        try:
            return self._file.read_text("utf-8", "replace")
        except OSError:
            return ""
