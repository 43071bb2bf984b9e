"""The command line as a process: what it prints where, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest

from server.setting_fields import option_name, shown, variable_name
from server.settings import Settings

COCUT = Path(sys.executable).parent / "cocut"


def cocut(*arguments: str, place: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COCUT_")}
    return subprocess.run(
        [COCUT, *arguments],
        cwd=place,
        env=kept | {"COLUMNS": "200"} | variables,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def test_token_prints_a_token_and_nothing_else(tmp_path: Path) -> None:
    run = cocut("token", "--user", "alice", "--tier", "pro", "--ttl", "30m", place=tmp_path)
    assert run.returncode == 0
    assert run.stderr == ""
    [printed] = run.stdout.splitlines()
    secret = (tmp_path / "cocut-data" / "secret").read_bytes().strip()
    claims = jwt.decode(printed, secret, algorithms=["HS256"])
    assert claims["sub"] == "alice"
    assert claims["tier"] == "pro"
    assert claims["exp"] - claims["iat"] == 1800
    assert abs(claims["iat"] - time.time()) < 60


def test_token_takes_its_options_from_variables(tmp_path: Path) -> None:
    secret = "s" * 32
    (tmp_path / ".env").write_text(f"COCUT_JWT_SECRET={secret}\n")
    run = cocut("token", place=tmp_path, COCUT_USER="bob", COCUT_NAME="Bob")
    claims = jwt.decode(run.stdout.strip(), secret, algorithms=["HS256"])
    assert (claims["sub"], claims["name"]) == ("bob", "Bob")
    assert claims["exp"] - claims["iat"] == 86_400
    assert not (tmp_path / "cocut-data").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["token"], "--user is missing"),
        (["token", "--user", "a", "--ttl", "25h"], "--ttl"),
        (["token", "--user", "a", "--tier", "gold"], "--tier"),
        (["serve", "--port", "http"], "--port"),
        (["serve", "--prot", "1"], "No such option"),
        (["srve"], "No such command"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], says: str, tmp_path: Path) -> None:
    run = cocut(*arguments, place=tmp_path)
    assert run.returncode == 2
    assert says in run.stderr
    assert run.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "variables", "says"),
    [
        (["serve", "--host", "0.0.0.0"], {}, "--jwt-secret"),
        (["serve"], {"COCUT_PORT": "http"}, "COCUT_PORT"),
        (["serve"], {"COCUT_PROT": "1"}, "the nearest known one is COCUT_PORT"),
        (["token", "--user", "a"], {"COCUT_JWKS_URL": "https://id/jwks"}, "--jwks-url"),
        (["token", "--user", "a", "--data-dir", "/dev/null"], {}, "/dev/null/secret"),
        (["migrate", "--data-dir", "/dev/null"], {}, "choose another --data-dir"),
    ],
)
def test_what_cannot_start_ends_with_1_and_one_line(
    arguments: list[str], variables: dict[str, str], says: str, tmp_path: Path
) -> None:
    run = cocut(*arguments, place=tmp_path, **variables)
    assert run.returncode == 1
    [line] = run.stderr.splitlines()
    assert line.startswith("cocut: ")
    assert says in line
    assert run.stdout == ""


def test_help_groups_every_option_with_its_variable(tmp_path: Path) -> None:
    run = cocut("serve", "--help", place=tmp_path)
    assert run.returncode == 0
    for name, field in Settings.model_fields.items():
        assert option_name(name) in run.stdout
        assert variable_name(name) in run.stdout
        assert f"─ {shown(field).group} ─" in run.stdout


def test_help_hides_what_the_environment_says(tmp_path: Path) -> None:
    run = cocut("serve", "--help", place=tmp_path, COCUT_JWT_SECRET="hunter2" * 8)
    assert run.returncode == 0
    assert "hunter2" not in run.stdout


def test_the_version_is_that_of_the_project(tmp_path: Path) -> None:
    run = cocut("--version", place=tmp_path)
    assert (run.returncode, run.stdout.count(".")) == (0, 2)


def test_token_loads_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys; from server.cli import run; code = run(['token', '--user', 'a']); "
        "print(code, *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    code, *loaded = done.stdout.splitlines()[-1].split()
    assert code == "0"
    assert not {"aiohttp", "asyncpg", "pycrdt", "structlog", "redis"} & set(loaded)


def test_a_panic_of_pycrdt_costs_no_backtrace(tmp_path: Path) -> None:
    program = (
        "from server.cli import run; run(['--version']); from pycrdt import Doc, Map; "
        "from collab.containers import is_container; doc = Doc(client_id=5); "
        "doc.get('m', type=Map)['a'] = 1; print(is_container(doc, 5, 0))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "RUST_BACKTRACE": "full"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("False\n")
    assert "panicked" in done.stderr
    assert "stack backtrace" not in done.stderr


def test_migrate_does_it_once(tmp_path: Path) -> None:
    first = cocut("migrate", place=tmp_path)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[0].endswith(".sql")
    again = cocut("migrate", place=tmp_path)
    assert (again.returncode, again.stdout) == (0, "the schema is up to date\n")


def test_load_takes_options_of_its_own(tmp_path: Path) -> None:
    run = cocut("load", "--help", place=tmp_path)
    assert run.returncode == 0
    assert "COCUT_LOAD_EDITORS" in run.stdout
    wrong = cocut("load", "--editors", "0", place=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    unknown = cocut("load", place=tmp_path, COCUT_LOAD_EDITRS="1")
    assert unknown.returncode == 1
    assert "the nearest known one is COCUT_LOAD_EDITORS" in unknown.stderr
