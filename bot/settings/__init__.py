"""Every setting, typed: from a TOML file and the environment, unknown ones refused."""

from bot.settings.described import Setting, describe, sections
from bot.settings.groups import Digest, Slack
from bot.settings.loading import SettingsError, load
from bot.settings.whole import Settings

__all__ = ["Digest", "Setting", "Settings", "SettingsError", "Slack", "describe", "load", "sections"]
