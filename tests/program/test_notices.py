"""What a session that is not shown tells: the bell, the desktop, nothing if it is muted; and never the one that is shown."""

from __future__ import annotations

import re

from tests.program.many import QUESTION, goes, told, waiting, write_script
from tests.program.running import Place, Plait

OSC = re.compile(rb"\x1b\][^\x07]*\x07")


def bells(plait: Plait) -> int:
    """How often the bell was rung; what ends a control sequence is no bell."""
    return OSC.sub(b"", plait.sent).count(b"\x07")


def test_hidden_sessions_give_notices_as_their_rules_say(place: Place) -> None:
    write_script(place)
    with place.start(columns=140, rows=40, PLAIT_NOTIFY_COOLDOWN="0") as plait:
        plait.ready().enter("hello")
        plait.until(lambda: plait.text.count("hello") == 2)
        goes(plait, "/new docs -- hello again", "docs")
        plait.until(lambda: plait.text.count("hello again") == 3)
        plait.idle()
        assert bells(plait) == 0  # both were looked at
        goes(plait, "/switch default", "default")
        told(plait, "/say docs one", "Sent to 'docs'")
        plait.until(lambda: bells(plait) == 1 and waiting(plait) == "[docs]")
        told(plait, "/notify docs done=desktop failed=off question=bell,desktop", "Notices of 'docs'")
        told(plait, "/say docs two", "Sent to 'docs'")
        plait.until(lambda: plait.sent.count(b"\x1b]9;docs: ") == 1)
        told(plait, "/say docs ask me", "Sent to 'docs'")
        plait.until(lambda: plait.sent.count(b"\x1b]9;docs: ") == 2 and bells(plait) == 2)
        told(plait, "/answer 1", "Answered 'docs'")
        plait.until(lambda: plait.sent.count(b"\x1b]9;docs: ") == 3)
        told(plait, "/mute docs", "'docs' gives no notices")
        told(plait, "/say docs ask me once more", "Sent to 'docs'")
        plait.until(lambda: waiting(plait) == "[docs ?]")  # counted all the same
        told(plait, "/inbox", QUESTION)
        assert (plait.sent.count(b"\x1b]9;"), bells(plait)) == (3, 2)
        told(plait, "/notify docs reset", "no rules of its own")
        told(plait, "/mute docs off", "gives notices again")
        told(plait, "/answer 1", "Answered 'docs'")
        plait.until(lambda: waiting(plait) == "[docs]" and bells(plait) == 3)  # as the settings say
        told(plait, "/notify docs failed=off", "Notices of 'docs'")
        told(plait, "/say docs fail", "Sent to 'docs'")
        plait.until(lambda: waiting(plait) == "[docs ✗]")
        told(plait, "/sessions", "has failed")
        assert bells(plait) == 3
