"""Where plait's files live.

Rules:
1. `PLAIT_HOME` moves everything below one directory; without it the XDG directories hold a directory `plait` each.
2. A relative XDG value is ignored, as the XDG Base Directory Specification demands; a relative `PLAIT_HOME` is refused.
3. Finding paths touches no disk. A directory is made, mode 0700, by `ensure` alone, when something is about to be written into it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plait.core.errors import ConfigError

PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Paths:
    """The four directories, all absolute; none of them need exist."""

    config: Path
    data: Path
    state: Path
    cache: Path

    @property
    def config_file(self) -> Path:
        """The user's settings."""
        return self.config / "config.toml"

    @property
    def instructions(self) -> Path:
        """The user's own AGENTS.md."""
        return self.config / "AGENTS.md"

    @property
    def database(self) -> Path:
        """Projects, sessions and events."""
        return self.data / "plait.db"

    @property
    def metrics(self) -> Path:
        """What was counted and measured."""
        return self.state / "metrics.json"

    @property
    def crashes(self) -> Path:
        """One file for each crash."""
        return self.state / "crashes"


def find_paths(environ: Mapping[str, str]) -> Paths:
    """The paths for this environment. Raises `ConfigError` where neither `PLAIT_HOME` nor `HOME` says where."""
    own = environ.get("PLAIT_HOME", "")
    if own:
        home = Path(own)
        if not home.is_absolute():
            raise ConfigError(f"PLAIT_HOME is '{own}', which is not an absolute path. Set it to one that begins with '/', or unset it.")
        return Paths(home / "config", home / "data", home / "state", home / "cache")
    return Paths(
        _xdg(environ, "XDG_CONFIG_HOME", ".config"),
        _xdg(environ, "XDG_DATA_HOME", ".local/share"),
        _xdg(environ, "XDG_STATE_HOME", ".local/state"),
        _xdg(environ, "XDG_CACHE_HOME", ".cache"),
    )


def _xdg(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    configured = Path(environ.get(variable, ""))
    if configured.is_absolute():
        return configured / "plait"
    home = Path(environ.get("HOME", ""))
    if not home.is_absolute():
        raise ConfigError(
            "HOME is not set to an absolute path, so there is no place for plait's files. "
            "Set HOME, or set PLAIT_HOME to a directory of plait's own."
        )
    return home / below_home / "plait"


def ensure(directory: Path) -> Path:
    """Make `directory` and what is missing above it, each with mode 0700; close an existing one to others. Returns it.

    Raises `ConfigError` where that is not possible.
    """
    try:
        _make(directory)
        mode = stat.S_IMODE(directory.stat().st_mode)
        if mode & 0o077:
            directory.chmod(PRIVATE)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(None, "not writable")
    except OSError as error:
        raise ConfigError(
            f"The directory {directory} cannot be made or used ({error.strerror}). "
            "Make it writable, or set PLAIT_HOME to a directory that you can write to."
        ) from error
    return directory


def _make(directory: Path) -> None:
    missing = []
    while not directory.is_dir():
        missing.append(directory)
        if directory == directory.parent:
            break
        directory = directory.parent
    for one in reversed(missing):
        try:
            # mkdir(parents=True) gives its mode to the last one only, and the umask would take from it.
            one.mkdir(PRIVATE)
        except FileExistsError:
            if not one.is_dir():
                raise
        else:
            one.chmod(PRIVATE)
