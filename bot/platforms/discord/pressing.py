"""What a button does, in the hundred characters that Discord gives it back with."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256

from bot.channels.values import Action

LONGEST = 100
_HELD = 10_000
_DO, _LONG, _CHANGE, _SEND = "do", "long", "change", "send"
PAPERS, BEGIN = "papers", "begin"
"""The ids of the list of an answer's papers, and of the channels to begin in."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Actions too long for a button, kept while this process lives: they stand under answers, which live no longer."""

    held: OrderedDict[str, Action] = field(default_factory=OrderedDict)

    def id_of(self, action: Action) -> str:
        """The id of the button for an action. That of a short one holds the whole of it, and works for ever."""
        whole = f"{_DO}:{action.verb}:{action.offset}:{action.argument}"
        if len(whole.encode("utf-16-le", "replace")) <= 2 * LONGEST:
            return whole
        name = f"{_LONG}:{sha256(whole.encode('utf-8', 'replace')).hexdigest()}"
        self.held[name] = action
        self.held.move_to_end(name)
        if len(self.held) > _HELD:
            self.held.popitem(last=False)
        return name

    def action(self, custom_id: str, label: str = "") -> Action | None:
        """The action of a pressed button, None when it is none of ours or of an earlier process."""
        if held := self.held.get(custom_id):
            return Action(label, held.verb, held.argument, held.offset)
        kind, _, rest = custom_id.partition(":")
        verb, _, rest = rest.partition(":")
        offset, there, argument = rest.partition(":")
        if kind != _DO or not there or not offset.isdecimal():
            return None
        return Action(label, verb, argument, int(offset))


def change_id(verb: str) -> str:
    """The id of the button that opens the form of a verb."""
    return f"{_CHANGE}:{verb}"


def form_id(verb: str) -> str:
    """The id of a form that is to be sent."""
    return f"{_SEND}:{verb}"


def form_of(custom_id: str) -> str:
    """The verb whose form is to be opened or was sent, "" when it is neither."""
    kind, _, verb = custom_id.partition(":")
    return verb if kind in (_CHANGE, _SEND) else ""


def is_ours(custom_id: str) -> bool:
    """Whether it is an action's button, of whichever process."""
    return custom_id.partition(":")[0] in (_DO, _LONG)
