"""The first tables: projects hold sessions, sessions hold threads, threads hold events.

A file here is one migration: its name is the file's, it runs in one transaction, and once released it is never edited.
"""

from sqlite_utils import Database, Migrations

migrations = Migrations("plait")


@migrations()
def m0001_begin(database: Database) -> None:
    """Make every table that something uses now; what comes later gets a migration of its own."""
    for statement in _TABLES:
        database.execute(statement)


_TABLES = (
    # Who may write: the number grows with each opening for writing, and a write that carries an older one is refused. One row.
    """
    CREATE TABLE owner (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        epoch INTEGER NOT NULL CHECK (epoch >= 0)
    ) STRICT
    """,
    "INSERT INTO owner (only, epoch) VALUES (1, 0)",
    # A directory that people work in. Sessions belong to a project and not to a path, so that a project can hold settings, policies and
    # trust, and so that two sessions in different subdirectories belong together.
    """
    CREATE TABLE projects (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        directory TEXT NOT NULL UNIQUE,
        created_at REAL NOT NULL
    ) STRICT
    """,
    # A session as it is after its last event, so that a list of sessions needs no fold over all events. Everything here but the project
    # can be computed again from the events; the same commit writes both.
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        project TEXT NOT NULL REFERENCES projects (id),
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        directory TEXT NOT NULL,
        messages INTEGER NOT NULL,
        created_at REAL NOT NULL,
        last_at REAL NOT NULL,
        seq INTEGER NOT NULL CHECK (seq >= 0)
    ) STRICT
    """,
    # A line of conversation in a session: the main one is 1; forks and sub-agents get numbers of their own. The key repeats in every
    # index, so the table is the key.
    """
    CREATE TABLE threads (
        session TEXT NOT NULL REFERENCES sessions (id),
        number INTEGER NOT NULL CHECK (number > 0),
        PRIMARY KEY (session, number)
    ) STRICT, WITHOUT ROWID
    """,
    # What happened: append-only, the truth from which all else is computed. `seq` is dense from 1 in its session and is the order; `at` is
    # for display. `type` is kept beside the JSON so that an event of a later version can be carried without being understood. Not WITHOUT
    # ROWID: rows of 1 to 4 KB, which answers are, would spill there into pages of their own (measured: 63,000 events/s against 88,000
    # in groups of 40, and a file 15 % larger; reading is the same).
    """
    CREATE TABLE events (
        session TEXT NOT NULL,
        seq INTEGER NOT NULL CHECK (seq > 0),
        thread INTEGER NOT NULL,
        at REAL NOT NULL,
        type TEXT NOT NULL,
        data TEXT NOT NULL,
        PRIMARY KEY (session, seq),
        FOREIGN KEY (session, thread) REFERENCES threads (session, number)
    ) STRICT
    """,
    # The user's answer about a project's own instruction files. Kept apart from the project because it is an answer to a digest: when the
    # files change, the question is asked again.
    """
    CREATE TABLE trust (
        project TEXT PRIMARY KEY REFERENCES projects (id),
        digest TEXT NOT NULL,
        allowed INTEGER NOT NULL CHECK (allowed IN (0, 1)),
        at REAL NOT NULL
    ) STRICT
    """,
)
