"""What is cut out of texts that leave plait, and what stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, strategies as st

from plait.core.secrets import MARK, Secrets, without_secrets
from tests.timing import keep

_LINES = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\nAAAAAAAAABAAAAMwAAAAtzc2g="
PEM = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_LINES}\n-----END OPENSSH PRIVATE KEY-----"


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abc123def456",
        "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "AKIAIOSFODNN7EXAMPLE",
        "hf_abcdefghijkl",
        "xai-abcdefghijkl",
        "npm_abcdefghijklmnop",
        "ASIAIOSFODNN7EXAMPLE",
        "shpat_0123456789abcdef",
        "SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf",
        "nvapi-abcdefgh-ijkl_mnop",
        "whsec_abcdefghijklmnop",
        "Bearer abc.def-ghi_jkl",
    ],
)
def test_what_has_the_form_of_a_key_is_cut_out(secret: str) -> None:
    text = without_secrets(f"before {secret} after", {})
    assert secret.split()[-1] not in text
    assert text.startswith("before ")
    assert text.endswith(" after")


def test_secret_variables_are_cut_out_and_others_stay() -> None:
    environ = {"MY_TOKEN": "abcdefgh", "MY_TOKEN_LONG": "abcdefghijk", "HOME": "/home/ada", "PIN_KEY": "1"}
    assert without_secrets("abcdefghijk abcdefgh /home/ada 1", environ) == "<secret> <secret> /home/ada 1"
    assert without_secrets("http://ada:pw@host/", {}) == "http://<secret>@host/"


@pytest.mark.parametrize(
    "secret",
    [
        PEM,
        PEM.replace("\n", "\\n"),
        PEM.partition("-----END")[0].rstrip(),
        PEM.replace("OPENSSH ", ""),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
        "github_pat_11ABCDEFG0123456789abcdef",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "Authorization: Basic abcdefgh",
        "basic dXNlcjpwYXNz1",
    ],
)
def test_more_forms(secret: str) -> None:
    assert without_secrets(f"before {secret} after", {}) == f"before {MARK} after"


@pytest.mark.parametrize(
    "text",
    [
        "basic functionality and basic JavaScript",
        "bearer authentication. A bearer token",
        "the key is on the table, the password is wrong, see https://host:8080/path@2",
        "-----BEGIN CERTIFICATE----- is public",
        "risk-averse task-management disk-usage",
    ],
)
def test_sentences_stay(text: str) -> None:
    assert without_secrets(text, {"GIT_AUTHOR_NAME": "authentication", "KEYMAP": "german", "LANG": "functionality"}) == text


@given(st.text(max_size=60), st.text(min_size=6, max_size=20))
def test_no_value_of_a_secret_variable_stays(text: str, value: str) -> None:
    secrets = Secrets({"MY_TOKEN": value})
    cut = secrets.cut(text + value + text)
    assert value not in cut.replace(MARK, "")
    assert secrets.found >= 1


@pytest.mark.parametrize("piece", ["-----BEGIN PRIVATE KEY-----", "://a:a", "a:", "bearer a", "sk-", "eyJ", "-----BEGIN "])
def test_hostile_text_takes_no_time(piece: str) -> None:
    text, began = "://" + piece * (100_000 // len(piece)), time.perf_counter()
    without_secrets(text, {})
    keep(3.0, time.perf_counter() - began)
