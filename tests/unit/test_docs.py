"""The documentation says what the program does: settings, commands, targets, metrics, links."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from prometheus_client import Metric

from server.cli import application, load_command
from server.observe import Metrics
from server.setting_fields import option_name, shown
from server.settings import Settings, known_variables

TOP = Path(__file__).parents[2]
PAGES = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
EXAMPLE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def between(page: Path, name: str) -> str:
    _, _, rest = page.read_text().partition(f"<!-- {name}:start -->\n")
    inside, end, _ = rest.partition(f"<!-- {name}:end -->")
    assert end, f"{page.name} has no {name} markers"
    return inside


def settings_table() -> str:
    lines = ["| setting | default | |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        look = shown(field)
        value = f" {look.metavar}" if look.metavar else ""
        default = look.default or ("off" if field.default is False else f"{field.default}")
        option = f"{option_name(name)}{value}".replace("|", "\\|")
        lines.append(f"| `{option}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def metrics_table() -> str:
    def name_of(metric: Metric) -> str:
        return metric.name + "_total" * (metric.type == "counter")

    metrics = [m for m in Metrics().registry.collect() if m.name.startswith("cocut_")]
    lines = ["| metric | |", "| --- | --- |"]
    lines += [f"| `{name_of(metric)}` | {metric.documentation} |" for metric in metrics]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_merge_was_left_half_done(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert not [line for line in lines if re.match(r"(<<<<<<<|=======|>>>>>>>)( |$)", line)]


def test_readme_lists_every_setting() -> None:
    expected = settings_table()
    assert between(TOP / "README.md", "settings") == expected, f"write this:\n{expected}"


def test_operating_lists_every_metric() -> None:
    expected = metrics_table()
    assert between(TOP / "docs/operating.md", "metrics") == expected, f"write this:\n{expected}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables_exist(page: Path) -> None:
    named = set(re.findall(r"COCUT_[A-Z_]*[A-Z]", page.read_text()))
    assert named <= known_variables()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    group = typer.main.get_command(application())
    commands = getattr(group, "commands", {})
    for command, rest in re.findall(
        r"cocut ([a-z]+)((?: +--?[a-z-]+[^-`\n)|]*)*)", page.read_text()
    ):
        assert command in commands, f"`cocut {command}`"
        parameters = (load_command() if command == "load" else commands[command]).params
        known = {name for parameter in parameters for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known | {"--help"}, f"cocut {command}{rest}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_of_the_server_exist(page: Path) -> None:
    known = {option_name(name) for name in Settings.model_fields}
    prose = EXAMPLE.sub("", page.read_text())
    named = {
        name
        for text in re.findall(r"`(--[^`]*)`", prose)
        for name in re.findall(r"--[a-z-]+", text)
    }
    if page.name == "benchmarks.md":
        pytest.skip("names options of the load generator")
    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:`|^)make ([a-z]+)", page.read_text(), re.MULTILINE)
    assert set(named) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), target
        headings = re.findall(r"^#+ (.+)$", goal.read_text(), re.MULTILINE)
        assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_json_examples_are_json(page: Path) -> None:
    for language, _, body in EXAMPLE.findall(page.read_text()):
        if language == "json":
            json.loads(body)


def test_readme_has_the_examples_that_are_run_end_to_end() -> None:
    found = {
        marks.strip(): language
        for language, marks, _ in EXAMPLE.findall((TOP / "README.md").read_text())
    }
    assert found["example=frontend"] == "js"
    assert found["example=rest"] == "sh"


def test_readme_starts_with_the_two_commands() -> None:
    blocks = [
        body.strip() for language, _, body in EXAMPLE.findall((TOP / "README.md").read_text())
    ]
    assert blocks[:2] == ["make serve", "make test"]
