"""Modals and the home tab as Slack gets them: within every limit, and read back as they were filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bot.commands.registry import COMMANDS
from bot.model.messages import Action, Entry, Form, FormField, Home, Line, Overview, Place, PlaceKind
from bot.platforms.slack import views
from bot.platforms.slack.views import Origin
from tests.fakes.slack.interacting import state
from tests.fakes.slack.views import check_view
from tests.fakes.slack.words import texts
from tests.platforms.conformance import HOSTILE
from tests.platforms.rendered import Snapshots

SNAPSHOTS = Snapshots(Path(__file__))
DM = Place("slack", "D1", "T1", kind=PlaceKind.DIRECT)
SCHEDULE = Form(
    "schedule",
    "When digests come",
    (
        FormField("hour", "when the digest is posted, as 09:00 or 5pm", "09:00"),
        FormField("days", "daily, weekdays, or a list like mon,wed,fri", "weekdays"),
        FormField("zone", "the time zone, as Europe/Berlin", "Europe/Berlin"),
        FormField("count", "cards at most", "5", tuple(map(str, range(1, 11)))),
    ),
)
SETTINGS = Form(
    "settings",
    "Settings here",
    (
        FormField("bar", "post only what beats this share of papers", "0.8"),
        FormField("guess", "one card a day may be a guess", "on", ("on", "off")),
    ),
)
MANAGES = (Action("Pause", "pause"), Action("Schedule", "schedule"), Action("Settings", "settings"))
WHEN = "Up to 5 cards at 09:00 on weekdays, UTC time. Next digest: Monday, 2 March at 09:00 (UTC)."
FULL = Home(
    Overview(DM, f"{WHEN}\nLearned from 3 votes.", MANAGES),
    topics=(
        Entry(
            Line("", "federated learning", detail="alerts at once"), Action("Drop", "unsubscribe", "federated learning")
        ),
        Entry(Line("", "surveys", detail="muted"), Action("Drop", "unsubscribe", "surveys")),
    ),
    saved=tuple(
        Entry(
            Line(f"2603.0000{n}", f"Paper {n} <of> many", f"https://arxiv.org/abs/2603.0000{n}", "Ada Lovelace + 2"),
            Action("Remove", "unsave", f"2603.0000{n}"),
        )
        for n in range(3)
    ),
    kept=13,
    actions=(Action("Older", "saved", offset=10),),
    channels=(
        Overview(
            Place("slack", "C1", "T1", "ml-papers"),
            f"{WHEN}\nLearned from 12 votes by 4 members. Topics: “graphs”.",
            MANAGES,
        ),
        Overview(
            Place("slack", "C2", "T1", "theory"),
            "I can't post here: the channel was archived. Invite me again, and all is as it was.\n"
            "Learned from 0 votes by 0 members. Topics: none yet.",
        ),
    ),
    left_out=3,
)
FIRST = Home(
    Overview(DM, "I bring the few new papers that you will like.\n• Send me a message, `subscribe federated learning`.")
)
SHOWN = {
    "modal_schedule": views.modal(SCHEDULE, Origin("C1")),
    "modal_settings": views.modal(SETTINGS, Origin("C1", home=True)),
    "modal_told": views.notice("Paperboy", "Done: hour is 10:00. `/papers pause` stops it.", "/kiosk"),
    "home": views.home(FULL, "Paused. Everything is kept."),
    "home_first": views.home(FIRST, command="/kiosk"),
}

anything = st.one_of(st.text(max_size=40), st.sampled_from([HOSTILE, "x" * 5_000, "😀" * 2_500, " ", "", "a" * 76]))
actions = st.builds(Action, anything, anything, anything, st.integers())
places = st.builds(Place, st.just("slack"), anything, anything, anything, st.sampled_from(PlaceKind))
lines = st.builds(Line, anything, anything, anything, anything, anything)
entries = st.lists(st.builds(Entry, lines, actions), max_size=60).map(tuple)
overviews = st.builds(Overview, places, anything, st.lists(actions, max_size=40).map(tuple))
fields = st.builds(FormField, anything, anything, anything, st.lists(anything, max_size=130).map(tuple))
FORMS = [name for name, command in COMMANDS.items() if command.has_form]
forms = st.builds(
    Form,
    st.sampled_from(FORMS),
    anything,
    st.lists(fields, max_size=120).map(tuple),
)
homes = st.builds(
    Home,
    overviews,
    entries,
    entries,
    st.integers(0),
    st.lists(actions, max_size=40).map(tuple),
    st.lists(overviews, max_size=40).map(tuple),
    st.integers(0),
)


def sent(view: Mapping[str, Any], values: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {**view, "state": {"values": state(view["blocks"], dict(values or {}))}}


@given(homes, anything)
def test_slack_takes_any_home(shown: Home, note: str) -> None:
    view = views.home(shown, note)
    check_view(view, ("home",))
    assert len(Block.parse_all(view["blocks"])) == len(view["blocks"])


@given(forms, anything)
def test_slack_takes_any_form_and_sends_it_back_as_it_was(form: Form, address: str) -> None:
    view = views.modal(form, Origin(address[:200], home=True))
    check_view(view)
    if "submit" not in view:
        assert form.fields == ()
        return
    filled, origin = views.submitted_form(sent(view), COMMANDS)
    assert origin == Origin(address[:200], home=True)
    assert filled.before == filled.now
    assert set(filled.blocks.values()) <= {block["block_id"] for block in view["blocks"]}


@given(anything, anything)
def test_slack_takes_any_words_in_a_modal(title: str, text: str) -> None:
    check_view(views.notice(title, text))


def test_what_was_typed_and_chosen_is_read_under_the_fields_names() -> None:
    view = views.modal(SCHEDULE, Origin("C1"))
    filled, origin = views.submitted_form(sent(view, {"0:hour": "5pm", "3:count": "7"}), COMMANDS)
    assert filled.command == "schedule"
    assert filled.before == {"hour": "09:00", "days": "weekdays", "zone": "Europe/Berlin", "count": "5"}
    assert filled.now == {**filled.before, "hour": "5pm", "count": "7"}
    assert origin == Origin("C1")
    assert views.field_error("hour", filled, "That is no time.") == {"0:hour": "That is no time."}
    assert views.field_error("bar", filled, "That is no share.") is None


@pytest.mark.parametrize(
    "view",
    [
        {},
        {"private_metadata": ""},
        {"private_metadata": "[1]", "state": {}, "blocks": []},
        {"private_metadata": '["C1", false]', "state": {"values": {}}, "blocks": [{"type": "input"}]},
        {"private_metadata": '["C1", false]', "state": None, "blocks": None, "callback_id": "x"},
        {"private_metadata": 3},
        {"private_metadata": '["C1", false]', "state": {"values": {}}, "blocks": [], "callback_id": "forget"},
    ],
)
def test_a_modal_of_another_time_is_told_apart(view: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="another time"):
        views.submitted_form(view, COMMANDS)


def test_field_with_a_value_too_long_for_a_menu_is_text_and_an_outdated_choice_stays() -> None:
    long = FormField("style", "how", "a", ("a", "b" * 76))
    gone = FormField("style", "how", "old", ("a", "b"))
    [typed, chosen] = [views.modal(Form("settings", "S", (each,)), Origin("C1"))["blocks"][0] for each in (long, gone)]
    assert typed["element"]["type"] == "plain_text_input"
    assert [each["value"] for each in chosen["element"]["options"]] == ["a", "b", "old"]
    assert chosen["element"]["initial_option"]["value"] == "old"


def test_every_press_on_the_home_tab_says_where_and_what() -> None:
    buttons = [
        each
        for block in views.home(FULL)["blocks"]
        for each in [block.get("accessory"), *block.get("elements", [])]
        if each and each["type"] == "button"
    ]
    pressed = [views.action_of(each) for each in buttons]
    assert pressed[:4] == [
        *[("", Action("", each.command)) for each in MANAGES],
        ("", Action("", "unsubscribe", "federated learning")),
    ]
    assert pressed[-3:] == [("C1", Action("", each.command)) for each in MANAGES]
    [menu] = [
        each
        for block in views.home(FULL)["blocks"]
        for each in block.get("elements", [])
        if each["type"] == "static_select"
    ]
    assert views.action_of({"selected_option": menu["options"][1]}) == ("", Action("", "unsave", "2603.00001"))


def test_a_press_says_the_same_when_slack_has_escaped_what_it_holds() -> None:
    entry = Entry(Line("", "R&D <3"), Action("Unsubscribe", "unsubscribe", "R&D <3"))
    [block] = [block for block in views.home(replace(FULL, topics=(entry,)))["blocks"] if "accessory" in block]
    held = block["accessory"]["value"].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert views.action_of({"value": held}) == ("", replace(entry.action, label=""))


@pytest.mark.parametrize(
    "told", [{}, {"value": ""}, {"value": "[]"}, {"value": '["C1","x"]'}, {"selected_option": None}]
)
def test_a_press_of_another_time_is_none(told: dict[str, Any]) -> None:
    assert views.action_of(told) is None


def test_a_channel_is_named_by_slack_which_knows_who_may_know_it() -> None:
    view = views.home(FULL)
    assert not any("ml-papers" in text for _, text in texts(view["blocks"]))
    assert '{"type": "channel", "channel_id": "C1"' in json.dumps(view)


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_what_slack_gets_is_as_it_was_looked_at(name: str) -> None:
    """After a change that is meant, `python -m tests.platforms.slack.test_views` writes them anew."""
    assert SNAPSHOTS.kept(name) == SHOWN[name]


if __name__ == "__main__":
    SNAPSHOTS.keep(SHOWN)
