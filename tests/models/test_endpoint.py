"""Addresses: how they are named in sentences, which are on this machine, and what OLLAMA_HOST means."""

from __future__ import annotations

import pytest

from plait.models.endpoint import Endpoint, Secret, ollama_base_url


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("", "http://127.0.0.1:11434/v1"),
        ("  ", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080/v1"),
        (":8080", "http://127.0.0.1:8080/v1"),
        ("models.example", "http://models.example:11434/v1"),
        ("models.example:1", "http://models.example:1/v1"),
        ("http://models.example", "http://models.example:80/v1"),
        ("https://models.example/", "https://models.example:443/v1"),
        ("https://models.example/ollama", "https://models.example:443/ollama/v1"),
        ("'http://models.example:9'", "http://models.example:9/v1"),
        ("[::1]:9", "http://[::1]:9/v1"),
        ("[::1]", "http://[::1]:11434/v1"),
        ("::1", "http://[::1]:11434/v1"),
        ("::", "http://127.0.0.1:11434/v1"),
        ("models.example:port", "http://models.example:11434/v1"),
    ],
)
def test_the_address_of_ollama(value: str, url: str) -> None:
    assert ollama_base_url(value) == url


@pytest.mark.parametrize(
    ("url", "place", "shown", "local"),
    [
        ("https://api.example/v1", "api.example", "https://api.example/v1", False),
        ("http://user:pass@Host.example:8080/v1", "Host.example:8080", "http://Host.example:8080/v1", False),
        ("http://127.0.0.1:1234/v1", "127.0.0.1:1234", "http://127.0.0.1:1234/v1", True),
        ("http://127.9.9.9/v1", "127.9.9.9", "http://127.9.9.9/v1", True),
        ("http://localhost:1/v1", "localhost:1", "http://localhost:1/v1", True),
        ("http://[::1]:1/v1", "[::1]:1", "http://[::1]:1/v1", True),
        ("http://localhost.example/v1", "localhost.example", "http://localhost.example/v1", False),
        ("http://[::1/v1", "demo", "http://[::1/v1", False),
        ("nonsense", "demo", "nonsense", False),
    ],
)
def test_an_address_in_sentences(url: str, place: str, shown: str, local: bool) -> None:
    endpoint = Endpoint("demo", url)
    assert (endpoint.place, endpoint.shown_url, endpoint.local) == (place, shown, local)


def test_a_socket_is_local_and_named_by_its_provider() -> None:
    endpoint = Endpoint("offline", "http://elsewhere.example/v1", uds="/tmp/x")
    assert (endpoint.place, endpoint.local) == ("offline", True)


def test_a_secret_is_stripped_and_hidden() -> None:
    secret = Secret(" sk-1234567 \n")
    assert secret.reveal() == "sk-1234567"
    assert "1234567" not in f"{secret} {secret!r} {Endpoint('demo', 'http://x', secret)}"
    assert not Secret("  ")
