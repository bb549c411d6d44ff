"""/tag, /pin, /archive, /delete, /trash: how sessions are filed. None of these erases anything."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from plait.core import commands as c
from plait.core.counting import counted
from plait.core.errors import UsageError
from plait.core.filing_commands import ArchiveSession, DeleteSession, InTrash, PinSession, ReadTrash, RestoreSession, TagSession, Trash
from plait.core.selection import Selection
from plait.core.session import SessionState
from plait.exchange.listing import tags_text
from plait.repl.render import relative_time
from plait.repl.slash.choices import Choice, Lookup, newest_of, one_session
from plait.repl.slash.layout import heading, pairs, paragraph
from plait.repl.slash.lifecycle import lost_from_sight
from plait.repl.slash.registry import Prompt, SlashCommand, did_you_mean, notice, usage_error
from plait.repl.slash.sessions import CLOSED, more_of
from plait.repl.slash.targets import completed, fleet_now, one_of, one_word, open_or_closed, shown_or_meant
from plait.repl.slash.wording import size

TAG_USAGE: Final = "/tag [NAME] +TAG -TAG"
TRASH_USAGE: Final = "/trash or /trash restore NAME"


async def tag(prompt: Prompt, argument: str) -> None:
    """Show the tags of the shown session, or change those of one."""
    words = argument.split()
    signed = [word for word in words if word[0] in "+-"]
    name = words[0] if signed and words[0] not in signed else ""
    bare = [word for word in words if word not in signed][1 if name else 0 :]
    row = await _one(prompt, name)
    if not words:
        await _show_tags(prompt, row)
        return
    if signed and bare:
        raise usage_error("tag", TAG_USAGE, f"'{bare[0][:40]}' has neither + nor - before it")
    add = [word.lstrip("#") for word in bare] + [word[1:].lstrip("#") for word in signed if word[0] == "+"]
    remove = [word[1:].lstrip("#") for word in signed if word[0] == "-"]
    if await prompt.submit(TagSession(row.id, tuple(add), tuple(remove))) is None:
        return
    now = next((one for one in await prompt.client.sessions() if one.id == row.id), row)
    told = f"is tagged {tags_text(now.tags)}" if now.tags else "has no tag any more"
    names = {other.name for other in (await fleet_now(prompt)).sessions}
    namesake = next((one for one in bare if one in names), "")
    hint = f" /tag {namesake} +TAG would tag the session '{namesake}'." if namesake else ""
    notice(prompt, f"'{now.name}' {told}.{hint}", "success")


async def _show_tags(prompt: Prompt, row: c.SessionInfo) -> None:
    used = Counter(one for other in await prompt.client.sessions() if not other.trashed_at for one in other.tags)
    has = f"'{row.name}' is tagged {tags_text(row.tags)}. /tag -{row.tags[0]} takes that off." if row.tags else f"'{row.name}' has no tags."
    others = ", ".join(f"{one} ({number:,})" for one, number in sorted(used.items()))
    everywhere = f" In use: {others}; /sessions --all tag:{min(used)} lists them." if used else " /tag api gives it one."
    notice(prompt, has + everywhere)


async def _one(prompt: Prompt, word: str) -> c.SessionInfo:
    return await (open_or_closed(prompt, word) if word else shown_or_meant(prompt, ""))


async def pin(prompt: Prompt, argument: str) -> None:
    """Have a session stand first."""
    row = await _one(prompt, one_word("pin", "/pin or /pin NAME", argument))
    if row.pinned:
        raise UsageError(f"'{row.name}' is pinned already. /unpin {row.name} takes that back.")
    if await prompt.submit(PinSession(row.id)) is not None:
        notice(prompt, f"'{row.name}' is pinned: it stands first in lists, and its number stays. /unpin {row.name} undoes it.", "success")


async def unpin(prompt: Prompt, argument: str) -> None:
    """Have it stand where it stood."""
    row = await _one(prompt, one_word("unpin", "/unpin or /unpin NAME", argument))
    if not row.pinned:
        raise UsageError(f"'{row.name}' is not pinned. /pin {row.name} pins it.")
    if await prompt.submit(PinSession(row.id, pinned=False)) is not None:
        notice(prompt, f"'{row.name}' is not pinned any more.", "success")


async def archive(prompt: Prompt, argument: str) -> None:
    """Close a session and put it into the archive; asks first where something would be lost from sight."""
    row = await _one(prompt, one_word("archive", "/archive or /archive NAME", argument))
    if row.archived and row.state is SessionState.COMPLETED:
        raise UsageError(f"'{row.name}' is in the archive already. /unarchive {row.name} takes it out.")
    reasons = lost_from_sight(row)
    if reasons and not await prompt.confirm(f"'{row.name}' {reasons}. Close it and put it into the archive?"):
        notice(prompt, f"'{row.name}' stays where it is.")
        return
    if await prompt.submit(ArchiveSession(row.id)) is None:
        return
    word = await _word_for(prompt, row)
    ways = f"/reopen {word} opens it, /unarchive {word} lists it among the closed ones."
    notice(prompt, f"'{row.name}' is in the archive; nothing was deleted. {ways}", "success")
    await prompt.show_another(row.id)


async def unarchive(prompt: Prompt, argument: str) -> None:
    """Take a session out of the archive; it stays closed."""
    word = one_word("unarchive", "/unarchive NAME", argument, "a session in the archive; /sessions --archived lists them")
    rows = [row for row in await completed(prompt) if row.archived]
    row = one_of(rows, word, UsageError(f"No session in the archive is called '{word[:40]}'. /sessions --archived lists them."))
    if await prompt.submit(ArchiveSession(row.id, archived=False)) is not None:
        notice(prompt, f"'{row.name}' is out of the archive, and closed. /reopen {await _word_for(prompt, row)} opens it.", "success")


async def delete(prompt: Prompt, argument: str) -> None:
    """Put a session into the trash, after a question."""
    word = one_word("delete", "/delete NAME", argument, "the name of the one session to put into the trash; nothing was deleted")
    row = await open_or_closed(prompt, word)
    reasons = lost_from_sight(row)
    question = f"Put '{row.name}' ({counted(row.messages, 'message')}{f'; it {reasons}' if reasons else ''}) into the trash?"
    if not await prompt.confirm(question):
        notice(prompt, f"'{row.name}' stays where it is.")
        return
    if await prompt.submit(DeleteSession(row.id)) is None:
        return
    word = await _word_for(prompt, row)
    notice(prompt, f"'{row.name}' is in the trash, where it stays until you purge it. /reopen {word} takes it out and opens it.", "success")
    await prompt.show_another(row.id)


async def _word_for(prompt: Prompt, row: c.SessionInfo) -> str:
    """What /reopen takes for this session: its name, or its id where another closed one has that name."""
    others = [one for one in await completed(prompt, trashed=True) if one.name == row.name and one.id != row.id]
    return row.id if others else row.name


async def trash(prompt: Prompt, argument: str) -> None:
    """List what lies in the trash, or take something out of it."""
    word, _, name = argument.partition(" ")
    match word.lower():
        case "":
            await _list_trash(prompt)
        case "restore":
            await _restore(prompt, one_word("trash", "/trash restore NAME", name.strip(), "a session after restore; /trash lists them"))
        case "purge" | "empty":
            raise UsageError("Nothing is erased from here. Leave plait, or use another terminal: plait trash purge NAME, or --all.")
        case _:
            unknown = f"/trash knows no '{word[:40]}'{did_you_mean(word, ('restore',), '/trash ')}"
            raise usage_error("trash", TRASH_USAGE, unknown)


async def _restore(prompt: Prompt, word: str) -> None:
    rows = [row for row in await completed(prompt, trashed=True) if row.trashed_at]
    row = one_of(rows, word, UsageError(f"Nothing in the trash is called '{word[:40]}'. /trash lists what lies there."))
    if await prompt.submit(RestoreSession(row.id)) is not None:
        notice(prompt, f"'{row.name}' is out of the trash, and closed. /reopen {await _word_for(prompt, row)} opens it.", "success")


async def _list_trash(prompt: Prompt) -> None:
    reply = await prompt.submit(ReadTrash())
    if not isinstance(reply, Trash):
        return
    if not reply.sessions:
        notice(prompt, "The trash is empty. /delete NAME puts a session there.")
        return
    prompt.show(heading("Trash", prompt.look) + pairs(trash_rows(reply.sessions[:CLOSED], time.time()), prompt.look))
    whole = size(sum(one.size for one in reply.sessions))
    text = f"{counted(len(reply.sessions), 'session')}, {whole}. /trash restore NAME takes one out, /reopen NAME opens it, too."
    prompt.show(paragraph(f"{text} plait trash purge, in a shell, erases for good.", prompt.look, dim=True))
    if (more := len(reply.sessions) - CLOSED) > 0:
        notice(prompt, more_of(more, Selection(trashed=True)))


def trash_rows(trashed: Sequence[InTrash], now: float) -> list[tuple[str, str]]:
    """Each session's name, and what is told of it; `now` is in seconds since 1970."""
    return [
        (
            one.info.name,
            f"{counted(one.info.messages, 'message')}, {size(one.size)}, deleted {relative_time(now - one.info.trashed_at)} "
            f"({time.strftime('%Y-%m-%d %H:%M', time.localtime(one.info.trashed_at))}), {one.info.id}",
        )
        for one in trashed
    ]


async def _tags(lookup: Lookup, before: str) -> Sequence[Choice]:
    view = lookup.fleet
    used = sorted({one for row in view.sessions for one in row.tags})
    shown = view.row(view.shown)
    mine = [Choice(f"-{one}", "takes it off") for one in shown.tags] if shown else []
    return [*mine, *(Choice(f"+{one}") for one in used), *(Choice(one, "in use") for one in used if not before)]


async def _any(lookup: Lookup, before: str) -> Sequence[Choice]:
    return () if before else [*await one_session(lookup, ""), *newest_of([row for row in await lookup.completed() if not row.archived])]


async def _archived(lookup: Lookup, before: str) -> Sequence[Choice]:
    return () if before else newest_of([row for row in await lookup.completed() if row.archived])


async def _trash_choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    if not before:
        return [Choice("restore", "takes a session out of it")]
    return newest_of(await lookup.trashed()) if before.lower() == "restore" else ()


COMMANDS = (
    SlashCommand(
        "tag",
        tag,
        "sessions",
        TAG_USAGE,
        "Tag a session, the shown one without a name; without anything it shows the tags.",
        (
            ("/tag api", "tags the shown session"),
            ("/tag docs +api -old", "adds one tag to docs and takes another off"),
        ),
        aliases=("tags",),
        detail="A tag has lower-case words joined by '-', 20 characters at most; a session has 10 at most. /sessions --all tag:api lists "
        "what has it, and /search WORDS tag:api looks there alone.",
        complete=_tags,
    ),
    SlashCommand(
        "pin",
        pin,
        "sessions",
        "/pin [NAME]",
        "Have a session stand first in lists, the shown one without a name. Its number stays what it is.",
        (("/pin docs", "pins that one"),),
        complete=_any,
    ),
    SlashCommand(
        "unpin",
        unpin,
        "sessions",
        "/unpin [NAME]",
        "Have a pinned session stand where it would stand.",
        (("/unpin docs", "undoes /pin docs"),),
        complete=_any,
    ),
    SlashCommand(
        "archive",
        archive,
        "sessions",
        "/archive [NAME]",
        "Close a session and put it away: /sessions --all does not list it any more, /sessions --archived does.",
        (("/archive docs", "puts that one away"), ("/archive", "puts the shown one away")),
        detail="Nothing is deleted: /search finds it, /reopen NAME opens it, /unarchive NAME lists it among the closed ones again.",
        complete=_any,
        many=True,
    ),
    SlashCommand(
        "unarchive",
        unarchive,
        "sessions",
        "/unarchive NAME",
        "Take a session out of the archive; it stays closed.",
        (("/unarchive docs", "lists it among the closed ones again"),),
        complete=_archived,
        many=True,
    ),
    SlashCommand(
        "delete",
        delete,
        "sessions",
        "/delete NAME",
        "Put a session, open or closed, into the trash after a question; its work is interrupted. Nothing is erased.",
        (("/delete docs", "asks, and puts it there; /reopen docs undoes it"),),
        detail="What lies in the trash is in no list, search or export; /trash lists it. It stays there until you erase it in a shell, "
        "with plait trash purge.",
        complete=_any,
        many=True,
    ),
    SlashCommand(
        "trash",
        trash,
        "sessions",
        "/trash [restore NAME]",
        "List what lies in the trash, since when and how large, or take a session out of it; that one stays closed.",
        (("/trash restore docs", "takes it out; /reopen docs would open it, too"), ("/trash", "lists it")),
        complete=_trash_choices,
        many=True,
    ),
)
