"""Rules for notices: what a text means, what is refused, and how layers merge."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from plait.core.errors import UsageError
from plait.core.notices import DEFAULT_NOTIFY, DEFAULT_RULES, NOTICE_KINDS, NOTICE_WAYS, Rules, parse_rules, rules_text

_WAYS = st.sets(st.sampled_from(NOTICE_WAYS)).map(lambda ways: tuple(way for way in NOTICE_WAYS if way in ways))
RULES = st.dictionaries(st.sampled_from(NOTICE_KINDS), _WAYS).map(Rules)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", {}),
        (" ; ", {}),
        ("approval=bell,desktop done=off", {"approval": ("bell", "desktop"), "done": ()}),
        ("done=command,bell;failed=desktop", {"done": ("bell", "command"), "failed": ("desktop",)}),
        ("Done=OFF ;\n budget=Bell", {"done": (), "budget": ("bell",)}),
        ("question=bell all=off", {"done": (), "approval": (), "question": ("bell",), "failed": (), "budget": ()}),
    ],
)
def test_what_a_text_means(text: str, rules: dict[str, tuple[str, ...]]) -> None:
    assert parse_rules(text).ways == rules


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("done", ("'done' is not a rule", "KIND=WAY")),
        ("done = bell", ("'done' is not a rule",)),
        ("aproval=bell", ("kind 'aproval'", "Did you mean approval?", "done, approval, question, failed, budget")),
        ("=bell", ("kind ''",)),
        ("done=bel", ("'bel'", "Did you mean bell?", "off, bell, desktop, command")),
        ("done=", ("''", "off, bell")),
        ("done=bell,", ("''",)),
        ("done=off,bell", ("done", "Give off alone")),
        ("done=bell,bell", ("bell stands twice for done",)),
        ("done=bell done=off", ("done stands there twice",)),
        ("all=bell all=off", ("all stands there twice",)),
        ("x" * 5000 + "=bell", ("'" + "x" * 20 + "'",)),
    ],
)
def test_what_is_refused_says_what_is_allowed_and_gives_an_example(text: str, said: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as refused:
        parse_rules(text)
    message = str(refused.value)
    assert [words for words in (*said, "such as: approval=bell,desktop done=off") if words not in message] == []
    assert len(message) < 300


@given(RULES)
def test_rules_and_their_text_are_a_round_trip(rules: Rules) -> None:
    assert parse_rules(rules_text(rules)) == rules


@given(RULES, RULES)
def test_rules_lie_over_others_kind_by_kind(above: Rules, below: Rules) -> None:
    merged = above.over(below)
    assert set(merged.ways) == {*above.ways, *below.ways}
    for kind in merged.ways:
        assert merged.of(kind) == (above if kind in above.ways else below).of(kind)


def test_every_kind_rings_by_default() -> None:
    assert DEFAULT_RULES.ways == dict.fromkeys(NOTICE_KINDS, ("bell",))
    assert rules_text(DEFAULT_RULES).split() == sorted(DEFAULT_NOTIFY.split(), key=rules_text(DEFAULT_RULES).split().index)
