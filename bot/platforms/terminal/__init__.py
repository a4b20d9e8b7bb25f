"""The terminal as a platform: a log in a file, and a chat on the screen."""

from bot.platforms.terminal.platform import TerminalPlatform

__all__ = ["TerminalPlatform"]
