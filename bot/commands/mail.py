"""The command mail: papers in the asker's inbox, once the address has confirmed it."""

from __future__ import annotations

import re

from bot.commands.context import CommandContext, error_reply
from bot.commands.names import MAIL, SEARCH
from bot.model.messages import Action, PlaceKind, Reply
from bot.model.subscriptions import Content, Wish, read_address, wish_text
from bot.model.text import count, cut, plain_text
from bot.ports.platform import NotAccepted
from bot.ports.subscriptions import Subscribing, TooManyConfirmations, WishRefused

_MARKED = re.compile(r"^<mailto:([^|>]*)(?:\|[^>]*)?>")
"""An address as Slack sends it."""
_LINK = re.compile(r"<?https?://[^\s|>]{1,300}/c/([A-Za-z0-9_-]{20,100})/?(?:\|[^>]*)?>?")
_LONGEST_QUERY = 500
_OFTEN = {"daily": False, "weekly": True}
_USAGE = (
    "`/papers mail you@example.org` sends you what is trending, `/papers mail you@example.org weekly federated` the "
    "new papers about something each Monday. With a channel's link instead of words you get that channel's picks. "
    "`/papers mail off` ends it."
)


async def mail(ctx: CommandContext, argument: str) -> Reply:
    """Ask for papers by mail, or end what the asker asked for."""
    if ctx.place.kind is not PlaceKind.DIRECT:
        return error_reply("Your address is nobody else's business: tell it to me in a direct message, please.")
    platform = next((each for each in ctx.services.platforms.values() if isinstance(each, Subscribing)), None)
    if platform is None:
        return error_reply(
            "I can't send mail here yet. Whoever runs me sets the mail server in `email.smtp_url`, and the address of "
            "the page in `web.public_url`."
        )
    if argument.casefold().strip(" .!") == "off":
        return await _end(ctx, platform)
    words = _MARKED.sub(r"\1", argument.strip()).split()
    if not words:
        return Reply(_USAGE)
    if "@" not in words[0]:
        query = f"{MAIL} {argument}"
        search = Action(f"Search “{cut(plain_text(query), 40)}”", SEARCH, query)
        return Reply(f"I need your mail address first. {_USAGE}", actions=(search,), ok=False)
    try:
        wish = _wish(ctx, words[0], words[1:])
        await platform.request(wish)
    except (ValueError, WishRefused) as error:
        return error_reply(str(error))
    except NotAccepted:
        return error_reply("Too many ask for mail just now. Please try again in a minute.")
    except TooManyConfirmations:
        return error_reply("I sent as many mails to confirm today as I may. Please try again tomorrow.")
    return Reply(
        f"A mail is on its way to {wish.address}. Open its link within two days, and I send you {wish_text(wish)}. "
        "`/papers mail off` ends it, as does a link in each mail."
    )


async def _end(ctx: CommandContext, platform: Subscribing) -> Reply:
    ended = await platform.end_all_of(ctx.place.platform, ctx.services.known_in(ctx.place), ctx.asker.member)
    if ended:
        return Reply(f"Done: {count(ended, 'subscription')} ended, and the address is deleted.")
    return Reply("You get no mail that you asked for in chat. A link at the foot of each mail ends the others.")


def _wish(ctx: CommandContext, typed_address: str, words: list[str]) -> Wish:
    """The wish behind the words of a line. Raises ValueError, whose text says what is wrong."""
    try:
        address = read_address(typed_address)
    except ValueError as error:
        raise ValueError(f"“{cut(plain_text(typed_address), 80)}” {error}.") from None
    weekly = False
    if words and words[0].casefold() in _OFTEN:
        weekly, words = _OFTEN[words[0].casefold()], words[1:]
    text = " ".join(words)
    link = _LINK.fullmatch(text)
    if len(text) > _LONGEST_QUERY:
        raise ValueError(f"That is too long to follow: {_LONGEST_QUERY} characters are the most.")
    content = Content.CHANNEL if link else Content.SEARCH if text else Content.TRENDING
    channel, place = ctx.channel, ctx.place
    return Wish(
        address,
        content,
        link[1] if link else text,
        weekly,
        channel.hour,
        channel.zone,
        place.platform,
        place.workspace,
        ctx.asker.member,
    )
