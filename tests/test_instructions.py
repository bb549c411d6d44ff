"""AGENTS.md: which files are read, in which order, how much of them, and what is left out with a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plait.core.prompt import Instructions
from plait.instructions import LONGEST, project_root, read_instructions


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "config" / "AGENTS.md"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / ".git").mkdir(parents=True)
    (root / "src" / "web").mkdir(parents=True)
    return root


def test_without_any_file_there_is_nothing(own: Path, project: Path) -> None:
    assert read_instructions(own, str(project)) == Instructions()
    assert read_instructions(own, str(project / "not" / "there")) == Instructions()


def test_files_are_read_from_the_root_down_and_none_beside_the_way(own: Path, project: Path) -> None:
    own.parent.mkdir()
    own.write_text("mine")
    (project.parent / "AGENTS.md").write_text("above the root")
    (project / "AGENTS.md").write_text("root")
    (project / "src" / "AGENTS.md").write_text("src")
    (project / "src" / "web" / "AGENTS.md").write_text("web")
    found = read_instructions(own, str(project / "src"))
    assert found.own == ((str(own), "mine"),)
    assert [text for _, text in found.project] == ["root", "src"]
    assert [path for path, _ in found.project] == [str(project / "AGENTS.md"), str(project / "src" / "AGENTS.md")]
    assert project_root(str(project / "src" / "web")) == project


def test_outside_a_repository_the_directory_is_its_own_root(own: Path, tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("above")
    (tmp_path / "here").mkdir()
    assert read_instructions(own, str(tmp_path / "here")).project == ()


def test_the_digest_is_of_what_the_project_s_files_hold_and_nothing_else(own: Path, project: Path) -> None:
    file = project / "AGENTS.md"
    file.write_text("one")
    first = read_instructions(own, str(project)).digest
    own.parent.mkdir()
    own.write_text("mine changes")
    os.utime(file, (1, 1))
    assert read_instructions(own, str(project)).digest == first
    file.write_text("two")
    second = read_instructions(own, str(project)).digest
    assert len({first, second, ""}) == 3


def test_the_digest_cannot_be_met_by_moving_text_between_files(own: Path, project: Path) -> None:
    inner = project / "src" / "AGENTS.md"
    (project / "AGENTS.md").write_text("one")
    inner.write_text("two")
    split = read_instructions(own, str(project / "src"))
    inner.unlink()
    (project / "AGENTS.md").write_text(f"one\0{inner}\0two")
    assert read_instructions(own, str(project / "src")).digest != split.digest


def test_a_link_out_of_the_project_is_left_out_and_said(own: Path, project: Path) -> None:
    secret = project.parent / "secret"
    secret.write_text("the keys")
    (project / "AGENTS.md").symlink_to(secret)
    found = read_instructions(own, str(project))
    assert (found.project, found.digest) == ((), "")
    assert "not a regular file of this project" in found.problems[0]


def test_a_link_inside_the_project_and_a_link_of_the_user_s_own_are_followed(own: Path, project: Path) -> None:
    (project / "src" / "GUIDE.md").write_text("guide")
    (project / "AGENTS.md").symlink_to(project / "src" / "GUIDE.md")
    own.parent.mkdir()
    (project.parent / "dotfiles").write_text("mine")
    own.symlink_to(project.parent / "dotfiles")
    found = read_instructions(own, str(project))
    assert [text for _, text in (*found.own, *found.project)] == ["mine", "guide"]
    assert found.problems == ()


@pytest.mark.parametrize("kind", ["fifo", "directory", "loop", "device"])
def test_what_is_no_regular_file_is_left_out_at_once(kind: str, own: Path, project: Path) -> None:
    """At once: a FIFO without a writer must not hold up the turn."""
    file = project / "AGENTS.md"
    match kind:
        case "fifo":
            os.mkfifo(file)
        case "directory":
            file.mkdir()
        case "device":
            file.symlink_to("/dev/zero")
        case _:
            file.symlink_to(file)
    found = read_instructions(own, str(project))
    assert found.project == ()
    assert str(file) in found.problems[0]
    assert "left out" in found.problems[0]


def test_of_a_huge_file_only_the_beginning_is_used_and_that_is_said(own: Path, project: Path) -> None:
    (project / "AGENTS.md").write_text("x" * (LONGEST + 1) + "the end")
    found = read_instructions(own, str(project))
    assert len(found.project[0][1]) == LONGEST
    assert "32 KiB" in found.problems[0]


def test_bytes_that_are_no_text_are_replaced_and_blank_files_are_none(own: Path, project: Path) -> None:
    (project / "AGENTS.md").write_bytes(b"caf\xe9")
    (project / "src" / "AGENTS.md").write_text(" \n")
    found = read_instructions(own, str(project / "src"))
    assert [text for _, text in found.project] == ["caf\N{REPLACEMENT CHARACTER}"]


def test_a_directory_whose_name_is_no_text_is_read_too(own: Path, project: Path) -> None:
    odd = os.fsdecode(os.fsencode(project) + b"/caf\xe9")
    os.mkdir(odd)
    Path(odd, "AGENTS.md").write_text("odd")
    found = read_instructions(own, odd)
    assert [text for _, text in found.project] == ["odd"]
    assert len(found.digest) == 64


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_said(own: Path, project: Path) -> None:
    (project / "AGENTS.md").write_text("x")
    (project / "AGENTS.md").chmod(0)
    assert "cannot be read" in read_instructions(own, str(project)).problems[0]
