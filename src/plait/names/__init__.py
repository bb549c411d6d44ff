"""What a session is called and which type it is, from the first things its user wrote.

Pure and deterministic: the same messages give the same proposal on every machine, with no model and no network. The steps:

1. `material` cuts the messages to what is worth reading, takes out secrets first of all, then code, links and paths, and tells a
   person's sentences from pasted logs.
2. `keywords` weighs the words and joins the best two or three to a name.
3. `kinds` weighs phrases that speak for one of the four types.

Whether a name is taken, and what a session is called for which nothing useful was written, is the business of whoever keeps the list.

Measured on the 73 conversations of tests/names/heldout.toml, which nothing was tuned on; test_figures.py names the figures.
"""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.naming import NAMING_MESSAGES, Proposal
from plait.names.keywords import name_of
from plait.names.kinds import kind_of
from plait.names.material import material_of

__all__ = ["Proposal", "named"]


def named(messages: Sequence[str]) -> Proposal:
    """A name and a type from the first messages of a user, of any size; the name is empty if they hold nothing to make one from."""
    material = material_of(messages[:NAMING_MESSAGES])
    return Proposal(name_of(material), kind_of(material))
