"""What is installed, pinned and deployed fits together."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from server.settings import known_variables
from tests.support import deploy

TOP = deploy.TOP
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
PINS = {
    canonicalize_name(name): version
    for name, version in (
        line.split("==") for line in (TOP / ".constraints.txt").read_text().split()
    )
}
PACKAGES = {"server", "collab", "persistence", "api"}
AT_THE_TOP = {
    *PACKAGES, "tests", "docs", "pyproject.toml", "docker-compose.yml", "README.md", "Makefile",
    "CHANGELOG.md", "LICENSE",
}  # fmt: skip


def tracked() -> list[str]:
    run = subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True)
    if run.returncode:
        pytest.skip("no git checkout")
    return run.stdout.split("\n")[:-1]


# pip itself keeps these out of what it lists.
UNLISTED = {"pip", "setuptools", "wheel", "cocut"}


def required() -> list[Requirement]:
    """What the project asks for, with all extras, on this Python."""
    texts = [*PROJECT["dependencies"]]
    for group in PROJECT["optional-dependencies"].values():
        texts += group
    found = map(Requirement, texts)
    return [one for one in found if one.marker is None or one.marker.evaluate()]


def closure(requirements: list[Requirement]) -> set[str]:
    """The names of these requirements and of all that they need, as far as it is installed."""
    seen: set[tuple[str, str]] = set()
    todo = [(one.name, extra) for one in requirements for extra in ("", *one.extras)]
    while todo:
        name, extra = todo.pop()
        if (canonicalize_name(name), extra) in seen:
            continue
        seen.add((canonicalize_name(name), extra))
        try:
            below = map(Requirement, requires(name) or [])
        except PackageNotFoundError:
            continue
        todo += [
            (one.name, inner)
            for one in below
            if one.marker is None or one.marker.evaluate({"extra": extra})
            for inner in ("", *one.extras)
        ]
    return {name for name, _ in seen}


def test_pins_are_names_and_versions_only() -> None:
    for line in (TOP / ".constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!-]+", line), line


def test_everything_that_is_installed_is_pinned() -> None:
    assert closure(required()) - UNLISTED - PINS.keys() == set(), "run `make constraints`"


def test_pins_fit_the_requirements() -> None:
    for requirement in required():
        assert PINS[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_no_file_records_where_packages_are_downloaded() -> None:
    locks = {"uv.lock", "poetry.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"}
    assert not [name for name in tracked() if Path(name).name in locks]


def test_front_end_packages_are_pinned_exactly() -> None:
    for name in tracked():
        path = TOP / name
        if path.name != "package.json" or not path.exists():
            continue
        package: dict[str, Any] = json.loads(path.read_text())
        for group in ("dependencies", "devDependencies"):
            for version in package.get(group, {}).values():
                assert re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", version), f"{name}: {version}"


def test_the_top_of_the_repository_holds_nothing_else() -> None:
    top = {name.partition("/")[0] for name in tracked()}
    assert {name for name in top if not name.startswith(".")} <= AT_THE_TOP


def test_every_package_is_installed() -> None:
    find = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"][
        "find"
    ]
    assert {pattern.rstrip("*") for pattern in find["include"]} == PACKAGES


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return deploy.compose()


def test_compose_has_two_nodes_and_what_they_need(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"server-1", "server-2", "postgres", "redis", "caddy"}
    assert services["postgres"]["image"].startswith("postgres:17")
    for name in ("server-1", "server-2"):
        node = services[name]
        assert set(node["environment"]) >= {
            "COCUT_DATABASE_URL",
            "COCUT_REDIS_URL",
            "COCUT_JWT_SECRET",
        }
        assert set(node["environment"]) <= known_variables()
        waits = node["depends_on"]
        assert all(
            waits[other]["condition"] == "service_healthy" for other in ("postgres", "redis")
        )
        assert "ports" not in node, "reached through the proxy only"
    assert services["server-1"]["volumes"] != services["server-2"]["volumes"]
    assert [name for name in services if "ports" in services[name]] == ["caddy"]


def test_compose_refers_to_what_there_is(compose: dict[str, Any]) -> None:
    declared = set(compose["volumes"])
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in declared or (TOP / source).exists(), f"{name}: {source}"
        for network in service["networks"]:
            assert network in compose["networks"]
        if "healthcheck" not in service and "build" not in service:
            assert name == "caddy"
        for waited in service.get("depends_on", {}):
            assert waited in compose["services"]
    build = compose["services"]["server-1"]["build"]
    assert (TOP / build["context"] / build["dockerfile"]).is_file()


def test_compose_takes_secrets_from_outside(compose: dict[str, Any]) -> None:
    text = (TOP / "docker-compose.yml").read_text()
    for name in ("POSTGRES_PASSWORD", "COCUT_JWT_SECRET"):
        assert f"${{{name}:?" in text, f"{name} must be asked for"


def test_caddy_forwards_to_every_node(compose: dict[str, Any]) -> None:
    caddyfile = (TOP / "server/deploy/Caddyfile").read_text()
    [upstreams] = re.findall(r"reverse_proxy (.+) \{", caddyfile)
    nodes = {name for name, service in compose["services"].items() if "build" in service}
    assert {upstream.removesuffix(":8080") for upstream in upstreams.split()} == nodes
    assert caddyfile.count("{") == caddyfile.count("}")


def test_dockerfile_has_known_instructions_and_ends_as_nobody_special() -> None:
    words = [word for word, _ in deploy.instructions()]
    assert words[0] == "FROM"
    assert set(words) <= {
        "FROM", "RUN", "WORKDIR", "COPY", "USER", "ENV", "EXPOSE", "VOLUME", "STOPSIGNAL",
        "HEALTHCHECK", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    assert [rest for word, rest in deploy.instructions() if word == "USER"][-1] != "root"
    for word, rest in deploy.instructions():
        if word in ("ENTRYPOINT", "CMD"):
            assert json.loads(rest)


def test_dockerfile_copies_what_there_is_and_sets_what_is_known() -> None:
    ignored = (TOP / ".dockerignore").read_text()
    for word, rest in deploy.instructions():
        if word == "COPY":
            for source in rest.split()[:-1]:
                assert (TOP / source).exists(), source
                assert f"!{source}\n" in ignored, f"{source} is not sent to Docker"
        if word == "ENV":
            names = re.findall(r"(\w+)=", rest)
            assert {name for name in names if name.startswith("COCUT_")} <= known_variables()


def test_the_check_of_a_clean_machine_skips_nothing() -> None:
    script = (TOP / ".ci/run").read_text()
    assert "set -euo pipefail" in script
    assert "REQUIRE_NODE=1" in script
    assert script.index("make check") < script.index("make test")
    subprocess.run(["bash", "-n", str(TOP / ".ci/run")], check=True)


def test_make_lists_its_targets() -> None:
    run = subprocess.run(
        ["make", "--no-print-directory"], cwd=TOP, capture_output=True, text=True, check=True
    )
    for target in ("serve", "test", "check", "bench", "fuzz", "clean"):
        assert f"make {target} " in run.stdout


def test_make_without_a_python_says_what_to_do() -> None:
    run = subprocess.run(
        ["make", "--no-print-directory", "-B", ".venv/python.stamp", "PYTHON="],
        cwd=TOP,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert "needs Python 3.11 or newer" in run.stderr
