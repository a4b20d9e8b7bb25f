"""Zotero in chat: `teach zotero` reads the papers of a library, `saved zotero` puts saved papers into one."""

from __future__ import annotations

from collections.abc import Sequence

from bot.commands.bibliography import Bibliography
from bot.commands.context import CommandContext, error_reply
from bot.model.messages import Reply
from bot.model.text import count, cut, plain_text
from bot.sources.base import SourceError
from bot.sources.zotero import library_of
from recommender import Paper

WORD = "zotero"
_NOT_SET_UP = "No Zotero library is set up here: whoever runs me can set zotero.library and zotero.key."


def is_meant(argument: str) -> bool:
    """Whether an argument begins with the word zotero."""
    return argument.casefold().split()[:1] == [WORD]


async def read_library(ctx: CommandContext, argument: str, most: int) -> Bibliography | Reply:
    """The newest papers, at most so many, of the library that follows the word zotero, or else of the operator's; a
    reply where they can't be had."""
    zotero = ctx.services.zotero
    named = argument.strip()[len(WORD) :].strip()
    library = library_of(named) if named else zotero.library if zotero else ""
    if named and not library:
        quoted_text = cut(plain_text(named), 80)
        return error_reply(f"“{quoted_text}” is no library of Zotero. One looks like groups/4567 or users/1234.")
    if not zotero or not library:
        return error_reply(f"{_NOT_SET_UP} Or name a public one, as in `/papers teach zotero groups/4567`.")
    try:
        items = await zotero.papers(library)
    except SourceError as error:
        return error_reply(str(error))
    if not items.papers:
        return error_reply(f"I found no papers in {library} at Zotero.")
    is_cut = items.is_cut or len(items.papers) > most
    return Bibliography(items.papers[:most], (f"the older ones of the {items.total:,} items",) if is_cut else ())


async def put_papers(ctx: CommandContext, papers: Sequence[Paper]) -> Reply:
    """Add papers to the operator's library, and say how many it had already."""
    zotero = ctx.services.zotero
    if not zotero or not zotero.library:
        return error_reply(f"{_NOT_SET_UP} `/papers saved bib` gives a file that Zotero imports.")
    try:
        sent = await zotero.add(papers)
    except SourceError as error:
        return error_reply(str(error))
    place = f"Zotero ({zotero.library})"
    parts = [f"Put {count(sent.added, 'paper')} into {place}."] if sent.added else []
    if sent.present:
        verb = "was" if sent.present == 1 else "were"
        parts.append(f"{count(sent.present, 'paper')} {verb} {'there' if parts else f'in {place}'} already.")
    if sent.refused:
        parts.append(f"{count(sent.refused, 'paper')} could not be put there: Zotero refused.")
    return Reply(" ".join(parts), ok=not sent.refused)
