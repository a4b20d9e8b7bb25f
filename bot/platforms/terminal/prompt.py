"""The prompt for a person at a terminal, with history, completion and a toolbar. Posts are printed above it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style

from bot.platforms.terminal.completion import Suggestion

Suggest = Callable[[str], Awaitable[list[Suggestion]]]
_STYLE = {"prompt": "bold ansicyan", "bottom-toolbar": "noreverse ansibrightblack"}


class Prompt:
    """Lines that a person types. `status` gives the text of the toolbar."""

    attended = True

    def __init__(self, history: Path, suggest: Suggest, status: Callable[[], str]) -> None:
        self._session: PromptSession[str] = PromptSession(
            history=_History(str(history)),
            completer=_Completer(suggest),
            complete_while_typing=True,
            bottom_toolbar=lambda: [("", f" {status()} ")],
            style=Style.from_dict(_STYLE),
            reserve_space_for_menu=6,
        )

    async def line(self, prompt: str) -> str | None:
        """The next line; Ctrl-C and Ctrl-D on an empty line leave. Ctrl-C on a half-typed line clears it."""
        message: StyleAndTextTuples = [("class:prompt", prompt)]
        while True:
            try:
                return await self._session.prompt_async(message)
            except EOFError:
                return None
            except KeyboardInterrupt:
                if not self._session.default_buffer.text.strip():
                    return None

    def screen(self) -> AbstractContextManager[None]:
        """Output is printed above the prompt."""
        return patch_stdout(raw=True)


class _Completer(Completer):
    """Completion by the bot, which does not delay typing."""

    def __init__(self, suggest: Suggest) -> None:
        self._suggest = suggest

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> list[Completion]:
        """Nothing: only the asynchronous method is used."""
        return []

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """Completions of the line so far."""
        for suggestion in await self._suggest(document.text_before_cursor):
            yield Completion(suggestion.text, start_position=-suggestion.replaces, display_meta=suggestion.meaning)


class _History(FileHistory):
    """History in a file. A line that can't be stored does not end the chat."""

    def store_string(self, string: str) -> None:
        """Store one line, if the disk takes it."""
        with suppress(OSError):
            super().store_string(string)
