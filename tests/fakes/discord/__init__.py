"""Discord, played by one real server on the loopback: REST, the gateway's websocket, and the people who use it.

    async with FakeDiscord(clock=clock) as fake:
        lab = fake.guild("lab")                                # bot=False: not invited; rights=: what the invite gave
        ml = lab.text("ml-papers")                             # or lab.announcements(name)
        posts = lab.forum("papers", ("NLP", "Vision"), require_tag=True)
        thread = ml.thread("reading group", archived=False, locked=False)
        ada = lab.member("ada", manager=True)                  # a manager has MANAGE_GUILD and moderates
        with fake.spoken_to():                                 # discord.py's own addresses are put back afterwards
            await client.start(fake.token)

Doors: `fake.api` (`discord.http.Route.BASE`), `fake.gateway_url` (`DiscordWebSocket.DEFAULT_GATEWAY`), `fake.token`,
`fake.application`, `fake.bot`. Ids are snowflakes of the clock, as text; guilds fall to the shards in turn.

What a person does changes the world, tells the bot, and is done when the events have left:

    await ada.reacts(message, "👍", burst=False); await ada.unreacts(message, "👍")
    await ada.clears(message); await ada.clears_emoji(message, lab.emoji("paper"))
    await ada.writes(ml, "hello", answering=None); await ada.mentions(ml, "today"); await ada.sends_dm("today")
    await ada.sends_dm("teach", Upload("papers.bib", b"…"))    # files go with any message
    await ada.removes(message); await ada.renames(ml, "x"); await ada.deletes(ml)
    await ada.archives(thread, locked=False); await ada.unarchives(thread)
    await ada.denies(ml, Right.SEND_MESSAGES); await ada.allows(ml, Right.SEND_MESSAGES)
    await lab.outage(); await lab.recovers(); await lab.removes_bot(); await lab.adds_bot()
    await lab.times_bot_out(until); await lab.times_bot_out(None)
    await lab.grants(lab.bot_role, Right.SEND_MESSAGES); await lab.gives_bot(lab.role("posters", Right.SEND_MESSAGES))

What a person asks is awaited until the bot's first answer, or `fake.answer_within` real seconds (3.0), and gives the
`Interaction` (`.response`, `.original`, `.answers`, `.deferred`, `.failed`). What their client would not let them do
(a command that is not registered there, a disabled button, a value too long) raises LookupError or ValueError:

    await ada.says(ml, "papers", query="federated")            # a slash command; "papers add" where it has subcommands,
                                                               # file=Upload("papers.bib", b"…") for an attachment
    await ada.types(ml, "papers", "fed")                       # the choices that complete it
    await ada.chooses("More like this", message)               # from a message's context menu
    await ada.presses(message, custom_id); await ada.picks(message, custom_id, "value")
    await ada.submits(ada.modals[-1], {"time": "09:00"})
    fake.installs = {0}                                        # the app's Installation page: servers alone
    ada.installed = True                                       # for herself: commands also where the bot is not

What a person sees: `ml.visible`, `ml.threads`, `ada.dm.visible`, `ada.answers` (what she alone sees), `ada.modals`,
`ada.errors`. A message has `.words`, `.custom_ids`, `.pings` (whose bell it rang), `.reactions`, `.flags`, `.files`.
What the bot does later: `await fake.until(lambda: ml.visible)` gives what the condition gave, as soon as it is true.

Gateway: `await fake.gateway.connected(n)`, `fake.gateway.identified`, `.resumed`, `.opened`, `.sessions`, `.shards`;
`await fake.gateway.reconnect()` (opcode 7), `await fake.gateway.invalidate(resumable=False)`,
`fake.gateway.forget()` (the next RESUME fails), `await fake.gateway.close(4000)`, `fake.gateway.drop()` (abruptly),
`fake.gateway.refuse(times, status=503)`, `fake.gateway.acks = False`, `fake.privileged = Intent.MESSAGE_CONTENT`.

Trouble, by the names of Discord's routes (create_message, get_reactions, create_interaction_response…; `*`: all):

    fake.faults.status("create_message", 502, accepted=True)   # does it, then fails; times=1, channel=ml.id
    fake.faults.status(name, 403); fake.faults.proxy(name, 403, {"error": "blocked"})   # not Discord's own answers
    fake.faults.lose_reply(name); fake.faults.lose_request(name); fake.faults.error(name, 50013)
    fake.faults.limit(name, retry_after=0.1, everywhere=False, via=True)
    gate = fake.faults.hang(name, accepted=False); gate.set()
    await fake.goes_away(); await fake.comes_back()            # nobody reaches it, REST or gateway
    fake.rates.on = True                                       # buckets and the global limit, by the clock
    fake.nonces.last = timedelta(minutes=3)                    # how long a nonce is remembered

Recorded: `fake.calls`, `fake.calls_to("create_message")`, `fake.invalid` (answered 401, 403 or 429; more than
`fake.most_invalid` and Cloudflare keeps the bot out), `fake.unknown` (what it does not know),
`fake.commands.registered`, `.names`, `.syncs`. Somebody who wants no DMs: `ada.user.takes_dms = False`.
"""

from tests.fakes.discord.asked import Interaction, Modal
from tests.fakes.discord.bits import Intent, Right
from tests.fakes.discord.message import Message
from tests.fakes.discord.people import Member
from tests.fakes.discord.server import FakeDiscord
from tests.fakes.discord.values import Call, Json, Refused, Upload
from tests.fakes.discord.world import Channel, Guild, User

__all__ = [
    "Call",
    "Channel",
    "FakeDiscord",
    "Guild",
    "Intent",
    "Interaction",
    "Json",
    "Member",
    "Message",
    "Modal",
    "Refused",
    "Right",
    "Upload",
    "User",
]
