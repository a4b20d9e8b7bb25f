"""The state machines of the store, written down once. A move that is not here can't be made."""

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
    """What became of one digest, alert or submission."""

    PLANNED = "planned"  # its posts stand in the store
    MISSED = "missed"  # its hour passed while nobody could deliver it; the reason is kept


class PostState(StrEnum):
    """What became of one message.

    ::

        planned ──► sending ──► sent
          ▲  │         │
          │  │         ├──► planned    the platform said: not accepted, later
          │  │         ├──► failed     the platform said: never
          │  │         └──► uncertain  nobody knows; or the process died here
          │  │                 │
          │  │                 ├──► sent       found on the platform
          │  │                 ├──► sending    the same key is safe to send again
          └──┼─────────────────┼──► planned    looked for until it can't arrive any more, and not there
             │                 └──► failed     can't be looked up: rather lost than twice
             └──► dropped  too late, or the channel is gone

    What is planned or dropped surely was not posted. What is sending or uncertain may have been: it stays uncertain,
    and is looked for again and again, until it is found or can't arrive any more.
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
    """What became of one reading of a source."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class InboxState(StrEnum):
    """What became of an event from a platform."""

    RECEIVED = "received"
    DONE = "done"
    FAILED = "failed"  # given up after several tries; the reason is kept


class ImpossibleMove(Exception):
    """A state machine was asked for a move it does not have: a bug, never a user's mistake."""
