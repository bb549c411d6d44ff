"""Which session a command is about: what its words mean, as the sessions are now."""

from __future__ import annotations

from plait.core.commands import Fleet, ReadFleet, SessionInfo
from plait.core.errors import UsageError
from plait.core.session import SessionState
from plait.repl.fleet import FleetView
from plait.repl.slash.registry import Prompt, one_session_only, usage_error


async def fleet_now(prompt: Prompt) -> FleetView:
    """The open sessions as they are now; the prompt's own view may be a moment old, and a name must not mean what it meant then."""
    reply = await prompt.submit(ReadFleet())
    return FleetView.of(reply, prompt.session, prompt.fleet.home) if isinstance(reply, Fleet) else prompt.fleet


async def completed(prompt: Prompt) -> list[SessionInfo]:
    """The completed sessions: those of the prompt's own project first, the ones used last before the others."""
    rows = [row for row in await prompt.client.sessions() if row.state is SessionState.COMPLETED]
    return sorted(rows, key=lambda row: row.project != prompt.fleet.home)


async def meant(prompt: Prompt, word: str) -> SessionInfo:
    """The open session that a word names. Raises `UsageError` with the candidates, the nearest name, or how to open a closed one."""
    try:
        row = (await fleet_now(prompt)).meant(word)
    except UsageError as error:
        if not prompt.many:
            raise UsageError(one_session_only(prompt, f"'{word[:40]}'")) from error
        closed = next((row for row in await completed(prompt) if row.name == word.lower()), None)
        if closed is None:
            raise
        raise UsageError(f"The session '{closed.name}' is closed. /reopen {closed.name} opens it again.") from error
    if row.id != prompt.session and not prompt.many:
        raise UsageError(one_session_only(prompt, f"'{row.name}'"))
    return row


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
