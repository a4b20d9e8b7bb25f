"""A member's home page, and the buttons on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.model.messages import Action, Asker, Home, Place, PlaceKind
from bot.store import channels
from bot.store.states import ChannelState
from tests.support.harness import ADA, BEN, PLACE, BotHarness, demo_papers

PAPERS = demo_papers()[:40]
DM = Place("fake", "d-ben", kind=PlaceKind.DIRECT)
OTHER = Place("fake", "c2", name="theory")
HERE = [PLACE.address, OTHER.address]


async def home(harness: BotHarness, asker: Asker = BEN, rooms: list[str] | None = None, offset: int = 0) -> Home:
    return await harness.app.service.home(DM, asker, HERE if rooms is None else rooms, offset)


async def press(harness: BotHarness, place: Place, action: Action, asker: Asker = BEN) -> bool:
    return (await harness.app.service.act(place, asker, action)).ok


async def test_the_home_page_of_a_new_member_says_how_to_begin(harness: BotHarness) -> None:
    shown = await home(harness)
    assert "`subscribe federated learning`" in shown.mine.text
    assert (shown.topics, shown.saved, shown.channels, shown.mine.actions) == ((), (), (), ())


async def test_opening_the_home_page_stores_nothing(harness: BotHarness) -> None:
    await home(harness)
    async with harness.store.read() as tx:
        assert await channels.find(tx, DM) is None


async def test_the_home_page_lists_topics_with_a_drop_button_each(harness: BotHarness) -> None:
    await harness.say("subscribe Federated Learning alert", BEN, DM)
    await harness.say("subscribe -surveys", BEN, DM)
    shown = await home(harness)
    assert [(each.line.title, each.line.detail) for each in shown.topics] == [
        ("Federated Learning", "alerts at once"),
        ("surveys", "muted"),
    ]
    assert "Next digest: " in shown.mine.text
    assert await press(harness, DM, shown.topics[0].action)
    assert [each.line.title for each in (await home(harness)).topics] == ["surveys"]


async def test_the_home_page_has_ten_saved_papers_a_page_newest_first(harness: BotHarness) -> None:
    for paper in PAPERS[:23]:
        harness.clock.now += timedelta(minutes=1)
        await harness.say(f"save {paper.id}", BEN)
    seen, offset, pages = [], 0, []
    while True:
        shown = await home(harness, offset=offset)
        pages.append([action.label for action in shown.actions])
        seen += [each.line.paper_id for each in shown.saved]
        older = [action.offset for action in shown.actions if action.label == "Older"]
        if not older:
            break
        [offset] = older
    assert seen == [paper.id for paper in reversed(PAPERS[:23])]
    assert pages == [["Older"], ["Newer", "Older"], ["Newer"]]
    assert shown.kept == 23
    assert [each.line.paper_id for each in (await home(harness, offset=9_999)).saved] == seen[:10]


async def test_a_saved_paper_is_removed_however_often_its_button_is_pressed(harness: BotHarness) -> None:
    await harness.say(f"save {PAPERS[0].id}", BEN, OTHER)
    [entry] = (await home(harness)).saved
    assert await press(harness, DM, entry.action)
    assert await press(harness, DM, entry.action)
    assert (await home(harness)).saved == ()


async def test_the_home_page_shows_a_manager_the_state_of_their_channels(harness: BotHarness) -> None:
    await harness.invite(OTHER)
    await harness.say("subscribe graphs")
    await harness.say(f"more {PAPERS[0].id}", BEN)
    await harness.say("pause", ADA, OTHER)
    running, paused = (await home(harness, ADA)).channels
    assert (running.place.name, paused.place.name) == ("ml", "theory")
    assert "Next digest: Monday, 2 March at 09:00 (UTC)." in running.text
    assert "Learned from 1 vote by 1 member. Topics: “graphs”." in running.text
    assert paused.text.startswith("Paused")
    assert [action.label for action in paused.actions] == ["Resume", "Schedule", "Settings"]
    assert await press(harness, paused.place, paused.actions[0], ADA)
    assert [action.label for action in (await home(harness, ADA)).channels[1].actions] == [
        "Pause",
        "Schedule",
        "Settings",
    ]


async def test_a_lost_channel_says_why_and_offers_nothing(harness: BotHarness) -> None:
    await harness.app.service.left(PLACE, "the channel was archived")
    [lost] = (await home(harness, ADA)).channels
    assert "the channel was archived" in lost.text
    assert lost.actions == ()


async def test_the_way_back_is_the_platforms_own(harness: BotHarness) -> None:
    harness.chat.capabilities = replace(harness.chat.capabilities, way_back="Ring the bell")
    await harness.app.service.left(PLACE, "the door is shut")
    [lost] = (await home(harness, ADA)).channels
    refused = await harness.say(f"submit {PAPERS[0].id}")
    assert "I can't post here: the door is shut. Ring the bell, and all is as it was." in lost.text
    assert refused.text == "I can't post here: the door is shut. Ring the bell first."


async def test_the_home_page_shows_only_channels_that_the_member_manages_and_is_in(harness: BotHarness) -> None:
    await harness.invite(OTHER, by="ben")
    await harness.say("federated", BEN, Place("fake", "c3", name="never-invited"))
    rooms = [*HERE, "c3"]
    assert [each.place.address for each in (await home(harness, BEN, rooms)).channels] == ["c2"]
    assert [each.place.address for each in (await home(harness, ADA, rooms)).channels] == ["c1", "c2"]
    assert (await home(harness, ADA, ["c9"])).channels == ()
    elsewhere = await harness.app.service.home(Place("fake", "d", "T2", kind=PlaceKind.DIRECT), ADA, rooms)
    assert elsewhere.channels == ()


async def test_the_home_page_counts_channels_beyond_its_maximum(harness: BotHarness) -> None:
    rooms = [f"r{n:02}" for n in range(30)]
    for room in rooms:
        await harness.invite(Place("fake", room, name=room))
    shown = await home(harness, ADA, rooms)
    assert len(shown.channels) + shown.left_out == 30
    assert shown.left_out == 10


async def test_a_paused_conversation_can_be_resumed(harness: BotHarness) -> None:
    await harness.say("subscribe graphs", BEN, DM)
    await harness.say("unsubscribe graphs", BEN, DM)
    await harness.say("pause", BEN, DM)
    [resume, *_] = (await home(harness)).mine.actions
    assert await press(harness, DM, resume)
    assert (await harness.channel(DM)).state is ChannelState.ACTIVE
