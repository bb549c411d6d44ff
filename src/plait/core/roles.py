"""What each type of event is to its session: part of the conversation, news for its user, or use by them."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core import events as e

EPHEMERAL = frozenset(e.EPHEMERAL_TYPES)
"""What has no sequence number and is not kept."""

PASSING = frozenset(
    {e.InProgress, e.CallDelayed, e.SlotAwaited, e.Compacting, e.SessionsChanged, e.StoreTrouble, e.StoreRecovered, e.UnknownEvent}
)
"""What touches neither the state nor the fold: passed on to whoever watches."""

CONVERSATION = frozenset(
    {
        e.UserSaid,
        e.RetryAsked,
        e.CompactionAsked,
        e.TurnStarted,
        e.AssistantSaid,
        e.ToolStarted,
        e.ToolReturned,
        e.QuestionAsked,
        e.QuestionAnswered,
        e.Compacted,
        e.HandedOver,
        e.TurnEnded,
        e.Noted,
    }
)
"""What the provider's view and the news are made from."""

USE = frozenset(
    {
        e.SessionOpened,
        e.UserSaid,
        e.RetryAsked,
        e.CompactionAsked,
        e.Rewound,
        e.Redone,
        e.QuestionAnswered,
        e.SettingChanged,
        e.Seen,
        e.Paused,
        e.Unpaused,
        e.Reopened,
    }
)
"""What only its user does."""


def is_news(event: e.Event) -> bool:
    """Whether a user who has not seen the event has something to look at."""
    if isinstance(event, e.TurnEnded):
        return event.ending != "done"
    return isinstance(event, (e.AssistantSaid, e.QuestionAsked))


def news_after(conversation: Sequence[e.Stamped], seen: int) -> list[int]:
    """The sequence numbers of the news after event `seen`; looked for from the end, where they are."""
    news: list[int] = []
    for stamped in reversed(conversation):
        if (stamped.seq or 0) <= seen:
            break
        if is_news(stamped.event):
            news.append(stamped.seq or 0)
    news.reverse()
    return news
