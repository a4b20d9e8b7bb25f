"""The command link: the secret address of the channel's page and of its feed."""

from __future__ import annotations

from bot.commands.context import CommandContext, error_reply
from bot.commands.names import LINK
from bot.model.messages import Action, Link, PlaceKind, Reply
from bot.model.text import cut, day_name, plain_text
from bot.store import links
from bot.store.links import ChannelLink

_NEW, _REVOKE = "new", "revoke"
ARGUMENTS = (_NEW, _REVOKE)
_OFF = (
    "There is no page that you could reach, so I made no link. Whoever runs me sets the address at which you reach it: "
    "`web.public_url`, or `PAPERBOY_WEB__PUBLIC_URL=https://papers.example.org`, with `web.page` on."
)


async def link(ctx: CommandContext, argument: str) -> Reply:
    """Make the channel's link, replace it, or end it. The secret is in the answer alone: only its hash is kept."""
    match argument.casefold().strip(" .!"):
        case "":
            return await _make(ctx, replacing=False)
        case "new":
            return await _make(ctx, replacing=True)
        case "revoke":
            return await _revoke(ctx)
    return error_reply(
        f"I did not understand “{cut(plain_text(argument), 60)}”. `/papers link` makes a link to this channel's page, "
        "`/papers link revoke` ends it."
    )


async def _make(ctx: CommandContext, *, replacing: bool) -> Reply:
    if not ctx.services.page.url:
        return error_reply(_OFF)
    async with ctx.services.store.write() as tx:
        standing = await links.standing(tx, ctx.channel.id)
        # An event that the platform reports twice must not end the link that its first report made.
        if standing and not (replacing and await ctx.claim_event(tx)):
            return _there_already(ctx, standing)
        token = await links.make(tx, ctx.channel.id, ctx.asker.member, ctx.now)
    if token is None:
        return error_reply("This channel is gone, so there is nothing to link to.")
    ended = " The link before it has ended." if standing else ""
    return Reply(
        f"{_page_of(ctx)}, and a feed for feed readers.{ended} Whoever has a link can read, without signing in, what I "
        f"posted here and what you liked (no names), {_OWN[_is_direct(ctx)]}, and where your public channels had a "
        "paper: keep the links as you keep a password. I can't show them again, since I keep no copy. "
        "`/papers link revoke` ends both at once.",
        links=(Link("Page", page_url(ctx, token)), Link("Feed", f"{ctx.services.page.url}/feeds/c/{token}.atom")),
        actions=(Action("Revoke", LINK, _REVOKE),),
    )


async def _revoke(ctx: CommandContext) -> Reply:
    async with ctx.services.store.write() as tx:
        has_ended = await links.revoke(tx, ctx.channel.id, ctx.now)
    if not has_ended:
        return Reply("There is no link to end." + (" `/papers link` makes one." if ctx.services.page.url else ""))
    return Reply("Done: the link and its feed have ended. `/papers link` makes new ones.")


def page_url(ctx: CommandContext, token: str) -> str:
    """The address of the channel's page."""
    return f"{ctx.services.page.url}/c/{token}"


_OWN = {
    True: "your topics, your taste and the papers that you taught me",
    False: "this channel's topics, its taste and the papers that it taught me",
}


def _is_direct(ctx: CommandContext) -> bool:
    return ctx.place.kind is PlaceKind.DIRECT


def _page_of(ctx: CommandContext) -> str:
    return "This is your own page" if _is_direct(ctx) else "This is the page of this channel"


def _there_already(ctx: CommandContext, standing: ChannelLink) -> Reply:
    made_on = day_name(standing.made_at.astimezone(ctx.zone).date(), ctx.now.astimezone(ctx.zone).date())
    who = "you" if standing.made_by == ctx.asker.member else "another manager"
    return Reply(
        f"There is a link already: {who} made it {made_on}. I can't show it again, since I keep no copy; whoever made "
        "it has it. A new link ends that one, and its feed.",
        actions=(Action("New link", LINK, _NEW), Action("Revoke", LINK, _REVOKE)),
    )
