"""Which session a command is about: what its words mean, as the sessions are now."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.commands import Fleet, ReadFleet, SessionInfo
from plait.core.errors import UsageError
from plait.core.naming import ID_PREFIX
from plait.core.session import SessionState
from plait.repl.fleet import FleetView
from plait.repl.slash.registry import Prompt, one_session_only, usage_error


async def fleet_now(prompt: Prompt) -> FleetView:
    """The open sessions as they are now; the prompt's own view may be a moment old, and a name must not mean what it meant then."""
    reply = await prompt.submit(ReadFleet())
    return FleetView.of(reply, prompt.session, prompt.fleet.home) if isinstance(reply, Fleet) else prompt.fleet


async def completed(prompt: Prompt, *, trashed: bool = False) -> list[SessionInfo]:
    """The completed sessions: those of the prompt's own project first, the ones used last before the others.

    What lies in the trash is not among them; with `trashed` it comes last.
    """
    rows = [row for row in await prompt.client.sessions() if row.state is SessionState.COMPLETED and (trashed or not row.trashed_at)]
    return sorted(rows, key=lambda row: (row.trashed_at > 0, row.project != prompt.fleet.home))


async def meant(prompt: Prompt, word: str) -> SessionInfo:
    """The open session that a word names. Raises `UsageError` with the candidates, the nearest name, or how to open a closed one."""
    try:
        row = (await fleet_now(prompt)).meant(word)
    except UsageError as error:
        if not prompt.many:
            raise UsageError(one_session_only(prompt, f"'{word[:40]}'")) from error
        closed = next((row for row in await completed(prompt, trashed=True) if row.name == word.lower()), None)
        if closed is None:
            raise
        where = "in the trash" if closed.trashed_at else "closed"
        raise UsageError(f"The session '{closed.name}' is {where}. /reopen {closed.name} opens it again.") from error
    if row.id != prompt.session and not prompt.many:
        raise UsageError(one_session_only(prompt, f"'{row.name}'"))
    return row


async def open_or_closed(prompt: Prompt, word: str) -> SessionInfo:
    """The session that a word names, an open one first; not one in the trash. Raises `UsageError`; of closed ones none is guessed."""
    closed = await completed(prompt) if prompt.many else []
    wanted = word.casefold()
    if any(row.name == wanted for row in closed) and all(row.name != wanted for row in (await fleet_now(prompt)).sessions):
        return one_of(closed, word, UsageError(""))  # its own name, before the beginning of another's
    try:
        return await meant(prompt, word)
    except UsageError as error:
        return one_of(closed, word, error)


def one_of(rows: Sequence[SessionInfo], word: str, error: UsageError) -> SessionInfo:
    """The one of `rows` that a word names: by its whole name, or by an id or the beginning of one. Raises `error` where there is none."""
    wanted = word.casefold()
    found = [row for row in rows if row.name.casefold() == wanted or row.id == wanted]
    found = found or [row for row in rows if len(wanted) >= ID_PREFIX and row.id.startswith(wanted)]
    if len(found) > 1:
        raise UsageError(f"'{word[:40]}' can mean {len(found)} sessions: {', '.join(row.id for row in found[:9])}. Give one of these ids.")
    if not found:
        raise error
    return found[0]


async def shown_or_meant(prompt: Prompt, word: str) -> SessionInfo:
    """The open session that a word names, the shown one without a word. Raises `UsageError`."""
    if word:
        return await meant(prompt, word)
    row = (await fleet_now(prompt)).row(prompt.session)
    if row is None:
        raise UsageError("The session that is shown is not open any more. /sessions lists those that are.")
    return row


def one_word(command: str, usage: str, argument: str, needs: str = "") -> str:
    """An argument that is one word; with `needs`, which says what it is, it cannot be left out. Raises `UsageError`."""
    if len(argument.split()) > 1:
        raise usage_error(command, usage, f"'{argument[:40]}' has a blank in it, and a name has none")
    if needs and not argument:
        raise usage_error(command, usage, f"/{command} needs {needs}")
    return argument


def word_and_text(command: str, usage: str, argument: str) -> tuple[str, str]:
    """The first word and the text after it, neither empty. Raises `UsageError`."""
    word, *rest = argument.split(maxsplit=1)[:2] or [""]
    if not word or not rest:
        raise usage_error(command, usage, f"/{command} needs a session and a text" if not word else f"There is no text after '{word[:40]}'")
    return word, rest[0]
