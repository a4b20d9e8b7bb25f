"""Papers that members gave in BibTeX belong to the rooms they were given to; and no group conversation is public.

Until now they stood among the sources' papers, for every workspace to find. A paper counts as given by a member where a
member taught it and no source told a date, a category, an upvote or an organisation of it: sources always tell one of
these. What members added to a paper of arXiv, a link or a DOI, is taken out again.
"""

from collections import defaultdict
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from recommender.paper import Paper, arxiv_id, identities

revision = "0010"
down_revision = "0009"

_TAUGHT = "said:taught"
_LONGEST_NAME = 500
_json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_instant = sa.DateTime(timezone=True)


def _table(name: str, *columns: str, **typed: Any) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in columns), *(sa.column(n, t) for n, t in typed.items()))


_papers = _table(
    "papers",
    *("id", "title", "abstract", "published", "upvotes", "comments", "organization", "url", "doi", "listed_on"),
    *("news_at", "news_revision", "revision"),
    authors=_json,
    categories=_json,
    private=sa.Boolean(),
)
_names = _table("paper_names", "name", "paper_id")
_removed = _table("removed_papers", "id", "revision")
_votes = _table("votes", "channel_id", "paper_id", "member", "signal", at=_instant)
_channels = _table(
    "channels", "id", "platform", "workspace", "address", "kind", "name", "state_reason", private=sa.Boolean()
)
_contributions = _table("contributions", "paper_id", "channel_id", "member", at=_instant)
_contributed_names = _table("contributed_names", "name", "paper_id")
_saved = _table("saved", "platform", "workspace", "member", "paper_id")
_facts = _table("facts", "name", "value")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("papers", sa.Column("private", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_papers_private", "papers", ["private"], unique=False)
    op.create_table(
        "contributed_names",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paper_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"],
            ["papers.id"],
            name="fk_contributed_names_paper_id",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("name", "paper_id", name="pk_contributed_names"),
    )
    op.create_index("ix_contributed_names_paper_id", "contributed_names", ["paper_id"], unique=False)
    op.create_table(
        "contributions",
        sa.Column("paper_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("at", _instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"],
            ["papers.id"],
            name="fk_contributions_paper_id",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_contributions_channel_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("paper_id", "channel_id", "member", name="pk_contributions"),
    )
    op.create_index("ix_contributions_channel_id", "contributions", ["channel_id"], unique=False)
    connection = op.get_bind()
    _hide_uninvited(connection)
    _clean_arxiv(connection)
    _sort(connection)


def _hide_uninvited(connection: sa.Connection) -> None:
    """Slack says only of channels that the bot was invited to whether they are public. Of any other it was a guess."""
    guessed = sa.or_(_channels.c.state_reason == "not invited yet", _channels.c.name.like("mpdm-%"))
    slack = sa.and_(_channels.c.platform == "slack", _channels.c.kind == "channel")
    connection.execute(sa.update(_channels).where(slack, guessed).values(private=True))


def _taught(connection: sa.Connection) -> dict[str, list[Any]]:
    """The votes that taught each paper, by the paper's id."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for vote in connection.execute(sa.select(_votes).where(_votes.c.signal == _TAUGHT)):
        found[vote.paper_id].append(vote)
    return found


def _clean_arxiv(connection: sa.Connection) -> None:
    """arXiv tells no link of its papers, and its listing brings a DOI again where it has one."""
    for paper_id in filter(arxiv_id, _taught(connection)):
        connection.execute(sa.update(_papers).where(_papers.c.id == paper_id).values(url="", doi=""))
        theirs = sa.and_(_names.c.paper_id == paper_id, _names.c.name.like("doi:%"))
        connection.execute(sa.delete(_names).where(theirs))


def _sort(connection: sa.Connection) -> None:
    """Give each workspace, and each private channel, that taught a member's paper one of its own."""
    channels = {channel.id: channel for channel in connection.execute(sa.select(_channels))}
    for paper_id, votes in _taught(connection).items():
        row = connection.execute(sa.select(_papers).where(_papers.c.id == paper_id)).one()
        if row.listed_on or row.published or row.categories or row.upvotes or row.comments or row.organization:
            continue
        rooms: defaultdict[tuple[str, str, str], list[Any]] = defaultdict(list)
        for vote in votes:
            rooms[_room(channels[vote.channel_id])].append(vote)
        made = {room: _copy(connection, row, room, given) for room, given in rooms.items()}
        for channel in channels.values():
            # Its own, else that of its workspace; else it found the paper where it should not have.
            here = made.get(_room(channel)) or made.get((channel.platform, channel.workspace, ""))
            _move(connection, paper_id, channel, here)
        _move_saved(connection, paper_id, made, rooms)
        for statement in (
            "delete from choices where paper_id = :old",
            "delete from paper_names where paper_id = :old",
            "delete from papers where id = :old",
            "delete from removed_papers where id = :old",
        ):
            connection.execute(sa.text(statement), {"old": paper_id})
        connection.execute(sa.insert(_removed).values(id=paper_id, revision=_next_revision(connection)))


def _room(channel: Any) -> tuple[str, str, str]:
    hidden = channel.private or channel.kind == "direct"
    return channel.platform, channel.workspace, channel.address if hidden else ""


def _copy(connection: sa.Connection, row: Any, room: tuple[str, str, str], votes: list[Any]) -> str:
    """The paper as the one of a room; its id."""
    old = Paper(id=row.id, title=row.title, url=row.url, doi=row.doi)
    new_id = "taught:" + sha256("\n".join((*room, identities(old)[0])).encode()).hexdigest()[:24]
    arxiv = arxiv_id(row.id)
    url = f"https://arxiv.org/abs/{arxiv}" if arxiv else "" if row.doi else row.url
    columns = {**row._mapping, "id": new_id, "url": url, "private": True, "revision": 0}
    connection.execute(sa.insert(_papers).values(columns))
    names = {_cut(name) for name in identities(Paper(id=new_id, title=row.title, url=url, doi=row.doi))}
    connection.execute(sa.insert(_contributed_names), [{"name": name, "paper_id": new_id} for name in sorted(names)])
    given = [{"paper_id": new_id, "channel_id": v.channel_id, "member": v.member, "at": v.at} for v in votes]
    connection.execute(sa.insert(_contributions), given)
    return new_id


def _move(connection: sa.Connection, paper_id: str, channel: Any, here: str | None) -> None:
    """Hang what a channel has of a paper on the one it may see; without one its votes go."""
    which = {"old": paper_id, "channel": channel.id, "new": here}
    if here is None:
        connection.execute(sa.text("delete from votes where paper_id = :old and channel_id = :channel"), which)
    for table in ("posts", "numbers", *(["votes"] if here else [])):
        move = f"update {table} set paper_id = :new where paper_id = :old and channel_id = :channel"  # noqa: S608
        connection.execute(sa.text(move), which)


def _move_saved(
    connection: sa.Connection,
    paper_id: str,
    made: dict[tuple[str, str, str], str],
    rooms: dict[tuple[str, str, str], list[Any]],
) -> None:
    """Let members keep the paper of their workspace, or of a room where they taught it themselves."""
    for kept in connection.execute(sa.select(_saved).where(_saved.c.paper_id == paper_id)).all():
        there = [room for room in sorted(made) if room[:2] == (kept.platform, kept.workspace)]
        may = [room for room in there if not room[2] or kept.member in {vote.member for vote in rooms[room]}]
        mine = sa.and_(*(column == value for column, value in zip(_saved.c, kept, strict=True)))
        if may:
            connection.execute(sa.update(_saved).where(mine).values(paper_id=made[may[0]]))
        else:
            connection.execute(sa.delete(_saved).where(mine))


def _cut(name: str) -> str:
    """A name as the tables keep it: long ones are told apart by their hash."""
    if len(encoded := name.encode()) <= _LONGEST_NAME:
        return name
    return f"{encoded[: _LONGEST_NAME - 33].decode(errors='ignore')}~{sha256(encoded).hexdigest()[:32]}"


def _next_revision(connection: sa.Connection) -> int:
    """Count one more change to the papers: the index hears of it."""
    known = connection.execute(sa.select(_facts.c.value).where(_facts.c.name == "revision")).scalar_one_or_none()
    changed = int(known or 0) + 1
    if known is None:
        connection.execute(sa.insert(_facts).values(name="revision", value=str(changed)))
    else:
        connection.execute(sa.update(_facts).where(_facts.c.name == "revision").values(value=str(changed)))
    return changed
