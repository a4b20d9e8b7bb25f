"""The screen: shows the posts and answers of one channel, and knows the meaning of their numbers and short words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from bot.model.messages import Action, Attachment, Reply
from bot.platforms.terminal import render
from bot.platforms.terminal.charts import DrawnChart
from bot.platforms.terminal.numbers import Numbers, is_header, opens
from bot.platforms.terminal.sanitize import one_line
from bot.platforms.terminal.terminal_log import PostedMessage

_RECALLED = 20
"""Messages shown when the person enters a channel without a digest."""
_SAME_NAME = 100


class Screen:
    """One channel on a console. Attachments are stored in the folder `files`."""

    def __init__(self, console: Console, files: Path) -> None:
        self._console, self._files = console, files
        self._shown: set[str] = set()
        self._offers: dict[str, Action] = {}
        self.numbers = Numbers()

    def open(self, messages: Sequence[PostedMessage], *, show: bool) -> None:
        """Enter a channel with these messages: number its last digest from 1, and show it if `show`."""
        self.numbers.leave()
        self._offers = {}
        self._shown = {posted.id for posted in messages}
        for posted in messages[_last_digest(messages) :]:
            first = self.numbers.post(posted.id, posted.message)
            if show:
                self.print(render.posted(posted.message, first))

    def show(self, messages: Sequence[PostedMessage]) -> None:
        """Print the messages that were not shown yet."""
        for posted in messages:
            if posted.id not in self._shown:
                self._shown.add(posted.id)
                self.print(render.posted(posted.message, self.numbers.post(posted.id, posted.message)))

    def reply(self, reply: Reply) -> None:
        """Print an answer, number its papers, and offer its actions."""
        if reply.public:
            self.print(Text("For everybody in the channel:", style="dim"))
        self.print(render.answer(reply, self.numbers.answer(reply)))
        if reply.actions or reply.lines or reply.cards:  # an answer in words alone leaves the earlier offers
            self._offers = render.short_words(reply.actions)
        for chart in reply.charts:
            self.print(DrawnChart(chart))
        if reply.attachment:
            self.print(render.attached(reply.attachment, self._store(reply.attachment)))

    def offer(self, line: str) -> Action | None:
        """The action that the last answer offers under this short word or label."""
        word = line.strip().casefold()
        labelled = (action for action in self._offers.values() if action.label.casefold() == word)
        return self._offers.get(word) or next(labelled, None)

    def say(self, text: str) -> None:
        """Print a text of the terminal itself."""
        self.print(render.Prose(text, style="dim"))

    def print(self, content: RenderableType) -> None:
        """Print. A console that lacks some characters shows others in their place."""
        self.numbers.printed(len(self._console.render_lines(content, pad=False)), self._console.height)
        try:
            self._console.print(content, highlight=False, markup=False, emoji=False)
        except UnicodeEncodeError:
            with self._console.capture() as captured:
                self._console.print(content, highlight=False, markup=False, emoji=False)
            encoding = self._console.encoding
            self._console.file.write(captured.get().encode(encoding, "replace").decode(encoding))

    def _store(self, attachment: Attachment) -> str:
        """Store a file under a new name. Returns its path, "" if the disk does not take it."""
        name = one_line(Path(attachment.name).name, 100).replace("/", "-").lstrip(".") or "file"
        stem, suffix = Path(name).stem, Path(name).suffix
        for number in range(_SAME_NAME):
            file = self._files / (f"{stem}-{number + 1}{suffix}" if number else name)
            try:
                self._files.mkdir(parents=True, exist_ok=True)
                with file.open("x", encoding="utf-8", errors="replace") as out:
                    out.write(attachment.content)
            except FileExistsError:
                continue
            except OSError:
                return ""
            return str(file)
        return ""


def _last_digest(messages: Sequence[PostedMessage]) -> int:
    """The index at which the last digest with papers begins: its header, or its only message."""
    start = 0 if messages and _is_whole_digest(messages[0]) else None
    for place, (posted, following) in enumerate(pairwise(messages)):
        if _is_whole_digest(following):
            start = place + 1
        elif is_header(posted.message) and not is_header(following.message):
            start = place
    return max(len(messages) - _RECALLED, 0) if start is None else start


def _is_whole_digest(posted: PostedMessage) -> bool:
    return opens(posted.message) and not is_header(posted.message)
