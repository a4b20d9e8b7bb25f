"""Text made fit for Discord's Markdown: what comes from outside is shown as it is, and orders nothing.

Discord shows any sign that follows a backslash as itself (support.discord.com/hc/en-us/articles/210298617).
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from bot.model.text import cut
from bot.platforms import rendering
from bot.platforms.rendering import TYPED, under_command
from recommender.text import visible

_SIGNS = re.compile(r"[\\*_~|`\[\]<>#@]|:(?=//)|(?<=discord)\.|(?<=discordapp)\.|(?m:^[ \t]*[-+])", re.IGNORECASE)
_SHORT = 14
"""Characters of a date, or of a count."""


def escape_markdown(text: str) -> str:
    """`text` with every sign escaped that formats, mentions, links, or invites.

    >>> escape_markdown("*a* <@1> @everyone https://x.org"), escape_markdown("- 1")
    ('\\\\*a\\\\* \\\\<\\\\@1\\\\> \\\\@everyone https\\\\://x.org', '\\\\- 1')
    """
    return _SIGNS.sub(lambda found: found[0][:-1] + "\\" + found[0][-1], visible(text))


def one_line(text: str, most: int) -> str:
    """A text from outside on one line, cut to so many characters and escaped."""
    return escape_markdown(rendering.one_line(text, most))


def together(facts: str) -> str:
    """Facts between dots, on whose lines no dot stands first and no short fact is broken in two.

    >>> together("Ada Lovelace + 2 · 5 Nov 2025 · ▲ 22").split(" ")
    ['Ada', 'Lovelace\xa0+\xa02\xa0·', '5\xa0Nov\xa02025\xa0·', '▲\xa022']
    """
    parts = facts.replace(" + ", "\u00a0+\u00a0").split(" · ")
    return "\u00a0· ".join(each.replace(" ", "\u00a0") if len(each) <= _SHORT else each for each in parts)


def own_words(text: str, most: int, command: str) -> str:
    """The bot's own words, in which backticks mark what may be typed, with the command's name as it is here."""
    parts = TYPED.split(cut(visible(text).strip(), most))
    return "".join(
        f"`{under_command(part, f'/{command}')}`" if place % 2 else escape_markdown(part)
        for place, part in enumerate(parts)
    )


def titled(title: str, url: str, most: int) -> str:
    """A title that leads to its paper; the title alone where the link is none, or would be read as another."""
    shown = one_line(title, most) or "(untitled)"
    # Discord takes no masked link whose words look like a link themselves.
    return f"[{shown}](<{link}>)" if (link := _safe(url, 2 * most)) and "//" not in shown else shown


def plain(markup: str) -> str:
    """What a person sees of escaped text.

    >>> plain(escape_markdown("*a* <@1> https://x.org"))
    '*a* <@1> https://x.org'
    """
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", markup)


def _safe(url: str, most: int) -> str:
    """`url` if it is a web link of so many characters at most that may be followed, else ""."""
    if not rendering.web_link(url, most):
        return ""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return ""
    return quote(url, safe="/:?#[]@!$&'*+,;=%~") if host else ""
