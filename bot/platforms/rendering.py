"""What more than one platform shows or says in the same way."""

from __future__ import annotations

from bot.logs import current_event


def broken() -> str:
    """What a member reads when an error of ours kept them from an answer. The id finds the error in the log."""
    name = f" under {current_event()}" if current_event() else ""
    return f"That went wrong, and the log says how{name}. Nothing kept is lost; try it again."
