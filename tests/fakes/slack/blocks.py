"""Slack's limits on blocks, messages and metadata; what is over one is refused as Slack refuses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.fakes.slack.elements import (
    ACCESSORIES,
    ACTIONS,
    FIELDS,
    PLAIN,
    Unfit,
    element,
    identifier,
    image,
    string,
    text,
)
from tests.fakes.slack.values import Json, Refused
from tests.fakes.slack.words import texts

MOST_BLOCKS = 50
MOST_IN_ALL = 13_200
"""Characters of all blocks' texts together: not documented, found by users (slackapi/bolt-js#2509)."""
MOST_TEXT = 40_000
MOST_MARKDOWN = 12_000
_KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
_RICH = ("rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted")


def check_message(args: Json) -> None:
    """Check what a message is to be made of. Refused: no_text, msg_too_long, invalid_blocks, msg_blocks_too_long,
    invalid_metadata_format, invalid_metadata_schema."""
    said = args.get("text") or ""
    if not isinstance(said, str):
        raise Refused("invalid_arguments")
    blocks = args.get("blocks") or []
    check_blocks(blocks)
    if not said and not blocks and not args.get("attachments"):
        raise Refused("no_text")
    if len(said) > MOST_TEXT:
        raise Refused("msg_too_long")
    if sum(len(one) for _, one in texts(blocks)) > MOST_IN_ALL:
        raise Refused("msg_blocks_too_long")
    if args.get("metadata") is not None:
        check_metadata(args["metadata"])


def check_blocks(blocks: Any, most: int = MOST_BLOCKS, surface: str = "message") -> None:
    """Check blocks for one surface: message, modal or home. Refused: invalid_blocks, with all that is wrong."""
    if not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    wrong = [f"no more than {most} items allowed [json-pointer:/blocks]"] if len(blocks) > most else []
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        where = f"/blocks/{number}"
        try:
            check_block(block, where, surface)
            name = block.get("block_id")
            if name in seen:
                raise Unfit(f"`block_id` must be unique: {name}", f"{where}/block_id")
            seen.update([name] if name else [])
        except Unfit as unfit:
            wrong.append(str(unfit))
        except (AttributeError, KeyError, TypeError):  # a list where an object belongs, and the like
            wrong.append(f"failed to match all allowed schemas [json-pointer:{where}]")
    marked = [block.get("text", "") for block in blocks if isinstance(block, dict) and block.get("type") == "markdown"]
    if sum(len(one) for one in marked if isinstance(one, str)) > MOST_MARKDOWN:
        wrong.append(f"markdown blocks hold no more than {MOST_MARKDOWN} characters together [json-pointer:/blocks]")
    if wrong:
        raise Refused("invalid_blocks", errors=wrong, response_metadata={"messages": [f"[ERROR] {w}" for w in wrong]})


def check_block(block: Any, where: str, surface: str) -> None:
    """Check one block. Raises Unfit."""
    kind = block.get("type") if isinstance(block, dict) else None
    check = _BLOCKS.get(str(kind))
    if check is None:
        raise Unfit(f"unsupported type: {kind}", where)
    if kind in ("markdown", "file") and surface != "message":
        raise Unfit(f"unsupported type: {kind}", where)
    identifier(block, "block_id", where)
    check(block, where)
    named = [e.get("action_id") for e in block.get("elements", []) if isinstance(e, dict) and "action_id" in e]
    if len(named) != len(set(named)):
        raise Unfit("`action_id` must be unique in a block", f"{where}/elements")


def check_metadata(metadata: Any) -> None:
    """Check a message's metadata: a type, and a flat payload with keys of lower case letters, digits and _."""
    if not isinstance(metadata, dict) or set(metadata) - {"event_type", "event_payload"}:
        raise Refused("invalid_metadata_format")
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(kind, str) or not kind or len(kind) > 255 or not isinstance(payload, dict):
        raise Refused("invalid_metadata_format")
    for key, value in payload.items():
        if not _KEY.match(key) or isinstance(value, dict):
            raise Refused("invalid_metadata_schema")
        if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
            raise Refused("invalid_metadata_schema")


def _section(block: Json, where: str) -> None:
    if "text" not in block and not block.get("fields"):
        raise Unfit("must provide text or fields", where)
    if "text" in block:
        text(block["text"], f"{where}/text", 3000)
    fields = block.get("fields", [])
    if len(fields) > 10:
        raise Unfit("no more than 10 items allowed", f"{where}/fields")
    for number, field in enumerate(fields):
        text(field, f"{where}/fields/{number}", 2000)
    if "accessory" in block:
        element(block["accessory"], f"{where}/accessory", ACCESSORIES)


def _header(block: Json, where: str) -> None:
    text(block.get("text"), f"{where}/text", 150, PLAIN)


def _context(block: Json, where: str) -> None:
    for number, one in enumerate(_list(block, where, 10)):
        inside = f"{where}/elements/{number}"
        if isinstance(one, dict) and one.get("type") == "image":
            image(one, inside)
        else:
            text(one, inside, 3000)


def _actions(block: Json, where: str) -> None:
    for number, one in enumerate(_list(block, where, 25)):
        element(one, f"{where}/elements/{number}", ACTIONS)


def _image(block: Json, where: str) -> None:
    image(block, where)
    if "title" in block:
        text(block["title"], f"{where}/title", 2000, PLAIN)


def _input(block: Json, where: str) -> None:
    text(block.get("label"), f"{where}/label", 2000, PLAIN)
    if "hint" in block:
        text(block["hint"], f"{where}/hint", 2000, PLAIN)
    element(block.get("element"), f"{where}/element", set(FIELDS))


def _rich_text(block: Json, where: str) -> None:
    for number, one in enumerate(_list(block, where, 1000)):
        if not isinstance(one, dict) or one.get("type") not in _RICH or not isinstance(one.get("elements"), list):
            raise Unfit("unsupported rich text", f"{where}/elements/{number}")
        for inner, part in enumerate(one["elements"]):
            inside = f"{where}/elements/{number}/elements/{inner}"
            if part.get("type") == "text":
                string(part.get("text"), f"{inside}/text", MOST_IN_ALL)
            elif part.get("type") == "link":
                string(part.get("url"), f"{inside}/url", 3000)


def _markdown(block: Json, where: str) -> None:
    string(block.get("text"), f"{where}/text", MOST_MARKDOWN)


def _nothing(block: Json, where: str) -> None:
    """A divider, a file and a video have nothing that the bot's texts could overrun."""


def _list(block: Json, where: str, most: int) -> list[Any]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= most:
        raise Unfit(f"must have 1 to {most} items", f"{where}/elements")
    return elements


_BLOCKS: dict[str, Callable[[Json, str], None]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "input": _input,
    "rich_text": _rich_text,
    "markdown": _markdown,
    "divider": _nothing,
    "file": _nothing,
    "video": _nothing,
}
