"""The state machines of the store. Only the moves in this module can be made."""

from __future__ import annotations

from enum import StrEnum


class ChannelState(StrEnum):
    """Whether a channel gets digests."""

    NEW = "new"  # seen, but nobody has asked for digests there yet
    ACTIVE = "active"
    PAUSED = "paused"  # by a manager
    LOST = "lost"  # the bot may not write there; settings are kept


class DeliveryKind(StrEnum):
    """Why a delivery was planned."""

    DIGEST = "digest"  # one a day, at the channel's hour
    ALERT = "alert"  # papers that match a topic, as soon as they are listed
    SUBMISSION = "submission"  # a paper that a member submitted


class DeliveryState(StrEnum):
    """The state of a digest, alert or submission."""

    PLANNED = "planned"  # its posts stand in the store
    MISSED = "missed"  # its hour passed while nobody could deliver it; the reason is kept


class PostState(StrEnum):
    """The state of a message.

    ::

        planned ──► sending ──► sent
          ▲  │         │
          │  │         ├──► planned    not accepted now: later
          │  │         ├──► failed     never accepted
          │  │         └──► uncertain  no clear answer, or the process died here
          │  │                 │
          │  │                 ├──► sent       found on the platform
          │  │                 ├──► sending    the same key is safe to send again
          └──┼─────────────────┼──► planned    it is not there, and can't arrive any more
             │                 └──► failed     can't be looked up: rather lost than posted twice
             └──► dropped  too late, or the channel is gone

    A planned or dropped message was surely not posted. A sending or uncertain one may have been: it stays uncertain and
    is looked for again and again, until it is found or can't arrive any more.
    """

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    DROPPED = "dropped"


POST_MOVES: dict[PostState, frozenset[PostState]] = {
    PostState.PLANNED: frozenset({PostState.SENDING, PostState.DROPPED}),
    PostState.SENDING: frozenset({PostState.SENT, PostState.PLANNED, PostState.FAILED, PostState.UNCERTAIN}),
    PostState.UNCERTAIN: frozenset({PostState.SENT, PostState.SENDING, PostState.PLANNED, PostState.FAILED}),
    PostState.SENT: frozenset(),
    PostState.FAILED: frozenset(),
    PostState.DROPPED: frozenset(),
}


class RunState(StrEnum):
    """The state of a run of a source."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class InboxState(StrEnum):
    """The state of an event from a platform."""

    RECEIVED = "received"
    DONE = "done"
    FAILED = "failed"  # given up after several tries; the reason is kept


class ImpossibleMove(Exception):
    """A state machine was asked for a move it does not have: a bug, never a user's mistake."""
