"""/export: a session as a document in a file of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import anyio.to_thread

from plait import __version__
from plait.core import commands as c
from plait.core.errors import UsageError
from plait.core.events import SessionOpened, Stamped
from plait.core.messages import SessionId
from plait.core.ports import Project
from plait.core.secrets import Secrets
from plait.exchange.document import Kept
from plait.exchange.export import SUFFIXES, Exported, Format, file_name, format_of, render, secrets_told
from plait.exchange.new_file import write_new
from plait.repl.slash.choices import Choice, Lookup, one_session
from plait.repl.slash.registry import Prompt, SlashCommand, notice, usage_error
from plait.repl.slash.targets import shown_or_meant
from plait.repl.slash.transcript import PAGE

USAGE = "/export [NAME] [FILE] [--with-secrets]"
KEEP_SECRETS = "--with-secrets"


async def export(prompt: Prompt, argument: str) -> None:
    """Write a session into a new file."""
    name, file, with_secrets = _words(argument)
    row = await shown_or_meant(prompt, name)
    form: Format = "markdown"
    if file:
        found = format_of(file)
        if found is None:
            raise usage_error("export", USAGE, f"The name {file[:80]} does not say which format is meant: {', '.join(SUFFIXES)}")
        form = found
    events = await _all_events(prompt, row.id)
    if events is None:
        return
    draft = await prompt.submit(c.ReadDraft(row.id))
    kept = Kept(row.id, _project(row, events), events, draft if isinstance(draft, c.Draft) and draft.text else None)
    path = _place(row, file, form)
    secrets = None if with_secrets else Secrets(prompt.environ)
    await anyio.to_thread.run_sync(_write, path, Exported(row, kept), form, secrets)
    told = f"'{row.name}' is in {path}. {secrets_told(secrets.found) if secrets else ''}"
    notice(prompt, told.rstrip(), "success")


def _words(argument: str) -> tuple[str, str, bool]:
    """Name, file (each may be empty) and whether secrets stay. A single word that ends as a file does, or has a slash, is the file."""
    words = argument.split()
    with_secrets = KEEP_SECRETS in words
    words = [word for word in words if word != KEEP_SECRETS]
    for word in words:
        if word.startswith("--"):
            raise usage_error("export", USAGE, f"/export knows no '{word[:40]}'")
    if len(words) > 2:
        raise usage_error("export", USAGE, "/export takes a name and a file, neither with a blank in it")
    if len(words) == 1 and ("/" in words[0] or format_of(words[0])):
        return "", words[0], with_secrets
    name, file = (*words, "", "")[:2]
    return name, file, with_secrets


async def _all_events(prompt: Prompt, session: SessionId) -> tuple[Stamped, ...] | None:
    """Every durable event; None where reading was refused, which is shown."""
    pages: list[tuple[Stamped, ...]] = []
    before: int | None = None
    while True:
        page = await prompt.submit(c.ReadHistory(session, before, PAGE))
        if not isinstance(page, c.HistoryPage):
            return None
        pages.append(page.events)
        if not page.earlier:
            return tuple(stamped for events in reversed(pages) for stamped in events)
        before = page.earlier + 1


def _project(row: c.SessionInfo, events: Sequence[Stamped]) -> Project:
    """The project as far as the session tells: a client is not told more."""
    for stamped in events[:1]:
        if isinstance(stamped.event, SessionOpened):
            return Project(stamped.event.project, row.project.rpartition("-")[0] or row.project, row.directory, row.created_at)
    raise UsageError(f"The session '{row.name}' has no events yet. Say something in it first.")


def _place(row: c.SessionInfo, file: str, form: Format) -> Path:
    return Path(row.directory) / (os.path.expanduser(file) if file else file_name(row, form))


def _write(path: Path, exported: Exported, form: Format, secrets: Secrets | None) -> None:
    write_new(path, render([exported], form, program=__version__, at=time.time(), cut=secrets.cut if secrets else None))


async def _choices(lookup: Lookup, before: str) -> Sequence[Choice]:
    return [*(await one_session(lookup, before)), Choice(KEEP_SECRETS, "nothing is cut out")]


COMMANDS = (
    SlashCommand(
        "export",
        export,
        "conversation",
        USAGE,
        "Write a session (the shown one without NAME) into a new file: Markdown, HTML or JSON, as the end of its name says.",
        (
            ("/export", "writes this session as Markdown into its directory"),
            ("/export talk.html", "writes it as a page for a browser"),
            ("/export docs docs.json", "writes the session docs with every event, for programs"),
        ),
        detail="FILE ends with .md, .html or .json and lies in the session's directory if it is not absolute. No file is overwritten. What "
        "looks like a key, and the values of variables that hold one, are cut out, unless --with-secrets is given.",
        complete=_choices,
    ),
)
