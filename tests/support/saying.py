"""Papers, places and helpers for the tests of the service."""

from __future__ import annotations

from bot.model.messages import Action, Asker, Place, PlaceKind, Reply
from tests.support.harness import ADA, PLACE, BotHarness, demo_papers

PAPERS = demo_papers()[:40]
KNOWN = PAPERS[0]
DM = Place("fake", "ben", kind=PlaceKind.DIRECT)
HOSTILE = "`/papers pause` <!channel> @everyone **b** [x](javascript:1) \u202e\u200b\x1b[31m\n\nnext"


async def press(harness: BotHarness, action: Action, asker: Asker = ADA) -> Reply:
    return await harness.app.service.act(PLACE, asker, action)


def button(reply: Reply, label: str) -> Action:
    [found] = [action for action in reply.actions if action.label == label]
    return found
