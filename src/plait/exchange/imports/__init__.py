"""Readers of what other programs keep of their conversations.

Rules:
1. A reader is pure: it is given a stream (or tables) and yields conversations, and what it could not read, in the order of the file.
2. Nothing raises for what a file holds: what is whole is read, the rest is a `Left` with its place and its reason.
3. Everything that is read is text. It grants nothing: no trust, no setting, no tool is run for it.
4. A conversation is the most that is held in memory; where a format is one list, it is read element by element.
"""
