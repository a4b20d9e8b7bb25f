"""`paperboy rivals`: whose picks the members liked better, where the taste and a baseline shared each digest."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass

from bot.digests import feedback
from bot.digests.feedback import EmojiTable
from bot.operate.context import opened_store
from bot.operate.output import out
from bot.settings import Settings
from bot.store import channels, exposures, pick_log, votes
from bot.store.pick_log import LoggedPick
from recommender import TASTE_ARM
from recommender.picking.interleaving import ArmComparison, compare_arms


@dataclass(frozen=True, slots=True)
class SharedDigests:
    """The result of a channel's digests that its taste shared with one baseline. `channel` is empty for all channels
    together."""

    channel: str
    baseline: str
    contest: ArmComparison


async def print_rivals(settings: Settings, *, as_json: bool) -> None:
    """Print who won, channel by channel and in all."""
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
            name = f"{channel.place.platform} {channel.place.name or channel.place.address}"
            for baseline, digest in _by_digest([pick for pick in picks if pick.paper_id in shown]):
                outcomes = [(int(pick.team != TASTE_ARM), pick.paper_id in liked) for pick in digest]
                digests[name, baseline].append(outcomes)
                digests["", baseline].append(outcomes)
    results = [
        SharedDigests(*key, compare_arms(outcomes))
        for key, outcomes in sorted(digests.items(), key=lambda item: item[0][::-1])
    ]
    if as_json:
        out(json.dumps([_as_json(result) for result in results], indent=1))
    elif results:
        out(_table(results))
    else:
        out("No digest has been shared by two learners yet. `experiment.rival` in the settings begins it.")


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
