"""Every way in which a command can fail, through the last fault boundary; and what a crash leaves behind."""

from __future__ import annotations

import errno
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from plait.cli.outcome import guarded, leaves
from plait.cli.standard_input import MAX_BYTES, joined, read_piped
from plait.core import errors
from plait.crash import KEPT, write_crash


def ending(error: BaseException) -> int:
    """The exit code of a command that raises `error`."""

    @click.command()
    def command() -> None:
        raise error

    return guarded(command, [])


SEARCH = click.Context(click.Command("search"), click.Context(click.Group("plait"), info_name="plait"), "search")


@pytest.fixture(autouse=True)
def _core_limit() -> Iterator[None]:
    """`guarded` switches core dumps off for the process; the tests' own process gets its soft limit back where that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    yield
    now_hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (min(soft, now_hard) if now_hard >= 0 else soft, now_hard if now_hard != hard else hard))


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (errors.ConfigError("It is wrong. Mend it."), 2, "plait: It is wrong. Mend it.\n"),
        (errors.NoModel("None."), 5, "plait: None.\n"),
        (errors.StoreBusy("Busy."), 75, "plait: Busy.\n"),
        (errors.PlaitError("a\x1b[2Jb"), 1, "plait: a␛[2Jb\n"),
        (click.UsageError("No such thing"), 2, "plait: No such thing. See: plait --help\n"),
        (click.UsageError("No such thing", SEARCH), 2, "plait: No such thing. See: plait search --help\n"),
        (click.Abort(), 130, ""),
        (KeyboardInterrupt(), 130, ""),
        (BaseExceptionGroup("x", [KeyboardInterrupt(), ValueError()]), 130, ""),
        (ExceptionGroup("x", [ExceptionGroup("y", [errors.NoModel("None.")])]), 5, "plait: None.\n"),
        (OSError(errno.EIO, "Input/output error"), 141, ""),
        (SystemExit(7), 7, ""),
        (SystemExit(), 0, ""),
        (SystemExit("words"), 1, ""),
        (click.exceptions.Exit(3), 3, ""),
    ],
)
def test_an_error_is_one_text_and_a_code(
    error: BaseException, code: int, text: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(error) == code
    assert capsys.readouterr() == ("", text)
    assert not home.exists()


def test_a_value_is_the_exit_code_and_nothing_is_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(click.Command("x", callback=lambda: 4), []) == 4
    assert guarded(click.Command("x", callback=lambda: None), []) == 0
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0


def test_what_nobody_foresaw_is_a_sentence_and_a_private_file(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_API_KEY", "hunter2-hunter2")

    def fail(local: str) -> None:
        raise ValueError("the key hunter2-hunter2 and \x1b[2J and sk-abcdefghij1234")

    def command() -> None:
        fail("a secret in a local variable")

    assert guarded(click.Command("x", callback=command), []) == 1
    out, err = capsys.readouterr()
    (file,) = (home / "state" / "crashes").iterdir()
    assert out == ""
    assert err.startswith("plait: plait failed in a way that nobody foresaw (ValueError). ")
    assert f" {file};" in err
    text = file.read_text()
    assert "fail(" in text
    assert "ValueError" in text
    assert [
        bad
        for bad in ("hunter2", "\x1b", "sk-abc", "a secret in a local")
        if bad in text.replace('fail("a secret in a local variable")', "")
    ] == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_crash_without_a_place_to_write_is_still_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path / "file"))
    assert ending(RuntimeError("x")) == 1
    assert "Nothing could be written" in capsys.readouterr().err
    monkeypatch.setenv("PLAIT_HOME", "relative")
    assert ending(RuntimeError("x")) == 1
    assert "Nothing could be written" in capsys.readouterr().err


def test_only_the_newest_crashes_are_kept(tmp_path: Path) -> None:
    for number in range(KEPT + 5):
        (tmp_path / f"crash-20000101-0000{number:02}-1.txt").write_text("")
    (tmp_path / "mine.txt").write_text("")
    place = write_crash(ValueError("x"), tmp_path, {})
    names = sorted(one.name for one in tmp_path.glob("crash-*.txt"))
    assert len(names) == KEPT
    assert place is not None
    assert place.name == names[-1]
    assert (tmp_path / "mine.txt").exists()


def test_leaves_of_a_group() -> None:
    one, two, three = ValueError(), KeyError(), TypeError()
    assert leaves(ExceptionGroup("a", [one, ExceptionGroup("b", [two, three])])) == [one, two, three]
    assert leaves(one) == [one]


# Standard input


def test_a_pipe_and_a_file_are_read_to_their_end(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"caf\xe9 \0\n" + "grüß".encode())
    with open(tmp_path / "in.txt", "rb") as stream:
        assert read_piped(stream.fileno()) == "caf\ufffd \ufffd\ngrüß"
    reader, writer = os.pipe()
    os.write(writer, b"piped")
    os.close(writer)
    assert read_piped(reader) == "piped"
    os.close(reader)
    assert read_piped(reader) == ""


def test_devices_are_nothing_and_a_directory_is_refused(tmp_path: Path) -> None:
    for place in ("/dev/null", "/dev/zero"):
        descriptor = os.open(place, os.O_RDONLY)
        assert read_piped(descriptor) == ""
        os.close(descriptor)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(errors.UsageError, match="a directory"):
        read_piped(descriptor)
    os.close(descriptor)


def test_too_much_is_refused(tmp_path: Path) -> None:
    with open(tmp_path / "big", "wb+") as stream:
        stream.truncate(MAX_BYTES + 1)
        with pytest.raises(errors.UsageError, match="16 MiB"):
            read_piped(stream.fileno())


def test_joining() -> None:
    assert joined("p", "one\n\n") == "one\n\np"
    assert joined("p", " \n") == "p"
    assert joined("", "  code\n") == "  code"
    with pytest.raises(errors.UsageError, match="no prompt"):
        joined(" ", "\n")
