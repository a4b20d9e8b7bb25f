"""When a channel's next digest comes, as words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot.store.channels import Channel
from bot.store.states import ChannelState


def next_digest(channel: Channel) -> str:
    """When the next digest comes, in the channel's own time."""
    if channel.state is ChannelState.LOST:
        return f"lost access here: {channel.state_reason}"
    if channel.next_due_at is None:
        return "paused; `/papers resume` begins the digests"
    local = channel.next_due_at.astimezone(ZoneInfo(channel.zone))
    return f"{local:%A}, {local.day} {local:%B} at {local:%H:%M} ({channel.zone})"
