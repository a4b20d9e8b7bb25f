"""`paperboy rivals`: whose picks the members liked better, where two learners shared each digest."""

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
class Compared:
    """A channel's digests shared by its taste and one rival; `channel` "" are all channels together."""

    channel: str
    rival: str
    contest: ArmComparison


async def tell_rivals(settings: Settings, *, as_json: bool) -> None:
    """Print who won, channel by channel and in all."""
    emoji = EmojiTable.of(settings.votes.likes, settings.votes.dislikes)
    digests: defaultdict[tuple[str, str], list[list[tuple[int, bool]]]] = defaultdict(list)
    async with opened_store(settings) as store, store.read() as tx:
        for channel in await channels.list_all(tx):
            made = [one for one in await pick_log.for_channel(tx, channel.id) if one.team]
            if not made:
                continue
            heard = feedback.standing_votes(await votes.for_channel(tx, channel.id), emoji)
            liked = {one.paper_id for one in heard if one.value > 0}
            seen = {one.paper_id for one in await exposures.for_channel(tx, channel.id)}
            name = f"{channel.place.platform} {channel.place.name or channel.place.address}"
            for rival, some in _by_digest([one for one in made if one.paper_id in seen]):
                told = [(int(one.team != TASTE_ARM), one.paper_id in liked) for one in some]
                digests[name, rival].append(told)
                digests["", rival].append(told)
    found = [
        Compared(*key, compare_arms(some)) for key, some in sorted(digests.items(), key=lambda item: item[0][::-1])
    ]
    if as_json:
        out(json.dumps([{**asdict(one), "p": one.contest.p} for one in found], indent=1))
    elif found:
        out(_table(found))
    else:
        out("No digest has been shared by two learners yet. `experiment.rival` in the settings begins it.")


def _by_digest(made: list[LoggedPick]) -> list[tuple[str, list[LoggedPick]]]:
    """The choices of each digest, with the name of the rival that shared it."""
    days: defaultdict[object, list[LoggedPick]] = defaultdict(list)
    for one in made:
        days[one.day].append(one)
    named = [({one.team for one in some} - {TASTE_ARM}, some) for some in days.values()]
    return [(rivals.pop(), some) for rivals, some in named if len(rivals) == 1]


def _table(found: list[Compared]) -> str:
    rows = ["digests won by   taste  rival  neither   liked of the taste's    of the rival's     p"]
    for one in found:
        of = one.contest
        shares = [f"{of.liked[n]:>6} of {of.shown[n]:<6}({of.liked[n] / max(of.shown[n], 1):>4.0%})" for n in (0, 1)]
        rows.append(f"{one.channel or 'all'} against {one.rival}")
        rows.append(f"{of.won[0]:>22} {of.won[1]:>6} {of.tied:>8}   {shares[0]}   {shares[1]}  {of.p:.3f}")
    rows.append("p: how often a fair coin would part the digests won so unevenly; below 0.05 is worth a look.")
    return "\n".join(rows)
