"""Searching without an index: one event looked at by itself."""

from __future__ import annotations

from collections.abc import Iterator

from plait.core.codec import decode_event
from plait.core.searching import Place, Query, documents, places, words
from plait.core.snippets import snippet
from plait.store.rows import EventRow

AVERAGE = 50
"""Words of a usual message: added to every length, so that the shortest do not always come first."""


def matches(row: EventRow, query: Query) -> Iterator[tuple[float, Place]]:
    """What is found in the event, each with how well it fits: the more of the text are the words, the better."""
    if (query.since is not None and row.at < query.since) or (query.until is not None and row.at >= query.until):
        return
    for one in documents(decode_event(row.type, row.data)):
        if query.role not in (None, one.role) or (one.is_output and not query.tools):
            continue
        found = places(one.text, query.phrases)
        if found and all(found):
            fit = sum(map(len, found)) / (len(words(one.text)) + AVERAGE)
            yield fit, Place(row.session, row.seq, row.at, one.role, *snippet(one.text, query.phrases))
