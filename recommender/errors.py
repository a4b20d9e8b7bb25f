"""What can go wrong, as types.

RecommenderError
├── CorruptIndexError   the index folder is damaged: rebuild it from the papers
├── NewerIndexError     the index folder was written by a newer version of this program
├── IndexBusyError      another process is writing to the index folder
└── EstimatorError      a classifier that was put in can't be used
"""

from __future__ import annotations

from pathlib import Path


class RecommenderError(Exception):
    """The base of every error that this package raises by itself."""


class CorruptIndexError(RecommenderError):
    """The index folder is damaged; nothing but a rebuild from the papers mends it."""

    def __init__(self, folder: Path, problem: str) -> None:
        super().__init__(
            f"The index in {folder} is damaged ({problem}). Delete that folder and index the papers again."
        )
        self.folder = folder
        self.problem = problem


class NewerIndexError(RecommenderError):
    """The index folder was written by a newer version."""

    def __init__(self, folder: Path, found: object, known: int) -> None:
        super().__init__(
            f"The index in {folder} has format {found}, this version reads up to {known}. "
            "Update the program, or delete that folder and index the papers again."
        )
        self.folder = folder


class IndexBusyError(RecommenderError):
    """Another process held the index's write lock for longer than the time allowed."""

    def __init__(self, folder: Path, waited: float) -> None:
        super().__init__(f"Another process is writing to the index in {folder}; gave up after {waited:g} s. Try again.")
        self.folder = folder


class EstimatorError(RecommenderError):
    """A custom classifier can't be loaded or fitted, or can't score papers. The text is one sentence that says why."""
