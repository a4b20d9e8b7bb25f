"""Commands about when digests come and how large they are: schedule, pause, resume, settings."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands.context import UTC_ZONE, CommandContext, error_reply, not_here
from bot.commands.names import SCHEDULE, SETTINGS
from bot.digests import layout
from bot.digests.hours import next_hour
from bot.model import schedule_text
from bot.model.messages import Form, FormField, Reply, Style
from bot.model.schedule import Hour, Rule
from bot.model.text import cut, plain_text
from bot.ports.platform import Capabilities
from bot.reports.digest_time import next_digest
from bot.store import channels, deliveries
from bot.store.channels import Channel
from bot.store.states import ChannelState

_YES, _NO = ("on", "yes", "true", "1"), ("off", "no", "false", "0")
_WHEN = ("hour", "days", "zone", "count")
_SETTINGS = (*_WHEN, "bar", "guess", "style", "titles")
_NAMED_SETTING = re.compile(rf"\b({'|'.join(_SETTINGS)})(?:\s*[=:]\s*|\s+|$)", re.IGNORECASE)
_HIGHEST_BAR = 0.999
_LEARNED = "learned"
"""The value of `bar` that lets the channel's likes set the bar, beginning with the one that was set."""


async def schedule(ctx: CommandContext, argument: str) -> Reply:
    """Show or change when the digest comes: hour, days, zone and number of cards, in any order."""
    if not argument:
        return Reply(when(ctx.channel), form=_form(ctx, SCHEDULE, "When digests come"))
    if "=" in argument:
        return await settings(ctx, argument)
    try:
        change = schedule_text.read_line(argument)
    except ValueError as error:
        return error_reply(f"{error}.")
    values = {"hour": change.hour, "days": change.days, "zone": change.zone, "count": change.count}
    channel = await _change(ctx, {name: value for name, value in values.items() if value is not None})
    return Reply(f"Done. {when(channel)}")


async def pause(ctx: CommandContext, argument: str) -> Reply:
    """Stop the digests until `resume`. Everything is kept."""
    if ctx.channel.state is not ChannelState.ACTIVE:
        return Reply("There are no digests here as it is. `/papers resume` begins them.")
    async with ctx.services.store.write() as tx:
        await channels.change(
            tx, ctx.channel.id, state=ChannelState.PAUSED, state_reason="paused here", next_due_at=None
        )
        await deliveries.drop_waiting(tx, ctx.channel.id, "paused here")
    return Reply("Paused. Everything is kept, and reactions still count. `/papers resume` goes on.")


async def resume(ctx: CommandContext, argument: str) -> Reply:
    """Start the digests again from the next hour on, or for the first time in a channel without them."""
    if ctx.channel.state is ChannelState.ACTIVE:
        return Reply(f"It is running. {when(ctx.channel)}")
    if not await ctx.bot_is_member():
        return not_here()
    never_invited = ctx.channel.state is ChannelState.NEW
    zone = ctx.channel.zone
    if never_invited and zone == UTC_ZONE:
        zone = await ctx.services.zone_for(ctx.place, ctx.asker.member)
    async with ctx.services.store.write() as tx:
        if never_invited:
            await channels.change(tx, ctx.channel.id, owner=ctx.channel.owner or ctx.asker.member, zone=zone)
        await wake(tx, replace(ctx.channel, zone=zone), ctx.now)
        channel = await channels.get(tx, ctx.channel.id) or ctx.channel
    if never_invited:
        return Reply(
            f"I begin here. {when(channel)} `/papers subscribe federated learning` (any topic) gives me a start."
        )
    return Reply(f"Welcome back. {when(channel)}")


async def settings(ctx: CommandContext, argument: str) -> Reply:
    """Show all settings of the channel, or change some: `settings bar 0.4`."""
    if not argument:
        rows = [f"• {field.name} {field.value}: {field.label}" for field in fields(ctx.channel, ctx.can)]
        text = "Settings here (change one as in `/papers settings bar 0.4`):\n" + "\n".join(rows)
        return Reply(text, form=_form(ctx, SETTINGS, "Settings here"))
    parts = _NAMED_SETTING.split(argument)
    if parts[0].strip() or len(parts) < 3:
        return error_reply(
            f"I know no setting of that name. They are {', '.join(_SETTINGS)}; as in `/papers settings bar 0.4`."
        )
    values: dict[str, Any] = {}
    names = [name.lower() for name in parts[1::2]]
    if argument.strip().lower() in _SETTINGS:  # a name alone asks; a field that was emptied in a form does not
        return _show_setting(ctx, names[0])
    for name, value in zip(names, parts[2::2], strict=True):
        try:
            values |= _read(name, value.strip(), ctx.can)
        except ValueError as error:
            return error_reply(f"{error}.", name)
    channel = await _change(ctx, values)
    values_by_name = {field.name: field.value for field in fields(channel, ctx.can)}
    text = "Done: " + ", ".join(f"{name} is {values_by_name[name]}" for name in dict.fromkeys(names)) + "."
    return Reply(f"{text} Next digest: {next_digest(channel)}." if values.keys() & set(_WHEN) else text)


def _show_setting(ctx: CommandContext, name: str) -> Reply:
    field = next(field for field in fields(ctx.channel, ctx.can) if field.name == name)
    choices = f" It is one of {', '.join(field.choices)}." if field.choices else ""
    return Reply(f"{name} is {field.value}: {field.label}.{choices} `/papers {SETTINGS} {name} …` changes it.")


async def wake(tx: AsyncConnection, channel: Channel, now: datetime) -> Channel | None:
    """Start a channel's digests with its next hour and return the channel; None if they are running already.

    The last hour that passed while the channel was lost stays due: its digest comes late, or is recorded as missed.
    """
    if channel.state is ChannelState.ACTIVE and channel.next_due_at is not None:
        return None
    hour = _passed(channel, now) or await next_hour(tx, channel, now)
    values = {"state": ChannelState.ACTIVE, "state_reason": "", "next_due_at": hour.at, "next_due_on": hour.local_date}
    await channels.change(tx, channel.id, **values)
    return await channels.get(tx, channel.id)


def _passed(channel: Channel, now: datetime) -> Hour | None:
    due, day = channel.next_due_at, channel.next_due_on
    if channel.state is not ChannelState.LOST or due is None or day is None:
        return None
    passed = Rule.of(channel.hour, channel.days, channel.zone).missed(Hour(day, due), now)
    return passed[-1] if passed else None


async def make_owner(ctx: CommandContext) -> CommandContext:
    """Make the asker the owner of a channel that has none. The context of the command that goes on."""
    async with ctx.services.store.write() as tx:
        channel = await channels.get(tx, ctx.channel.id) or ctx.channel
        if not channel.owner:
            await channels.change(tx, channel.id, owner=ctx.asker.member)
            channel = await channels.get(tx, channel.id) or channel
    return replace(ctx, channel=channel)


def not_yours() -> Reply:
    """The reply to somebody who may not change a channel."""
    return error_reply(
        "That is for whoever invited me, and for those who manage this place: ask one of them. Looking things up is "
        "open to all."
    )


async def _change(ctx: CommandContext, values: dict[str, Any]) -> Channel:
    async with ctx.services.store.write() as tx:
        await channels.change(tx, ctx.channel.id, **values)
        channel = await channels.get(tx, ctx.channel.id)
        assert channel is not None
        if values.keys() & {"hour", "days", "zone"} and channel.state is ChannelState.ACTIVE:
            hour = await next_hour(tx, channel, ctx.now)
            await channels.change(tx, channel.id, next_due_at=hour.at, next_due_on=hour.local_date)
            channel = await channels.get(tx, channel.id) or channel
    return channel


def _read(name: str, value: str, can: Capabilities) -> dict[str, Any]:
    """The columns of the channel that a setting changes. ValueError says what is wrong with the value."""
    if name == "hour":
        return {name: schedule_text.read_hour(value).strftime("%H:%M")}
    if name == "days":
        return {name: schedule_text.write_days(schedule_text.read_days(value))}
    if name == "zone":
        return {name: schedule_text.read_zone(value)}
    if name == "count":
        return {name: schedule_text.read_count(value)}
    if name == "guess":
        if value.lower() in _YES + _NO:
            return {name: value.lower() in _YES}
        raise ValueError(f"The guess is on or off, not “{cut(plain_text(value), 60)}”")
    if name == "style":
        return {name: _read_style(value, can)}
    if name == "titles":
        return {name: schedule_text.read_titles(value)}
    return _read_bar(value)


def _read_bar(value: str) -> dict[str, Any]:
    if value.lower() == _LEARNED:
        return {"bar_learned": True}
    try:
        bar = float(value.rstrip("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        bar = -1.0
    if 0 <= bar <= _HIGHEST_BAR:
        return {"bar": bar, "bar_learned": False}
    quoted_text = cut(plain_text(value), 60)
    raise ValueError(
        f"The bar is {_LEARNED} (from this channel's likes), or a number from 0 (everything) to {_HIGHEST_BAR} (hardly "
        f"anything), not “{quoted_text}”"
    )


def _read_style(value: str, can: Capabilities) -> Style:
    supported = layout.supported_styles(can)
    style = next((style for style in supported if style == value.casefold()), None)
    if style is None:
        *others, last = supported
        names = f"{', '.join(others)} or {last}" if others else f"only {last}"
        raise ValueError(f"The style here is {names}, not “{cut(plain_text(value), 60)}”")
    return style


def when(channel: Channel) -> str:
    """A channel's schedule as a sentence."""
    cards_ = "1 card" if channel.count == 1 else f"{channel.count} cards"
    *others, last = (day.capitalize() for day in channel.days.split(","))
    on_days = f"on {', '.join(others)} and {last}" if others else f"on {last}"
    days = {"daily": "every day", "weekdays": "on weekdays"}.get(channel.days, on_days)
    return f"Up to {cards_} at {channel.hour} {days}, {channel.zone} time. Next digest: {next_digest(channel)}."


def _form(ctx: CommandContext, command: str, title: str) -> Form | None:
    """The form of a command; None for a member who may not change the channel."""
    form_fields = [field for field in fields(ctx.channel, ctx.can) if (field.name in _WHEN) == (command == SCHEDULE)]
    return Form(command, title, tuple(form_fields)) if ctx.may_manage else None


def fields(channel: Channel, can: Capabilities) -> tuple[FormField, ...]:
    """Every setting as a field. The labels fit into 45 characters, which the narrowest form has."""
    return (
        FormField("hour", "when the digest is posted, as 09:00 or 5pm", channel.hour),
        FormField("days", "daily, weekdays, or a list like mon,wed,fri", channel.days),
        FormField("zone", "the time zone, as Europe/Berlin", channel.zone),
        FormField(
            "count", "cards at most", str(channel.count), tuple(map(str, range(1, schedule_text.MOST_CARDS + 1)))
        ),
        FormField("bar", "learned, or the share of papers to beat", _bar(channel)),
        FormField("guess", "one card a day may be a guess", "on" if channel.guess else "off", ("on", "off")),
        FormField(
            "style",
            "cards, the same in a thread, or compact",
            layout.choose_style(channel.style, can, 1),
            tuple(layout.supported_styles(can)),
        ),
        FormField(
            "titles",
            "more titles to like by number; 0 for none",
            str(channel.titles),
            tuple(map(str, range(schedule_text.MOST_TITLES + 1))),
        ),
    )


def _bar(channel: Channel) -> str:
    return _LEARNED if channel.bar_learned else f"{channel.bar:g}"
