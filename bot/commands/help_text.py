"""The command help: the state of the channel, and the list of commands."""

from __future__ import annotations

from bot.commands import talk
from bot.commands.context import CommandContext
from bot.model.messages import Reply


async def show(ctx: CommandContext, argument: str) -> Reply:
    """The next digest, the votes learned from, the topics, and every command with its usage, under a few headings."""
    commands = [command for command in ctx.services.commands.values() if command.listed]
    rows = await talk.state_lines(ctx)
    for group in dict.fromkeys(command.group for command in commands):
        lines = [f"• `/papers {command.usage}`: {command.does}" for command in commands if command.group == group]
        rows += ["", f"{group}:", *lines]
    rows += ["", "Anything else is a search, as `/papers federated learning`."]
    return Reply("\n".join(rows), actions=(talk.TODAY_BUTTON,))
