"""What a session may set for itself: the keys, the types and the ranges."""

from __future__ import annotations

from dataclasses import fields

import pytest

from plait.core.defaults import SESSION_KEYS, Defaults, checked_setting
from plait.core.errors import UsageError
from plait.core.events import SettingValue


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("model", "ollama:qwen3", "ollama:qwen3"),
        ("system", "", ""),
        ("temperature", 0, 0.0),
        ("temperature", "0.7", 0.7),
        ("temperature", 2, 2.0),
        ("top_p", "1", 1.0),
        ("max_tokens", "256", 256),
        ("max_tokens", 256.0, 256),
        ("notify", "done=OFF;approval=desktop,bell", "done=off approval=bell,desktop"),
        ("notify", "", None),
        ("mute", 1, 1),
    ],
)
def test_a_good_value_is_kept_in_its_own_type(key: str, value: SettingValue, kept: SettingValue) -> None:
    checked = checked_setting(key, value)
    assert (checked, type(checked)) == (kept, type(kept))


@pytest.mark.parametrize("key", SESSION_KEYS)
def test_every_key_can_be_taken_back_and_has_a_layer_above(key: str) -> None:
    assert checked_setting(key, None) is None
    assert key in {one.name for one in fields(Defaults)}


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("temperature", 2.1, "from 0 to 2"),
        ("temperature", -1, "from 0 to 2"),
        ("temperature", "warm", "a number"),
        ("temperature", "nan", "a number"),
        ("top_p", "inf", "from 0 to 1"),
        ("max_tokens", 0, "a whole number"),
        ("max_tokens", 1.5, "a whole number"),
        ("max_tokens", "1.5", "a whole number"),
        ("max_tokens", float("inf"), "a whole number"),
        ("max_tokens", 10**12, "10,000,000"),
        ("model", 3, "is a text"),
        ("notify", 1, "is a text"),
        ("notify", "done=buzz", "bell, desktop, command"),
        ("mute", 0, "Give 1"),
        ("mute", 1.0, "Give 1"),
        ("mute", "1", "Give 1"),
        ("theme", "dark", "temperature"),
    ],
)
def test_a_bad_value_is_refused_with_what_is_allowed(key: str, value: SettingValue, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked_setting(key, value)
    assert told in str(refused.value)


def test_a_session_may_not_set_what_belongs_to_all() -> None:
    with pytest.raises(UsageError):
        checked_setting("max_sessions", 100)
