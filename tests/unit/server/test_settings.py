"""Where a setting comes from, and what is said about one that cannot be used."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from collab.schema import DocumentLimits
from server.command_settings import TokenSettings
from server.secret import signing_secret, stored_secret
from server.setting_fields import option_name, shown, variable_name
from server.setting_values import is_loopback, parse_seconds
from server.settings import (
    Settings,
    SettingsError,
    known_variables,
    load,
    read_variables,
)

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("COCUT_")]:
        monkeypatch.delenv(name)
    return tmp_path


def problem(options: dict[str, Any]) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(Settings, options)
    assert "\n" not in str(caught.value)
    return caught.value


def test_option_wins_over_variable_over_file_over_default(
    empty_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(Settings, {}).port == 8080
    (empty_place / ".env").write_text("COCUT_PORT=1\n")
    assert load(Settings, {}).port == 1
    monkeypatch.setenv("COCUT_PORT", "2")
    assert load(Settings, {}).port == 2
    assert load(Settings, {"port": "3"}).port == 3


def test_what_is_given_in_code_asks_no_environment(
    empty_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_place / ".env").write_text("COCUT_HOST=::1\n")
    monkeypatch.setenv("COCUT_PORT", "2")
    settings = Settings(data_dir=empty_place)
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCUT_REDIS_URL", "")
    assert load(Settings, {}).redis_url is None


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [("COCUT_DATABSE_URL", "COCUT_DATABASE_URL"), ("COCUT_WORKER", "COCUT_WORKERS")],
)
def test_an_unknown_variable_is_refused_with_the_nearest(
    unknown: str, nearest: str, empty_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv(unknown, "x")
        message = str(problem({}))
    assert unknown in message
    assert message.endswith(nearest)
    (empty_place / ".env").write_text(f"{unknown}=x\n")
    message = str(problem({}))
    assert "in .env" in message
    assert message.endswith(nearest)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("port", "many", "--port: must be a whole number"),
        ("port", 70_000, "--port: must be 65535 or less"),
        ("workers", 0, "--workers: must be 1 or more"),
        ("log_level", "loud", "--log-level: must be 'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_what_is_said_of_a_value(name: str, value: Any, says: str) -> None:
    assert str(problem({name: value})) == says


def test_other_variables_are_nobodys_business(
    empty_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COCUTTER", "x")
    (empty_place / ".env").write_text("POSTGRES_PASSWORD=x\nDOMAIN=localhost\n")
    assert load(Settings, {}).port == 8080


def test_variables_of_the_load_generator_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCUT_LOAD_EDITORS", "10")
    load(Settings, {})
    assert read_variables(["COCUT_LOAD_EDITORS"])["COCUT_LOAD_EDITORS"] == "10"
    monkeypatch.setenv("COCUT_LOAD_EDITOR", "10")
    with pytest.raises(SettingsError, match=r"COCUT_LOAD_EDITORS$"):
        read_variables(["COCUT_LOAD_EDITORS"])


def test_a_file_that_cannot_be_read_is_named(empty_place: Path) -> None:
    (empty_place / ".env").write_bytes(b"COCUT_HOST=\xff\xfe\n")
    assert ".env cannot be read" in str(problem({}))


def test_variables_of_other_commands_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCUT_TTL", "30m")
    load(Settings, {})
    assert load(TokenSettings, {"user": "a"}).ttl == 1800


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"port": "65536"}, "--port"),
        ({"port": "-1"}, "--port"),
        ({"port": "http"}, "--port"),
        ({"workers": "0"}, "--workers"),
        ({"jwt_secret": SECRET[1:]}, "at least 32 bytes, has 31"),
        ({"database_url": "mysql://host/db"}, "postgresql://"),
        ({"redis_url": "localhost:6379"}, "redis://"),
        ({"blob_url": "gs://bucket"}, "s3:"),
        ({"public_url": "ftp://host"}, "https://"),
        ({"public_url": "https://host:port"}, "https://"),
        ({"cors_origin": ["*"]}, "not supported"),
        ({"cors_origin": ["https://host/path"]}, "without a path"),
        ({"trusted_proxies": ["10.0.0.0/33"]}, "networks like"),
        ({"tls_cert": "missing.pem", "tls_key": "missing.pem"}, "no file"),
        ({"rate_limits": "maybe"}, "--rate-limits"),
        ({"log_level": "loud"}, "--log-level"),
        ({"max_message_bytes": "0"}, "--max-message-bytes"),
    ],
)
def test_a_wrong_value_on_the_command_line_is_wrong_usage(
    options: dict[str, Any], says: str
) -> None:
    error = problem(options)
    assert says in str(error)
    assert error.usage


def test_a_wrong_value_of_a_variable_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCUT_PORT", "http")
    error = problem({})
    assert "COCUT_PORT" in str(error)
    assert not error.usage


def test_a_wrong_secret_is_not_repeated() -> None:
    assert "hunter2" not in str(problem({"jwt_secret": "hunter2"}))
    settings = Settings(jwt_secret=SecretStr(SECRET), database_url="postgresql://u:hunter2@h/d")
    assert SECRET not in repr(settings)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"jwt_secret": SECRET, "jwks_url": "https://id/jwks"}, "exclude each other"),
        ({"tls_cert": __file__}, "go together"),
        ({"tls_key": __file__}, "go together"),
        ({"workers": "2"}, "--redis-url"),
        ({"max_message_bytes": "2", "max_document_bytes": "1"}, "--max-document-bytes"),
    ],
)
def test_settings_that_do_not_fit_together(options: dict[str, Any], says: str) -> None:
    assert says in str(problem(options))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"host": "0.0.0.0"}, "--jwt-secret"),
        ({"host": "::"}, "--jwt-secret"),
        ({"host": "example.com"}, "--jwt-secret"),
        ({"host": "0.0.0.0", "jwt_secret": SECRET, "guest": True}, "--guest"),
        ({"jwks_url": "https://id/jwks", "guest": True}, "--guest"),
    ],
)
def test_what_a_server_refuses_to_start_with(options: dict[str, Any], says: str) -> None:
    settings = load(Settings, options)
    with pytest.raises(SettingsError, match=says):
        settings.require_servable()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"guest": True},
        {"host": "localhost", "guest": True},
        {"host": "::1"},
        {"host": "0.0.0.0", "jwt_secret": SECRET},
        {"host": "0.0.0.0", "jwks_url": "https://id/jwks"},
        {"workers": "2", "redis_url": "redis://localhost"},
        {"tls_cert": __file__, "tls_key": __file__},
    ],
)
def test_what_a_server_starts_with(options: dict[str, Any]) -> None:
    load(Settings, options).require_servable()


def test_several_values(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(Settings, {"cors_origin": ["https://A.example/", "http://b:81"]}).cors_origin == (
        "https://a.example",
        "http://b:81",
    )
    monkeypatch.setenv("COCUT_TRUSTED_PROXIES", "10.0.0.1, 192.168.0.0/16,::1")
    assert [str(network) for network in load(Settings, {}).trusted_proxies] == [
        "10.0.0.1/32",
        "192.168.0.0/16",
        "::1/128",
    ]


def test_forms_that_values_get() -> None:
    settings = load(Settings, {"public_url": "https://host/", "data_dir": "here"})
    assert settings.public_url == "https://host"
    assert settings.data_dir == Path.cwd() / "here"
    assert load(Settings, {"rate_limits": "off"}).rate_limits is False


def test_the_defaults_are_the_documents_limits() -> None:
    assert load(Settings, {}).limits() == DocumentLimits()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("30m", 1800), ("24h", 86_400), ("1D", 86_400), (" 1 h ", 3600)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("ttl", ["", "h", "1w", "-1h", "1.5h", "0s", "25h", "24h1s"])
def test_token_lifetimes_that_are_refused(ttl: str) -> None:
    with pytest.raises(SettingsError, match="--ttl"):
        load(TokenSettings, {"user": "alice", "ttl": ttl})


@pytest.mark.parametrize("user", ["", "a\nb", "x" * 256])
def test_user_ids_that_are_refused(user: str) -> None:
    with pytest.raises(SettingsError, match="--user"):
        load(TokenSettings, {"user": user})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.evil.com"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("model", [Settings, TokenSettings])
def test_every_field_is_shown_and_has_a_variable(model: type[Settings | TokenSettings]) -> None:
    for name, field in model.model_fields.items():
        assert shown(field).group
        assert field.description
        assert variable_name(name) in known_variables()
        assert option_name(name) == "--" + name.replace("_", "-")


def test_the_secret_is_made_once_and_for_its_owner_only(empty_place: Path) -> None:
    secret = stored_secret(empty_place / "data")
    assert len(secret) >= 32
    assert stored_secret(empty_place / "data") == secret
    mode = (empty_place / "data" / "secret").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert [path.name for path in (empty_place / "data").iterdir()] == ["secret"]
    assert stored_secret(empty_place / "other") != secret


def test_all_who_start_together_get_one_secret(empty_place: Path) -> None:
    for attempt in range(20):
        place = empty_place / str(attempt)
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(stored_secret, [place] * 8))) == 1
        assert [path.name for path in place.iterdir()] == ["secret"]


def test_a_secret_that_cannot_be_used(empty_place: Path) -> None:
    (empty_place / "secret").write_text("short\n")
    with pytest.raises(SettingsError, match="shorter than 32 bytes"):
        stored_secret(empty_place)
    (empty_place / "file").touch()
    with pytest.raises(SettingsError, match="cannot be used"):
        stored_secret(empty_place / "file")


def test_the_configured_secret_comes_first(empty_place: Path) -> None:
    settings = load(Settings, {"jwt_secret": SECRET, "data_dir": str(empty_place)})
    assert signing_secret(settings) == SECRET.encode()
    assert not (empty_place / "secret").exists()
    with pytest.raises(SettingsError, match="--jwks-url"):
        signing_secret(load(Settings, {"jwks_url": "https://id/jwks"}))
