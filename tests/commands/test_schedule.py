"""The commands schedule and settings, as text and as forms."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.registry import COMMANDS
from bot.model.commands import command_from_form
from tests.support.harness import BEN, BotHarness
from tests.support.saying import DM, HOSTILE

FORMS = [name for name, command in COMMANDS.items() if command.has_form]


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("hour", "7.30", "07:30"),
        ("days", "mon wed", "mon,wed"),
        ("zone", "Berlin", "Europe/Berlin"),
        ("count", "3", 3),
        ("bar", "40%", 0.4),
        ("bar", "0", 0.0),
        ("guess", "Off", False),
    ],
)
@pytest.mark.parametrize("form", ["settings {} {}", "settings {}={}", "settings {}: {}", "schedule {} = {}"])
async def test_every_setting_is_set_in_every_form(
    harness: BotHarness, form: str, name: str, value: str, kept: object
) -> None:
    reply = await harness.say(form.format(name, value))
    assert reply.ok, reply.text
    assert getattr(await harness.channel(), name) == kept
    assert f"• {name} " in (await harness.say("settings")).text


async def test_the_name_of_a_setting_alone_shows_it(harness: BotHarness) -> None:
    reply = await harness.say("settings count")
    assert reply.text.startswith("count is 5: cards at most. It is one of 1, 2, 3,")
    assert (await harness.say("settings Hour")).text.endswith("`/papers settings hour …` changes it.")
    assert not (await harness.say("settings hour=")).ok, "an emptied field of a form is refused"


async def test_several_settings_are_set_at_once_or_not_at_all(harness: BotHarness) -> None:
    assert not (await harness.say("settings hour=10:00 bar=2")).ok
    assert (await harness.channel()).hour == "09:00"
    assert (await harness.say("settings hour=10:00 days=mon,fri zone=Asia/Tokyo count=9 bar=0.5 guess=off")).ok
    channel = await harness.channel()
    assert (channel.hour, channel.days, channel.zone, channel.count) == ("10:00", "mon,fri", "Asia/Tokyo", 9)
    assert (channel.bar, channel.guess) == (0.5, False)


async def test_only_who_may_change_a_channel_is_offered_a_form(harness: BotHarness) -> None:
    for command in FORMS:
        assert (await harness.say(command)).form
        assert (await harness.say(command, BEN)).form is None
        assert (await harness.say(command, BEN, DM)).form


async def test_the_forms_have_every_setting_once_and_fit_the_narrowest_platform(harness: BotHarness) -> None:
    forms = [form for command in FORMS if (form := (await harness.say(command)).form)]
    assert [form.command for form in forms] == list(FORMS)
    names = [field.name for form in forms for field in form.fields]
    assert sorted(names) == sorted(line.split()[1] for line in (await harness.say("settings")).text.split("\n")[1:])
    assert [name for form in forms for name in [field.name for field in form.fields][5:]] == []
    assert max(len(field.label) for form in forms for field in form.fields) <= 45
    assert max(len(form.title) for form in forms) <= 24


async def test_a_refused_form_names_the_wrong_field(harness: BotHarness) -> None:
    for name, value in {
        "hour": "25",
        "days": "someday",
        "zone": "Berlni",
        "count": "99",
        "bar": "2",
        "guess": "x",
    }.items():
        reply = await harness.say(f"schedule count=3 {name}={value}")
        assert (reply.ok, reply.field) == (False, name)
    assert (await harness.channel()).count == 5


async def test_a_changed_schedule_says_when_the_next_digest_comes(harness: BotHarness) -> None:
    assert "Next digest: Monday, 2 March at 10:30 (UTC)." in (await harness.say("schedule hour=10:30")).text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    command=st.sampled_from(FORMS),
    filled=st.dictionaries(
        st.sampled_from(["hour", "days", "zone", "count", "bar", "guess", "nonsense"]),
        st.one_of(
            st.text(max_size=30), st.sampled_from([HOSTILE, "9", "mon", "New York", "bar=0.1", "0.5 hour 7", "on"])
        ),
        min_size=1,
    ),
)
async def test_any_form_input_is_set_or_refused_and_the_form_stays_valid(
    harness: BotHarness, command: str, filled: dict[str, str]
) -> None:
    line = command_from_form(command, {}, filled)
    before = await harness.channel()
    assert not (await harness.say(line, BEN)).ok
    assert await harness.channel() == before
    reply = await harness.say(line)
    assert reply.ok or reply.field in {"", "hour", "days", "zone", "count", "bar", "guess"}
    assert reply.ok or await harness.channel() == before
    for each in FORMS:
        form = (await harness.say(each)).form
        assert form
        whole = command_from_form(each, {}, {field.name: field.value for field in form.fields})
        assert (await harness.say(whole)).ok, whole
