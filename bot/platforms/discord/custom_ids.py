"""The custom ids of buttons and forms: an action in the hundred characters that Discord allows."""

from __future__ import annotations

import contextlib
import json
import os
from collections import OrderedDict
from hashlib import sha256
from itertools import islice
from pathlib import Path

import structlog

from bot.model.messages import Action
from bot.platforms.rendering import utf16_length

LONGEST = 100
_HELD = 1_000
_DO, _LONG, _ON_CARD, _CHANGE, _SEND = "do", "long", "card", "change", "send"
PAPERS, BEGIN = "papers", "begin"
"""The custom ids of the menu of an answer's papers, and of the menu of channels to begin in."""
log = structlog.get_logger(__name__)


class ActionStore:
    """The last thousand actions that are too long for a custom id, under short names. They are kept in a file, so that
    their buttons work after a restart; without a file they work until the process ends."""

    def __init__(self, file: Path | None = None) -> None:
        self._file, self._lines = file, 0
        self.actions: OrderedDict[str, Action] = OrderedDict()
        if file is not None:
            try:
                self._read(file.read_text("utf-8", "replace") if file.is_file() else "")
            except OSError as error:
                log.warning("The long buttons of an earlier process can't be read.", why=str(error))

    def id_of(self, action: Action) -> str:
        """The custom id of the button for an action. The id of a short action holds the whole action."""
        whole = _whole(action)
        if _fits(whole):
            return whole
        name = f"{_LONG}:{sha256(whole.encode('utf-8', 'replace')).hexdigest()}"
        is_stored = name in self.actions
        self.actions[name] = Action("", action.command, action.argument, action.offset)
        self.actions.move_to_end(name)
        if len(self.actions) > _HELD:
            self.actions.popitem(last=False)
        if not is_stored:
            self._write(name)
        return name

    def action(self, custom_id: str, label: str = "") -> Action | None:
        """The action of a pressed button, None if it is not the bot's or no longer stored."""
        if stored := self.actions.get(custom_id):
            return Action(label, stored.command, stored.argument, stored.offset)
        kind, _, rest = custom_id.partition(":")
        command, _, rest = rest.partition(":")
        offset, colon, argument = rest.partition(":")
        if kind != _DO or not colon or not offset.isdecimal():
            return None
        return Action(label, command, argument, int(offset))

    def _read(self, text: str) -> None:
        for line in text.splitlines():
            self._lines += 1
            with contextlib.suppress(ValueError, TypeError):  # the last line was cut short, or somebody edited the file
                name, command, argument, offset = json.loads(line)
                self.actions[str(name)] = Action("", str(command), str(argument), int(offset))
        for name in list(islice(self.actions, max(len(self.actions) - _HELD, 0))):
            del self.actions[name]
        if text and not text.endswith("\n"):  # no line may be added behind one that was cut short
            self._lines = 2 * _HELD

    def _write(self, name: str) -> None:
        """Add a line to the file, or rewrite the file if most of its lines are no longer needed."""
        if self._file is None:
            return
        try:
            if self._file.exists() and self._lines < 2 * _HELD:
                with self._file.open("a", encoding="utf-8") as out:
                    out.write(self._line(name))
                self._lines += 1
            else:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                new = self._file.with_suffix(".new")
                # The file holds members' words, which no other user of the machine may read.
                with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
                    out.writelines(map(self._line, self.actions))
                new.replace(self._file)
                self._lines = len(self.actions)
        except OSError as error:
            log.warning("A long button will not be known after a restart.", why=str(error))

    def _line(self, name: str) -> str:
        action = self.actions[name]
        return json.dumps([name, action.command, action.argument, action.offset]) + "\n"


def card_button_id(action: Action) -> str:
    """The custom id of a button on the card of the action's paper. If the id would be too long, it leaves the paper
    out: the card itself says which one it is."""
    whole = _whole(action)
    return whole if _fits(whole) else f"{_ON_CARD}:{action.command}"


def command_of_card_button(custom_id: str) -> str:
    """The command of a button whose card says which paper it is about, "" for any other button."""
    kind, _, command = custom_id.partition(":")
    return command if kind == _ON_CARD else ""


def change_id(command: str) -> str:
    """The custom id of the button that opens a command's form."""
    return f"{_CHANGE}:{command}"


def form_id(command: str) -> str:
    """The custom id of a command's form."""
    return f"{_SEND}:{command}"


def form_of(custom_id: str) -> str:
    """The command whose form a member opens or submits, "" for any other custom id."""
    kind, _, command = custom_id.partition(":")
    return command if kind in (_CHANGE, _SEND) else ""


def _whole(action: Action) -> str:
    return f"{_DO}:{action.command}:{action.offset}:{action.argument}"


def _fits(custom_id: str) -> bool:
    return utf16_length(custom_id) <= LONGEST
