"""What makes a name and what does not, in any language; what speaks for a type; and that the size of a message does not matter."""

from __future__ import annotations

import re
import time

import pytest

from plait.core.events import Kind
from plait.names import Proposal, named
from plait.names.evidence import ENGLISH, EUROPEAN, OTHERS
from plait.names.material import HEAD, TAIL

TRACE = """Traceback (most recent call last):
  File "/srv/shop/app.py", line 10, in <module>
    main()
KeyError: 'price'
"""


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [""],
        ["   \n\t"],
        ["hi"],
        ["Hello there!", "good morning", "thanks"],
        ["ok"],
        ["👍", "🎉🎉"],
        ["the and of", "und der die"],
        ["help me please"],
        ["```\ndocker run kafka\n```"],
        ["```python\nprint('no end')"],
        ["https://example.com/docker/kafka?x=1"],
        ["www.example.com"],
        ["/usr/local/bin/docker"],
        [r"C:\Users\maria\docker"],
        ["src/main.py"],
        ["maria@example.com"],
        ["password=hunter2"],
        ["sk-proj-9fJq2LwT7vXz0aBcD3eFgH1iJkL5mNoP"],
        ["AKIAIOSFODNN7EXAMPLE"],
        ["it doesn't work", "why?"],
        ["fix it"],
        ["there is an error in my code"],
        ["42"],
        ["你好", "谢谢"],
        ["Привет", "спасибо"],
        ["Bonjour", "merci beaucoup"],
        ["こんにちは"],
        ["안녕하세요"],
        ["مرحبا", "شكرا"],
        ["สวัสดีครับ"],
        ["\ud800"],
    ],
)
def test_a_message_that_says_nothing_makes_no_name(messages: list[str]) -> None:
    assert named(messages).name == ""


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("C++ templates", "cpp-templates"),
        ("generics in C#", "generics-csharp"),
        ("fix a stream in node.js", "fix-stream-nodejs"),
        (".NET Core upgrade", "dotnet-core-upgrade"),
        ("ASP.NET auth", "aspnet-auth"),
        ("our CI/CD over TCP/IP", "cicd-tcpip"),
        ("Größe im Menü ändern", "größe-menü-ändern"),
        ("исправь ошибку входа", "исправь-ошибку-входа"),
        ("修复登录页面的错误", "修复-登录-页面"),
        ("ログインのバグを修正", "ログイン-バグ-修正"),
        ("로그인 화면을 수정해 주세요", "로그인-화면-수정해"),
        ("إصلاح خطأ تسجيل الدخول", "إصلاح-خطأ-تسجيل"),
        ("Ｄｏｃｋｅｒ in full width", "docker"),
        ("add 🎉 to the sidebar", "sidebar"),
        ("OrderManager", "order-manager"),
        ("read_parquet on macOS", "read-parquet-macos"),
    ],
)
def test_names_in_many_scripts_and_with_signs(message: str, name: str) -> None:
    assert named([message]).name == name


@pytest.mark.parametrize("message", ["σφάλμα στη σύνδεση", "ข้อผิดพลาดการเข้าสู่ระบบ", "लॉगिन त्रुटि ठीक करें", "תקן את ההתחברות"])
def test_other_scripts_make_a_name_too(message: str) -> None:
    assert named([message]).name


def test_the_sentence_beside_a_paste_makes_the_name() -> None:
    assert named([f"{TRACE}\nthe checkout dies for vouchers"]) == Proposal("checkout-vouchers", "debug")
    assert named([f"the checkout dies for vouchers\n\n{TRACE}"]) == Proposal("checkout-vouchers", "debug")


def test_a_paste_alone_makes_the_name_if_it_must() -> None:
    assert named([TRACE + "kafka.errors.NoBrokersAvailable: NoBrokersAvailable\n"]).name == "main-kafka-brokers"


def test_technical_terms_weigh_more_and_early_words_more_than_late_ones() -> None:
    assert "postgres" in named(["Yesterday evening somebody on the second floor mentioned postgres"]).name
    assert named(["giraffes elephants penguins hippos"]).name == "giraffes-elephants"


def test_later_messages_improve_a_name_up_to_the_third() -> None:
    messages = ["hey", "I have a question", "the kafka consumer lags"]
    assert named(messages[:2]).name == ""
    assert named(messages).name == "kafka-consumer-lags"
    assert named([*messages, "docker"]) == named(messages)


@pytest.mark.parametrize(
    "secret",
    [
        "password=hunter",
        "password: correct horse battery staple",
        "POSTGRES_PASSWORD=horse",
        'my password is "correct horse"',
        "password is now horse",
        "token horse42",
        "--api-key horse",
        "-u admin:horse",
        "Authorization: Bearer horsehorse",
        "Passwort: pferd",
        "пароль: лошадь",
        "密码是horse",
        "mot de passe = cheval",
        "ghp_horsehorsehorsehorse",
        "https://horse:staple@example.com/",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nhorse\nstaple\n-----END OPENSSH PRIVATE KEY-----",
        "ｐａｓｓｗｏｒｄ＝ｈｏｒｓｅ",
        "seed phrase is horse battery staple",
        "eyJhbGciOiJIUzI1NiJ9.eyJob3JzZSI6MX0.horse-horse",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "xK9pQ2mL7",
        "my password horse",
        "password -> horse",
        "DB_PASS horse",
        "the secret is: horse",
        "the password of root: horse staple",
        "set the password for maria to horse",
        "redis-cli -a horse",
        "X-Auth: horse",
        "horse is my password",
    ],
)
def test_no_part_of_a_secret_is_in_a_name(secret: str) -> None:
    announcing = {"authorization", "postgres", "password", "db", "pass", "redis", "cli", "密码"}
    assert set(named([f"docker fails\n{secret}\n"]).name.split("-")) - announcing == {"docker"}
    hidden = {word for word in ("horse", "staple") if word in secret}
    assert (
        set(named([f"docker fails\n{secret}\n", "horse staple lager"]).name.split("-")) - announcing
        <= {"docker", "lager", "horse", "staple"} - hidden
    )


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("password reset flow broken", "password-reset-flow"),
        ("token refresh loop", "token-refresh-loop"),
        ("the token is expired", "token"),
        ("password hashing with argon2", "password-hashing"),
    ],
)
def test_what_is_about_secrets_and_holds_none_makes_a_name(message: str, name: str) -> None:
    assert named([message]).name == name


def test_a_secret_is_known_again_without_its_announcement() -> None:
    assert named(["password=Pferdestall, docker login fails", "Pferdestall is refused, pferdestall too"]).name == "docker-login-refused"


@pytest.mark.parametrize(
    "secret",
    ["ghp_zebrazebrazebra1234567890", "sk-zebrazebrazebra1", "zebra7qZ9kfhQ2xV8bN4mT1cR6yL3", "Authorization: Bearer zebra123"],
)
def test_half_a_secret_at_the_cut_is_not_taken_for_a_word(secret: str) -> None:
    """Half of one has not the form of a secret any more. Long messages are read at both ends, and the cut goes through each place of it."""
    dots = "." * 3_000
    for place in range(1, len(secret)):
        head = "docker fails ".ljust(HEAD - place - 1, ".") + " " + secret + dots
        tail = "docker fails " + dots + secret + " ".ljust(TAIL - len(secret) + place, ".")
        assert "zeb" not in named([head]).name
        assert not re.search("zeb|bra", named([tail]).name)
        assert "docker" in named([head]).name


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("why does the login crash", "debug"),
        (TRACE, "debug"),
        ("Warum funktioniert die Anmeldung nicht?", "debug"),
        ("pourquoi cette erreur", "debug"),
        ("por qué falla la consulta", "debug"),
        ("почему падает сервер", "debug"),
        ("登录报错了", "debug"),
        ("ログインでエラーが出ます", "debug"),
        ("plan the roadmap for the next release", "planning"),
        ("should we use kafka or rabbitmq?", "planning"),
        ("Konzept und Architektur für das Lager", "planning"),
        ("架构设计方案", "planning"),
        ("please review this PR", "code-review"),
        ("any feedback on this code?", "code-review"),
        ("проверь мой код", "code-review"),
        ("このコードをレビューしてください", "code-review"),
        ("implement a queue", "development"),
        ("Schreibe ein Skript", "development"),
        ("写一个爬虫", "development"),
        ("", "development"),
        ("giraffes", "development"),
    ],
)
def test_what_speaks_for_a_type(message: str, kind: Kind) -> None:
    assert named([message]).kind == kind


def test_the_first_message_with_evidence_counts_most() -> None:
    assert named(["hey", "review this pull request", "then add a test"]).kind == "code-review"


@pytest.mark.parametrize("filler", ["the server fails with docker ", "数据", "\t", "key=", "\n", "ﷺ", "a/", "`", "is ", "\ud800"])
def test_the_size_of_a_message_costs_nothing(filler: str) -> None:
    """The bound is wide, for a machine that is busy; alone it takes about 5 ms for three messages."""
    named(["docker"])  # reads the stop words
    messages = [filler * (4_000_000 // len(filler)) + str(number) for number in range(3)]
    begin = time.process_time()
    named(messages)
    assert time.process_time() - begin < 0.2


def test_phrases_are_such_as_they_are_sought() -> None:
    """Texts are brought to lower case first, and in those of ASCII alone no phrase of another script is sought."""
    for evidence in (ENGLISH, EUROPEAN, OTHERS):
        for text in evidence.values():
            plain = re.sub(r"\\.", "", text)  # `\S` is no capital
            assert plain == plain.lower()
    phrases = [re.sub(r"^[\d.]+ ", "", one.strip()) for text in OTHERS.values() for one in re.split(r"[|\n]", text) if one.strip()]
    assert len(phrases) > 50
    assert not [one for one in phrases if one.isascii()]
