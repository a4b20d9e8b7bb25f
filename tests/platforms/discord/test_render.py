"""What Discord gets: within every limit whatever is to be shown, and as it was looked at."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands.registry import COMMANDS
from bot.model.codec import load_message
from bot.model.messages import Card, Line, Link, Message, Reply, Style
from bot.platforms.discord.custom_ids import form_id
from bot.platforms.discord.reading import modal
from bot.platforms.discord.render import EPHEMERAL, DiscordMessage, Renderer
from bot.platforms.discord.uploads import multipart
from bot.platforms.pictures import Picture
from bot.platforms.rendering import one_line
from tests.fakes.clock import Clock
from tests.fakes.discord import FakeDiscord, Upload
from tests.fakes.discord.limits import check_message
from tests.platforms.conformance import CARD
from tests.platforms.discord.server import DiscordServer
from tests.platforms.rendered import DIGEST, SHOWN, Snapshots, cards, lines, replies, texts

SNAPSHOTS = Snapshots(Path(__file__))
DIGESTS = [*((style, False) for style in Style), (Style.CARDS, True)]
"""The styles, and the one for which a forum is no channel like any other."""


def assert_discord_takes(shown: DiscordMessage) -> None:
    """Every limit that the fake knows, and it knows those that Discord documents."""
    form = multipart(shown.payload(EPHEMERAL), shown.files())["form"]
    check_message(json.loads(form[0]["value"]), [Upload(part["filename"], b"") for part in form[1:]])


def pictures(reply: Reply) -> list[Picture]:
    """Pictures of the reply's charts; their pixels do not matter here."""
    texts = ((one_line(chart.title, 100), one_line(chart.text, 1_000)) for chart in reply.charts)
    return [Picture(f"chart-{number}.png", *both, b"") for number, both in enumerate(texts, 1)]


@settings(deadline=None)
@given(replies)
def test_discord_takes_every_answer(reply: Reply) -> None:
    shown = Renderer(COMMANDS).answer(reply, pictures(reply))
    assert 0 < len(shown) <= 5
    for each in shown:
        assert_discord_takes(each)


@settings(deadline=None)
@given(texts, st.none() | cards, st.lists(lines, max_size=30), st.booleans())
def test_discord_takes_every_message(text: str, card: Card | None, some: list[Line], numbered: bool) -> None:
    shown = Renderer(COMMANDS).posted(Message(text, card, tuple(some), numbered=numbered), "key-1")
    if shown.components:  # else there is nothing that could be shown, and nothing is sent
        assert_discord_takes(shown)


def test_a_list_below_a_card_leaves_out_what_discord_has_no_room_for() -> None:
    some = tuple(Line(str(number), f"Paper {number}") for number in range(30))
    shown = Renderer(COMMANDS).posted(Message("Two at once", CARD, some))
    assert_discord_takes(shown)
    assert "Paper 20" in json.dumps(shown.components)


def test_a_usual_answer_is_one_message_with_room_between_its_papers() -> None:
    [shown] = Renderer(COMMANDS).answer(SHOWN["search"])  # type: ignore[arg-type]
    assert [each["type"] for each in shown.components] == [10, *[14, 10] * 3, 1, 1]


def test_an_abstract_stands_below_the_title_of_its_paper() -> None:
    [shown] = Renderer(COMMANDS).answer(Reply("All of it. " * 170, cards=(replace(CARD, summary="", why="", note=""),)))
    assert_discord_takes(shown)
    [card] = shown.components
    title, abstract, below = (each["content"] for each in card["components"] if each["type"] == 10)
    assert below.startswith("-# Ada")
    assert title.startswith("### [")
    assert abstract.count("All of it.") == 170
    labels = [button["label"] for button in card["components"][-1]["components"]]
    assert labels == ["More like this", "Less", "Save", "Similar"]


def test_a_later_page_goes_on_with_its_numbers() -> None:
    [shown] = Renderer(COMMANDS).answer(Reply("Found.", (Line("1", "A"), Line("2", "B")), first=6))
    words = [each["content"] for each in shown.components if each["type"] == 10]
    assert words == ["Found.", "6\\. **A**", "7\\. **B**"]


def test_no_message_begins_with_room() -> None:
    some = tuple(Line(str(number), f"Paper {number}") for number in range(10))
    for shown in (Renderer(COMMANDS).posted(Message(lines=some)), *Renderer(COMMANDS).answer(Reply("", lines=some))):
        assert shown.components[0]["type"] == 10


def test_no_count_and_no_date_is_broken_in_two() -> None:
    card = replace(CARD, authors="Ada Lovelace + 3", source="", links=(), note="")
    [_, _, words, _] = Renderer(COMMANDS).posted(Message(card=card)).components[0]["components"]
    assert words["content"].split(" ") == [
        *("-#", "Ada", "Lovelace\u00a0+\u00a03\u00a0·", "Analytical", "Society\u00a0·"),
        *("cs.LG\u00a0·", "2\u00a0Oct\u00a02023\u00a0·", "▲\u00a012\u00a0\u00a0💬\u00a03"),
    ]


def test_the_reason_stands_out_and_the_rest_is_small() -> None:
    [card] = Renderer(COMMANDS).posted(Message(card=CARD)).components
    head, summary, below = (each["content"] for each in card["components"] if each["type"] == 10)
    assert head.splitlines()[1] == "> because you liked “Secure sums” on Tuesday: federated, non-iid"
    assert summary == CARD.summary
    assert all(row.startswith("-# ") for row in below.splitlines())
    assert below.splitlines()[0].endswith(
        "[PDF](<https://arxiv.org/pdf/2310.01234>)\u00a0· [Code](<https://github.com/example/unlike?tab=readme&x=1>)"
    )


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x.org/a)<b>", "https://x.org/a b", "http://[", ""])
def test_a_hostile_link_stands_on_no_card(url: str) -> None:
    links = (Link("Code", url), Link("](https://evil.example)", CARD.url))
    [card] = Renderer(COMMANDS).posted(Message(card=replace(CARD, links=links))).components
    below = card["components"][2]["content"]
    assert "Code" not in below
    assert "evil.example" not in below
    assert below.count("](<") == 1


def test_titles_below_the_cards_are_lighter_than_cards() -> None:
    for further in (True, False):
        shown = Renderer(COMMANDS).posted(Message(lines=(Line("1", "A title"),), numbered=True, further=further))
        assert ("**" in shown.components[0]["content"]) != further


async def requests(style: Style, forum: bool) -> list[dict[str, Any]]:
    """What is asked of Discord's REST API for the digest."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        async with FakeDiscord(clock) as fake:
            server, head = DiscordServer(fake, clock, Path(folder)), ""
            place = server.place_of(server.lab.forum("papers", ("New",), require_tag=True) if forum else server.ml)
            for number, draft in enumerate(DIGEST.drafts(style, server.platform.capabilities, forum=forum)):
                message = replace(load_message(draft.body), thread=head if draft.threaded else "")
                sent = await server.platform.send(place, message, f"pb1.1-{number}")
                head = head or sent
            await server.platform.rest.close()
            return [{"call": call.name, "body": call.body} for call in fake.calls if call.method == "POST"]


def snapshot(name: str) -> Any:
    """What is sent for an example: each message's body, or a form's."""
    shown, renderer = SHOWN[name], Renderer(COMMANDS)
    if isinstance(shown, Message):
        return renderer.posted(shown, "key-1").payload()
    sent: list[Any] = [each.payload(EPHEMERAL) for each in renderer.answer(shown, pictures(shown))]
    return sent + ([modal(shown.form, form_id(shown.form.command))] if shown.form else [])


def digest(style: Style, forum: bool) -> str:
    return f"digest_{style}{'_in_a_forum' if forum else ''}"


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_what_discord_gets_is_as_it_was_looked_at(name: str) -> None:
    """After a change that is meant, `python -m tests.platforms.discord.test_render` writes them anew."""
    assert SNAPSHOTS.kept(name) == snapshot(name)


@pytest.mark.parametrize(("style", "forum"), DIGESTS)
async def test_discord_is_asked_exactly_what_was_looked_at(style: Style, forum: bool) -> None:
    """After a change that is meant, `python -m tests.platforms.discord.test_render` writes them anew."""
    assert SNAPSHOTS.kept(digest(style, forum)) == await requests(style, forum)


if __name__ == "__main__":
    SNAPSHOTS.keep({each: snapshot(each) for each in SHOWN})
    SNAPSHOTS.keep({digest(*each): asyncio.run(requests(*each)) for each in DIGESTS})
