"""Tags of sessions: kebab-case as names are, at most 20 characters, at most 10 to a session. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from plait.core.errors import UsageError
from plait.core.naming import NAME_LENGTH, proposed

MOST_TAGS = 10


def checked_tag(tag: str) -> str:
    """`tag` if it can be one. Raises `UsageError` with a proposal made from it."""
    tag = unicodedata.normalize("NFC", tag)
    proposal = proposed(tag)
    if tag and tag == proposal:
        return tag
    hint = f"Try '{proposal}'." if proposal else "Use letters and digits, joined by '-'."
    raise UsageError(f"'{tag[:40]}' cannot be a tag: lower-case words joined by '-', {NAME_LENGTH} characters at most. {hint}")


def tags_after(tags: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> tuple[str, ...]:
    """The tags with `add` among them and without `remove`, in order, each once. Raises `UsageError`."""
    gone = {unicodedata.normalize("NFC", tag) for tag in remove}
    if strange := [tag for tag in remove if unicodedata.normalize("NFC", tag) not in tags]:
        has = f"It has: {', '.join(tags)}." if tags else "It has none."
        raise UsageError(f"This session has no tag '{strange[0][:40]}'. {has}")
    added = [checked_tag(tag) for tag in add]
    after = tuple(sorted(dict.fromkeys((*(tag for tag in tags if tag not in gone), *added))))
    if len(after) > MOST_TAGS:
        raise UsageError(f"A session has {MOST_TAGS} tags at most, and this would be {len(after)}. Take one off first: /tag -{after[0]}")
    return after
