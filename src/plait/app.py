"""The composition root: with `builders`, `owning`, `ephemeral`, `conversation` and `once`, it knows every layer.

It makes the parts and passes them in; it decides nothing about sessions. `owning` lets others attach, or attaches; `ephemeral` is for what
is not kept; `conversation` adds the prompt's loop, `once` the one-shot front end. The command line stands above them.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from plait.builders import catalog_of
from plait.core.defaults import SESSION_KEYS, Defaults
from plait.core.errors import NewerDatabase, StoreError
from plait.core.naming import Proposal
from plait.core.ports import Models, Store
from plait.instructions import read_instructions
from plait.metrics_file import MetricsFile
from plait.models.catalog import Catalog
from plait.paths import ensure
from plait.program import Program, tell
from plait.runtime.coordinator import Coordinator
from plait.runtime.managed import Surroundings
from plait.runtime.metrics import Meter
from plait.settings import Settings
from plait.store.rescue import take_back, write_rescue
from plait.store.sqlite import Finding, SqliteStore, open_store
from plait.tools.ask_user import AskUser

MIB = 1024 * 1024
CLOSING = 1.0
"""Seconds that connections and children have to end; leaving takes 2 s in all."""


def defaults_of(settings: Settings, *, heir: bool = False) -> Defaults:
    """The layers above a session, as the runtime takes them.

    An heir to the sessions pins nothing: its flags were for the session that it opened, and the others keep what they have.
    """
    told = (*SESSION_KEYS, "max_sessions")
    pinned = frozenset(key for key in told if not heir and settings.origin(key).layer in ("flag", "environment"))
    own = {one.name: one.requests_per_minute for one in settings.providers if one.requests_per_minute is not None}
    return Defaults(
        model=settings.model,
        system=settings.system,
        temperature=settings.temperature,
        top_p=settings.top_p,
        max_tokens=settings.max_tokens,
        compact_at=settings.compact_at,
        window_messages=settings.window_messages,
        notify=settings.notify,
        max_turns=settings.max_turns,
        max_sessions=settings.max_sessions,
        max_concurrent_calls=settings.max_concurrent_calls,
        auto_names=settings.auto_names,
        titles="model" if settings.titles == "model" else "keywords",
        buffer_events=settings.buffer_events,
        buffer_bytes=int(settings.buffer_mb * MIB),
        warn_bytes=int(settings.session_warn_mb * MIB),
        unload_bytes=int(settings.session_unload_mb * MIB),
        requests_per_minute=settings.requests_per_minute,
        provider_requests={**settings.built_in_requests, **own},
        pinned=pinned,
        sources={key: str(settings.origin(key)) for key in told},
    )


@asynccontextmanager
async def open_app(program: Program, store: Store, models: Models, *, heir: bool = False) -> AsyncGenerator[Coordinator, None]:
    """The coordinator over an open store, as a `Client`; what could not be saved when it is left is a `StoreError`.

    `heir` is whether another process owned the sessions while this one was attached to it.
    """
    surroundings = Surroundings(
        store=store,
        models=models,
        defaults=defaults_of(program.settings, heir=heir),
        instructions=lambda directory: read_instructions(program.paths.instructions, directory),
        now=time.time,
        random=random.random,
        new_id=lambda: os.urandom(6).hex(),
        tools={tool.spec.name: tool for tool in (AskUser(),)},
        named=_named,
        meter=Meter(time.time, MetricsFile(program.paths.metrics) if program.settings.persist else None),
    )
    coordinator = Coordinator(surroundings)
    try:
        async with coordinator:
            yield coordinator
    except BaseException:  # a signal, or an error: re-raised, but this loss is told with it
        if coordinator.unsaved:
            tell(_unsaved(coordinator, program))
        raise
    if coordinator.unsaved:
        raise StoreError(_unsaved(coordinator, program))


def _named(texts: Sequence[str]) -> Proposal:
    """A session's name and kind. Called in a thread, when there is a message: 23 ms of patterns are compiled then, not at the start."""
    from plait.names import named

    return named(texts)


def _unsaved(coordinator: Coordinator, program: Program) -> str:
    """Keep in a file what could not be saved, if anything may be kept; what to tell."""
    why = coordinator.journal.trouble or "The disk did not answer in time; try it."
    text = f"{coordinator.unsaved} drafts or events could not be saved. {why}"
    if not program.settings.persist:
        return f"{text} They are gone, for nothing of this run is kept."
    paths = program.paths
    places = (paths.data, paths.state, Path(tempfile.gettempdir()))
    file = write_rescue(places, paths.database, time.time(), coordinator.journal.left(), coordinator.list.unwritten())
    if file is None:
        return f"{text} No disk took a copy of them."
    return f"{text} They are in {file}: the next start takes them in{'' if file.parent == paths.data else f' once it is in {paths.data}'}."


@asynccontextmanager
async def models_over(store: Store, program: Program) -> AsyncGenerator[Catalog, None]:
    """The models of this run; they are closed at the end, and `store` after them."""
    catalog = catalog_of(program.settings, program.paths, program.environ)
    try:
        yield catalog
    finally:
        try:
            with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSING):
                await catalog.aclose()
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSING):
                await anyio.to_thread.run_sync(store.close, abandon_on_cancel=True)


def open_database(program: Program, report: Callable[[Finding], None]) -> SqliteStore:
    """The user's database, made if there is none; what has to be told of it goes to `report`. Blocks.

    Raises `StoreError`, `StoreBusy` where another process has it.
    """
    ensure(program.paths.data)
    store = open_store(program.paths.database, now=time.time(), report=report)
    if store.read_only_reason:
        store.close()
        raise NewerDatabase(store.read_only_reason)
    for rescued in take_back(store, store.path, time.time()):
        report(rescued)
    return store
