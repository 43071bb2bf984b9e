"""Speech and images by what is built in: from the request until they can be fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp

from tests.benchmarks.bench import Bench, Row, clock, median, owner_token
from tests.benchmarks.servers import Server, cocut

T = TypeVar("T")

VOICE = "espeak-en-US-female"
SENTENCE = "Every word of this sentence is spoken by a voice here"
UTTERANCES, PICTURES, MANY = 10, 12, 100
LOOK_SECONDS = 0.02
PROMPTS = (
    "A futuristic cityscape at sunset",
    "Misty mountains at dawn, by a lake",
    "A sailing boat on the sea",
    "Dunes of the Sahara",
    "A snowy forest at night",
    "Balloons over green fields",
    "A galaxy with planets",
    "A red rose",
    "A bottle of perfume, product photograph",
    "Artificial intelligence",
    "A doctor smiling",
    "Lorem ipsum dolor sit amet",
)
STYLES = ("cinematic", "watercolor", "comic", "neon", "sketch", "fantasy")


class Asker:
    """The REST API of a Cocut, as somebody of the business tier."""

    def __init__(self, server: Server, session: aiohttp.ClientSession) -> None:
        self._root = f"http://{urlsplit(server.url).netloc}/api/v1"
        self._session = session

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The `data` of an answer that is good."""
        async with self._session.request(method, self._root + path, json=body) as response:
            answer = await response.json()
            if response.status >= 300:
                raise RuntimeError(f"{method} {path} answered {response.status}: {answer}")
            return answer["data"]

    async def speak(self, text: str) -> float:
        """Have a text spoken; the seconds that it took."""
        began = clock()
        await self.call("POST", "/voices/generate", {"voice_id": VOICE, "text": text})
        return clock() - began

    async def picture(self, prompt: str, style: str) -> float:
        """Have a picture made, of the largest size; the seconds until it is there."""
        wanted = {"prompt": prompt, "style": style, "aspect_ratio": "16:9", "quality": "high"}
        began = clock()
        job = await self.call("POST", "/media/generate-ai", wanted)
        while job["status"] == "processing":
            await asyncio.sleep(LOOK_SECONDS)
            job = await self.call("GET", f"/media/ai-status/{job['job_id']}")
        if job["status"] != "completed":
            raise RuntimeError(f"a picture was not made: {job}")
        return clock() - began


def words(count: int, number: int) -> str:
    """A text of its own of that many words."""
    said = (SENTENCE.split() * (count // 10 + 1))[: count - 1]
    return " ".join([f"{number}.", *said])


def speech(bench: Bench) -> list[Row]:
    """60 words by the built-in voice, one after the other; 100 times 20 words at once."""

    async def main(asker: Asker) -> tuple[list[float], float]:
        await asker.speak("The first one of all.")
        each = [await asker.speak(words(60, n)) for n in range(bench.repeats(UTTERANCES))]
        began = clock()
        await asyncio.gather(*(asker.speak(words(20, n)) for n in range(MANY)))
        return each, MANY / (clock() - began)

    each, rate = _measure(bench, main)
    slowest = max(each)
    return [
        Row(
            "speech",
            "60 words spoken by the built-in voice, the slowest",
            "<= 0.5 s",
            f"{slowest:.2f} s (p50 {median(each):.2f} s)",
            slowest <= 0.5,
            {"seconds": each},
        ),
        Row(
            "speech",
            "100 voiceovers of 20 words at once",
            ">= 10 a second",
            f"{rate:.1f} a second",
            rate >= 10,
            {"rate": rate},
        ),
    ]


def image(bench: Bench) -> list[Row]:
    """Pictures of 1920 x 1080 by the built-in painter, one after the other."""

    async def main(asker: Asker) -> list[float]:
        await asker.picture("The first one of all", "realistic")
        wanted = list(enumerate(PROMPTS))[: 4 if bench.quick else PICTURES]
        return [await asker.picture(p, STYLES[n % len(STYLES)]) for n, p in wanted]

    each = _measure(bench, main)
    slowest = max(each)
    return [
        Row(
            "image",
            "a picture of 1920 x 1080 by the built-in painter, the slowest of several",
            "<= 2 s",
            f"{slowest:.2f} s (p50 {median(each):.2f} s)",
            slowest <= 2,
            {"seconds": each},
        )
    ]


def _measure(bench: Bench, main: Callable[[Asker], Awaitable[T]]) -> T:
    """Run against a fresh Cocut with a worker, on all cores."""

    async def ask(server: Server) -> T:
        headers = {"Authorization": f"Bearer {owner_token(server)}"}
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
            return await main(Asker(server, session))

    with cocut(bench.logs, worker=True) as running, bench.recording(running.server):
        return asyncio.run(ask(running.server))
