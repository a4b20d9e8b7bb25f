"""An operator compares two learners: each digest is shared, and `paperboy rivals` says whose picks were liked."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bot.operate.rivals import print_rivals
from bot.settings import SettingsError, load
from bot.store import pick_log
from bot.store.database import Store
from bot.store.pick_log import LoggedPick
from tests.fakes.clock import Clock
from tests.support.harness import BotHarness, demo_papers, harness_over

PAPERS = [replace(one, upvotes=n % 50) for n, one in enumerate(demo_papers()[:150])]


async def shared(store: Store, clock: Clock, days: int = 3) -> BotHarness:
    """A channel whose digests are shared with the most upvoted, and whose member likes what the taste brings."""
    experiment = load(None, {"PAPERBOY_EXPERIMENT__RIVAL": "upvotes"}).experiment
    harness = harness_over(store, clock, experiment=experiment)
    await harness.invite()
    await harness.say("settings count 4 bar 0")
    await harness.say("subscribe reinforcement learning")
    for day in range(days):
        await harness.list_papers(PAPERS[50 * day : 50 * day + 50])
        await harness.next_morning()
        await harness.beat()
        for one in await chosen(harness):
            if one.day == clock.now.date() and one.team == "taste":
                await harness.react(one.paper_id)
    return harness


async def chosen(harness: BotHarness) -> list[LoggedPick]:
    async with harness.store.read() as tx:
        made = await pick_log.for_channel(tx, (await harness.channel()).id)
    return [one for one in made if one.place]


async def test_each_digest_is_shared_and_remembers_whose_each_card_was(store: Store, clock: Clock) -> None:
    made = await chosen(await shared(store, clock))
    days = {one.day for one in made}
    assert len(days) == 3
    for day in days:
        assert Counter(one.team for one in made if one.day == day) == {"taste": 2, "upvotes": 2}
    assert not any(one.guess for one in made)


async def test_without_the_setting_no_digest_is_shared(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.list_papers(PAPERS[:50])
    await harness.invite()
    await harness.say("subscribe reinforcement learning")
    await harness.next_morning()
    await harness.beat()
    assert {one.team for one in await chosen(harness)} == {""}


async def test_the_operator_is_told_who_won(
    sqlite_store: Store, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load(None, {"PAPERBOY_DATA_DIR": str(tmp_path)})
    await print_rivals(settings, as_json=False)
    assert "`experiment.rival` in the settings begins it" in capsys.readouterr().out
    await shared(sqlite_store, clock)
    capsys.readouterr()
    await print_rivals(settings, as_json=True)
    every, one = json.loads(capsys.readouterr().out)
    assert (every["channel"], one["channel"], one["rival"]) == ("", "fake ml", "upvotes")
    assert every["contest"] == one["contest"] == {"won": [3, 0], "tied": 0, "liked": [6, 0], "shown": [6, 6]}
    assert one["p"] == 0.25
    await print_rivals(settings, as_json=False)
    table = capsys.readouterr().out
    assert "fake ml against upvotes" in table
    assert "6 of 6     (100%)" in table


async def test_the_classifier_of_the_settings_orders_what_the_channel_was_shown(
    sqlite_store: Store, clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.invite()
    await harness.say("settings bar 0")
    for day in range(5):
        await harness.list_papers(PAPERS[30 * day : 30 * day + 30])
        await harness.next_morning()
        await harness.beat()
        for pick in (await chosen(harness))[-2:]:
            await harness.react(pick.paper_id)
    of = {"PAPERBOY_DATA_DIR": str(tmp_path), "PAPERBOY_TASTE__ESTIMATOR": "sklearn.svm.SVC"}
    capsys.readouterr()
    await print_rivals(load(None, of), as_json=True)
    every, one = json.loads(capsys.readouterr().out)
    assert (every["channel"], one["channel"], one["estimator"]) == ("", "fake ml", "sklearn.svm.SVC")
    assert every["days"] == one["days"] > 1
    assert 0 < one["built_in"] <= 1
    assert one["difference"] == pytest.approx(one["custom"] - one["built_in"])
    assert one["standard_error"] >= 0
    await print_rivals(load(None, of), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["channel", "days", "built-in", "custom", "difference"]
    assert [line.split("  ")[0] for line in lines[3:]] == ["all", "fake ml", "± is the standard error over the days."]


def test_a_rival_nobody_knows_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"experiment\.rival"):
        load(None, {"PAPERBOY_EXPERIMENT__RIVAL": "magic"})


async def test_no_member_is_told_of_the_comparison(sqlite_store: Store, clock: Clock) -> None:
    harness = await shared(sqlite_store, clock, days=1)
    for line in ("stats", "taste", "today", f"why {(await chosen(harness))[0].paper_id}"):
        assert "rival" not in (await harness.say(line)).text
    whys = [one.message.card.why for one in harness.chat.shown["c1"] if one.message.card]
    assert not any("upvot" in why or "🎲" in why for why in whys)
