"""`paperboy rivals`: whose picks the members liked better, where the taste and a baseline shared each digest; and how
the built-in classifier and that of the settings order what each channel was shown."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import Any

from bot.digests import feedback
from bot.digests.feedback import EmojiTable
from bot.operate.classifiers import BUILT_IN, failures, loaded_estimator
from bot.operate.context import opened_paper_index, opened_store
from bot.operate.output import out, progress
from bot.settings import Settings
from bot.store import channels, exposures, pick_log, topics, votes
from bot.store.channels import Channel
from bot.store.pick_log import LoggedPick
from recommender import TASTE_ARM
from recommender.evaluation.ordering import DayOrder, OrderComparison, compare_orders, order_days
from recommender.picking.interleaving import ArmComparison, compare_arms


@dataclass(frozen=True, slots=True)
class SharedDigests:
    """The result of a channel's digests that its taste shared with one baseline. `channel` is empty for all channels
    together."""

    channel: str
    baseline: str
    contest: ArmComparison


async def print_rivals(settings: Settings, *, as_json: bool) -> None:
    """Print who won, channel by channel and in all. Where the settings name a classifier, then print how it orders the
    papers that each channel was shown."""
    estimator = loaded_estimator(settings)
    emoji = EmojiTable.of(settings.votes.likes, settings.votes.dislikes)
    digests: defaultdict[tuple[str, str], list[list[tuple[int, bool]]]] = defaultdict(list)
    async with opened_store(settings) as store, store.read() as tx:
        for channel in await channels.list_all(tx):
            picks = [pick for pick in await pick_log.for_channel(tx, channel.id) if pick.team]
            if not picks:
                continue
            standing = feedback.standing_votes(await votes.for_channel(tx, channel.id), emoji)
            liked = {vote.paper_id for vote in standing if vote.value > 0}
            shown = {exposure.paper_id for exposure in await exposures.for_channel(tx, channel.id)}
            name = _name(channel)
            for baseline, digest in _by_digest([pick for pick in picks if pick.paper_id in shown]):
                outcomes = [(int(pick.team != TASTE_ARM), pick.paper_id in liked) for pick in digest]
                digests[name, baseline].append(outcomes)
                digests["", baseline].append(outcomes)
    results = [
        SharedDigests(*key, compare_arms(outcomes))
        for key, outcomes in sorted(digests.items(), key=lambda item: item[0][::-1])
    ]
    orders = [] if estimator is None else await _orders(settings, estimator, emoji)
    name = settings.taste.estimator
    if as_json:
        out(json.dumps([*map(_as_json, results), *(_order_as_json(name, *each) for each in orders)], indent=1))
    elif results or orders:
        out("\n\n".join([*([_table(results)] if results else []), *([_order_table(name, orders)] if orders else [])]))
    else:
        out("No digest has been shared by two learners yet. `experiment.rival` in the settings begins it.")


async def _orders(settings: Settings, estimator: Any, emoji: EmojiTable) -> list[tuple[str, OrderComparison]]:
    """The built-in classifier and another one on the history of each channel, and (name "") of all together."""
    histories = {}
    async with opened_paper_index(settings) as (store, paper_index), store.read() as tx:
        for channel in await channels.list_all(tx):
            lines = [topic.line for topic in await topics.for_channel(tx, channel.id)]
            histories[_name(channel)] = await feedback.of_channel(tx, channel.id, emoji), lines
        engine = paper_index.engine
    every_day: list[DayOrder] = []
    every_failure: Counter[str] = Counter()
    orders = []
    with progress("Comparing channels") as tick:
        for done, (name, (history, lines)) in enumerate(sorted(histories.items()), 1):
            days, channel_failures = await asyncio.to_thread(order_days, engine, estimator, history, lines)
            if days:
                orders.append((name, compare_orders(days, channel_failures)))
                every_day += days
                every_failure += channel_failures
            tick(done, len(histories))
    return [("", compare_orders(every_day, every_failure)), *orders]


def _order_as_json(estimator: str, channel: str, order: OrderComparison) -> dict[str, object]:
    return {
        "channel": channel,
        "estimator": estimator,
        "days": order.days,
        "built_in": order.built_in,
        "custom": order.custom,
        "difference": order.difference.mean,
        "standard_error": order.difference.standard_error,
        "failures": order.failures,
    }


def _order_table(estimator: str, orders: list[tuple[str, OrderComparison]]) -> str:
    rows = [
        f"{BUILT_IN.capitalize()} and {estimator}: the average precision of the liked papers of each day,",
        "ordered by what had been learned before it.",
        "channel                         days  built-in   custom         difference",
    ]
    for channel, order in orders:
        means = f"{order.built_in:>9.3f} {order.custom:>8.3f}"
        rows.append(f"{channel or 'all':<30} {order.days:>5} {means} {order.difference!s:>18}")
    return "\n".join([*rows, "± is the standard error over the days.", *failures(orders[0][1])])


def _name(channel: Channel) -> str:
    return f"{channel.place.platform} {channel.place.name or channel.place.address}"


def _as_json(result: SharedDigests) -> dict[str, object]:
    contest = result.contest
    return {"channel": result.channel, "rival": result.baseline, "contest": asdict(contest), "p": contest.p}


def _by_digest(picks: list[LoggedPick]) -> list[tuple[str, list[LoggedPick]]]:
    """The picks of each digest, with the name of the baseline that shared it."""
    days: defaultdict[object, list[LoggedPick]] = defaultdict(list)
    for pick in picks:
        days[pick.day].append(pick)
    shared = [({pick.team for pick in digest} - {TASTE_ARM}, digest) for digest in days.values()]
    return [(baselines.pop(), digest) for baselines, digest in shared if len(baselines) == 1]


def _table(results: list[SharedDigests]) -> str:
    rows = ["digests won by   taste  rival  neither   liked of the taste's    of the rival's     p"]
    for result in results:
        of = result.contest
        shares = [f"{of.liked[n]:>6} of {of.shown[n]:<6}({of.liked[n] / max(of.shown[n], 1):>4.0%})" for n in (0, 1)]
        rows.append(f"{result.channel or 'all'} against {result.baseline}")
        rows.append(f"{of.won[0]:>22} {of.won[1]:>6} {of.tied:>8}   {shares[0]}   {shares[1]}  {of.p:.3f}")
    rows.append("p: how often a fair coin would part the digests won so unevenly; below 0.05 is worth a look.")
    return "\n".join(rows)
