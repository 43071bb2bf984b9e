"""A server that is killed in the middle of an upload, and starts again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from tests.support import files
from tests.support.server import Server


def halves(data_dir: Path) -> list[Path]:
    return [path for path in (data_dir / "incoming").rglob("upload") if path.is_file()]


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    server = await asyncio.to_thread(Server, data_dir)
    again = None
    try:
        token, address = server.token(), server.address
        written = asyncio.Event()

        async def half() -> AsyncIterator[bytes]:
            yield files.picture()
            for _ in range(8):
                yield b"\0" * 262_144
            async with asyncio.timeout(20):
                while not (found := halves(data_dir)) or not found[0].stat().st_size:
                    await asyncio.sleep(0.01)
            written.set()
            await asyncio.Event().wait()

        async def send() -> None:
            with aiohttp.MultipartWriter("form-data") as form:
                part = form.append(half(), {"Content-Type": "image/png"})
                part.set_content_disposition("form-data", name="file", filename="a.png")
            headers = {"Authorization": f"Bearer {token}"}
            async with aiohttp.ClientSession() as session:
                await session.post(f"{address}/api/v1/media/upload", data=form, headers=headers)

        sending = asyncio.create_task(send())
        await written.wait()
        os.kill(server.pid, signal.SIGKILL)
        await asyncio.to_thread(server.wait)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert halves(data_dir), "it had no chance to tidy up"
        again = await asyncio.to_thread(Server, data_dir)
        assert not halves(data_dir)
        await asyncio.to_thread(again.stop)
        assert not list((data_dir / "incoming").iterdir())
    finally:
        for one in (server, again):
            if one is not None:
                await asyncio.to_thread(one.kill)
