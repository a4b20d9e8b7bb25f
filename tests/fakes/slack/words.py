"""What people read in blocks, and whom they ring."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_PING = re.compile(r"<!(?:channel|here|everyone)(?:\|[^>]*)?>|<@[UW][^>]*>|<!subteam\^[^>]*>")
_SAID = ("text", "title", "label", "hint", "description", "placeholder", "alt_text")


def words(blocks: list[dict[str, Any]]) -> str:
    """The texts of blocks, one a line, in reading order."""
    return "\n".join(text for _, text in texts(blocks))


def texts(node: object, kind: str = "") -> Iterator[tuple[str, str]]:
    """All (type of text, text) pairs below a block, depth first: mrkdwn, plain_text, markdown, rich text's text…"""
    if isinstance(node, list):
        for one in node:
            yield from texts(one)
    elif isinstance(node, dict):
        kind = str(node.get("type", ""))
        for name, value in node.items():
            if isinstance(value, str) and name in _SAID:
                yield kind, value
            elif isinstance(value, dict | list):
                yield from texts(value)


def pings(text: str, blocks: list[dict[str, Any]]) -> list[str]:
    """What in a message would notify people: only `text` and mrkdwn are read for it."""
    read = [text, *(said for kind, said in texts(blocks) if kind in ("mrkdwn", "markdown"))]
    return [found for one in read for found in _PING.findall(one)]
