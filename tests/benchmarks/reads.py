"""GET …/scenes: while edits go on, and against a bare handler that returns the same bytes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from random import Random
from urllib.parse import urlsplit

from server.load.documents import write_document
from server.load.edits import prepared_video
from tests.benchmarks.bench import (
    Bench,
    Row,
    clock,
    median,
    owner_token,
    quantile,
    run_async,
)
from tests.benchmarks.joins import new_video
from tests.benchmarks.servers import SERVER_CORE, Server, cocut, core, free_port, wait_for_line

CONNECTIONS = 8
SCENES = 20
PROJECTED_SECONDS = 5.0

BARE = """
import asyncio, sys, uvloop
from aiohttp import web
body = sys.stdin.buffer.read()
async def main():
    async def scenes(request):
        return web.Response(body=body, content_type="application/json")
    app = web.Application()
    app.router.add_get("/{tail:.*}", scenes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    print("ready", flush=True)
    await asyncio.Event().wait()
uvloop.run(main())
"""


class Reader:
    """One keep-alive HTTP connection."""

    def __init__(self, port: int, path: str, token: str) -> None:
        self._port = port
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        ).encode()

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, limit=1 << 24
        )

    async def get(self) -> bytes:
        self._writer.write(self._request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"answered {head[:60]!r}")
        _, _, rest = head.lower().partition(b"content-length:")
        return await self._reader.readexactly(int(rest.split(b"\r\n", 1)[0]))

    def close(self) -> None:
        self._writer.close()


async def rate_of(port: int, path: str, token: str, seconds: float) -> float:
    """Reads a second over several connections."""
    done = 0
    end = clock() + seconds

    async def read() -> None:
        nonlocal done
        reader = Reader(port, path, token)
        await reader.open()
        while clock() < end:
            await reader.get()
            done += 1
        reader.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(read())
    return done / seconds


def reads(bench: Bench) -> list[Row]:
    """Reading the scenes of a video of 20 x 5."""
    with cocut(bench.logs) as ours:
        server = ours.server
        wire = run_async(lambda: new_video(server))

        async def prepare() -> None:
            keeper = await write_document(wire, [prepared_video(SCENES, 5, Random(3))])
            await keeper.leave()

        run_async(prepare)
        port, path = urlsplit(server.url).port or 0, f"/api/v1/videos/{wire.document}/scenes"
        token = owner_token(server)

        async def body() -> bytes:
            reader = Reader(port, path, token)
            await reader.open()
            found = await reader.get()
            end = clock() + PROJECTED_SECONDS
            while found.count(b'"scene_number"') < SCENES and clock() < end:
                await asyncio.sleep(0.05)
                found = await reader.get()
            reader.close()
            return found

        seconds = bench.seconds(5, 2)
        rates, bares = [], []
        content = run_async(body)
        bare_port = free_port()
        with subprocess.Popen(
            [*core(SERVER_CORE), sys.executable, "-c", BARE, str(bare_port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as bare:
            assert bare.stdin is not None
            bare.stdin.write(content)
            bare.stdin.close()
            wait_for_line(bare, b"ready")
            with bench.recording(server):
                run_async(lambda: rate_of(port, path, token, seconds))
            alone = bench.profiles
            for _ in range(bench.repeats(3)):
                rates.append(run_async(lambda: rate_of(port, path, token, seconds)))
                bares.append(run_async(lambda: rate_of(bare_port, path, token, seconds)))
            bare.terminate()
        with bench.recording(server):
            times = _while_edited(bench, server, wire.document, port, path, token)
    share = median(rates) / median(bares)
    p99 = quantile(times, 0.99) * 1000
    return [
        Row(
            "reads",
            "GET of 20 scenes x 5 layers while 1000 editors make 1000 edits/s",
            "p99 <= 25 ms",
            f"p50 {quantile(times, 0.5) * 1000:.1f} ms, p99 {p99:.1f} ms of {len(times)} reads",
            p99 <= 25,
            {"seconds": times},
            [] if p99 <= 25 else bench.profiles,
        ),
        Row(
            "reads",
            f"the same, alone ({len(content):,} bytes)",
            ">= 0.8 x the rate of a bare aiohttp handler that returns the same bytes",
            f"{median(rates):.0f}/s of {median(bares):.0f}/s: {share:.2f} x",
            share >= 0.8,
            {"rates": rates, "bare": bares},
            [] if share >= 0.8 else alone,
        ),
    ]


def _while_edited(
    bench: Bench, server: Server, video: str, port: int, path: str, token: str
) -> list[float]:
    with bench.load_in_background(
        server,
        *("--video", video, "--editors", "1000", "--rate", "1000"),
        *("--seconds", str(bench.seconds(30, 8))),
    ) as process:

        async def read() -> list[float]:
            reader = Reader(port, path, token)
            await reader.open()
            before, times = await reader.get(), []
            while process.poll() is None:
                start = clock()
                found = await reader.get()
                if found != before:
                    times.append(clock() - start)
                    before = found
                await asyncio.sleep(0.05)
            reader.close()
            return times

        return run_async(read)
