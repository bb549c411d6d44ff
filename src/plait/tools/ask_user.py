"""`ask_user`: the model asks its user a question, and its session waits for the answer.

The tool itself only reads the question out of the arguments; that it is durable, shown, and answered once is the turn's affair.
"""

from __future__ import annotations

import json
from typing import Any

from plait.core.messages import ToolSpec
from plait.core.ports import Ask, ToolContext

MOST_CHOICES = 9
"""A choice is taken by one digit."""
MOST_LINES = 100
"""Lines of a question: it is shown in full whenever its session is, and shall not push all else off the screen each time."""
CHOICE_LENGTH = 200
"""Characters of a choice, which is shown on a line or two."""
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "description": "One question, complete in itself: the user may read it hours later."},
        "choices": {
            "type": "array",
            "items": {"type": "string", "maxLength": CHOICE_LENGTH},
            "maxItems": MOST_CHOICES,
            "description": "Short answers to choose from, the recommended one first. Leave it out for a free answer; "
            "the user may answer something else in any case.",
        },
    },
    "required": ["question"],
    "additionalProperties": False,
}


class AskUser:
    """The tool; see `core.ports.Tool`."""

    spec = ToolSpec(
        "ask_user",
        "Ask the user a question and wait for the answer. Use it when you cannot go on without a decision or fact that only the user has.",
        json.dumps(_SCHEMA),
    )

    async def run(self, arguments: str, context: ToolContext) -> Ask:
        """The question that the arguments hold. Raises `ValueError`, told to the model, where they hold none."""
        try:
            given = json.loads(arguments)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"The arguments are no JSON: {error}. Send an object with a question.") from None
        question = given.get("question") if isinstance(given, dict) else None
        choices = given.get("choices") or [] if isinstance(given, dict) else []
        if not isinstance(question, str) or not question.strip():
            raise ValueError("There is no question. Send an object with the text 'question'.")
        if (lines := len(question.strip().splitlines())) > MOST_LINES:
            raise ValueError(f"The question has {lines:,} lines, more than {MOST_LINES}. Ask a shorter one.")
        if not isinstance(choices, list) or not all(isinstance(one, str) and one.strip() for one in choices):
            raise ValueError("'choices' is not a list of texts. Send short texts, or leave it out.")
        offered = tuple(dict.fromkeys(" ".join(one.split()) for one in choices))
        if len(offered) > MOST_CHOICES:
            raise ValueError(f"There are {len(offered)} choices, more than {MOST_CHOICES}. Offer fewer.")
        if longest := max((len(one) for one in offered if len(one) > CHOICE_LENGTH), default=0):
            raise ValueError(f"A choice has {longest:,} characters, more than {CHOICE_LENGTH}. Put the details into the question.")
        return Ask(question.strip(), offered)
