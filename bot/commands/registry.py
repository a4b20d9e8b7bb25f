"""Every command with all its traits: nothing else in the product says what a command can do."""

from __future__ import annotations

from bot.commands import digest, help_text, members, names, schedule, search, stats, talk, taste, topics, undo, votes
from bot.commands.context import Command
from bot.model.commands import CardButton, CommandSet, MenuEntry

COMMANDS = CommandSet(
    [
        Command(names.HELP, "this list, and how things stand here", help_text.show, shareable=True),
        Command(
            f'{names.SEARCH} federated "differential privacy" cat:cs.LG author:mcmahan after:2025 -survey',
            "search; add `for us` to rank by this channel's taste",
            search.search,
            shareable=True,
            completes_titles=True,
            completes_queries=True,
            completes_topics=True,
        ),
        Command(names.TODAY, "today's digest, or as it would be now", search.today, shareable=True),
        Command(names.DIGEST, "post today's digest now", digest.post_digest, listed=False),
        Command(
            f"{names.TRENDING} [day|week|month]", "the most upvoted and most liked", search.trending, shareable=True
        ),
        Command(
            f"{names.SUBSCRIBE} federated learning [alert]",
            "rank a topic up; `-word` mutes one",
            topics.subscribe,
            managers_only=True,
            completes_queries=True,
            starts_digests=True,
        ),
        Command(
            f"{names.UNSUBSCRIBE} federated learning",
            "drop a topic",
            topics.unsubscribe,
            managers_only=True,
            completes_topics=True,
        ),
        Command("topics", "this channel's topics and what each brings", topics.show, shareable=True),
        Command(
            f"{names.SIMILAR} <paper>",
            "the papers nearest to one (an id, a link or a title)",
            search.similar,
            shareable=True,
            takes_paper=True,
            button=CardButton(4, "Similar", in_menu=True),
        ),
        Command(
            "why <paper>",
            "why it is, or is not, for this channel",
            taste.why,
            shareable=True,
            takes_paper=True,
            menu=MenuEntry(2, "Why this paper", "How well this message's paper fits this channel"),
        ),
        Command(
            "abstract <paper>",
            "the whole abstract",
            taste.abstract,
            shareable=True,
            takes_paper=True,
            shows_abstract=True,
            button=CardButton(5, "Abstract", in_menu=True),
        ),
        Command(
            f"{names.MORE} <paper or words>",
            "a vote for it, as 👍 on its card; or for what has these words",
            votes.more,
            takes_paper=True,
            answers_at_once=True,
            button=CardButton(1, "More like this"),
            menu=MenuEntry(1, "More like this", "Count this message's paper as liked here"),
            emoji="👍",
        ),
        Command(
            f"{names.LESS} <paper or words>",
            "a vote against it, as 👎 on its card; or against what has these words",
            votes.less,
            takes_paper=True,
            answers_at_once=True,
            button=CardButton(2, "Less"),
            emoji="👎",
        ),
        Command(names.UNDO, "take back your last vote here", undo.undo, alone=True, answers_at_once=True),
        Command(
            f"{names.SAVE} <paper>",
            "keep it for yourself",
            votes.save,
            takes_paper=True,
            answers_at_once=True,
            button=CardButton(3, "Save"),
        ),
        Command(
            f"{names.UNSAVE} <paper>",
            "keep it no longer",
            votes.unsave,
            listed=False,
            takes_paper=True,
            answers_at_once=True,
        ),
        Command(
            f"{names.SAVED} [bib|ris|zotero]", "what you keep, also as BibTeX or RIS", votes.show_saved, pages_home=True
        ),
        Command(
            f"{names.TEACH} <ids, links, BibTeX, RIS or zotero>",
            "start from papers the team loves",
            votes.teach,
            managers_only=True,
            takes_file="a .bib file of papers you love",
        ),
        Command("submit <arXiv link>", "put a paper before the channel", votes.submit, completes_titles=True),
        Command("taste", "what this channel likes and dislikes", taste.taste, shareable=True),
        Command("stats", "how many picks were liked, week by week", stats.stats, shareable=True),
        Command(
            f"{names.SCHEDULE} 09:00 weekdays Europe/Berlin 5",
            "when digests come and how many cards",
            schedule.schedule,
            managers_only=True,
            anyone_may_look=True,
            has_form=True,
            starts_digests=True,
        ),
        Command(names.PAUSE, "no digests until `/papers resume`", schedule.pause, managers_only=True),
        Command(names.RESUME, "digests again", schedule.resume, listed=False, managers_only=True, starts_digests=True),
        Command(
            f"{names.SETTINGS} [name value]",
            "every setting here, the digest's style among them",
            schedule.settings,
            managers_only=True,
            anyone_may_look=True,
            has_form=True,
        ),
        Command(names.STATUS, "whether digests come, and what I know here", talk.status, listed=False, alone=True),
        Command(names.SOURCES, "where the papers come from", talk.sources, listed=False, alone=True),
        Command(names.HELLO, "who I am", talk.hello, listed=False, alone=True),
        Command(names.THANKS, "a kind word", talk.thanks, listed=False, alone=True),
        Command(f"{names.FORGET} me", "delete every trace of you; it asks first", members.forget),
        Command(
            f"{names.EXPORT} [{members.MINE}]",
            "everything this channel has, or all about you, as JSONL",
            members.export,
            managers_only=True,
            for_anyone=members.MINE,
        ),
    ]
)
