"""Many sessions at one prompt: what a list of sessions shows without a fold, and what was typed and not sent."""

from sqlite_utils import Database, Migrations

migrations = Migrations("plait")


@migrations()
def m0002_many_sessions(database: Database) -> None:
    """Widen the row of a session, and make the table of drafts."""
    for statement in (*_COLUMNS, _DRAFTS):
        database.execute(statement)


# Who waits, for what and since when, how much nobody has seen, and how that is told: without these columns a start would have to fold every open session
# before it could show the list. As all of the row but the project, they can be computed again from the events.
_COLUMNS = tuple(
    f"ALTER TABLE sessions ADD COLUMN {column}"
    for column in (
        "title TEXT NOT NULL DEFAULT ''",
        "named_by_hand INTEGER NOT NULL DEFAULT 0 CHECK (named_by_hand IN (0, 1))",
        "waiting_for TEXT NOT NULL DEFAULT ''",
        "waiting_since REAL NOT NULL DEFAULT 0",
        "unread INTEGER NOT NULL DEFAULT 0",
        "ended INTEGER NOT NULL DEFAULT 0",
        "ending TEXT NOT NULL DEFAULT 'done'",
        "queued INTEGER NOT NULL DEFAULT 0",
        "muted INTEGER NOT NULL DEFAULT 0 CHECK (muted IN (0, 1))",
        "notify TEXT NOT NULL DEFAULT ''",
    )
)

# What was typed in a session and not sent. A table and no event: it changes with every pause in typing, only its latest state is worth
# anything, and none of it happened in the conversation.
_DRAFTS = """
CREATE TABLE drafts (
    session TEXT PRIMARY KEY REFERENCES sessions (id),
    text TEXT NOT NULL CHECK (text <> ''),
    cursor INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT
"""
