from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bot.commands.registry import COMMANDS
from bot.model.messages import Action, Attachment, Card, Form, FormField, Line, Link, Message, Reply
from bot.platforms.slack import render
from tests.fakes.slack.blocks import check_message
from tests.platforms.conformance import CARD
from tests.platforms.rendered import LINES, SHOWN, Snapshots, cards, lines, replies, texts

SNAPSHOTS = Snapshots(Path(__file__))


def rendered(shown: Message | Reply) -> render.SlackMessage:
    return render.posted(shown, COMMANDS, "key-1") if isinstance(shown, Message) else render.answer(shown, COMMANDS)


def leaves(node: object, kind: str = "") -> Iterator[tuple[str, str, str]]:
    """(type of the node, name, text) of every text below."""
    if isinstance(node, list):
        for each in node:
            yield from leaves(each)
    elif isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, str):
                yield str(node.get("type")), name, value
            else:
                yield from leaves(value)


def elements(blocks: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def look(node: object) -> None:
        if isinstance(node, list):
            for each in node:
                look(each)
        elif isinstance(node, dict):
            if node.get("type") == kind:
                found.append(node)
            for value in node.values():
                look(value)

    look(blocks)
    return found


def assert_slack_takes(shown: render.SlackMessage) -> None:
    """Every limit that Slack documents, the total that it does not, and its own library's validation."""
    assert len(shown.blocks) <= render.MAX_BLOCKS
    assert render.weight(shown.blocks) <= 13_200
    assert 0 < len(shown.text) <= render.MAX_FALLBACK
    assert [block.to_dict() for block in Block.parse_all(shown.blocks)] == shown.blocks
    if shown.blocks:
        check_message({"text": shown.text, "blocks": shown.blocks})
    json.dumps(shown.blocks, ensure_ascii=False).encode()
    shown.text.encode()
    for block in shown.blocks:
        if block["type"] == "actions":
            ids = [element["action_id"] for element in block["elements"]]
            assert 0 < len(ids) == len(set(ids)) <= 25
            buttons = elements([block], "button")
            assert all(0 < len(button["text"]["text"]) <= 75 for button in buttons)
            assert all(len(button["value"]) <= 2_000 for button in buttons)
            for menu in elements([block], "overflow"):
                assert 0 < len(menu["options"]) <= 5
                assert all(0 < len(option["text"]["text"]) <= 75 for option in menu["options"])
                assert all(0 < len(option["value"]) <= 150 for option in menu["options"])
        elif block["type"] == "context":
            assert 0 < len(block["elements"]) <= 10
        else:
            assert block["type"] == "rich_text"
            assert block["elements"]
    for kind, name, text in leaves(shown.blocks):
        if kind == "mrkdwn" and name == "text":  # nothing but links with plain words
            assert re.fullmatch(r"<https?://[^\s<>|]+\|[\w ]+>( · <https?://[^\s<>|]+\|[\w ]+>)*", text, re.IGNORECASE)
            assert not re.search(r"&(?!amp;)", text)
        if name == "text":
            assert text
            assert len(text) <= 3_000
        if name == "url":
            assert re.fullmatch(r"https?://\S{1,3000}", text, re.IGNORECASE)
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", shown.text)


@settings(deadline=None)
@given(replies)
def test_slack_takes_every_answer(reply: Reply) -> None:
    assert_slack_takes(render.answer(reply, COMMANDS))


@settings(deadline=None)
@given(texts, st.none() | cards, st.lists(lines, max_size=12), st.text(min_size=1, max_size=25))
def test_slack_takes_every_message(text: str, card: Card | None, some: list[Line], key: str) -> None:
    assert_slack_takes(render.posted(Message(text, card, tuple(some)), COMMANDS, key))


def test_the_heaviest_answer_is_within_every_limit() -> None:
    wide = "😀 " * 3_000
    card = Card("x" * 300, wide, "https://x.org/a", wide, wide, date(2026, 1, 1), 10**9, 10**9, wide, wide, True, wide)
    reply = Reply(
        wide,
        (Line("1", wide, card.url, wide, wide),) * 60,
        (card,) * 40,
        (Action(wide, "search", "x", 5),) * 40,
        Attachment(wide, "😀" * 1_500),
        Form("schedule", wide, (FormField(wide, wide, wide, (wide,) * 5),) * 20),
    )
    shown = render.answer(reply, COMMANDS)
    assert_slack_takes(shown)
    assert "… and 56 papers more." in str(shown.blocks)


def test_ten_usual_cards_are_shown_uncut_in_one_answer() -> None:
    card = replace(CARD, title="T" * 120, summary="S" * 420, why="W" * 140, note="N" * 40)
    shown = render.answer(Reply("Today:", cards=(card,) * 10, actions=(Action("Share", "share", "today"),)), COMMANDS)
    assert_slack_takes(shown)
    texts = [text for _, name, text in leaves(shown.blocks) if name == "text"]
    assert all(texts.count(part) == 10 for part in (card.title, card.summary, card.why, card.note))


@given(texts, texts, st.integers(0, 10**6))
def test_a_button_says_what_it_was_given(command: str, argument: str, offset: int) -> None:
    shown = render.answer(Reply("Found.", actions=(Action("More", command, argument, offset),)), COMMANDS)
    for button in elements(shown.blocks, "button"):
        assert render.action_of(button["value"]) == Action("", command, argument, offset)


def test_a_button_says_the_same_when_slack_has_escaped_what_it_holds() -> None:
    action = Action("Share", "share", 'R&D "a <b>" &amp; ∀x', 5)
    [button] = render.answer(Reply("x", actions=(action,)), COMMANDS).blocks[-1]["elements"]
    assert render.action_of(render.escaped(button["value"])) == replace(action, label="")


@pytest.mark.parametrize("value", ["", "{", "[]", "5", '["more"]', '["more", 5, 0]', '{"verb": "more"}', "[" * 5_000])
def test_a_value_that_is_not_ours_is_no_action(value: str) -> None:
    assert render.action_of(value) is None


def test_a_card_has_three_buttons_and_a_menu_each_carrying_the_paper() -> None:
    blocks = render.posted(Message(card=CARD), COMMANDS).blocks
    buttons, [menu] = elements(blocks, "button"), elements(blocks, "overflow")
    assert [button["text"]["text"] for button in buttons] == ["More like this", "Less", "Save"]
    assert [option["text"]["text"] for option in menu["options"]] == ["Similar", "Abstract"]
    choices = [{"selected_option": option} for option in menu["options"]]
    actions = [render.pressed(element) for element in (*buttons, *choices)]
    assert [(action.command, action.argument) for action in actions if action] == [
        (command, CARD.paper_id) for command in ("more", "less", "save", "similar", "abstract")
    ]
    assert [action.label for action in actions if action][-1] == "Abstract"


@pytest.mark.parametrize("paper_id", ["title:" + "x" * 200, "學" * 40, 'a"\\<&>' * 20])
def test_what_is_too_long_for_a_menu_is_a_button(paper_id: str) -> None:
    shown = render.posted(Message(card=replace(CARD, paper_id=paper_id)), COMMANDS)
    assert_slack_takes(shown)
    buttons = elements(shown.blocks, "button")
    assert [button["text"]["text"] for button in buttons] == ["More like this", "Less", "Save", "Similar", "Abstract"]
    assert {action.argument for button in buttons if (action := render.pressed(button))} == {paper_id}
    assert elements(shown.blocks, "overflow") == []


def test_the_reason_stands_out_and_the_rest_is_quiet() -> None:
    text, context, _ = render.posted(Message(card=CARD), COMMANDS).blocks
    title, reason, summary = text["elements"]
    assert [title["elements"][0]["text"], summary["elements"][0]["text"]] == [CARD.title, CARD.summary]
    assert (reason["type"], reason["elements"][0]["text"]) == ("rich_text_quote", CARD.why)
    assert context["type"] == "context"
    assert [each["text"] for each in context["elements"]] == [
        "Ada Lovelace, Alan Turing + 3 · Analytical Society · cs.LG · 2 Oct 2023 · Example Letters · ▲ 12  💬 3",
        "<https://arxiv.org/pdf/2310.01234|PDF> · <https://github.com/example/unlike?tab=readme&amp;x=1|Code>",
        CARD.note,
    ]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://x.org/a|b", "https://x.org/<!channel>", "https://x.org/a b", "", "x"]
)
def test_a_hostile_link_stands_on_no_card(url: str) -> None:
    shown = render.posted(
        Message(card=replace(CARD, links=(Link("Code", url), Link("<!channel>|", CARD.url)))), COMMANDS
    )
    assert_slack_takes(shown)
    assert [text for kind, name, text in leaves(shown.blocks) if (kind, name) == ("mrkdwn", "text")] == [
        f"<{CARD.url}|channel>"
    ]


def test_titles_below_the_cards_are_lighter_than_cards() -> None:
    for further in (True, False):
        shown = render.posted(Message("Also today", lines=LINES, numbered=True, further=further), COMMANDS)
        styles = {str(link.get("style")) for link in elements(shown.blocks, "link")}
        assert styles == {"None" if further else str({"bold": True})}


def test_the_key_stands_on_the_first_block() -> None:
    shown = render.posted(Message("Good morning", CARD), COMMANDS, "key-7")
    assert [block.get("block_id") for block in shown.blocks] == [render.block_id("key-7"), None, None, None]


def test_a_title_is_linked_and_means_nothing_else() -> None:
    card = replace(CARD, title="*Bold* <!channel> <@U1> :fire: `rm` a|b")
    (link,) = elements(render.posted(Message(card=card), COMMANDS).blocks, "link")
    assert (link["text"], link["url"]) == (card.title, CARD.url)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x.org/a b", "https://x.org/<!channel>", "x.org", ""])
def test_a_link_that_is_none_is_left_out(url: str) -> None:
    assert not elements(render.posted(Message(card=replace(CARD, url=url)), COMMANDS).blocks, "link")


def test_what_may_be_typed_is_code_under_the_commands_own_name() -> None:
    shown = render.answer(Reply("Say `/papers pause` or `stop`; `/papersx` is <other>."), COMMANDS, "/kiosk")
    code = [each["text"] for each in elements(shown.blocks, "text") if each.get("style") == {"code": True}]
    assert code == ["/kiosk pause", "stop", "/papersx"]
    assert shown.text == "Say /kiosk pause or stop; /papersx is &lt;other&gt;."


def test_the_fallback_says_all_that_the_blocks_say() -> None:
    text = render.posted(Message("Good morning", CARD, LINES), COMMANDS).text
    said = (CARD.title, CARD.authors, CARD.organization, CARD.summary, CARD.why, CARD.note, CARD.url, "▲ 12", "💬 3")
    quiet = (CARD.category, CARD.source, *(render.escaped(link.url) for link in CARD.links))
    assert [part for part in ("Good morning", "2 Oct 2023", *said, *quiet, "3. Paper 3") if part not in text] == []


def test_a_fallback_of_nothing_but_signs_keeps_its_bound() -> None:
    assert len(render.posted(Message("&" * 9_000), COMMANDS).text) <= render.MAX_FALLBACK


def test_nothing_to_show_is_no_blocks() -> None:
    assert render.posted(Message("\x1b\u202e"), COMMANDS, "key").blocks == []


def test_a_long_file_is_named_and_not_shown() -> None:
    long = Attachment("saved.bib", "x" * (render.INLINE_ATTACHMENT + 1))
    assert not render.fits_inline(long)
    shown = str(render.answer(Reply("Here.", attachment=long), COMMANDS).blocks)
    assert "saved.bib" in shown
    assert "xxx" not in shown


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_what_slack_gets_is_as_it_was_looked_at(name: str) -> None:
    """After a change that is meant, `python -m tests.platforms.slack.test_render` writes them anew."""
    assert SNAPSHOTS.kept(name) == snapshot(name)


def snapshot(name: str) -> dict[str, Any]:
    shown = rendered(SHOWN[name])
    return {"text": shown.text, "blocks": shown.blocks}


if __name__ == "__main__":
    SNAPSHOTS.keep({each: snapshot(each) for each in SHOWN})
