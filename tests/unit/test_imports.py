"""Imports go one way, and what belongs in one package stays there; read from the sources."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
ORDER = ("server", "api", "persistence", "collab")
MAY_IMPORT = {package: set(ORDER[ORDER.index(package) :]) for package in ORDER}
COLLAB_LIBRARIES = {"pycrdt", "fractional_indexing"}
# Clocks, chance, sockets and event loops: the core gets their results as arguments.
NOT_IN_COLLAB_MODULES = {
    "asyncio", "concurrent", "os", "random", "secrets", "selectors", "socket", "ssl", "subprocess",
    "tempfile", "threading", "multiprocessing", "sched", "signal", "http", "urllib", "time",
}  # fmt: skip
NOT_IN_COLLAB_CALLS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "uuid1", "uuid4",
    "uuid.uuid1", "uuid.uuid4", "open", "print", "input",
}  # fmt: skip
SQL = re.compile(
    r"\b(SELECT\b.+\bFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX)"
    r"|ALTER\s+TABLE|DROP\s+TABLE|TRUNCATE\s+\w+|WITH\s+\w+\s+AS\s*\()",
    re.DOTALL,
)


def sources(package: str) -> list[Path]:
    return sorted(
        path for path in (TOP / package).rglob("*.py") if "node_modules" not in path.parts
    )


def imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "" if node.level == 0 else package


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def wrong_imports(source: str, package: str) -> list[str]:
    """Imports that go the wrong way, as `line: module`."""
    found = []
    for line, module in imported(ast.parse(source), package):
        root = module.partition(".")[0]
        if root in {*ORDER, "tests"} and root not in MAY_IMPORT[package]:
            found.append(f"{line}: {module}")
        if package == "collab" and (
            root in NOT_IN_COLLAB_MODULES
            or not (root in sys.stdlib_module_names or root in COLLAB_LIBRARIES or root == "collab")
        ):
            found.append(f"{line}: {module}")
    return found


def outside_calls(source: str) -> list[str]:
    """Calls that ask the world for a time, an id or a file, as `line: call`."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [
        f"{call.lineno}: {name}"
        for call in calls
        if (name := dotted(call.func)).replace("datetime.datetime", "datetime")
        in NOT_IN_COLLAB_CALLS
    ]


def sql_texts(source: str) -> list[str]:
    """Strings that are SQL, docstrings aside, as `line: text`."""
    tree = ast.parse(source)
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        f"{node.lineno}: {node.value[:40]!r}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in prose
        and SQL.search(node.value)
    ]


def environment_uses(source: str) -> list[str]:
    """Reads of environment variables, as `line: what`.

    Handing the environment on to a child, whole or filtered (`os.environ.items()`), is none.
    """
    tree = ast.parse(source)
    handed_on = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"items", "copy"}
    }
    found = [
        f"{node.lineno}: {name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and id(node) not in handed_on
        and (name := dotted(node)) in {"os.environ", "os.getenv", "os.environb", "os.putenv"}
    ]
    found += [
        f"{node.lineno}: {alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "os"
        for alias in node.names
        if alias.name in {"environ", "getenv", "environb", "putenv"}
    ]
    return found


@pytest.mark.parametrize("package", ORDER)
def test_imports_go_one_way(package: str) -> None:
    found = {
        str(path.relative_to(TOP)): wrong
        for path in sources(package)
        if (wrong := wrong_imports(path.read_text(), package))
    }
    assert not found


def test_collab_asks_nobody_for_the_time_an_id_or_a_file() -> None:
    found = {
        path.name: calls for path in sources("collab") if (calls := outside_calls(path.read_text()))
    }
    assert not found


@pytest.mark.parametrize("package", ["server", "api", "collab"])
def test_sql_stands_in_persistence_only(package: str) -> None:
    found = {
        str(path.relative_to(TOP)): texts
        for path in sources(package)
        if (texts := sql_texts(path.read_text()))
    }
    assert not found


@pytest.mark.parametrize("package", ORDER)
def test_the_environment_is_read_in_settings_only(package: str) -> None:
    found = {
        str(path.relative_to(TOP)): uses
        for path in sources(package)
        if path != TOP / "server/settings.py" and (uses := environment_uses(path.read_text()))
    }
    assert not found


def test_ffmpeg_is_started_in_media_only() -> None:
    outside = [
        path
        for package in ORDER
        for path in sources(package)
        if TOP / "server/media" not in path.parents
    ]
    found = [str(path.relative_to(TOP)) for path in outside if "imageio_ffmpeg" in path.read_text()]
    assert not found


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("collab", "import persistence.update_log"),
        ("collab", "def f():\n    from aiohttp import web"),
        ("collab", "import time"),
        ("persistence", "from api.errors import status"),
        ("api", "from server import hub"),
        ("server", "from tests.support import postgres"),
    ],
)
def test_a_wrong_import_is_found(package: str, source: str) -> None:
    assert wrong_imports(source, package)


@pytest.mark.parametrize(
    "source", ["datetime.now(UTC)", "datetime.datetime.now()", "uuid4()", "uuid.uuid4()", "open(p)"]
)
def test_an_outside_call_is_found(source: str) -> None:
    assert outside_calls(source)


def test_sql_is_found_and_prose_is_not() -> None:
    assert sql_texts('x = "SELECT 1 FROM videos"')
    assert sql_texts('x = f"DELETE FROM {table}"')
    assert not sql_texts('"""SELECT a FROM b, in a docstring."""')
    assert not sql_texts('x = "Select a scene from the list"')


@pytest.mark.parametrize("source", ["import os\nos.environ['A']", "from os import getenv"])
def test_a_use_of_the_environment_is_found(source: str) -> None:
    assert environment_uses(source)
