"""Slack, played by one real server on the loopback: Web API, Socket Mode, signed HTTP, and the people who use it.

    async with FakeSlack(clock=clock) as slack:
        lab = slack.workspace("T1", name="lab")                # installed; lab.bot_token, lab.bot_user, lab.bot_id
        ml = lab.channel("C1", name="ml-papers")               # private=, archived=, bot=False: not a member
        ada = lab.member("U1", name="ada", admin=True)         # owner=, bot=
        client = AsyncWebClient(lab.bot_token, base_url=slack.api)
        app = AsyncApp(client=client, signing_secret=slack.signing_secret)
        handler = AsyncSocketModeHandler(app, slack.app_token)
        await handler.connect_async()

Doors: `slack.url`, `slack.api` (base_url), `slack.app_token`, `slack.signing_secret`, `slack.client_id`,
`slack.client_secret`, `slack.app_id`. With `slack.listener = "http://…/slack/events"` everything is posted there,
signed, instead of going through a socket.

What a person does is awaited until the bot acknowledged it (or every try failed) and gives the `Delivery`s:

    await ada.says("/papers", "federated", ml)                 # a slash command
    await ada.reacts(ml, ts, "+1::skin-tone-4"); await ada.unreacts(ml, ts, "+1::skin-tone-4")
    await ada.mentions(ml, "today", thread_ts=None)            # the bot's mention is put before the text
    await ada.sends_dm("federated", files={"a.bib": b"…"})     # in ada.dm, a Channel; files= also when she mentions
    await ada.writes(ml, "hello")                              # a message of hers; gives its ts, tells the bot nothing
    await ada.presses(ml, ts, "paper_more", value=None, block_id=None)     # also on an ephemeral's ts
    await ada.presses_in(view, "schedule_days", value=None)    # in a modal or the home tab
    await ada.chooses("similar", ml, ts)                       # a message shortcut, by its callback_id
    await ada.chooses("settings")                              # a global shortcut
    await ada.opens_home()
    await ada.submits(view, {"time": "09:00"})                 # values by action_id or block_id
    await ada.closes(view)                                     # view_closed, when it asked for notify_on_close
    await ada.invites_bot(ml); await ada.removes_bot(ml)
    await ada.archives(ml); await ada.unarchives(ml); await ada.renames(ml, "x"); await ada.deletes_channel(ml)
    ada.makes_private(ml); ada.deletes(ml, ts)
    await lab.uninstalls(); await lab.revokes_tokens(); lab.reinstalls()
    code = lab.grants()                                        # the code for the OAuth callback (oauth.v2.access)

What a person sees: `ml.visible` (`Message`s), `ml.message(ts)`, `ada.ephemeral`, `ada.modals`, `ada.home`,
`ada.errors` ("operation_timeout"). Work that the bot does after its acknowledgement: `await slack.until(lambda:
ada.ephemeral)` returns what the condition gave, as soon as it is true.

Trouble:

    slack.faults.lose_reply("chat.postMessage")                # does it, then hangs up; times=1, channel=, workspace=
    slack.faults.lose_request(m); slack.faults.status(m, 503); slack.faults.error(m, "fatal_error", accepted=True)
    slack.faults.limit(m, retry_after=3)                       # one 429
    gate = slack.faults.hang(m, accepted=False); gate.set()    # answers never, or when the gate opens
    await slack.goes_away(); await slack.comes_back()          # nobody reaches it, Web API or sockets
    slack.rates.on = True                                      # real rates, by the clock: 429 with Retry-After
    lab.scopes.discard("chat:write"); slack.app_scopes.clear() # missing_scope

Delivery: `slack.ack_within` (real seconds, 3.0), `slack.retries` (3, without waiting in between),
`slack.subscribed` (event names), `slack.twice = True` (each event twice), `await slack.again(delivery)` (once more),
`with slack.holding() as held:` keeps events back and `await slack.release(reversed(held))` lets them go in any order,
late or never; `slack.deliveries` has all, `await slack.retry_unacked()` is Slack's hourly retry after an outage.

Sockets: `slack.sockets.connections`, `await slack.sockets.connected(n)`,
`await slack.sockets.disconnect("warning" | "refresh_requested" | "link_disabled")`, `slack.sockets.drop()` (abruptly).
HTTP: `await slack.verifies_url()`, and `slack.stamp` (the clock of the signatures, `time.time`).

Recorded: `slack.calls` (every Web API call), `slack.calls_to("chat.postMessage")`, `slack.unknown` (methods that it
does not know), `slack.response_urls` (posts to them).
"""

from tests.fakes.slack.people import Member
from tests.fakes.slack.server import FakeSlack
from tests.fakes.slack.values import Call, Delivery, Ephemeral, Json, Message, Refused, Try, View
from tests.fakes.slack.world import Channel, Workspace

__all__ = [
    "Call",
    "Channel",
    "Delivery",
    "Ephemeral",
    "FakeSlack",
    "Json",
    "Member",
    "Message",
    "Refused",
    "Try",
    "View",
    "Workspace",
]
