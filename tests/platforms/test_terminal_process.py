"""The terminal in a real process: under a pseudo-terminal, through a pipe, and when it is interrupted."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "tests.platforms.terminal_process"]
PATIENCE_SECONDS = 30
CODES = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")


class Keys:
    """Somebody at a pseudo-terminal."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master, self.process = master, process
        self._raw = b""
        self._read_to = 0

    @property
    def shown(self) -> str:
        return CODES.sub("", self._raw.decode(errors="replace"))

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait_for(self, text: str) -> None:
        """Until the terminal has shown `text` after what was waited for before."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.shown.find(text, self._read_to)) < 0:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} never came:\n{self.shown[self._read_to :]}"
            assert self._read(left), f"It ended without {text!r}:\n{self.shown[self._read_to :]}"
        self._read_to = found + len(text)

    def leave(self) -> int:
        """Read to the end; the exit code."""
        while self._read(PATIENCE_SECONDS):
            pass
        return self.process.wait(PATIENCE_SECONDS)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            some = os.read(self._master, 65536)
        except OSError:  # Linux's word for the other end's being closed
            return False
        self._raw += some
        if b"\x1b[6n" in some:  # a terminal that is asked where its cursor is says so
            self.press("\x1b[20;1R")
        return bool(some)


@contextmanager
def terminal(folder: Path, **environment: str) -> Iterator[Keys]:
    folder.mkdir(exist_ok=True)
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        [*COMMAND, str(folder)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**known, "TERM": "xterm-256color", **environment},
    )
    os.close(slave)
    try:
        yield Keys(master, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def told(folder: Path) -> dict[str, list[str]]:
    read: dict[str, list[str]] = json.loads((folder / "told.json").read_text())
    return read


def test_somebody_completes_asks_reacts_and_leaves_by_ctrl_c(tmp_path: Path) -> None:
    with terminal(tmp_path) as keys:
        keys.wait_for("Hello, I bring papers.")
        keys.wait_for("#papers ›")
        keys.wait_for("Mon 2 Mar 2026")
        keys.press("fed")
        keys.wait_for("federated learning")
        keys.press("\t\r")
        keys.wait_for("It is so.")
        keys.press("half")
        keys.wait_for("1  Posted while somebody types")
        keys.wait_for("#papers › half")
        keys.press("\x7f" * 4 + "1 👍\r")
        keys.wait_for("👍 1  Posted while somebody types")
        keys.press("never sent")
        keys.wait_for("never sent")
        keys.press("\x03")
        keys.wait_for("#papers ›")
        keys.press("1?\r")
        keys.wait_for("What about 1?")
        keys.press("\x03")
        keys.wait_for("Bye")
        assert keys.leave() == 0
        assert "Traceback" not in keys.shown
    assert told(tmp_path) == {"asked": ["federated learning"], "reactions": ["👍"]}
    assert "1 👍" in (tmp_path / "history").read_text()


@pytest.mark.parametrize("keys_to_leave", ["/quit\r", "\x04"])
def test_quit_and_ctrl_d_leave_cleanly(tmp_path: Path, keys_to_leave: str) -> None:
    with terminal(tmp_path) as keys:
        keys.wait_for("#papers ›")
        keys.press(keys_to_leave)
        keys.wait_for("Bye")
        assert keys.leave() == 0


def test_ctrl_c_ends_a_chat_that_waits_for_an_answer(tmp_path: Path) -> None:
    with terminal(tmp_path) as keys:
        keys.wait_for("#papers ›")
        keys.press("for ever\r")
        keys.wait_for("waiting")
        keys.press("\x03")
        assert keys.leave() == 130
        assert "Traceback" not in keys.shown


def test_a_dumb_terminal_is_chatted_with_in_plain_lines(tmp_path: Path) -> None:
    with terminal(tmp_path, TERM="dumb") as keys:
        keys.wait_for("#papers ›")
        keys.press("federated\r")
        keys.wait_for("It is so.")
        keys.press("/quit\r")
        keys.wait_for("Bye")
        assert keys.leave() == 0
        assert "2 Mar" not in keys.shown
    assert told(tmp_path)["asked"] == ["federated"]


def test_an_open_pipe_does_not_keep_an_interrupted_process_alive(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"federated\n")
        process.stdin.flush()
        while b"It is so." not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 130
        assert process.stderr
        assert process.stderr.read() == b""
    assert told(tmp_path)["asked"] == ["federated"]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_piped_line_that_is_not_utf8_costs_no_other(tmp_path: Path, encoding: str) -> None:
    typed = b"federated\ncaf\xe9 x\nd\xc3\xa9j\xc3\xa0 vu\nlast\n"
    finished = subprocess.run(
        [*COMMAND, str(tmp_path)],
        input=typed if encoding == "utf-8" else typed.replace(b"d\xc3\xa9j\xc3\xa0 vu\n", b""),
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": f"{encoding}:strict"},
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    assert b"This line is not UTF-8, so I left it out." in finished.stdout
    assert told(tmp_path)["asked"] == ["federated", *(["déjà vu"] if encoding == "utf-8" else []), "last"]
