"""The screen: what the person sees of the channel they are in, and what its numbers and short words mean."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from bot.model.messages import Action, Attachment, Reply
from bot.platforms.terminal import render
from bot.platforms.terminal.numbers import Numbers, is_header, opens
from bot.platforms.terminal.sanitize import one_line
from bot.platforms.terminal.terminal_log import PostedMessage

_RECALLED = 20
"""Messages shown again of a channel that has had no digest yet."""
_SAME_NAME = 100


class Screen:
    """One channel on a console. Attachments are kept in `files`."""

    def __init__(self, console: Console, files: Path) -> None:
        self._console, self._files = console, files
        self._shown: set[str] = set()
        self._offers: dict[str, Action] = {}
        self.numbers = Numbers()

    def open(self, said: Sequence[PostedMessage], *, show: bool) -> None:
        """Come into a channel where this was said: its last digest is numbered anew, and shown if `show`."""
        self.numbers, self._offers = Numbers(), {}
        self._shown = {each.id for each in said}
        for each in said[_last_digest(said) :]:
            first = self.numbers.post(each.id, each.message)
            if show:
                self.print(render.posted(each.message, first))

    def show(self, said: Sequence[PostedMessage]) -> None:
        """Print what was not shown yet."""
        for each in said:
            if each.id not in self._shown:
                self._shown.add(each.id)
                self.print(render.posted(each.message, self.numbers.post(each.id, each.message)))

    def reply(self, reply: Reply, *, more: bool = False) -> None:
        """Print an answer; its papers are numbered (`more`: after those of the answer before), its actions offered."""
        if reply.public:
            self.print(Text("For everybody in the channel:", style="dim"))
        self.print(render.answer(reply, self.numbers.answer(reply, more=more)))
        if reply.actions or reply.lines or reply.cards:  # after a mere word, what was offered before still stands
            self._offers = render.offered(reply.actions)
        if reply.attachment:
            self.print(render.attached(reply.attachment, self._keep(reply.attachment)))

    def offer(self, line: str) -> Action | None:
        """The action that the last answer offers under this short word or label."""
        said = line.strip().casefold()
        labelled = (action for action in self._offers.values() if action.label.casefold() == said)
        return self._offers.get(said) or next(labelled, None)

    def say(self, text: str) -> None:
        """Print words of the terminal itself."""
        self.print(render.Prose(text, style="dim"))

    def print(self, what: RenderableType) -> None:
        """Print one thing; a console that lacks its characters shows others in their place."""
        try:
            self._console.print(what, highlight=False, markup=False, emoji=False)
        except UnicodeEncodeError:
            with self._console.capture() as captured:
                self._console.print(what, highlight=False, markup=False, emoji=False)
            encoding = self._console.encoding
            self._console.file.write(captured.get().encode(encoding, "replace").decode(encoding))

    def _keep(self, attachment: Attachment) -> str:
        """Where the file was written, under a name no other file has; "" where the disk does not take it."""
        name = one_line(Path(attachment.name).name, 100).replace("/", "-").lstrip(".") or "file"
        stem, suffix = Path(name).stem, Path(name).suffix
        for number in range(_SAME_NAME):
            file = self._files / (f"{stem}-{number + 1}{suffix}" if number else name)
            try:
                self._files.mkdir(parents=True, exist_ok=True)
                with file.open("x", encoding="utf-8", errors="replace") as kept:
                    kept.write(attachment.content)
            except FileExistsError:
                continue
            except OSError:
                return ""
            return str(file)
        return ""


def _last_digest(said: Sequence[PostedMessage]) -> int:
    """Where the last digest that has papers begins: at the words before them, which may be its own."""
    start = 0 if said and _whole(said[0]) else None
    for place, (each, following) in enumerate(pairwise(said)):
        if _whole(following):
            start = place + 1
        elif is_header(each.message) and not is_header(following.message):
            start = place
    return max(len(said) - _RECALLED, 0) if start is None else start


def _whole(said: PostedMessage) -> bool:
    return opens(said.message) and not is_header(said.message)
