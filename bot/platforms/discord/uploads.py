"""Messages with files, as Discord takes them: docs.discord.com/developers/reference#uploading-files."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord


@dataclass(frozen=True, slots=True)
class DiscordFile:
    """A file of a message. `description` tells its content to those who do not see it."""

    name: str
    content: bytes
    mime_type: str
    description: str = ""


def multipart(body: Mapping[str, Any], files: Sequence[DiscordFile]) -> dict[str, Any]:
    """The arguments of a request of discord.py that sends a message's body with its files."""
    described = [
        {"id": number, "filename": file.name} | ({"description": file.description} if file.description else {})
        for number, file in enumerate(files)
    ]
    uploads = [discord.File(io.BytesIO(file.content), file.name) for file in files]
    parts: list[dict[str, Any]] = [{"name": "payload_json", "value": json.dumps({**body, "attachments": described})}]
    parts += [
        {"name": f"files[{number}]", "value": upload.fp, "filename": file.name, "content_type": file.mime_type}
        for number, (file, upload) in enumerate(zip(files, uploads, strict=True))
    ]
    return {"files": uploads, "form": parts}
