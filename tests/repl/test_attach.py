"""Which words of a message are files, and what is refused."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from plait.core.errors import UsageError
from plait.core.messages import Attachment
from plait.repl.attach import LONGEST, MOST, attach, read_attachments, read_text


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with some files."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("print(1)\n")
    (tmp_path / "notes.txt").write_text("läuft\r\n", newline="")
    (tmp_path / "a b.txt").write_text("blanks")
    (tmp_path / "odd.").write_text("a dot at the end")
    (tmp_path / "Makefile").write_text("all:\n")
    return tmp_path


def paths(text: str, place: Path) -> list[str]:
    return [one.path for one in read_attachments(text, str(place))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("look at @src/main.py please", ["src/main.py"]),
        ("@notes.txt", ["notes.txt"]),
        ("(see @notes.txt), or [@Makefile].", ["notes.txt", "Makefile"]),
        ("what is @notes.txt?! and @Makefile:", ["notes.txt", "Makefile"]),
        ("a dot: @odd.", ["odd."]),
        ('blanks: @"a b.txt" and @"src/main.py".', ["a b.txt", "src/main.py"]),
        ("line\n@notes.txt\nline", ["notes.txt"]),
        ("twice @notes.txt @./notes.txt @src/../notes.txt", ["notes.txt"]),
        ("mail a@b.c, me@notes.txt", []),
        ("ask @alice, @bob. and @", []),
        ("@dataclass\n@pytest.mark.anyio\n@app.route('/x')\n@angular/core @... @@notes.txt", []),
        ("\\@notes.txt", []),
        ('@""', []),
    ],
)
def test_words_that_are_files(text: str, found: list[str], place: Path) -> None:
    assert paths(text, place) == found


def test_the_text_of_a_file_comes_as_it_is(place: Path) -> None:
    assert read_attachments("@notes.txt", str(place)) == (Attachment("notes.txt", "läuft\r\n"),)
    (place / "bom.txt").write_bytes(b"\xef\xbb\xbfhello")
    assert read_text(str(place / "bom.txt"), "bom.txt") == "hello"


def test_home_and_absolute_paths(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(place / "src"))
    assert paths(f"@~/main.py @{place}/notes.txt", place) == ["~/main.py", f"{place}/notes.txt"]


@pytest.mark.parametrize("text", ["@src/mian.py", "@nots.txt,", "@/nowhere", "@./x", "@~/nothing-here", "@src/x", '@"not there"', "@x.PY"])
def test_what_looks_like_a_path_and_is_not_there_is_refused(text: str, place: Path) -> None:
    with pytest.raises(UsageError, match=r"does not exist\. Check the path"):
        paths(text, place)


def test_kinds_that_are_no_files_are_refused(place: Path) -> None:
    os.mkfifo(place / "fifo")
    (place / "dangling").symlink_to("nothing")
    (place / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / "socket"))
        for text, reason in [
            ("@src", "'src' is a directory, not a regular file. Name the files"),
            ("@fifo", "'fifo' is a FIFO"),
            ("@/dev/zero", "'/dev/zero' is a device"),
            ("@socket", "'socket' is a socket"),
            ("@dangling", "'dangling' does not exist"),
            ("@loop", "'loop' cannot be read"),
        ]:
            with pytest.raises(UsageError, match=reason):
                paths(text, place)


def test_opening_a_fifo_is_not_even_tried(place: Path) -> None:
    """A writer that waits for a reader would be set free, and killed by the next write."""
    os.mkfifo(place / "fifo")
    with pytest.raises(UsageError):
        paths("@fifo", place)
    with pytest.raises(OSError, match="No such device"):  # ENXIO: there never was a reader
        os.open(place / "fifo", os.O_WRONLY | os.O_NONBLOCK)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\x7fELF\0\0", "is a binary file"),
        ("text".encode("utf-16"), "is UTF-16 text. Convert it"),
        (b"caf\xe9", "is not UTF-8 text .byte 4."),
        (b"x" * (LONGEST + 1), "is larger than 1,024 KiB"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, reason: str, place: Path) -> None:
    (place / "file").write_bytes(data)
    with pytest.raises(UsageError, match=f"'file' {reason}"):
        paths("@file", place)


def test_the_largest_file_is_taken(place: Path) -> None:
    (place / "file").write_bytes(b"x" * LONGEST)
    assert len(read_attachments("@file", str(place))[0].text) == LONGEST


def test_a_file_whose_size_is_not_told_is_read_to_its_end(place: Path) -> None:
    if Path("/proc/self/status").exists():
        assert "Name:" in read_text("/proc/self/status", "status")


def test_an_unreadable_file_is_refused() -> None:
    with tempfile.TemporaryDirectory() as name:
        secret = Path(name, "secret.txt")
        secret.write_text("x")
        secret.chmod(0)
        Path(name).chmod(0o755)
        with somebody_else(), pytest.raises(UsageError, match=r"'secret\.txt' cannot be read \(permission denied\)"):
            paths("@secret.txt", Path(name))


@contextmanager
def somebody_else() -> Iterator[None]:
    """Not the superuser, who may read everything."""
    me = os.geteuid()
    os.seteuid(me or 65534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_more_files_than_a_message_takes_are_refused(place: Path) -> None:
    for number in range(MOST + 1):
        (place / f"f{number}.txt").write_text("x")
    assert len(paths(" ".join(f"@f{number}.txt" for number in range(MOST)), place)) == MOST
    with pytest.raises(UsageError, match="more than 20 files"):
        paths(" ".join(f"@f{number}.txt" for number in range(MOST + 1)), place)


@pytest.mark.anyio
async def test_only_what_was_typed_attaches(place: Path) -> None:
    text = "see @Makefile and\n@/etc/passwd\n@src/main.py"
    attached = await attach(text, str(place), typed="see @Makefile and [pasted 2 lines, 25 B #1]")
    assert attached.text == text
    assert [one.path for one in attached.attachments] == ["Makefile"]
    assert (await attach("nothing here", str(place))).attachments == ()


@given(st.text(st.sampled_from("@ab/.~\"'\\ \n\0\ud800é)("), max_size=30))
def test_no_text_does_anything_but_attach_or_be_refused(text: str) -> None:
    with suppress(UsageError):
        assert read_attachments(text, "/nowhere/at/all") == ()
