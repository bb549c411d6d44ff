"""What every way of running plait begins with; imports little, so that a prompt may follow at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

from plait.core.sanitize import sanitize
from plait.paths import Paths
from plait.settings import Settings


@dataclass(frozen=True, slots=True)
class Program:
    """What every way of running plait is given by the command line."""

    settings: Settings
    paths: Paths
    environ: Mapping[str, str]
    directory: str


@dataclass(frozen=True, slots=True)
class Beginning:
    """Which session the command line asks for: one of a name, the one used last, or one to resume (an empty text: it is to be chosen)."""

    session: str = ""
    last: bool = False
    resume: str | None = None


NOTHING_KEPT = "Nothing of this run is kept."
"""A note on an error about which no file may be written."""


@contextmanager
def unkept(program: Program) -> Iterator[None]:
    """Where nothing of a run is kept, no file is written about a fault that nobody foresaw: its text may quote what was said."""
    try:
        yield
    except BaseException as error:
        if not program.settings.persist:
            error.add_note(NOTHING_KEPT)
        raise


def tell(text: str) -> None:
    """A sentence on stderr; it may quote untrusted text."""
    sys.stderr.write(f"plait: {sanitize(text)}\n")
    sys.stderr.flush()


def lacks_offline_package() -> bool:
    """Whether the package that runs the bundled model is missing."""
    return find_spec("xllamacpp") is None


def fetch_if_chosen(program: Program) -> None:
    """Fetch the bundled model where it is the chosen one, can run here, and is not there yet; progress goes to stderr. Blocks.

    Where nothing is kept, it is not fetched: the user is told how to.
    """
    if not program.settings.persist or program.settings.model.partition(":")[0] != "offline" or lacks_offline_package():
        return
    from plait.models import bundle
    from plait.models.fetch_progress import FetchProgress

    if not bundle.installed(program.paths.data):
        with closing(FetchProgress(sys.stderr)) as progress:
            bundle.fetch(program.paths.data, progress)
