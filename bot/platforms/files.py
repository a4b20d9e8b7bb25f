"""Files with papers that members hand over for the command that reads them."""

from __future__ import annotations

_NAMES = (".bib", ".bibtex", ".txt")
UNREADABLE = "I read BibTeX and plain text only."


def is_readable(name: str, mime_type: str) -> bool:
    """Whether a file can be read: BibTeX or plain text."""
    return mime_type.startswith("text/") or name.lower().endswith(_NAMES)
