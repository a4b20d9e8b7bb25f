"""Every verb that can be said, well and badly, by whoever may and may not say it."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.channels import grammar
from bot.channels.values import FORMS, Action, Asker, Kind, Place, Reply
from bot.channels.vocabulary import VERBS
from bot.platforms.base import AccessLost, Rejected
from bot.store import saved, votes
from bot.store.database import Store, StoreBusy
from bot.store.states import ChannelState
from recommender import Hit, Recommender
from tests.fakes.clock import Clock
from tests.house import ADA, BEN, PLACE, House, demo_papers, house_over, paper

PAPERS = demo_papers()[:40]
KNOWN = PAPERS[0]
DM = Place("fake", "ben", kind=Kind.DIRECT)
HOSTILE = "`/papers pause` <!channel> @everyone **b** [x](javascript:1) \u202e\u200b\x1b[31m\n\nnext"
_ENOUGH = {"teach": KNOWN.id, "schedule": "10:00", "export": "", "pause": "", "resume": ""}
_ABOUT_A_PAPER = ["similar", "why", "abstract", "more", "less", "save", "unsave", "submit"]


async def press(house: House, action: Action, asker: Asker = ADA) -> Reply:
    return await house.app.desk.act(PLACE, asker, action)


def button(reply: Reply, label: str) -> Action:
    [found] = [action for action in reply.actions if action.label == label]
    return found


async def test_an_empty_line_tells_what_can_be_done_and_how_things_stand(house: House) -> None:
    await house.say("subscribe federated learning")
    await house.say(f"more {KNOWN.id}")
    text = (await house.say("")).text
    assert "Next digest: Monday, 2 March at 09:00 (UTC)." in text
    assert "Learned from 1 vote by 1 member." in text
    assert "Topics: “federated learning”." in text
    for name, verb in VERBS.items():
        assert (f"• `/papers {verb.usage}`: {verb.does}" in text) == verb.listed, name


async def test_help_in_a_paused_channel_says_how_to_go_on(house: House) -> None:
    await house.say("pause")
    assert "paused; `/papers resume` begins the digests" in (await house.say("help")).text


@pytest.mark.parametrize(
    "line",
    [
        "help",
        "search federated",
        "today",
        "trending month",
        "subscribe graphs",
        "topics",
        f"similar {KNOWN.id}",
        f"why https://arxiv.org/abs/{KNOWN.id}v2",
        f"abstract {KNOWN.title}",
        f"more {KNOWN.title[:40]}",
        f"less {KNOWN.id}",
        f"save {KNOWN.id}",
        f"unsave {KNOWN.id}",
        "saved",
        f"teach {KNOWN.id}",
        f"submit {KNOWN.id}",
        "taste",
        "stats",
        "schedule",
        "schedule 10:00 Berlin",
        "pause",
        "resume",
        "settings",
        "settings bar 0.4",
        "forget me",
        "export",
    ],
)
async def test_every_verb_answers(house: House, line: str) -> None:
    reply = await house.say(line)
    assert reply.ok, reply.text
    assert reply.text
    assert not reply.public


@pytest.mark.parametrize("verb", _ABOUT_A_PAPER)
async def test_a_missing_or_unknown_paper_is_told_with_the_mend(house: House, verb: str) -> None:
    for argument in ("", "2699.99999", "no such thing at all", "x" * 90_000, HOSTILE):
        reply = await house.say(f"{verb} {argument}")
        assert not reply.ok
        assert "id" in reply.text
        assert len(reply.text) < 300
        assert "`" not in reply.text
        assert reply.text.isprintable()


@pytest.mark.parametrize(
    ("line", "mend"),
    [
        ("search", "`/papers federated learning`"),
        ("subscribe", "`/papers subscribe federated learning`"),
        ("subscribe -", "`/papers subscribe federated learning`"),
        ("subscribe " + "x" * 201, "at most 200 characters"),
        ("unsubscribe graphs", "follows no topics"),
        ("trending decade", "`/papers trending day`"),
        ("today robots", "`/papers search today robots`"),
        ("teach", "`/papers teach 1602.05629 1912.04977`"),
        ("teach hello there", "Give arXiv ids"),
        ("saved pdf", "`/papers saved bib`"),
        ("forget him", "`/papers forget me`"),
        ("schedule 25:00", "it looks like 09:00"),
        ("settings volume 11", "hour, days, zone, count, bar, guess, style"),
        ("settings style loud", "cards, thread or compact"),
        ("settings style " + "x" * 50_000, "cards, thread or compact"),
        ("settings bar", "from 0"),
        ("settings bar nan", "from 0"),
        ("settings bar 101%", "from 0"),
        ("settings guess perhaps", "on or off"),
        ("settings guess " + "x" * 50_000, "on or off"),
        ("settings count=0", "from 1 to 10"),
        ("schedule hour=25:00", "it looks like 09:00"),
    ],
)
async def test_bad_input_gets_one_clear_message_and_changes_nothing(house: House, line: str, mend: str) -> None:
    await house.say(f"save {KNOWN.id}")
    before = await house.channel()
    reply = await house.say(line)
    assert not reply.ok
    assert mend in reply.text
    assert len(reply.text) < 600
    assert await house.channel() == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    verb=st.sampled_from(sorted(VERBS)),
    argument=st.one_of(
        st.text(max_size=80), st.sampled_from([HOSTILE, KNOWN.id, "-", "0", "9" * 400, "a=b", "$\\frac"])
    ),
    offset=st.sampled_from([0, -5, 3, 499, 10**9, 2**70]),
    share=st.booleans(),
)
async def test_no_button_and_no_line_ever_raises(
    house: House, verb: str, argument: str, offset: int, share: bool
) -> None:
    action = Action("x", "share", f"{verb} {argument}", offset) if share else Action("x", verb, argument, offset)
    for reply in (await press(house, action), await house.say(f"{verb} {argument}")):
        assert reply.text
        assert not any(char in reply.text for char in "\u202e\u200b\x1b")
        assert "`/papers pause` <!channel>" not in reply.text


# -- who may


@pytest.mark.parametrize("verb", sorted(name for name, verb in VERBS.items() if verb.managers))
async def test_what_changes_the_channel_is_for_managers_and_whoever_invited_the_bot(house: House, verb: str) -> None:
    line = f"{verb} {_ENOUGH.get(verb, 'graphs')}"
    before = await house.channel()
    refused = await house.say(line, BEN)
    assert not refused.ok
    assert "for whoever invited me" in refused.text
    assert await house.channel() == before
    assert "managers" not in (await house.say(line, Asker("ada"))).text, "ada invited the bot"
    assert "managers" not in (await house.say(line, Asker("zoe", manager=True))).text
    assert "managers" not in (await house.say(line, BEN, DM)).text


async def test_looking_at_schedule_and_settings_is_open_to_all(house: House) -> None:
    assert (await house.say("schedule", BEN)).ok
    assert (await house.say("settings", BEN)).ok
    assert not (await house.say("settings bar 0.1", BEN)).ok
    assert not (await house.say("schedule bar=0.1", BEN)).ok


async def test_in_private_a_topic_begins_digests(house: House) -> None:
    assert (await house.channel()).state is ChannelState.ACTIVE
    assert (await house.say("subscribe federated", BEN, DM)).ok
    assert (await house.channel(DM)).state is ChannelState.ACTIVE
    other = Place("fake", "c9", name="other")
    await house.say("topics", place=other)
    assert (await house.channel(other)).state is ChannelState.PAUSED, "nobody invited the bot there"


# -- search and paging


async def test_a_search_is_paged_to_its_end(house: House) -> None:
    reply, seen = await house.say("search learning"), []
    while any(action.label == "More" for action in reply.actions):
        seen += [line.paper_id for line in reply.lines]
        more = button(reply, "More")
        reply = await press(house, more)
    seen += [line.paper_id for line in reply.lines]
    assert len(seen) == len(set(seen)) > 10
    assert (await press(house, Action("More", "search", "learning", 500))).text.endswith("That was all.")


@pytest.mark.parametrize("line", ["similar " + KNOWN.id, "saved", "search learning for us"])
@pytest.mark.parametrize("offset", [9_999, 2**70])
async def test_past_the_end_of_a_list_it_is_said_that_it_was_all(house: House, line: str, offset: int) -> None:
    await house.say(f"save {KNOWN.id}")
    verb, _, argument = line.partition(" ")
    assert (await press(house, Action("More", verb, argument, offset))).text.endswith("That was all.")


async def test_a_negative_offset_is_the_beginning(house: House) -> None:
    first = await house.say("search learning")
    assert (await press(house, Action("More", "search", "learning", -7))).lines == first.lines


async def test_a_line_of_results_says_who_when_and_what_the_abstract_says_of_it(house: House) -> None:
    reply = await house.say("federated")
    for line in reply.lines:
        assert "\n" not in line.detail
        assert "\n" not in line.said
    assert "federated" in reply.lines[0].said.casefold()
    assert reply.lines[0].detail.split(" · ")[0]


async def test_a_query_of_ten_thousand_words_is_answered_shortly(house: House) -> None:
    reply = await house.say("learning after:never " * 5_000)
    assert reply.ok
    assert len(reply.text) < 600


async def test_a_paper_that_was_here_says_when_and_how_it_was_liked(house: House) -> None:
    await house.say(f"submit {KNOWN.id}")
    await house.react(KNOWN.id, "👍", member="ada")
    await house.react(KNOWN.id, "🔥", member="ben")
    [line] = [one for one in (await house.say(f"search {KNOWN.title}")).lines if one.paper_id == KNOWN.id]
    assert line.detail.endswith("posted 2 Mar, 2 👍")


async def test_trending_puts_a_reaction_here_above_upvotes(house: House) -> None:
    assert "none has upvotes" in (await house.say("trending")).text
    await house.list_papers([paper(1, "Upvoted by the world", upvotes=4), paper(2, "Upvoted a little", upvotes=1)])
    await house.say(f"more {KNOWN.id}")
    lines = (await house.say("trending day")).lines
    assert [line.paper_id for line in lines] == [KNOWN.id, "2603.00001", "2603.00002"]


@pytest.mark.parametrize("title", ["GPT-4", "Naïve Bayes, again!", "Crème de la crème of pillows, and their softness"])
async def test_a_title_names_its_paper_whatever_its_length_and_accents(house: House, title: str) -> None:
    await house.list_papers([paper(7, title, "About nothing else.")])
    for said in (title, title.upper(), title.replace("ï", "i").replace("è", "e")):
        reply = await house.say(f"save {said}")
        assert reply.ok, reply.text


# -- share


@pytest.mark.parametrize("line", ["search learning", "today", f"similar {KNOWN.id}", "trending month"])
async def test_share_shows_the_same_to_all(house: House, line: str) -> None:
    await house.say(f"more {KNOWN.id}")
    private = await house.say(line)
    shared = await press(house, button(private, "Share"), BEN)
    assert shared.public
    assert (shared.text, shared.lines, shared.cards) == (private.text, private.lines, private.cards)
    assert shared.actions == ()
    alone = await house.say(line, BEN, DM)
    assert "Share" not in [action.label for action in alone.actions], "there is nobody to share it with"


@pytest.mark.parametrize("verb", sorted(name for name, verb in VERBS.items() if not verb.open))
async def test_what_is_private_or_acts_is_never_shared_nor_done_by_sharing(house: House, verb: str) -> None:
    await house.say(f"save {KNOWN.id}")
    await house.say(f"more {KNOWN.id}")
    before = await house.say("export")
    argument = {"forget": "me", "settings": "bar 0.1", "schedule": "10:00", "saved": "bib"}.get(verb, KNOWN.id)
    reply = await press(house, Action("Share", "share", f"{verb} {argument}"))
    assert not reply.public
    assert not reply.ok
    assert (reply.lines, reply.cards, reply.attachment) == ((), (), None)
    assert (await house.say("export")) == before
    async with house.store.read() as tx:
        assert await saved.of(tx, "fake", "", "ada")


async def test_a_failure_is_not_shared(house: House) -> None:
    reply = await press(house, Action("Share", "share", "similar nothing at all"))
    assert not reply.ok
    assert not reply.public


@pytest.mark.parametrize("verb", ["", "drop", "SEARCH", "__class__", "resume\n"])
async def test_a_button_from_another_time_says_so(house: House, verb: str) -> None:
    reply = await press(house, Action("x", verb, "y"))
    assert not reply.ok
    assert "`/papers help`" in reply.text


# -- topics


async def test_topics_are_followed_changed_muted_and_dropped(house: House) -> None:
    assert (await house.say("topics")).text.startswith("This channel follows no topics yet.")
    assert (await house.say("subscribe Federated  Learning")).text.startswith("Subscribed to “Federated Learning”.")
    assert (await house.say("subscribe federated learning alert")).text.startswith("Changed “Federated Learning”.")
    assert (await house.say("subscribe -survey")).text.startswith("Muted “survey”")
    text = (await house.say("topics")).text
    assert "• Federated Learning (alerts at once): brought nothing yet. It matches " in text
    assert "• survey: muted; " in text
    assert not (await house.say("unsubscribe robots")).ok
    assert "“Federated Learning”, “survey”" in (await house.say("unsubscribe")).text
    assert (await house.say("unsubscribe FEDERATED learning")).ok
    assert (await house.say("unsubscribe -survey")).ok
    assert "no topics" in (await house.say("topics")).text


async def test_a_channel_keeps_fifty_topics(house: House) -> None:
    for n in range(50):
        assert (await house.say(f"subscribe topic{n}")).ok
    assert not (await house.say("subscribe one too many")).ok
    assert (await house.say("subscribe topic7 alert")).ok, "those it has may still be changed"


# -- teach, saved


BIB = f"""@misc{{a, title={{A paper that nobody here has ever heard of}}, author={{Noether, Emmy}}}}
@misc{{b, title={{Vandalised}}, eprint={{{KNOWN.id}}}, abstract={{{"spam " * 2_000}}}}}
@misc{{c, year=1999}}"""


async def test_teach_learns_from_ids_links_and_bibtex_and_names_what_it_could_not_read(house: House) -> None:
    reply = await house.say(f"teach {BIB}")
    assert reply.text.startswith("Learned from 2 papers")
    assert "Skipped: “c” has no title and no id." in reply.text
    assert "Learned from 2 votes by 1 member" in (await house.say("taste")).text
    told = await house.say(f"abstract {KNOWN.id}")
    [card] = told.cards
    assert (card.title, card.summary) == (KNOWN.title, ""), "the abstract is said once"
    assert "spam" not in told.text, "what its source told of it stays"


async def test_taught_ids_that_nobody_can_look_up_are_told(house: House) -> None:
    reply = await house.say(f"teach 2601.00001 {KNOWN.id} https://arxiv.org/abs/2601.00002")
    assert reply.ok
    assert "I could not find 2601.00001, 2601.00002." in reply.text
    reply = await house.say("teach 2601.00001")
    assert not reply.ok
    assert "try again" in reply.text


async def test_a_taught_entry_that_ties_two_papers_together_leaves_one(house: House) -> None:
    title = "A long and telling title of a paper by itself"
    await house.say(f"teach @misc{{x, title={{{title}}}}}")
    before = len(house.app.library.engine)
    await house.say(f"teach @misc{{x, title={{{title}}}, eprint={{2601.00001}}}}")
    assert len(house.app.library.engine) == before
    assert [line.title for line in (await house.say(f"search {title}")).lines][:1] == [title]


async def test_saved_papers_are_the_askers_own_and_come_as_bibtex_that_can_be_taught(house: House) -> None:
    for one in PAPERS[:12]:
        await house.say(f"save {one.id}", BEN)
    assert "nothing yet" in (await house.say("saved", ADA)).text
    first = await house.say("saved", BEN)
    assert len(first.lines) == 10
    rest = await press(house, button(first, "More"), BEN)
    assert len(rest.lines) == 2
    assert not rest.actions
    bib = (await house.say("saved bib", BEN)).attachment
    assert bib is not None
    assert (await house.say(f"teach {bib.content}")).text.startswith("Learned from 12 papers")
    assert (await house.say(f"save {PAPERS[0].id}", BEN)).text.endswith("no longer among your saved papers.")
    assert "11 in all" in (await house.say("saved", BEN)).text


# -- submit


async def test_a_submitted_paper_is_a_card_once(house: House) -> None:
    assert (await house.say(f"submit {KNOWN.id}")).text == "Posted."
    [shown] = house.chat.shown["c1"]
    assert shown.message.card
    assert shown.message.text == "A member put this before the channel:"
    again = await house.say(f"submit {KNOWN.id}")
    assert not again.ok
    assert "has been here already" in again.text


async def test_where_nobody_invited_it_a_manager_lets_it_begin_and_is_who_is_told_of_trouble(house: House) -> None:
    place = Place("fake", "c9", name="new")
    begun = await house.say("resume", place=place)
    assert begun.text.startswith("I begin here. Up to 5 cards at 09:00")
    assert (await house.channel(place)).owner == ADA.member
    await house.say("pause", place=place)
    assert (await house.say("resume", place=place)).text.startswith("Welcome back.")


@pytest.mark.parametrize(
    ("error", "told"), [(Rejected("too odd"), "too odd"), (AccessLost("not invited"), "Invite me")]
)
async def test_a_submission_that_could_not_be_posted_says_so(house: House, error: Exception, told: str) -> None:
    def refuse(message: Any) -> None:
        raise error

    house.chat.before = refuse
    reply = await house.say(f"submit {KNOWN.id}")
    assert not reply.ok
    assert told in reply.text


# -- schedule and settings


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
async def test_every_setting_is_set_in_every_form(house: House, form: str, name: str, value: str, kept: object) -> None:
    reply = await house.say(form.format(name, value))
    assert reply.ok, reply.text
    assert getattr(await house.channel(), name) == kept
    assert f"• {name} " in (await house.say("settings")).text


async def test_several_settings_are_set_at_once_or_not_at_all(house: House) -> None:
    assert not (await house.say("settings hour=10:00 bar=2")).ok
    assert (await house.channel()).hour == "09:00"
    assert (await house.say("settings hour=10:00 days=mon,fri zone=Asia/Tokyo count=9 bar=0.5 guess=off")).ok
    channel = await house.channel()
    assert (channel.hour, channel.days, channel.zone, channel.count) == ("10:00", "mon,fri", "Asia/Tokyo", 9)
    assert (channel.bar, channel.guess) == (0.5, False)


async def test_only_who_may_change_a_channel_is_offered_a_form(house: House) -> None:
    for verb in FORMS:
        assert (await house.say(verb)).form
        assert (await house.say(verb, BEN)).form is None
        assert (await house.say(verb, BEN, DM)).form


async def test_the_forms_have_every_setting_once_and_fit_the_narrowest_platform(house: House) -> None:
    forms = [form for verb in FORMS if (form := (await house.say(verb)).form)]
    assert [form.verb for form in forms] == list(FORMS)
    names = [field.name for form in forms for field in form.fields]
    assert sorted(names) == sorted(line.split()[1] for line in (await house.say("settings")).text.split("\n")[1:])
    assert [name for form in forms for name in [field.name for field in form.fields][5:]] == []
    assert max(len(field.label) for form in forms for field in form.fields) <= 45
    assert max(len(form.title) for form in forms) <= 24


async def test_what_is_wrong_of_a_form_is_named(house: House) -> None:
    for name, value in {
        "hour": "25",
        "days": "someday",
        "zone": "Berlni",
        "count": "99",
        "bar": "2",
        "guess": "x",
    }.items():
        reply = await house.say(f"schedule count=3 {name}={value}")
        assert (reply.ok, reply.field) == (False, name)
    assert (await house.channel()).count == 5


async def test_a_changed_schedule_says_when_the_next_digest_comes(house: House) -> None:
    assert "Next digest: Monday, 2 March at 10:30 (UTC)." in (await house.say("schedule hour=10:30")).text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    verb=st.sampled_from(FORMS),
    filled=st.dictionaries(
        st.sampled_from(["hour", "days", "zone", "count", "bar", "guess", "nonsense"]),
        st.one_of(
            st.text(max_size=30), st.sampled_from([HOSTILE, "9", "mon", "New York", "bar=0.1", "0.5 hour 7", "on"])
        ),
        min_size=1,
    ),
)
async def test_whatever_is_typed_into_a_form_is_set_or_told_and_the_form_stays_one_that_can_be_sent(
    house: House, verb: str, filled: dict[str, str]
) -> None:
    line = grammar.filled(verb, {}, filled)
    before = await house.channel()
    assert not (await house.say(line, BEN)).ok
    assert await house.channel() == before
    reply = await house.say(line)
    assert reply.ok or reply.field in {"", "hour", "days", "zone", "count", "bar", "guess"}
    assert reply.ok or await house.channel() == before
    for each in FORMS:
        form = (await house.say(each)).form
        assert form
        whole = grammar.filled(each, {}, {field.name: field.value for field in form.fields})
        assert (await house.say(whole)).ok, whole


# -- forget, export


async def test_an_export_has_everything_as_json_lines(house: House) -> None:
    await house.say("subscribe federated alert")
    await house.say(f"submit {KNOWN.id}")
    await house.react(KNOWN.id, "👍")
    house.clock.now = house.clock.now.replace(hour=9)
    await house.beat()
    attachment = (await house.say("export")).attachment
    assert attachment is not None
    rows = [json.loads(line) for line in attachment.content.split("\n")[:-1]]
    kinds = [row["row"] for row in rows]
    assert kinds.count("channel") == kinds.count("topic") == kinds.count("vote") == 1
    assert kinds.count("delivery") == 2
    assert kinds.count("choice") == len(house.chat.shown["c1"]) - 2, "the cards of the digest, not its header"
    assert kinds.count("post") == len(house.chat.shown["c1"])
    assert {row["message"] for row in rows if row["row"] == "post"} == {one.id for one in house.chat.shown["c1"]}


async def test_forget_me_leaves_no_trace_and_says_so(store: Store, clock: Clock) -> None:
    house = house_over(store, clock)
    await house.list_papers(PAPERS[:5])
    await house.invite(by="benjamin-7")
    ben = Asker("benjamin-7", name="Benjamin the Seventh")
    await house.say(f"submit {KNOWN.id}", ben)
    await house.react(KNOWN.id, "👍", member="benjamin-7")
    for line in (f"save {KNOWN.id}", f"less {PAPERS[1].id}", f"teach {PAPERS[2].id}", "subscribe graphs"):
        assert (await house.say(line, ben)).ok
    await house.say("subscribe robots", ben, Place("fake", "benjamin-7", kind=Kind.DIRECT))
    reply = await house.say("forget me", ben)
    assert reply.text.startswith("Done: ")
    assert "deleted" in reply.text
    export = (await house.say("export", ADA)).attachment
    assert export is not None
    assert "benjamin" not in export.content.casefold()
    async with house.store.read() as tx:
        assert await saved.of(tx, "fake", "", "benjamin-7") == []
        assert await votes.of_channel(tx, (await house.channel()).id) == []


async def test_a_store_that_does_not_answer_is_told_kindly(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise StoreBusy("locked")

    monkeypatch.setattr(house.store, "read", busy)
    reply = await house.say("topics")
    assert not reply.ok
    assert "try again" in reply.text
    assert await house.app.desk.suggest(PLACE, "fed") == []
    assert "try again" in (await house.app.desk.about(PLACE, ADA, "why", "m1")).text
    assert "try again" in (await house.app.desk.home(DM, ADA)).mine.text


class _Broken(Recommender):
    """An index whose files went away under it."""

    def search(self, *args: Any, **kwargs: Any) -> list[Hit]:
        raise RuntimeError("the map is gone")


class _Slow(Recommender):
    """An index that answers only when somebody else could go on meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.others_went_on = threading.Event()
        self.asked: list[bool] = []

    def search(self, *args: Any, **kwargs: Any) -> list[Hit]:
        self.asked.append(self.others_went_on.wait(5))
        return []


async def test_whatever_breaks_is_answered_in_one_line_and_logged(house: House) -> None:
    house.app.library.engine = _Broken()
    with capture_logs() as logs:
        reply = await house.say("search federated")
        assert await house.app.desk.suggest(PLACE, "search federated") == []
    assert not reply.ok
    assert reply.text.startswith("That went wrong")
    assert "map" not in reply.text
    assert [log["log_level"] for log in logs] == ["error", "error"]
    assert (await house.say("topics")).ok, "and the next question is answered"


@pytest.mark.parametrize("line", ["search federated", "why federated nets", "suggest"])
async def test_a_slow_search_holds_nobody_else_up(house: House, line: str) -> None:
    house.app.library.engine = engine = _Slow()
    desk = house.app.desk
    asking = asyncio.create_task(desk.suggest(PLACE, "federated") if line == "suggest" else house.say(line))
    while not engine.asked and not asking.done():
        await asyncio.sleep(0)
        engine.others_went_on.set()
    await asking
    assert engine.asked == [True]


async def test_what_was_taught_can_be_taken_back(house: House) -> None:
    async def standing() -> set[str]:
        async with house.store.read() as tx:
            channel = await house.channel()
            return {vote.signal for vote in await votes.of_paper(tx, channel.id, KNOWN.id)}

    await house.say(f"teach {KNOWN.id}")
    assert (await house.say(f"more {KNOWN.id}")).text.startswith("Counted.")
    text = (await house.say(f"more {KNOWN.id}")).text
    assert text.startswith("Taken back")
    assert text.endswith("no longer counts, taught or voted.")
    assert await standing() == set()
    await house.say(f"teach {KNOWN.id}")
    await house.say(f"less {KNOWN.id}")
    assert (await house.say(f"less {KNOWN.id}")).text.endswith("no longer counts.")
    assert await standing() == set()


@pytest.mark.parametrize("query", ['""', "OR", "- -", "-OR", '"" alert'])
async def test_a_topic_without_a_word_is_refused_kindly(house: House, query: str) -> None:
    reply = await house.say(f"subscribe {query}")
    assert not reply.ok
    assert "As in `/papers subscribe federated learning`" in reply.text
    assert "no topics" in (await house.say("topics")).text


async def test_why_says_in_a_sentence_what_speaks_for_a_paper(house: House) -> None:
    await house.say(f"more {KNOWN.id}")
    assert "Here because you liked" in (await house.say(f"why {KNOWN.id}")).text
    await house.say("subscribe learning")
    texts = [(await house.say(f"why {one.id}")).text for one in PAPERS[1:] if "learning" in one.title.lower()]
    assert any("For it: your topic “learning”" in text for text in texts)
