"""Every digest hour is delivered once, late within grace, or recorded as missed with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from bot.jobs.scheduler import Job, Scheduler
from bot.model.messages import Place
from bot.model.schedule import Hour, Rule
from bot.ports.platform import NotAccepted
from bot.sources.base import Batch, Refused
from bot.store import channels, deliveries, read_backs
from bot.store.database import Store
from bot.store.states import DeliveryState
from tests.fakes.clock import Clock
from tests.support.harness import PLACE, BotHarness, comes_true, demo_papers, harness_over, paper

BERLIN = "Europe/Berlin"


async def kept(harness: BotHarness) -> list[tuple[date, DeliveryState, str]]:
    channel = await harness.channel()
    async with harness.store.read() as tx:
        return [
            (delivery.local_date, delivery.state, delivery.reason)
            for delivery in await deliveries.for_channel(tx, channel.id)
        ]


async def test_the_digest_comes_at_the_channels_own_hour(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers(demo_papers()[:8])
    await harness.invite()
    await harness.say("schedule 10:30 daily Asia/Tokyo 3")
    due = (await harness.channel()).next_due_at
    assert due == datetime(2026, 3, 3, 1, 30, tzinfo=UTC)
    clock.now = due - timedelta(seconds=1)
    await harness.beat()
    assert harness.chat.shown["c1"] == []
    clock.now = due
    await harness.beat()
    assert len(harness.chat.shown["c1"]) == 4


async def test_an_hour_that_passed_within_grace_is_delivered_late_and_once(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers(demo_papers()[:8])
    await harness.invite()
    clock.advance(timedelta(hours=11))
    again = harness_over(store, clock, harness.chat)
    await again.app.paper_index.sync()
    await again.app.scheduler.recover()
    await again.beat()
    await again.beat()
    assert len(harness.chat.shown["c1"]) == 6


async def test_hours_that_passed_longer_ago_are_recorded_as_missed_with_the_reason(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers(demo_papers()[:8])
    await harness.invite()
    clock.now = datetime(2026, 3, 5, 10, tzinfo=UTC)
    await harness.beat()
    missed = [
        (day, DeliveryState.MISSED, "the bot was not running, or could not post here")
        for day in (date(2026, 3, d) for d in (2, 3, 4))
    ]
    assert await kept(harness) == [*missed, (date(2026, 3, 5), DeliveryState.PLANNED, "")]
    assert (await harness.channel()).next_due_at == datetime(2026, 3, 6, 9, tzinfo=UTC)


async def test_an_hour_too_long_ago_is_missed_and_the_next_one_is_awaited(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers(demo_papers()[:8])
    await harness.invite()
    clock.advance(timedelta(hours=1 + 12, minutes=1))
    await harness.beat()
    assert await kept(harness) == [
        (date(2026, 3, 2), DeliveryState.MISSED, "the bot was not running, or could not post here")
    ]
    assert harness.chat.shown["c1"] == []


async def test_a_paused_channel_gets_nothing_and_goes_on_where_its_next_hour_is(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers(demo_papers()[:8])
    await harness.invite()
    await harness.say("pause")
    clock.advance(timedelta(days=2))
    await harness.beat()
    assert await kept(harness) == []
    await harness.say("resume")
    clock.advance(timedelta(hours=1))
    await harness.beat()
    assert [state for _, state, _ in await kept(harness)] == [DeliveryState.PLANNED]


async def test_one_channel_whose_digest_cant_be_made_leaves_the_others_theirs(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers(demo_papers()[:8])
    await harness.invite()
    await harness.invite(PLACE.__class__("fake", "c2", name="other"))
    broken = await harness.channel()
    async with harness.store.write() as tx:  # a zone that this machine's tables no longer have
        await channels.change(tx, broken.id, zone="Mars/Olympus")
    clock.advance(timedelta(hours=1))
    await harness.beat()
    assert [(state, reason) for _, state, reason in await kept(harness)] == [
        (DeliveryState.MISSED, "ZoneInfoNotFoundError while it was made")
    ]
    assert len(harness.chat.shown["c2"]) == 6
    await harness.beat()
    assert len(await kept(harness)) == 1, "it is tried again tomorrow, not at every beat"


async def test_a_failed_source_is_asked_again_for_the_days_it_missed(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    day = clock.now.date()
    harness.shelf.lists = {day: [paper(1)]}
    await harness.app.ingest.run()
    harness.shelf.fails = Refused("shelf said no (503).", 503)
    for _ in range(2):
        clock.advance(timedelta(days=1))
        await harness.app.ingest.run()
    harness.shelf.fails = None
    harness.shelf.lists[day + timedelta(days=1)] = [paper(2)]
    clock.advance(timedelta(days=1))
    [outcome] = await harness.app.ingest.run()
    assert harness.shelf.asked[-1] == (day, clock.now.date(), {"until": day.isoformat()})
    assert outcome.added == 1


async def test_a_run_that_was_cut_short_keeps_its_papers_but_is_not_done(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    harness.shelf.lists = {clock.now.date(): [paper(1)]}
    harness.shelf.partly = Refused("shelf stopped half-way (500).", 500)
    [outcome] = await harness.app.ingest.run()
    assert outcome.added == 1
    assert outcome.failure
    await harness.app.ingest.run()
    assert harness.shelf.asked[0] == harness.shelf.asked[1], "the same days are asked for again"
    assert len(harness.app.paper_index.engine) == 1


async def test_every_job_runs_on_a_real_scheduler_and_no_run_is_dropped_for_being_late(
    store: Store, clock: Clock
) -> None:
    harness = harness_over(store, clock)
    scheduler, ran = harness.app.scheduler, {job.name: asyncio.Event() for job in harness.app.scheduler.jobs}

    async def run(job: Job) -> None:
        await job.run()
        ran[job.name].set()

    scheduler.jobs = tuple(replace(job, run=partial(run, job)) for job in scheduler.jobs)
    scheduler.start()
    timed = {job.name: job for job in scheduler.timer.get_jobs()}
    assert timed.keys() == ran.keys()
    assert {(job.misfire_grace_time, job.coalesce, job.max_instances) for job in timed.values()} == {(None, True, 1)}
    assert {name: job.trigger.interval for name, job in timed.items()} == {
        job.name: job.every for job in scheduler.jobs
    }
    try:
        async with asyncio.timeout(10):
            for event in ran.values():
                await event.wait()
    finally:
        await scheduler.stop()


async def test_a_job_that_fails_is_named_in_the_log_and_runs_again_soon(sqlite_store: Store, clock: Clock) -> None:
    ran: list[str] = []

    async def replay() -> int:
        return 0

    async def fails() -> None:
        ran.append("daily")
        raise ValueError("odd")

    async def works() -> None:
        ran.append("other")

    jobs = [Job("daily", fails, timedelta(days=1)), Job("other", works, timedelta(days=1))]
    scheduler = Scheduler(jobs, replay, [], clock)
    scheduler.start()
    with capture_logs([merge_contextvars]) as logs:
        await comes_true(partial(_ran, ran, 2))
        await asyncio.sleep(0)
    daily, other = (scheduler.timer.get_job(name) for name in ("daily", "other"))
    assert [(line["job"], line["log_level"]) for line in logs] == [("daily", "error")]
    assert daily.next_run_time - datetime.now(UTC) < timedelta(minutes=2)
    assert other.next_run_time - datetime.now(UTC) > timedelta(hours=23)
    await scheduler.stop()


async def _ran(names: list[str], count: int) -> bool:
    return len(names) == count


async def test_stopping_in_the_middle_of_a_job_logs_no_error(
    sqlite_store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    harness, begun, ended = harness_over(sqlite_store, clock), asyncio.Event(), asyncio.Event()

    async def run() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    scheduler = harness.app.scheduler
    scheduler.jobs = (Job("endless", run, timedelta(hours=1)),)
    scheduler.start()
    await asyncio.wait_for(begun.wait(), 10)
    scheduler.pause()
    await asyncio.wait_for(ended.wait(), 10)
    await asyncio.sleep(0)
    assert caplog.text == ""


async def test_reactions_that_cannot_be_read_back_hold_up_no_digest(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.list_papers(demo_papers()[:4])
    await harness.invite()
    clock.advance(timedelta(hours=1))
    await harness.beat()
    asked = asyncio.Event()

    async def hang(place: Place, message: str) -> list[tuple[str, str]]:
        asked.set()
        await asyncio.Event().wait()
        return []

    harness.chat.reactions = hang  # type: ignore[method-assign]
    await harness.app.ingest.run()
    await harness.list_papers(demo_papers()[4:8])
    await harness.next_morning()
    await asyncio.wait_for(harness.app.scheduler.tick(), 10)
    await asyncio.wait_for(asked.wait(), 10)
    for _ in range(50):  # the beat gives way to the reading that it began
        await asyncio.wait_for(harness.app.scheduler.tick(), 10)
    assert len(harness.chat.shown["c1"]) == 10
    async with sqlite_store.read() as tx:
        assert await read_backs.any_due(tx, "fake", clock() + timedelta(hours=2)), "it is not done"
    await harness.app.scheduler.stop()


async def test_after_a_silence_the_digest_waits_for_the_sources_but_not_for_ever(
    sqlite_store: Store, clock: Clock
) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.invite()
    await harness.app.ingest.run()
    clock.advance(timedelta(hours=1))
    await harness.beat()
    await harness.next_morning()
    for given_up in (False, True):
        again, answer = harness_over(sqlite_store, clock, harness.chat), asyncio.Event()
        again.shelf.lists = {clock.now.date(): demo_papers()[:4]}
        fetch = again.shelf.fetch

        async def slow(
            *asked: Any, answer: asyncio.Event = answer, fetch: Callable[..., Awaitable[Batch]] = fetch
        ) -> Batch:
            await answer.wait()
            return await fetch(*asked)

        again.shelf.fetch = slow  # type: ignore[method-assign, assignment]
        before = len(harness.chat.shown["c1"])
        await again.app.scheduler.tick()
        assert len(harness.chat.shown["c1"]) == before
        if given_up:
            clock.advance(timedelta(minutes=11))
        else:
            answer.set()
            await again.settle()
        await again.app.scheduler.tick()
        await again.app.delivery_worker.deliver_all()
        assert len(harness.chat.shown["c1"]) == before + (1 if given_up else 5)
        await again.app.scheduler.stop()
        clock.now += timedelta(days=1)


async def test_a_clock_that_was_wrong_for_a_while_costs_no_later_digest(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers(demo_papers()[:2])
    await harness.invite()
    clock.advance(timedelta(hours=1))
    right = clock.now
    clock.now = right + timedelta(days=40)
    await harness.app.scheduler.tick()
    await harness.settle()
    clock.now = right
    assert await harness.app.ingest.due(timedelta(hours=1))
    await harness.app.scheduler.tick()
    await harness.settle()
    assert (await harness.channel()).next_due_at == datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert harness.shelf.asked[-1][0] < clock.now.date()
    await harness.list_papers(demo_papers()[2:5])
    await harness.next_morning()
    before = len(harness.chat.shown["c1"])
    await harness.beat()
    assert len(harness.chat.shown["c1"]) == before + 4


async def test_a_new_hour_later_on_a_day_that_had_its_digest_begins_tomorrow(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.invite()
    clock.advance(timedelta(hours=1))
    await harness.beat()
    assert "Next digest: Tuesday, 3 March at 15:00" in (await harness.say("schedule 15:00")).text
    await harness.app.scheduler.tick()
    await harness.settle()
    assert (await harness.channel()).next_due_at == datetime(2026, 3, 3, 15, tzinfo=UTC)


async def test_planning_and_delivery_survive_a_refusing_platform(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers(demo_papers()[:8])
    await harness.invite()

    def no(message: object) -> None:
        raise NotAccepted("down")

    harness.chat.before = no
    await harness.app.ingest.run()
    clock.advance(timedelta(hours=1))
    await harness.app.planner.plan_due()
    await harness.app.scheduler.tick()
    await harness.app.delivery_worker.deliver_all()
    await harness.app.scheduler.stop()
    assert (await harness.posts())[0].attempts == 1
    assert harness.chat.shown["c1"] == []


def test_an_hour_that_daylight_saving_skips_is_the_first_moment_after_the_gap() -> None:
    assert Rule.of("02:30", "daily", BERLIN).on(date(2026, 3, 29)) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_an_hour_that_comes_twice_is_the_first_one() -> None:
    assert Rule.of("02:30", "daily", BERLIN).on(date(2026, 10, 25)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_days_are_counted_in_the_channels_zone() -> None:
    rule = Rule.of("08:00", "mon", "Pacific/Auckland")
    assert rule.after(datetime(2026, 6, 14, 12, tzinfo=UTC)) == Hour(
        date(2026, 6, 15), datetime(2026, 6, 14, 20, tzinfo=UTC)
    )


@given(
    st.sampled_from(sorted(available_timezones())),
    st.times(),
    st.sets(st.integers(0, 6), min_size=1),
    st.dates(date(2024, 1, 1), date(2027, 12, 31)),
)
def test_every_local_day_of_a_rule_has_one_hour_and_hours_never_run_backwards(
    zone: str, hour: time, days: set[int], start: date
) -> None:
    rule = Rule(hour.replace(second=0, microsecond=0), frozenset(days), ZoneInfo(zone))
    hours = [one for one, _ in zip(rule.from_day(start), range(20), strict=False)]
    assert len({one.local_date for one in hours}) == 20
    assert [one.at for one in hours] == sorted({one.at for one in hours})
    assert all(one.local_date.weekday() in days for one in hours)


@given(
    st.sampled_from(sorted(available_timezones())),
    st.times(),
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(0, 40),
)
def test_the_hours_that_were_missed_are_all_between_the_one_that_was_due_and_now(
    zone: str, hour: time, now: datetime, days: int
) -> None:
    rule = Rule(hour.replace(second=0, microsecond=0), frozenset(range(7)), ZoneInfo(zone))
    due = rule.after(now)
    later = now + timedelta(days=days)
    missed = rule.missed(due, later)
    assert abs(len(missed) - days) <= 1
    assert all(due.at <= one.at <= later for one in missed)
    assert not missed or rule.after(later).at > missed[-1].at


async def test_pause_drops_waiting_posts_and_their_papers_come_after_resume(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await harness.list_papers(demo_papers()[:8])
    await harness.invite()
    clock.advance(timedelta(hours=1))
    await harness.app.planner.plan_due()
    await harness.say("pause")
    await harness.app.delivery_worker.deliver_all()
    assert harness.chat.shown["c1"] == []
    await harness.say("resume")
    await harness.next_morning()
    await harness.beat()
    assert len(harness.chat.shown["c1"]) == 6
