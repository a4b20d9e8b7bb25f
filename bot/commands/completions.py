"""Completions of the values of a schedule and of settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.commands import schedule
from bot.model import schedule_text
from bot.model.zones import zones_beginning
from bot.ports.platform import Capabilities
from bot.store.channels import Channel

_HOURS = ("09:00", "08:00", "10:00", "noon", "17:00", "midnight")
_DAYS = ("weekdays", "daily", "weekends", *schedule_text.WEEKDAYS)
_BARS = ("learned", "0.5", "0.7", "0.8", "0.9", "0.95")
_LEAST_OF_ZONE = 2
"""Letters of a zone that are typed before zones are offered; before that, only the channel's own is."""


def of_schedule(channel: Channel, can: Capabilities, argument: str) -> list[str]:
    """The arguments of `schedule` that complete one: the last word as an hour, days or a zone that is still missing."""
    before, space, word = argument.rpartition(" ")
    try:
        change = schedule_text.read_line(before) if before.strip() else schedule_text.Change()
    except ValueError:
        return []
    words = list(_starting(word, () if change.hour else (channel.hour, *_HOURS)))
    words += _starting(word, () if change.days else _DAYS)
    words += () if change.zone else _zones(word, channel)
    return [before + space + each for each in dict.fromkeys(words)]


def of_settings(channel: Channel, can: Capabilities, argument: str) -> list[str]:
    """The arguments of `settings` that complete one: the name of a setting, or a value for it."""
    name, space, value = argument.partition(" ")
    fields = {field.name: field for field in schedule.fields(channel, can)}
    if not space:
        return list(_starting(name, fields))
    field = fields.get(name.casefold())
    if field is None:
        return []
    values = {"hour": _HOURS, "days": _DAYS, "bar": _BARS}.get(field.name, field.choices)
    offered = _zones(value, channel) if field.name == "zone" else _starting(value, (field.value, *values))
    return [f"{field.name} {each}" for each in dict.fromkeys(offered)]


def _zones(word: str, channel: Channel) -> Sequence[str]:
    return zones_beginning(word) if len(word) >= _LEAST_OF_ZONE else _starting(word, (channel.zone,))


def _starting(word: str, texts: Iterable[str]) -> Sequence[str]:
    return [text for text in texts if text.casefold().startswith(word.casefold())]
