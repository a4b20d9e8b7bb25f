"""A member's home page, and the buttons on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.model.messages import Action, Asker, Home, Place, PlaceKind
from bot.store import channels
from bot.store.states import ChannelState
from tests.support.house import ADA, BEN, PLACE, House, demo_papers

PAPERS = demo_papers()[:40]
DM = Place("fake", "d-ben", kind=PlaceKind.DIRECT)
OTHER = Place("fake", "c2", name="theory")
HERE = [PLACE.address, OTHER.address]


async def home(house: House, asker: Asker = BEN, rooms: list[str] | None = None, offset: int = 0) -> Home:
    return await house.app.service.home(DM, asker, HERE if rooms is None else rooms, offset)


async def press(house: House, place: Place, action: Action, asker: Asker = BEN) -> bool:
    return (await house.app.service.act(place, asker, action)).ok


async def test_who_comes_first_is_told_what_to_do(house: House) -> None:
    shown = await home(house)
    assert "`subscribe federated learning`" in shown.mine.text
    assert (shown.topics, shown.saved, shown.channels, shown.mine.actions) == ((), (), (), ())


async def test_looking_changes_nothing(house: House) -> None:
    await home(house)
    async with house.store.read() as tx:
        assert await channels.find(tx, DM) is None


async def test_ones_own_topics_are_listed_each_with_the_button_that_drops_it(house: House) -> None:
    await house.say("subscribe Federated Learning alert", BEN, DM)
    await house.say("subscribe -surveys", BEN, DM)
    shown = await home(house)
    assert [(each.line.title, each.line.detail) for each in shown.topics] == [
        ("Federated Learning", "alerts at once"),
        ("surveys", "muted"),
    ]
    assert "Next digest: " in shown.mine.text
    assert await press(house, DM, shown.topics[0].action)
    assert [each.line.title for each in (await home(house)).topics] == ["surveys"]


async def test_saved_papers_come_ten_at_a_time_the_latest_first(house: House) -> None:
    for paper in PAPERS[:23]:
        house.clock.now += timedelta(minutes=1)
        await house.say(f"save {paper.id}", BEN)
    seen, offset, pages = [], 0, []
    while True:
        shown = await home(house, offset=offset)
        pages.append([action.label for action in shown.actions])
        seen += [each.line.paper_id for each in shown.saved]
        older = [action.offset for action in shown.actions if action.label == "Older"]
        if not older:
            break
        [offset] = older
    assert seen == [paper.id for paper in reversed(PAPERS[:23])]
    assert pages == [["Older"], ["Newer", "Older"], ["Newer"]]
    assert shown.kept == 23
    assert [each.line.paper_id for each in (await home(house, offset=9_999)).saved] == seen[:10]


async def test_a_saved_paper_is_removed_however_often_its_button_is_pressed(house: House) -> None:
    await house.say(f"save {PAPERS[0].id}", BEN, OTHER)
    [entry] = (await home(house)).saved
    assert await press(house, DM, entry.action)
    assert await press(house, DM, entry.action)
    assert (await home(house)).saved == ()


async def test_a_manager_sees_how_their_channels_stand(house: House) -> None:
    await house.invite(OTHER)
    await house.say("subscribe graphs")
    await house.say(f"more {PAPERS[0].id}", BEN)
    await house.say("pause", ADA, OTHER)
    running, paused = (await home(house, ADA)).channels
    assert (running.place.name, paused.place.name) == ("ml", "theory")
    assert "Next digest: Monday, 2 March at 09:00 (UTC)." in running.text
    assert "Learned from 1 vote by 1 member. Topics: “graphs”." in running.text
    assert paused.text.startswith("Paused")
    assert [action.label for action in paused.actions] == ["Resume", "Schedule", "Settings"]
    assert await press(house, paused.place, paused.actions[0], ADA)
    assert [action.label for action in (await home(house, ADA)).channels[1].actions] == [
        "Pause",
        "Schedule",
        "Settings",
    ]


async def test_a_lost_channel_says_why_and_offers_nothing(house: House) -> None:
    await house.app.service.left(PLACE, "the channel was archived")
    [lost] = (await home(house, ADA)).channels
    assert "the channel was archived" in lost.text
    assert lost.actions == ()


async def test_the_way_back_is_the_platforms_own(house: House) -> None:
    house.chat.capabilities = replace(house.chat.capabilities, way_back="Ring the bell")
    await house.app.service.left(PLACE, "the door is shut")
    [lost] = (await home(house, ADA)).channels
    refused = await house.say(f"submit {PAPERS[0].id}")
    assert "I can't post here: the door is shut. Ring the bell, and all is as it was." in lost.text
    assert refused.text == "I can't post here: the door is shut. Ring the bell first."


async def test_only_channels_that_one_manages_and_is_in_are_shown(house: House) -> None:
    await house.invite(OTHER, by="ben")
    await house.say("federated", BEN, Place("fake", "c3", name="never-invited"))
    rooms = [*HERE, "c3"]
    assert [each.place.address for each in (await home(house, BEN, rooms)).channels] == ["c2"]
    assert [each.place.address for each in (await home(house, ADA, rooms)).channels] == ["c1", "c2"]
    assert (await home(house, ADA, ["c9"])).channels == ()
    elsewhere = await house.app.service.home(Place("fake", "d", "T2", kind=PlaceKind.DIRECT), ADA, rooms)
    assert elsewhere.channels == ()


async def test_of_very_many_channels_some_are_counted_only(house: House) -> None:
    rooms = [f"r{n:02}" for n in range(30)]
    for room in rooms:
        await house.invite(Place("fake", room, name=room))
    shown = await home(house, ADA, rooms)
    assert len(shown.channels) + shown.left_out == 30
    assert shown.left_out == 10


async def test_a_paused_conversation_can_be_resumed(house: House) -> None:
    await house.say("subscribe graphs", BEN, DM)
    await house.say("unsubscribe graphs", BEN, DM)
    await house.say("pause", BEN, DM)
    [resume, *_] = (await home(house)).mine.actions
    assert await press(house, DM, resume)
    assert (await house.channel(DM)).state is ChannelState.ACTIVE
