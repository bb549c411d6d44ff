"""What could not be written before plait was left is kept in a file, and taken in at the next start.

Rules:
1. A line of JSON for each event and each draft, in order, in a new file for this user alone: beside the database, or where there is room.
2. Events are taken in where they follow what is stored, or are there already. The file then gets another name, and stays.
3. What does not fit stays in its file, and is told at each start until the user moves the file away.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from plait.core.codec import CodecError, decode, encode
from plait.core.commands import Draft, KeepDraft, info_of
from plait.core.counting import counted
from plait.core.errors import IllegalTransition, StoreError
from plait.core.events import Stamped
from plait.core.messages import SessionId
from plait.core.ports import Store, Write
from plait.core.session import Session
from plait.store import files
from plait.store.crashpoints import crash_point

TAKEN = ".taken"


@dataclass(frozen=True, slots=True)
class Rescued:
    """A file of what could not be written when plait was left: how many events and drafts are in the database now, and how many not."""

    file: Path
    taken: int
    left: int
    reason: str = ""

    @property
    def text(self) -> str:
        """For the user."""
        if not self.left:
            return f"What could not be saved when plait was left is in the database now: {counted(self.taken, 'part')} of {self.file}."
        return (
            f"{counted(self.left, 'part')} of {self.file} cannot be put into the database ({self.reason.rstrip('.')}). "
            "It is what could not be saved when plait was left: read it, and move the file away."
        )


def write_rescue(places: Iterable[Path], database: Path, now: float, events: Sequence[Stamped], drafts: Sequence[Draft]) -> Path | None:
    """Write a file into the first of `places` that takes it; None where none does. `now` is in seconds since 1970."""
    lines = [encode(one) for one in (*events, *(KeepDraft(draft.session, draft.text, draft.cursor) for draft in drafts))]
    text = "".join(f"{line}\n" for line in lines).encode()
    for place in places:
        path = place / f"{database.name}.rescue-{files.utc_stamp(now)}-{os.getpid()}.jsonl"
        try:
            files.make_private_file(path)
            with path.open("r+b") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            continue
        return path
    return None


def take_back(store: Store, database: Path, now: float) -> list[Rescued]:
    """Take in what lies in such files beside the database, and say what became of each. Raises nothing."""
    return [_taken(store, path, now) for path in sorted(database.parent.glob(f"{database.name}.rescue-*.jsonl"))]


def _taken(store: Store, path: Path, now: float) -> Rescued:
    events: dict[SessionId, list[Stamped]] = {}
    drafts: list[KeepDraft] = []
    taken = left = 0
    reason = ""
    try:
        lines = path.read_bytes().splitlines()  # of bytes: a text has more characters that end a line than JSON escapes
    except OSError as error:
        return Rescued(path, 0, 1, f"it cannot be read: {error}")
    for line in lines:
        try:
            one = decode(line)
        except CodecError as error:
            one, reason = None, f"it cannot be read: {error}"
        match one:
            case Stamped() as stamped:
                events.setdefault(stamped.session, []).append(stamped)
            case KeepDraft() as draft:
                drafts.append(draft)
            case _:
                left, reason = left + 1, reason or "it is neither an event nor a draft"
    for session, told in events.items():
        try:
            _append(store, session, told)
            taken += len(told)
        except (IllegalTransition, StoreError) as error:
            left, reason = left + len(told), str(error)
    for draft in drafts:
        try:
            store.keep_draft(Draft(draft.session, draft.text, draft.cursor), now)
            taken += 1
        except StoreError as error:
            left, reason = left + 1, str(error)
    crash_point("rescue.taken")
    if not left:
        with suppress(OSError):  # taken in once more, it finds everything there already
            path.rename(path.with_name(path.name + TAKEN))
    return Rescued(path, taken, left, reason)


def _append(store: Store, identity: SessionId, told: Sequence[Stamped]) -> None:
    """Append what is not there yet. Raises `IllegalTransition` or `StoreError` where it does not follow what is."""
    session = Session(identity)
    stored = list(store.read(identity))
    for stamped in stored:
        session.apply(stamped)
    there = {one.seq: one for one in stored}
    fresh = tuple(one for one in told if there.get(one.seq) != one)
    for stamped in fresh:
        session.apply(stamped)
    if fresh:
        store.append([Write(info_of(session, draft=False), len(stored), store.epoch, fresh)])
