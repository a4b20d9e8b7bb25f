"""What Discord takes in a message: docs.discord.com/developers/resources/message#embed-object-embed-limits."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fakes.discord.bits import COMPONENTS_V2
from tests.fakes.discord.components import check_components
from tests.fakes.discord.errors import Errors, Path
from tests.fakes.discord.message import embed_texts, every_component
from tests.fakes.discord.values import Json, Refused, Upload

ALL_EMBEDS = 6000
MOST_DESCRIPTION = 1024
"""Of a file."""


def check_message(body: Json, files: Sequence[Upload] = ()) -> None:
    """Raises Refused 50035 with everything that is wrong in a message's body, or 50006 if it is empty."""
    errors = Errors()
    rich = bool((body.get("flags") or 0) & COMPONENTS_V2)
    errors.text(("content",), body.get("content"), 2000)
    errors.text(("nonce",), None if body.get("nonce") is None else str(body["nonce"]), 25)
    embeds, components = body.get("embeds") or [], body.get("components") or []
    errors.count(("embeds",), embeds, 10)
    for number, one in enumerate(embeds):
        _embed(errors, ("embeds", number), one)
    if sum(len(text) for embed in embeds for text in embed_texts(embed)) > ALL_EMBEDS:
        errors.add(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {ALL_EMBEDS}")
    if rich:
        for field in ("content", "embeds"):
            if body.get(field):
                text = f"The '{field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
                errors.add((field,), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", text)
    check_components(errors, components, rich=rich)
    _mentions(errors, body.get("allowed_mentions"))
    _files(errors, body, files)
    errors.stop()
    if not (components if rich else body.get("content") or embeds or files or components):
        raise Refused(50006)


def _files(errors: Errors, body: Json, files: Sequence[Upload]) -> None:
    """Every file that a component shows must come with the message."""
    for number, one in enumerate(body.get("attachments") or []):
        errors.text(("attachments", number, "description"), one.get("description"), MOST_DESCRIPTION)
    names = {file.filename for file in files}
    for component in every_component(body.get("components") or []):
        for media in [component.get("file") or {}, *(item.get("media", {}) for item in component.get("items") or [])]:
            scheme, _, name = str(media.get("url") or "").partition("://")
            if scheme == "attachment" and name not in names:
                text = "The referenced attachment was not found"
                errors.add(("components",), "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", text)


def _embed(errors: Errors, at: Path, embed: Json) -> None:
    errors.text((*at, "title"), embed.get("title"), 256)
    errors.text((*at, "description"), embed.get("description"), 4096)
    errors.text((*at, "footer", "text"), embed.get("footer", {}).get("text"), 2048, required="footer" in embed)
    errors.text((*at, "author", "name"), embed.get("author", {}).get("name"), 256, required="author" in embed)
    fields = embed.get("fields") or []
    errors.count((*at, "fields"), fields, 25)
    for number, one in enumerate(fields):
        errors.text((*at, "fields", number, "name"), one.get("name"), 256, required=True)
        errors.text((*at, "fields", number, "value"), one.get("value"), 1024, required=True)
    for path, holder in ((("url",), embed), (("author", "url"), embed.get("author", {}))):
        if holder.get("url"):
            errors.url((*at, *path), holder["url"], attachment=False)
    for key in ("image", "thumbnail"):
        if embed.get(key):
            errors.url((*at, key, "url"), embed[key].get("url"))
    color = embed.get("color")
    if color is not None and not 0 <= color <= 0xFFFFFF:
        errors.add((*at, "color"), "NUMBER_TYPE_MAX", "int value should be less than or equal to 16777215.")


def _mentions(errors: Errors, allowed: Json | None) -> None:
    for key, kind in (("users", "users"), ("roles", "roles")):
        listed = (allowed or {}).get(key) or []
        errors.count(("allowed_mentions", key), listed, 100)
        if listed and kind in ((allowed or {}).get("parse") or []):
            text = f'parse:["{kind}"] and {key}: [ids...] are mutually exclusive.'
            errors.add(("allowed_mentions",), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", text)
