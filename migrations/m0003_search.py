"""Full-text search: the index, where its rows come from, and how far each session is in it."""

from sqlite_utils import Database, Migrations

migrations = Migrations("plait")


@migrations()
def m0003_search(database: Database) -> None:
    """Make the tables, empty. What is stored already gets in by and by once plait runs: a start shall not wait for months of messages."""
    for statement in _TABLES:
        database.execute(statement)


_TABLES = (
    # How far a session is in the index: everything up to there is in it, once. The commit that adds to the index moves the mark, so that
    # a kill neither leaves an event out nor takes it in twice. A session without a row is not in the index at all.
    """
    CREATE TABLE search_marks (
        session TEXT PRIMARY KEY REFERENCES sessions (id),
        upto INTEGER NOT NULL CHECK (upto >= 0)
    ) STRICT
    """,
    # What each row of the index is about. Not the row numbers of `events`, which VACUUM may change. An event can say two things, an answer
    # and the tool calls in it; the same one twice is refused.
    """
    CREATE TABLE search_documents (
        id INTEGER PRIMARY KEY,
        session TEXT NOT NULL,
        seq INTEGER NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'tool')),
        at REAL NOT NULL,
        UNIQUE (session, seq, role)
    ) STRICT
    """,
    # The words. Contentless: the texts are in `events`, and a second copy of them would double the file. `output` is what tools gave
    # back, a column of its own because it is looked at on request only.
    #
    # The words are cut by plait (`core.searching`) and come here with blanks between them, so the tokenizer has only to part them: `ascii`
    # does, and takes every other script for letters. Neither of the others would do alone: `trigram` finds no word of two characters
    # (`db`, `C#`, most Chinese words), `unicode61` finds nothing within a Chinese or Japanese sentence, and takes `C++` for `C`. And with
    # the words cut in one place, every SQLite finds the same, and so does the store without SQLite.
    """
    CREATE VIRTUAL TABLE search_words USING fts5 (said, output, content = '', tokenize = "ascii tokenchars '+#'")
    """,
)
