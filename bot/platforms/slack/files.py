"""Files with papers that members send to the bot, as BibTeX, RIS or plain text."""

from __future__ import annotations

from bot.model.commands import LONGEST_LINE, Commands
from bot.platforms.files import UNREADABLE, is_readable
from bot.platforms.slack.api import SlackApi
from bot.platforms.slack.blocks import Json
from bot.platforms.slack.reading import text_of
from bot.ports.platform import Rejected

_MOST = 3


async def with_files(api: SlackApi, commands: Commands, line: str, event: Json) -> str:
    """The member's line with the text of the attached files, if the line is empty or its command takes a file; else the
    line alone.

    Raises PlatformErrors, whose text may be shown to the member.
    """
    files = [each for each in event.get("files") or [] if isinstance(each, dict)][:_MOST]
    if not files or (line.partition(" ")[0] and not commands.traits_of_line(line).takes_file):
        return line
    if not all(is_readable(text_of(each, "name"), text_of(each, "mimetype")) for each in files):
        raise Rejected(UNREADABLE)
    addresses = [text_of(each, "url_private_download") or text_of(each, "url_private") for each in files]
    texts = [(await api.read_file(address, 4 * LONGEST_LINE))[:LONGEST_LINE] for address in addresses]
    return "\n".join([line or commands.file_command().name, *texts])
