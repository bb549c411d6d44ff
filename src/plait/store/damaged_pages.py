"""Rows read out of a database's pages one by one, whatever is damaged around them (https://sqlite.org/fileformat.html).

Rules:
1. Each page is taken by itself, and so is each row: what does not hold together gives nothing, and harms nothing else.
2. What was committed into the log stands in for the pages of the file, as it does for SQLite.
3. Pages on the free list are left out where that list can be read: what was deleted on purpose does not come back.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias

from plait.store.files import wal_path

Value: TypeAlias = int | float | str | bytes | None
USUAL_PAGE = 4096
_LEAF = 13
"""The kind of page that holds a table's rows."""
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Bytes of an integer by its serial type."""
_WAL_MAGIC = 0x377F0682
_WAL_HEADER, _FRAME_HEADER = 32, 24


class Damaged(Exception):
    """These bytes do not hold together."""


def rows(database: Path) -> Iterator[tuple[Value, ...]]:
    """The columns of every table row that can be read, in the order of the pages; a rowid that is a column is None.

    The database must not be open in this process (`store.files` says why). Raises `OSError`.
    """
    with _Pages(database) as pages:
        free = pages.free()
        for number in pages.numbers():
            if number not in free:
                yield from _rows_of(pages, number)


def _rows_of(pages: _Pages, number: int) -> Iterator[tuple[Value, ...]]:
    try:
        page = pages.page(number)
        start = 100 if number == 1 else 0
        if page[start] != _LEAF:
            return
        (count,) = struct.unpack_from(">H", page, start + 3)
        pointers = struct.unpack_from(f">{count}H", page, start + 8)
    except (Damaged, struct.error, IndexError):
        return
    for pointer in pointers:
        try:
            yield _record(_payload(pages, page, pointer))
        except (Damaged, struct.error, IndexError, UnicodeDecodeError):
            continue


class _Pages:
    """The pages of a database, its log included."""

    def __init__(self, database: Path) -> None:
        self._file = _open(database)
        self._log = _open(wal_path(database))
        head = self._read(self._file, 0, 100)
        size = int.from_bytes(head[16:18]) if head.startswith(b"SQLite format 3\0") else 0
        log_size = int.from_bytes(self._read(self._log, 8, 4))
        self.size = next((one for one in (65536 if size == 1 else size, log_size) if one.bit_count() == 1 and one >= 512), USUAL_PAGE)
        self.usable = self.size - (head[20] if size else 0)
        self._frames = self._committed()
        self._count = self._file.seek(0, 2) // self.size if self._file else 0
        self.bytes = (self._count + len(self._frames)) * self.size

    def __enter__(self) -> _Pages:
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self._file, self._log):
            if file is not None:
                file.close()

    def numbers(self) -> Iterator[int]:
        """All pages, in order."""
        yield from range(1, self._count + 1)
        yield from sorted(number for number in self._frames if number > self._count)

    def page(self, number: int) -> bytes:
        """Raises `Damaged` where there is none of this number."""
        frame = self._frames.get(number)
        file, place = (self._file, (number - 1) * self.size) if frame is None else (self._log, frame)
        page = self._read(file, place, self.size) if number > 0 else b""
        if len(page) < self.size:
            raise Damaged
        return page

    def free(self) -> set[int]:
        """The pages of the free list, as far as it can be read."""
        free: set[int] = set()
        try:
            first = self.page(1)
            if not first.startswith(b"SQLite format 3\0"):
                return free
            (trunk,) = struct.unpack_from(">I", first, 32)
            while trunk and trunk not in free:
                free.add(trunk)
                following, count = struct.unpack_from(">II", self.page(trunk))
                free.update(struct.unpack_from(f">{count}I", self.page(trunk), 8))
                trunk = following
        except (Damaged, struct.error):
            pass
        return free

    def _committed(self) -> dict[int, int]:
        """Where in the log the last committed content of each page lies."""
        head = self._read(self._log, 0, _WAL_HEADER)
        if len(head) < _WAL_HEADER or struct.unpack_from(">I", head)[0] & ~1 != _WAL_MAGIC or int.from_bytes(head[8:12]) != self.size:
            return {}
        order = ">" if head[3] & 1 else "<"
        sums = _checksum(order, head[:24], (0, 0))
        committed: dict[int, int] = {}
        pending: dict[int, int] = {}
        place = _WAL_HEADER
        while len(frame := self._read(self._log, place, _FRAME_HEADER + self.size)) == _FRAME_HEADER + self.size:
            number, commit = struct.unpack_from(">II", frame)
            sums = _checksum(order, frame[_FRAME_HEADER:], _checksum(order, frame[:8], sums))
            if frame[8:16] != head[16:24] or struct.unpack_from(">II", frame, 16) != sums:
                break
            pending[number] = place + _FRAME_HEADER
            if commit:
                committed |= pending
                pending.clear()
            place += len(frame)
        return committed

    @staticmethod
    def _read(file: BinaryIO | None, place: int, size: int) -> bytes:
        if file is None:
            return b""
        file.seek(place)
        return file.read(size)


def _open(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None


def _checksum(order: str, data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for one, two in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second


def _payload(pages: _Pages, page: bytes, place: int) -> bytes:
    """A row's bytes, those on overflow pages included."""
    size, place = _varint(page, place)
    _, place = _varint(page, place)  # the rowid
    if size > pages.bytes:  # else pages that lead in a circle would be followed for ever
        raise Damaged
    most = pages.usable - 35
    local = size
    if size > most:
        least = (pages.usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (pages.usable - 4)
        local = local if local <= most else least
    if place + local > len(page):
        raise Damaged
    parts = [page[place : place + local]]
    (following,) = struct.unpack_from(">I", page, place + local) if size > local else (0,)
    missing = size - local
    while missing > 0:
        overflow = pages.page(following)
        parts.append(overflow[4 : min(pages.usable, 4 + missing)])
        missing -= len(parts[-1])
        (following,) = struct.unpack_from(">I", overflow)
    return b"".join(parts)


def _record(payload: bytes) -> tuple[Value, ...]:
    """The columns of a row."""
    end, place = _varint(payload, 0)
    body, values = end, []
    while place < end:
        kind, place = _varint(payload, place)
        value, body = _value(kind, payload, body)
        values.append(value)
    if body != len(payload):
        raise Damaged
    return tuple(values)


def _value(kind: int, payload: bytes, place: int) -> tuple[Value, int]:
    if kind in (0, 8, 9):
        return (None if kind == 0 else kind - 8), place
    size = _INTEGERS.get(kind) or (8 if kind == 7 else (kind - 12) // 2)
    data = payload[place : place + size]
    if kind in (10, 11) or len(data) < size:
        raise Damaged
    place += size
    if kind == 7:
        return struct.unpack(">d", data)[0], place
    if kind < 12:
        return int.from_bytes(data, signed=True), place
    return (data.decode() if kind % 2 else data), place


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for number in range(9):
        byte = data[place + number]
        if number == 8:
            return value << 8 | byte, place + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + number + 1
    raise AssertionError("the ninth byte is the last one")
