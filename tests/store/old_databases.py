"""A small database of every schema that ever landed, each made by the plait of its time.

`python -m tests.store.old_databases` makes the one of today's schema in `tests/store/old/`, by the real program: answers, a failure, words
of many scripts, a turn that was cut off by a signal and one by kill -9. It is run once, when a migration lands, and its file is committed.
"""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from plait.store import engine, schema

OLD = Path(__file__).parent / "old"
SUFFIX = ".db.gz"
SCRIPT = """
[[reply]]
match = "long"
words = 4000
per_second = 100

[[reply]]
match = "fail"
error = "AccessRefused"
message = "It broke. Mend it."

[[reply]]
match = ""
text = "An answer with 日本語, C++ and ünïcödé."
thinking = "Hm."
usage = { input = 7, output = 3, cached = 1 }
"""


def names() -> list[str]:
    """The last migration of each old database, oldest first."""
    return sorted(path.name.removesuffix(SUFFIX) for path in OLD.glob(f"*{SUFFIX}"))


def unpack(name: str, path: Path) -> None:
    """The old database, as its plait left it, at `path`."""
    path.parent.mkdir(mode=0o700, parents=True)
    path.write_bytes(gzip.decompress((OLD / f"{name}{SUFFIX}").read_bytes()))
    path.chmod(0o600)


def live(root: Path) -> Path:
    """Use the program for a while, at home in `root`; its database."""
    script, work = root / "model.toml", root / "shop"
    script.write_text(SCRIPT, encoding="utf-8")
    work.mkdir()
    command = [sys.executable, "-m", "plait", "--model", f"scripted:{script}", "run"]
    environ = os.environ | {"PLAIT_HOME": str(root / "home")}
    for words in (["hello there"], ["please fail"], ["und 日本語, größer"], ["--session", "notes", "remember this"]):
        subprocess.run([*command, *words], cwd=work, env=environ, stdin=subprocess.DEVNULL, check=False)
    for number in (signal.SIGTERM, signal.SIGKILL):
        with subprocess.Popen(
            [*command, "--session", "killed", "a long one"], cwd=work, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as running:
            assert running.stdout is not None
            for _ in range(300):  # bytes: some of it is on the disk then
                running.stdout.read(1)
            running.send_signal(number)
    return root / "home" / "data" / "plait.db"


def pack(database: Path, target: Path) -> str:
    """Put a copy of the database, one file without a log, into `target`; the last of its migrations."""
    copied = database.with_name("copied.db")
    copied.touch()
    with closing(engine.connect(database, writing=False)) as source, closing(engine.connect(copied, writing=True)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        last = schema.applied_migrations(copy, copied)[-1]
    target.mkdir(exist_ok=True)
    (target / f"{last}{SUFFIX}").write_bytes(gzip.compress(copied.read_bytes(), mtime=0))
    return last


def main() -> None:
    """Make the one of today."""
    with tempfile.TemporaryDirectory(prefix="ada-") as directory:
        print(pack(live(Path(directory)), OLD))  # noqa: T201  # it is a command


if __name__ == "__main__":
    main()
