"""The bundle of third-party modules is what its script makes of the versions it names."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.node import node

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "server/editor/vendor"
MODULES = ROOT / "build/vendor"
MADE = ("collaboration.js", "LICENSES.txt")


def make(target: Path) -> dict[str, bytes]:
    target.mkdir()
    command = node(str(VENDOR / "build.mjs"), str(MODULES), str(target))
    if not (MODULES / "node_modules/.stamp").exists():
        if os.environ.get("REQUIRE_NODE"):
            pytest.fail("the modules are not installed, and REQUIRE_NODE is set", pytrace=False)
        pytest.skip("the modules of the bundle are not installed: make node")
    subprocess.run(command, check=True, timeout=60)
    return {name: (target / name).read_bytes() for name in MADE}


def test_the_script_makes_the_committed_bytes_each_time(tmp_path: Path) -> None:
    committed = {name: (VENDOR / name).read_bytes() for name in MADE}
    assert make(tmp_path / "once") == committed, "make vendor, and commit what it makes"
    assert make(tmp_path / "again") == committed


def test_versions_are_exact_and_each_has_its_licence() -> None:
    package = json.loads((VENDOR / "package.json").read_text())
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
    licences = (VENDOR / "LICENSES.txt").read_text()
    entry = (VENDOR / "entry.js").read_text()
    used = {name.partition("/")[0] for name in re.findall(r"from '([^']+)'", entry)}
    assert used
    for name in used:
        assert f"{name} {package['dependencies'][name]} (" in licences


def test_the_bundle_holds_no_path_and_no_registry() -> None:
    bundle = (VENDOR / "collaboration.js").read_text()
    assert str(ROOT) not in bundle
    assert "node_modules" not in bundle
    assert not re.search(r"registry\.|npmjs", bundle)
