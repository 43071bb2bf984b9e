from __future__ import annotations

import subprocess
import sys

from server.load.usage import measure


def test_a_tree_is_measured_with_its_children() -> None:
    child = (
        "import time; block = bytearray(b'x') * 50_000_000; end = time.process_time() + 0.3\n"
        "while time.process_time() < end: pass\n"
        "print('burnt', flush=True); input()"
    )
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        usage = measure([process.pid])
        process.communicate(b"\n")
    assert usage.cpu >= 0.3
    assert usage.memory >= 50_000_000


def test_a_process_that_is_gone_counts_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert measure([process.pid]).cpu == 0
