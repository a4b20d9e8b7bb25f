"""Every setting, typed: from a TOML file and the environment, unknown ones refused."""

from bot.settings.description import Setting, describe, sections
from bot.settings.groups import DigestSettings, SlackSettings, TasteSettings
from bot.settings.loading import SettingsError, load
from bot.settings.model import Settings

__all__ = [
    "DigestSettings",
    "Setting",
    "Settings",
    "SettingsError",
    "SlackSettings",
    "TasteSettings",
    "describe",
    "load",
    "sections",
]
