"""The log of the terminal: its messages and reactions in a file. It is the "server side" of this platform.

The file has one JSON object a line and is only appended to: joined channels, posted messages, reactions added and
removed. A line counts once its newline is written, so a crash in the middle of writing leaves nothing behind. Several
processes may share a log: a writer holds the file's lock and has read the others' lines (on Windows: one process).
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from bot.model.messages import Message, Place
from bot.ports.platform import AccessLost, NotAccepted, Uncertain

if sys.platform != "win32":
    import fcntl

_GONE = {errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True, slots=True)
class Joined:
    """A channel that the bot was invited to."""

    place: Place
    kind: Literal["joined"] = "joined"


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """A message of the bot. Its id is the key under which it was sent."""

    address: str
    id: str
    at: datetime
    message: Message
    kind: Literal["said"] = "said"


@dataclass(frozen=True, slots=True)
class Reacted:
    """An emoji put on a message, or taken back."""

    address: str
    message: str
    member: str
    emoji: str
    on: bool
    at: datetime
    kind: Literal["reacted"] = "reacted"


_Record = Joined | PostedMessage | Reacted
_RECORD: TypeAdapter[_Record] = TypeAdapter(Annotated[_Record, Field(discriminator="kind")])


class TerminalLog:
    """The log in `folder`, which is created if it is missing. Every method may block on the disk, and is thread-safe.

    Every method raises `AccessLost` if the file can't be reached, `NotAccepted` if the disk can't read or write now,
    and `Uncertain` if the disk does not confirm a write.
    """

    def __init__(self, folder: Path, fsync: Callable[[int], None] = os.fsync) -> None:
        self.path = folder / "room.jsonl"
        self._fsync = fsync
        self._mutex = threading.Lock()
        self._reset()
        with self._translate_errors():
            folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            pass

    def _reset(self) -> None:
        self.damaged = 0
        """The number of lines that could not be read and were skipped."""
        self._inode, self._end = 0, 0
        self._places: dict[str, Place] = {}
        self._messages: dict[tuple[str, str], PostedMessage] = {}
        self._reactions: dict[tuple[str, str], dict[tuple[str, str], None]] = {}
        self._last_reaction: datetime | None = None

    def join(self, place: Place) -> bool:
        """Record that the bot is in a channel. Returns False if it was recorded before."""
        with self._locked() as file:
            is_new = place.address not in self._places
            if is_new:
                self._append(file, Joined(place))
            return is_new

    def places(self) -> list[Place]:
        """The channels that the bot is in, oldest first."""
        with self._locked():
            return list(self._places.values())

    def post(self, place: Place, key: str, message: Message, at: datetime) -> str:
        """Record a message and return its id. A key that the place already has is not recorded again."""
        with self._locked() as file:
            if (place.address, key) not in self._messages:
                self._append(file, PostedMessage(place.address, key, at, message))
            return key

    def find(self, place: Place, key: str, since: datetime | None = None) -> str | None:
        """The id of the message with this key, None if there is none since that time."""
        with self._locked():
            message = self._messages.get((place.address, key))
            return message.id if message and (since is None or message.at >= since) else None

    def messages(self, place: Place) -> list[PostedMessage]:
        """The messages in a place, oldest first."""
        with self._locked():
            return [message for message in self._messages.values() if message.address == place.address]

    def react(self, place: Place, message: str, member: str, emoji: str, *, on: bool, at: datetime) -> Reacted | None:
        """Put an emoji on a message or take it back. Returns None if nothing changed.

        Reactions get times at least a microsecond apart, so that their order is clear even if the clock stands still.
        """
        with self._locked() as file:
            is_on = (member, emoji) in self._reactions.get((place.address, message), {})
            if (place.address, message) not in self._messages or is_on == on:
                return None
            if self._last_reaction and at <= self._last_reaction:
                at = self._last_reaction + timedelta(microseconds=1)
            reacted = Reacted(place.address, message, member, emoji, on, at)
            self._append(file, reacted)
            return reacted

    def reactions(self, place: Place, message: str) -> list[tuple[str, str]]:
        """The current (member, emoji) pairs on a message, oldest first."""
        with self._locked():
            return list(self._reactions.get((place.address, message), {}))

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The locked file, with all its lines read. Closing the descriptor releases the lock."""
        with self._mutex, self._translate_errors():
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
            try:
                if sys.platform != "win32":
                    fcntl.flock(file, fcntl.LOCK_EX)
                self._read(file)
                yield file
            finally:
                os.close(file)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Raise errors of the disk as errors of the port."""
        try:
            yield
        except OSError as error:
            why = f"{self.path}: {os.strerror(error.errno) if error.errno else error}"
            if error.errno in _GONE:
                raise AccessLost(f"The terminal's room can't be reached ({why}).") from error
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            mend = "The disk is full: free some space" if full else "The disk refused: see to it"
            raise NotAccepted(f"{mend}, and it is tried again ({why}).") from error

    def _read(self, file: int) -> None:
        """Read the complete lines that were appended since the last read."""
        status = os.fstat(file)
        if status.st_ino != self._inode or status.st_size < self._end:
            self._reset()
            self._inode = status.st_ino
        if status.st_size == self._end:
            return
        os.lseek(file, self._end, os.SEEK_SET)
        with open(file, "rb", closefd=False) as stream:
            *lines, _ = stream.read().split(b"\n")
        for line in lines:
            self._end += len(line) + 1
            try:
                self._apply(_RECORD.validate_json(line))
            except ValidationError:
                self.damaged += 1

    def _append(self, file: int, record: _Record) -> None:
        line = _RECORD.dump_json(record) + b"\n"
        os.ftruncate(file, self._end)  # removes a line that a crash or a full disk left half written
        done = 0
        while done < len(line):
            done += os.write(file, line[done:])
        try:
            self._fsync(file)
        except OSError as error:
            raise Uncertain(f"{self.path}: the disk did not confirm what was written ({error}).") from error
        self._end += len(line)
        self._apply(record)

    def _apply(self, record: _Record) -> None:
        match record:
            case Joined(place):
                self._places[place.address] = place
            case PostedMessage():
                self._messages.setdefault((record.address, record.id), record)
            case Reacted():
                on_message = self._reactions.setdefault((record.address, record.message), {})
                if record.on:
                    on_message[record.member, record.emoji] = None
                else:
                    on_message.pop((record.member, record.emoji), None)
                self._last_reaction = max(self._last_reaction or record.at, record.at)
