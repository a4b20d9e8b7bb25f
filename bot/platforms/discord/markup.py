"""Escapes texts for Discord's Markdown, so that a text from outside is shown as it is and formats nothing.

Discord shows any character behind a backslash as it is (support.discord.com/hc/en-us/articles/210298617).
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
"""The most characters of a date or a count."""


def escape_markdown(text: str) -> str:
    """`text` with all characters escaped that format, mention, link or invite.

    >>> escape_markdown("*a* <@1> @everyone https://x.org"), escape_markdown("- 1")
    ('\\\\*a\\\\* \\\\<\\\\@1\\\\> \\\\@everyone https\\\\://x.org', '\\\\- 1')
    """
    return _SIGNS.sub(lambda match: match[0][:-1] + "\\" + match[0][-1], visible(text))


def one_line(text: str, most: int) -> str:
    """A text from outside on one line, cut to `most` characters and escaped."""
    return escape_markdown(rendering.one_line(text, most))


def together(facts: str) -> str:
    """Facts between dots, with spaces that keep a dot from the start of a line and short facts on one line.

    >>> together("Ada Lovelace + 2 · 5 Nov 2025 · ▲ 22").split(" ")
    ['Ada', 'Lovelace\xa0+\xa02\xa0·', '5\xa0Nov\xa02025\xa0·', '▲\xa022']
    """
    parts = facts.replace(" + ", "\u00a0+\u00a0").split(" · ")
    return "\u00a0· ".join(each.replace(" ", "\u00a0") if len(each) <= _SHORT else each for each in parts)


def own_words(text: str, most: int, command: str) -> str:
    """The bot's own words. Backticks mark what may be typed, with the slash command's name on this platform."""
    parts = TYPED.split(cut(visible(text).strip(), most))
    return "".join(
        f"`{under_command(part, f'/{command}')}`" if place % 2 else escape_markdown(part)
        for place, part in enumerate(parts)
    )


def titled(title: str, url: str, most: int) -> str:
    """A title linked to its paper, or the title alone if Discord would not take the link."""
    text = one_line(title, most) or "(untitled)"
    # Discord takes no masked link whose text looks like a link itself.
    return f"[{text}](<{link}>)" if (link := _safe(url, 2 * most)) and "//" not in text else text


def plain(markup: str) -> str:
    """Escaped text as members see it.

    >>> plain(escape_markdown("*a* <@1> https://x.org"))
    '*a* <@1> https://x.org'
    """
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", markup)


def _safe(url: str, most: int) -> str:
    """`url` with all special characters quoted if it is a web link of at most `most` characters, else ""."""
    if not rendering.web_link(url, most):
        return ""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return ""
    return quote(url, safe="/:?#[]@!$&'*+,;=%~") if host else ""
