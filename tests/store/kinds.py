"""Every kind of store, made fresh in a directory, with one project registered. A new store joins the contract suite here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from plait.core.ports import Store
from plait.store.memory import MemoryStore
from tests.store.writing import PROJECT, open_at


def memory_store(_: Path) -> Store:
    store = MemoryStore()
    store.project(PROJECT)
    return store


def sqlite_store(directory: Path) -> Store:
    return open_at(directory / "data" / "plait.db")


KINDS: dict[str, Callable[[Path], Store]] = {"memory": memory_store, "sqlite": sqlite_store}
