"""Files whose paths a person types behind the command that takes a file."""

from __future__ import annotations

from pathlib import Path

from bot.model.commands import LONGEST_LINE, Commands
from bot.platforms.files import UNREADABLE, decoded, is_readable

_LONGEST_PATH = 1_000


def named_file(line: str, commands: Commands) -> Path | None:
    """The file whose path stands behind a command that takes a file: its name has the ending of such a file, or it
    exists. None for any other line."""
    text = line.partition(" ")[2].strip()
    if not commands.traits_of_line(line).takes_file or not 0 < len(text) <= _LONGEST_PATH:
        return None
    text = text[1:-1] if text[0] == text[-1] and text[0] in "\"'" and len(text) > 2 else text.replace("\\ ", " ")
    path = Path(text)
    try:
        path = path.expanduser()
        return path if "://" not in text and (_looks_like_path(text) or path.is_file()) else None
    except (OSError, ValueError, RuntimeError):  # no path, or nobody's home
        return None


def _looks_like_path(text: str) -> bool:
    return is_readable(text, "") and (" " not in text or "/" in text)


def with_file(line: str, path: Path) -> str:
    """The command with the text of the file in place of its path. Raises OSError."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    if not is_readable(path.name, ""):
        raise OSError(UNREADABLE)
    with path.open("rb") as file:
        text = decoded(file.read(4 * LONGEST_LINE))
    return f"{line.partition(' ')[0]}\n{text[:LONGEST_LINE]}"


def unreadable(path: Path, error: OSError) -> str:
    """One sentence on a file that could not be read."""
    return f"I can't read {path}: {error.strerror}." if error.strerror else str(error)
