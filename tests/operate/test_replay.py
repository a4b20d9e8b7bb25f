"""`paperboy replay --channel`: a channel's own history, lived again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.operate.output import CommandError
from bot.operate.replay import replay_channel, replay_files
from bot.settings import load
from bot.store.database import Store
from recommender.formats import write_papers
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


async def test_a_classifier_of_the_settings_is_compared_with_the_built_in_one(
    sqlite_store: Store, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.invite()
    await harness.say("settings bar 0")
    for day in range(4):
        await harness.next_morning()
        await harness.list_papers(demo_papers()[30 * day : 30 * day + 30])
        await harness.beat()
        cards = [one.message.card.paper_id for one in harness.chat.shown["c1"] if one.message.card]
        for card in cards[-2:]:
            await harness.react(card)
    of = {"PAPERBOY_DATA_DIR": str(tmp_path), "PAPERBOY_TASTE__ESTIMATOR": "sklearn.svm.SVC"}
    await replay_channel(load(None, of), "ml", as_json=True)
    compared = json.loads(capsys.readouterr().out)
    assert compared["total"]["days"] == compared["built_in"]["days"] == 4
    assert compared["weeks_compared"] == 1
    assert compared["standard_error"] is None
    liked = compared["total"]["liked"] - compared["built_in"]["liked"]
    assert compared["difference"] == pytest.approx(liked / 4)
    await replay_channel(load(None, of), "ml", as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-5].split() == ["classifier", "posted", "liked", "liked", "a", "day"]
    assert [line.split("  ")[0] for line in lines[-4:-1]] == ["the built-in one", "sklearn.svm.SVC", "difference"]
    assert lines[-1] == "± is the standard error over 1 week of channels."


def test_a_classifier_that_can_not_be_loaded_leaves_the_built_in_one_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    papers, likes = tmp_path / "papers.jsonl", tmp_path / "likes.jsonl"
    write_papers(papers, demo_papers()[:40])
    at = "2025-11-05T09:00:00Z"
    likes.write_text(json.dumps({"channel": "c", "paper": demo_papers()[0].id, "value": 1, "at": at}) + "\n")
    settings = load(None, {"PAPERBOY_TASTE__ESTIMATOR": "sklearn.svm.SVCC"})
    assert replay_files(settings, [papers], likes, as_json=True) == 0
    told = capsys.readouterr()
    assert told.err == "sklearn.svm has no class SVCC. Did you mean SVC? The built-in classifier stands alone.\n"
    assert "built_in" not in json.loads(told.out)
