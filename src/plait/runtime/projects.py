"""Which project a directory belongs to. Blocks: a worker thread calls it, never the event loop."""

from __future__ import annotations

import os
from collections.abc import Callable

from plait.core.messages import ProjectId
from plait.core.naming import proposed
from plait.core.ports import Project, Store


def project_at(store: Store, directory: str, *, new_id: Callable[[], str], now: float) -> Project:
    """The nearest registered project at or above an absolute `directory`; else its git root, else itself, which is registered then."""
    known = {project.directory: project for project in store.projects()}
    above = [os.path.normpath(directory)]
    while (parent := os.path.dirname(above[-1])) != above[-1]:
        above.append(parent)
    for place in above:
        if place in known:
            return known[place]
    root = next((place for place in above if os.path.exists(os.path.join(place, ".git"))), above[0])
    prefix = proposed(os.path.basename(root)) or "project"
    identity = ProjectId(f"{prefix}-{new_id()[:8]}")
    name = os.path.basename(root) or root
    return store.project(Project(identity, name, root, now))
