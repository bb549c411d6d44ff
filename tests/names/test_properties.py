"""Whatever is written: a valid name or none, always the same one, and never a part of a secret."""

from __future__ import annotations

import base64
import hashlib
import re
import string

from hypothesis import example, given, settings, strategies as st

from plait.core.naming import NAME_LENGTH, checked_name
from plait.names import named
from plait.names.terms import TERMS

PIECES = r"""
docker C++ node.js .NET fix review why crash the and 数据库 ログイン ошибка größe σφάλμα خطأ ข้อผิดพลาด लॉगिन password= token: is ``` ~~~ `
https:// a@b.c /usr/bin src/a.py sk-live- eyJ -----BEGIN -----END ' ’ . , ! 500 2026-01-01 at ( { ; => İ ẞ ﷺ é 👍 ǅ ŉ ﬁ
"""
WORDS = st.sampled_from([*PIECES.split(), "\n", "\t", "\u202e", "e\u0301", "\ud800"])
MESSAGES = (
    st.text(max_size=200) | st.lists(WORDS | st.text(max_size=5), max_size=30).map(" ".join) | st.lists(WORDS, max_size=30).map("".join)
)
SEVERAL = st.lists(MESSAGES, max_size=4)

ALPHABET = string.ascii_letters + string.digits
NOISE = st.builds(lambda seed, size: hashlib.sha512(seed).digest()[:size], st.binary(max_size=8), st.integers(24, 64))
KEYS = (
    NOISE.map(bytes.hex)
    | NOISE.map(lambda raw: base64.b64encode(raw).decode())
    | NOISE.map(lambda raw: base64.urlsafe_b64encode(raw).decode())
    | st.builds(
        "{}{}".format,
        st.sampled_from(["sk-", "sk_live_", "ghp_", "github_pat_", "glpat-", "xoxb-", "AKIA", "AIza", "hf_", "npm_", "eyJ", "SG."]),
        st.text(ALPHABET, min_size=20, max_size=40),
    )
)
VALUES = st.text(ALPHABET + "!$%^&*+._-/", min_size=4, max_size=30) | st.text(
    st.characters(categories=["L", "N"], max_codepoint=0x5FF), min_size=4, max_size=20
)
ANNOUNCED = st.builds(
    "{}{}".format,
    st.sampled_from(
        [
            "password=",
            "password: ",
            "DB_PASSWORD=",
            "my token is ",
            "secret = ",
            "api_key: ",
            "api key=",
            "--password ",
            "Passwort: ",
            "пароль: ",
            "pwd=",
        ]
    ),
    VALUES,
)
SENTENCE = "kubernetes elephant {} giraffe"


@settings(max_examples=300, deadline=None)
@given(SEVERAL)
@example(["İİİ"])
@example(["ǅ ŉ ẞ ﬁ"])
def test_any_text_makes_a_valid_name_or_none_and_always_the_same(messages: list[str]) -> None:
    proposal = named(messages)
    assert proposal == named(tuple(messages))
    assert len(proposal.name) <= NAME_LENGTH
    assert not proposal.name or checked_name(proposal.name) == proposal.name
    assert len(proposal.name.split("-")) <= 3


@settings(deadline=None)
@given(MESSAGES, st.integers(1, 3))
def test_saying_it_again_changes_nothing(message: str, times: int) -> None:
    assert named([message] * times) == named([message])


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["hi", "thanks!", "👍", "ok", ""]), max_size=2, unique=True),
    st.sampled_from(["fix docker login", "数据库 设计", "C++ review"]),
)
def test_small_talk_around_a_message_changes_nothing(talk: list[str], message: str) -> None:
    assert named([*talk, message]) == named([message]) == named([message, *talk])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(KEYS | ANNOUNCED)
def test_no_part_of_a_secret_is_in_a_name_and_the_rest_still_makes_one(secret: str) -> None:
    """Always the same keys: a random one that nothing announces may look like plain words (none of 20,000 did)."""
    name = named([SENTENCE.format(f"\n{secret}\n")]).name
    assert name.startswith("kubernetes")
    announcing = {"db", "token", "api", "pwd"}  # the words before a secret are none
    assert set(name.split("-")) <= {"kubernetes", "elephant", "giraffe"} | announcing
    assert named([secret]).name in {"", *announcing}


@settings(deadline=None)
@given(VALUES, st.text(ALPHABET + " \n", max_size=40))
def test_a_value_known_as_a_secret_is_in_no_name(value: str, noise: str) -> None:
    name = named([f"password={value}\n{value} {noise}", f"docker {value}"]).name
    parts = {part.lower() for part in re.findall(r"[^\W_]+", value)}
    assert not (parts & set(name.split("-"))) - TERMS
