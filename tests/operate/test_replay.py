"""`paperboy replay --channel`: a channel's own history, lived again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.operate.output import CommandError
from bot.operate.replay import replay_channel
from bot.settings import load
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.support.harness import demo_papers, harness_over


async def test_a_channels_own_history_is_lived_again(
    sqlite_store: Store, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load(None, {"PAPERBOY_DATA_DIR": str(tmp_path)})
    harness = harness_over(sqlite_store, clock)
    await harness.invite()
    with pytest.raises(CommandError, match="has said nothing yet"):
        await replay_channel(settings, "ml", as_json=False)
    await harness.say("settings bar 0")
    for day in range(4):
        await harness.next_morning()
        await harness.list_papers(demo_papers()[30 * day : 30 * day + 30])
        await harness.beat()
        cards = [one.message.card.paper_id for one in harness.chat.shown["c1"] if one.message.card]
        await harness.react(cards[-1])
    await harness.say("less robots")
    capsys.readouterr()
    await replay_channel(settings, "ml", as_json=True)
    total = json.loads(capsys.readouterr().out)["total"]
    assert total["days"] == 4
    assert 0 < total["judged"] < total["posted"]
    await replay_channel(settings, "ml", as_json=False)
    table = capsys.readouterr().out
    assert table.splitlines()[0].split() == ["week", "days", "quiet", "posted", "liked", "most", "upvoted"]
    assert "Only what was shown can have been liked" in table
