"""An operator at the command line: the real program, in this process or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.cli import main
from recommender import Paper
from recommender.formats import paper_line, read_papers

ROOT = Path(__file__).parents[2]
BIN = [sys.executable, "-m", "bot"]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left: its exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> list[str]:
        """The lines on stderr."""
        return self.err.splitlines()


class Operator:
    """Types commands against one data folder; `set` is what the environment holds besides."""

    def __init__(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, captured: Callable[[], tuple[str, str]], source: Path
    ) -> None:
        self.home, self._monkeypatch, self._captured, self._source = home, monkeypatch, captured, source
        monkeypatch.setenv("PAPERBOY_DATA_DIR", str(home))

    def set(self, **variables: str) -> None:
        """Set PAPERBOY_… variables."""
        for name, value in variables.items():
            self._monkeypatch.setenv(f"PAPERBOY_{name}", value)

    def __call__(self, *words: str | Path) -> Ran:
        """Run a command in this process."""
        self._monkeypatch.setattr(sys, "argv", ["paperboy", *map(str, words)])
        self._captured()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._captured()
        code = ended.value.code
        assert isinstance(code, int)
        return Ran(code, out, err)

    def start(self, *words: str | Path, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [*BIN, *map(str, words)],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environ(),
            cwd=self._source,
        )

    def environ(self, **more: str) -> Mapping[str, str]:
        """What a process of its own finds around it."""
        return {**os.environ, "PYTHONUNBUFFERED": "1", **more}


def lines(folder: Path, *content: str | bytes, name: str = "papers.jsonl") -> Path:
    file = folder / name
    file.write_bytes(b"".join((one.encode() if isinstance(one, str) else one) + b"\n" for one in content))
    return file


def good(number: int, title: str = "A title") -> str:
    return paper_line(Paper(f"2501.{number:05d}", f"{title} {number}", "An abstract."))


def ids(operator: Operator) -> list[str]:
    return [json.loads(line)["id"] for line in operator("papers", "export").out.splitlines()]


def exported(operator: Operator, folder: Path) -> Iterator[object]:
    file = folder / "exported.jsonl"
    file.write_text(operator("papers", "export").out, "utf-8")
    return read_papers(file)
