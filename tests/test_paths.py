"""Where files live, and what is said where they cannot."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from plait.core.errors import ConfigError
from plait.paths import ensure, find_paths


def test_xdg_directories_and_their_defaults() -> None:
    paths = find_paths({"HOME": "/home/ada", "XDG_DATA_HOME": "/big/data"})
    assert paths.config_file == Path("/home/ada/.config/plait/config.toml")
    assert paths.database == Path("/big/data/plait/plait.db")
    assert paths.state == Path("/home/ada/.local/state/plait")
    assert paths.cache == Path("/home/ada/.cache/plait")


@pytest.mark.parametrize("value", ["relative/dir", "", "~/x"])
def test_a_relative_xdg_value_is_ignored(value: str) -> None:
    assert find_paths({"HOME": "/home/ada", "XDG_CONFIG_HOME": value}).config == Path("/home/ada/.config/plait")


def test_plait_home_moves_all_four() -> None:
    paths = find_paths({"HOME": "/home/ada", "PLAIT_HOME": "/p", "XDG_DATA_HOME": "/elsewhere"})
    assert (paths.config_file, paths.database) == (Path("/p/config/config.toml"), Path("/p/data/plait.db"))
    assert (paths.state, paths.cache) == (Path("/p/state"), Path("/p/cache"))
    assert paths.crashes.is_relative_to(paths.state)
    assert paths.instructions == Path("/p/config/AGENTS.md")


def test_no_home_at_all_is_one_sentence_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match=r"HOME is not set.*PLAIT_HOME"):
        find_paths({})


def test_home_is_not_needed_where_nothing_asks_for_it() -> None:
    every = {f"XDG_{kind}_HOME": f"/{kind}" for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
    assert find_paths(every).state == Path("/STATE/plait")


def test_a_relative_plait_home_is_refused() -> None:
    with pytest.raises(ConfigError, match="PLAIT_HOME is 'here'"):
        find_paths({"PLAIT_HOME": "here", "HOME": "/home/ada"})


def test_ensure_makes_private_directories_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = ensure(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(one.stat().st_mode) for one in (made, made.parent, made.parent.parent)} == {0o700}


def test_ensure_opens_a_strict_umask_for_the_owner(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        made = ensure(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_ensure_closes_an_open_directory_and_leaves_its_parent_alone(tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir()
    parent.chmod(0o755)
    (parent / "own").mkdir()
    (parent / "own").chmod(0o755)
    ensure(parent / "own")
    assert stat.S_IMODE((parent / "own").stat().st_mode) == 0o700
    assert stat.S_IMODE(parent.stat().st_mode) == 0o755


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    for place in (tmp_path / "data", tmp_path / "data" / "below"):
        with pytest.raises(ConfigError, match=r"data.*PLAIT_HOME"):
            ensure(place)


def test_a_place_where_nothing_can_be_made_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="/proc/plait cannot be made"):
        ensure(Path("/proc/plait"))


def test_finding_paths_touches_no_disk(tmp_path: Path) -> None:
    find_paths({"PLAIT_HOME": str(tmp_path / "home")})
    assert not (tmp_path / "home").exists()
