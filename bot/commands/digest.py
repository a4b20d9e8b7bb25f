"""The command digest: today's digest at once."""

from __future__ import annotations

from bot.commands import search
from bot.commands.context import CommandContext, error_reply, not_here
from bot.digests.hours import next_hour
from bot.model.messages import Reply
from bot.model.schedule import Hour
from bot.reports.digest_time import next_digest
from bot.store import channels
from bot.store.states import ChannelState


async def post_digest(ctx: CommandContext, argument: str) -> Reply:
    """Post today's digest now instead of at its hour. A member who may not manage the channel, or who asks after
    today's digest came, gets the answer of `today`."""
    if not ctx.may_manage:
        return await search.today(ctx, "")
    if not await ctx.bot_is_member():
        return not_here()
    channel = ctx.channel
    if channel.state is not ChannelState.ACTIVE:
        return error_reply("There are no digests here yet. `/papers resume` begins them; then ask me again.")
    today = ctx.now.astimezone(ctx.zone).date()
    delivery = await ctx.services.digests.plan(channel, Hour(today, ctx.now), ctx.now, ctx.can)
    if delivery is None:
        return await search.today(ctx, "")
    async with ctx.services.store.write() as tx:
        hour = await next_hour(tx, channel, ctx.now)
        await channels.change(tx, channel.id, next_due_at=hour.at, next_due_on=hour.local_date)
        channel = await channels.get(tx, channel.id) or channel
    await ctx.services.deliver(channel.id)
    return Reply(f"Here it is. The next digest: {next_digest(channel)}.")
