"""How what a search has found is shown. Snippets and names are untrusted: all of them pass `Look`."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core import commands as c
from plait.core.counting import counted
from plait.core.sanitize import sanitize_line
from plait.core.session import SessionState
from plait.repl.render import relative_time
from plait.repl.style import BOLD, DIM, GUTTER, YELLOW, Look, Row, wrap

WHO = {"user": "you", "assistant": "the model", "tool": "a tool"}


def hit_rows(hits: Sequence[c.Hit], first: int, look: Look, now: float) -> list[Row]:
    """Rows of at most `look.content_width` columns, each hit with its number, from `first` on; `now` is in seconds since 1970."""
    rows: list[Row] = []
    for number, hit in enumerate(hits, first):
        closed = ["closed"] if hit.info.state is SessionState.COMPLETED else []
        facts = [relative_time(now - hit.at), WHO[hit.role], *closed, *(["taken back"] if hit.taken_back else [])]
        between = ", " if look.plain else look.marks(" · ")
        head = [(f"{number} ", ""), (look.clean(hit.info.name), BOLD), (f"{between}{between.join(facts)}", DIM)]
        rows += wrap(head, look.content_width)
        indent = "" if look.plain else GUTTER
        rows += [[(indent, ""), *row] for row in wrap(_marked(hit, look), look.content_width - len(indent))]
    return rows


def _marked(hit: c.Hit, look: Look) -> Row:
    """The snippet with what was found in it set off: by a colour, or between asterisks where there is none."""
    spans: Row = []
    end = 0
    for start, stop in hit.marks:
        spans.append((_shown(hit.snippet[end:start], look), ""))
        found = _shown(hit.snippet[start:stop], look)
        spans.append((found, f"{BOLD};{YELLOW}") if look.colour else (f"*{found}*", ""))
        end = stop
    return [*spans, (_shown(hit.snippet[end:], look), "")]


def _shown(text: str, look: Look) -> str:
    return look.encode(look.marks(sanitize_line(text)))


def summary(found: c.Found, offset: int, more: str, later: str, opens: str = "") -> str:
    """What is told below the hits, or in place of them.

    `more` asks for what comes next, `later` says when what is not in the index is found, `opens` goes to a hit.
    """
    behind = f" {counted(found.unindexed, 'event')} cannot be found yet: {later}." if found.unindexed else ""
    if not found.total:
        return f"Nothing was found. Try fewer words, or the beginning of one with a star, such as deploy*.{behind}"
    if not found.hits and found.more:
        return f"No more than {counted(found.total, 'hit')} can be looked at. Give more words, or go back to an earlier page.{behind}"
    if not found.hits:
        return f"There are only {counted(found.total, 'hit')}. Go back to an earlier page.{behind}"
    last = offset + len(found.hits)
    of = f"more than {found.total:,}" if found.more else f"{found.total:,}"
    shown = counted(found.total, "hit") if found.total == last and not offset else f"Hits {offset + 1:,} to {last:,} of {of}"
    hints = [opens, f"{more} shows more" if last < found.total else ""]
    hint = "; ".join(one for one in hints if one)
    return f"{shown}.{f' {hint}.' if hint else ''}{behind}"
