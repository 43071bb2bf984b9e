"""One run, from preparing the videos to the verdict."""

from __future__ import annotations

import asyncio
import gc
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from server.load.documents import read_document, write_document
from server.load.editor import Counts
from server.load.edits import author_updates, client_ids, fresh_id, prepared_video
from server.load.frames import Wire
from server.load.outcome import Outcome
from server.load.plan import Plan
from server.load.repeater import Repeater
from server.load.rest import People, Rest
from server.load.swarm import Seat, Swarm
from server.load.trail import Trail
from server.load.usage import Usage, measure
from server.load.verify import Ledger, judge, missing

_WATCH: Final = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: what it is doing, the seconds into that, and the counts so far."""

    stage: str
    seconds: float
    sent: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class _Video:
    id: str
    base: bytes
    editors: range
    keeper: Swarm | None


Watch = Callable[[Progress], None]


async def run(plan: Plan, watch: Watch = lambda _: None) -> Outcome:
    """Do what a plan says.

    Args:
        plan: the plan.
        watch: told about the progress, twice a second at most.

    Raises:
        ConnectionError: the server refused or ended a connection while editors joined.
        TimeoutError: the server did not answer in time.
        RestError: the REST API refused something.
    """
    random = Random(plan.seed)  # noqa: S311
    clients = client_ids(plan.editors, random)
    people = People(plan.credentials, plan.editors)
    began = time.perf_counter()
    counts = Counts()

    def tell(stage: str, sent: int = 0) -> None:
        watch(Progress(stage, time.perf_counter() - began, sent, counts))

    async with AsyncExitStack() as stack:
        rest = None
        if people.token(0):
            rest = await stack.enter_async_context(Rest(plan.url, people.token(0)))
        tell("preparing the videos")
        videos = await _prepare(plan, people, rest, random)
        tell("preparing the edits")
        wires = [
            Wire(plan.protocol, plan.url, videos[n % len(videos)].id, people.token(n))
            for n in range(plan.editors)
        ]
        frames = _edits(plan, videos, wires, clients, random)
        trails = [Trail() for _ in videos]
        seats = [Seat(wires[n], trails[n % len(trails)]) for n in range(plan.editors)]
        swarm = Swarm(seats, counts)
        tell("joining")
        joined = max(await swarm.join(), default=0.0)
        for video in videos:
            if video.keeper is not None:
                await video.keeper.leave()
        if plan.presence_rate:
            repeaters = [Repeater(wire) for wire in wires[: len(videos)]]
            for n, editor in enumerate(swarm.editors):
                repeater = repeaters[n % len(videos)]
                editor.repeat = partial(repeater.repeat, client=clients[n])
        began = time.perf_counter()
        counts.frames = counts.bytes = counts.presence = 0
        with _no_collection():
            sending = await _send(plan, swarm, frames, clients, tell)
            ledger = Ledger(clients, sending.sent)
            groups = [(trail, video.editors) for trail, video in zip(trails, videos, strict=True)]
            end = time.perf_counter() + plan.drain
            while True:
                await swarm.quiet(plan.quiet, end - time.perf_counter())
                sending.measure(plan)
                delivery = judge(groups, ledger)
                if not delivery.incomplete or time.perf_counter() > end:
                    break
                await asyncio.sleep(plan.quiet)
        lost = Counts(**{name: getattr(counts, name) for name in Counts.__slots__})
        tell("checking the document", len(frames))
        gone = 0
        for video in videos:
            if rest is not None:
                document = await rest.document(video.id)
            else:
                document = await read_document(Wire(plan.protocol, plan.url, video.id))
            gone += missing(document, video.editors, ledger)
        await swarm.leave()
    return Outcome(
        plan=plan,
        video_ids=tuple(video.id for video in videos),
        sent=len(sending.sent),
        seconds=sending.seconds,
        window=sending.window,
        joined=joined,
        delivery=delivery,
        counts=lost,
        missing=gone,
        behind=sending.behind,
        own_cpu=sending.own_cpu,
        before=sending.before,
        after=sending.after,
        peak=sending.peak,
    )


async def _prepare(plan: Plan, people: People, rest: Rest | None, random: Random) -> list[_Video]:
    ids = list(plan.video_ids)
    made = not ids
    if made:
        ids = [
            await rest.make_video(f"Load {number + 1}") if rest else fresh_id(random)
            for number in range(plan.videos)
        ]
    videos = []
    for number, video in enumerate(ids):
        wire = Wire(plan.protocol, plan.url, video, people.token(0))
        if rest and people.users[1:]:
            await rest.add_editors(video, people.users[1:])
        keeper = None
        if made and plan.into == "scenes":
            base = prepared_video(plan.scenes, plan.layers, random)
            keeper = await write_document(wire, [base])
        base = await rest.document(video) if rest else await read_document(wire)
        videos.append(_Video(video, base, range(number, plan.editors, len(ids)), keeper))
    return videos


def _edits(
    plan: Plan, videos: list[_Video], wires: list[Wire], clients: Sequence[int], random: Random
) -> list[bytes]:
    """The frames of all edits, in the order of sending."""
    frames = [b""] * plan.edits
    for number in range(min(plan.editors, plan.edits)):
        mine = range(number, plan.edits, plan.editors)
        updates = author_updates(
            videos[number % len(videos)].base,
            clients[number],
            number // len(videos),
            len(mine),
            plan.into,
            random,
        )
        for place, update in zip(mine, updates, strict=True):
            frames[place] = wires[number].update(update)
    return frames


@dataclass(slots=True)
class _Sending:
    sent: array[float]
    began: float
    own_before: float
    before: Usage
    after: Usage
    peak: int
    seconds: float = 0.0
    window: float = 0.0
    behind: float = 0.0
    own_cpu: float = 0.0

    def measure(self, plan: Plan) -> None:
        """Say what was used from the first edit until now."""
        self.window = time.perf_counter() - self.began
        self.own_cpu = (time.process_time() - self.own_before) / self.window
        self.after = measure(plan.pids)
        self.peak = max(self.peak, self.after.memory)


async def _send(
    plan: Plan,
    swarm: Swarm,
    frames: list[bytes],
    clients: Sequence[int],
    tell: Callable[[str, int], None],
) -> _Sending:
    before = measure(plan.pids)
    sending = _Sending(
        sent=array("d"),
        began=time.perf_counter(),
        own_before=time.process_time(),
        before=before,
        after=before,
        peak=before.memory,
    )

    async def observe() -> None:
        while True:
            tell("sending", len(sending.sent))
            await asyncio.sleep(_WATCH)
            if plan.pids:
                usage = await asyncio.to_thread(measure, plan.pids)
                sending.peak = max(sending.peak, usage.memory)

    tasks = [asyncio.create_task(observe())]
    if plan.presence_rate > 0:
        tasks.append(asyncio.create_task(_be_present(plan, swarm, clients)))
    try:
        await swarm.send(frames, plan.rate, sending.sent)
        if not frames:
            await asyncio.sleep(plan.seconds)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    sending.seconds = time.perf_counter() - sending.began
    due = (at - sending.began - n / plan.rate for n, at in enumerate(sending.sent))
    sending.behind = max(due, default=0.0)
    return sending


async def _be_present(plan: Plan, swarm: Swarm, clients: Sequence[int]) -> None:
    """Send presence until cancelled: cursors that move."""
    began, number, editors = time.perf_counter(), 0, swarm.editors
    while True:
        due = int((time.perf_counter() - began) * plan.presence_rate)
        while number < due:
            clock, at = divmod(number, len(editors))
            state = {
                "user": {"name": f"Editor {at}", "color": "#30bced"},
                "cursor": {"x": number % 1920, "y": number % 1080},
            }
            editor = editors[at]
            editor.send(editor.wire.presence(clients[at], clock + 1, state))
            number += 1
        await asyncio.sleep(0.005)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector from pausing what is being timed."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
