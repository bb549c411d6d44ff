"""Which project a directory belongs to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from plait.core.messages import ProjectId
from plait.core.naming import proposed
from plait.core.ports import Project, Store


def project_at(store: Store, directory: str, *, new_id: Callable[[], str], now: float) -> Project:
    """The nearest registered project; else the git root of an absolute `directory`, else itself, which is registered then.

    Blocks: a worker thread calls it, never the event loop.
    """
    known = nearest_project(store.projects(), directory)
    if known is not None:
        return known
    root = next((place for place in _upwards(directory) if os.path.exists(os.path.join(place, ".git"))), os.path.normpath(directory))
    prefix = proposed(os.path.basename(root)) or "project"
    identity = ProjectId(f"{prefix}-{new_id()[:8]}")
    name = os.path.basename(root) or root
    return store.project(Project(identity, name, root, now))


def nearest_project(projects: Iterable[Project], directory: str) -> Project | None:
    """The nearest of these projects at or above an absolute `directory`; None if there is none."""
    known = {project.directory: project for project in projects}
    return next((known[place] for place in _upwards(directory) if place in known), None)


def _upwards(directory: str) -> Iterator[str]:
    """The directory, and each one above it."""
    place, below = os.path.normpath(directory), ""
    while place != below:
        yield place
        place, below = os.path.dirname(place), place
