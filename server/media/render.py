"""A render: gathers, plans, draws what is not stored, mixes, joins.

Drawing, mixing and encoding run in threads of the render's own, every ffmpeg is owned by its
`Processes`; when the render returns or raises, none of them is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, TypeVar, TypeVarTuple

from persistence.finishing import finish
from server.media.captions import to_srt, to_vtt
from server.media.encode import encode_segment
from server.media.errors import AssetBroken, OutOfSpace, RenderCancelled
from server.media.ffmpeg import Processes
from server.media.fonts.book import FontBook
from server.media.gather import Soundtrack, gather, run_all, soundtrack
from server.media.model import (
    FPS,
    AssetSource,
    Progress,
    RenderInput,
    RenderOptions,
    RenderResult,
    SegmentStore,
    Speech,
    Watermark,
)
from server.media.mux import convert, join, to_mp3
from server.media.painter.scene import SegmentPainter
from server.media.painter.studio import Studio
from server.media.plan import RENDERER, Plan, Segment, make_plan
from server.media.progress import SOUND_SECOND, Meter, convert_cost, join_cost, segment_cost
from server.media.sound import RATE, encode_mix, mix

_SCRATCH: Final = "scratch"
_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


async def render(
    video: RenderInput,
    options: RenderOptions,
    assets: AssetSource,
    speech: Speech,
    segments: SegmentStore,
    workdir: Path,
    *,
    progress: Callable[[Progress], None],
    cancelled: asyncio.Event,
    fonts: FontBook | None = None,
    turns: asyncio.Semaphore | None = None,
) -> RenderResult:
    """Render a film into `workdir`.

    Args:
        video: the projection.
        options: quality, format, watermark and the rest.
        assets: where files come from.
        speech: what speaks voiceovers.
        segments: drawn scenes of earlier renders; new ones are added.
        workdir: a directory of this render's own; after a failure it holds no film.
        progress: called in the running loop, in ascending order.
        cancelled: once set, the render ends within a second.
        fonts: the font book; the bundled fonts if None.
        turns: held while a segment is drawn, which is what takes memory; shared by the renders of a
            process. Its own, for `options.workers`, if None.

    Raises:
        NothingToRender: no scenes, or too long.
        RenderCancelled: `cancelled` was set.
        OutOfSpace: the disk is full.
        EncoderFailed: ffmpeg failed.
    """
    await asyncio.to_thread(workdir.mkdir, parents=True, exist_ok=True)
    work = _Render(
        video,
        options,
        segments,
        workdir,
        progress,
        fonts or FontBook(),
        turns or asyncio.Semaphore(options.workers),
    )
    running = asyncio.ensure_future(work.run(assets, speech))
    stop = asyncio.ensure_future(cancelled.wait())
    try:
        await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            raise RenderCancelled
        return running.result()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutOfSpace from error
        raise
    finally:
        work.processes.stop()
        stop.cancel()
        running.cancel()
        await asyncio.wait({running, stop})
        await finish(work.close(keep=_succeeded(running)))


def _succeeded(task: asyncio.Future[Any]) -> bool:
    return not task.cancelled() and task.exception() is None


class _Render:
    def __init__(
        self,
        video: RenderInput,
        options: RenderOptions,
        segments: SegmentStore,
        workdir: Path,
        progress: Callable[[Progress], None],
        fonts: FontBook,
        turns: asyncio.Semaphore,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.processes = Processes()
        self._loop = loop
        self._video, self._options, self._store = video, options, segments
        self._scratch = workdir / _SCRATCH
        self._fonts, self._turns = fonts, turns
        # On Linux this is the thread's own, and every ffmpeg that it starts has it, too.
        self._threads = ThreadPoolExecutor(
            options.workers + 2, "render", initializer=os.nice, initargs=(options.nice,)
        )
        self._meter = Meter(lambda step: void(loop.call_soon_threadsafe(progress, step)))
        self._film = workdir / f"film.{options.format}"
        self._poster_file = workdir / "poster.jpg"
        self._srt, self._vtt = workdir / "captions.srt", workdir / "captions.vtt"

    async def run(self, assets: AssetSource, speech: Speech) -> RenderResult:
        video, options, meter = self._video, self._options, self._meter
        began = time.monotonic()
        self._scratch.mkdir(exist_ok=True)
        meter.stage("preparing")
        material = await gather(video, assets, speech)
        mark, mark_key = await self._in_thread(_watermark, options.watermark)
        plan = make_plan(video, options, material.assets, material.keys, mark_key)
        track = soundtrack(video, plan, material)
        warnings = [*material.warnings, *plan.warnings, *track.warnings]
        studio = Studio(plan.canvas, material.assets, self._fonts, self.processes)
        if mark is not None:
            try:
                await self._in_thread(studio.set_watermark, mark)
            except AssetBroken as error:
                warnings.append(f"The watermark's picture cannot be shown: {error}.")
                await self._in_thread(studio.set_watermark, replace(mark, image=None))
        wanted = [] if options.format == "mp3" else [s for p in plan.scenes for s in p.segments]
        found = [await self._stored(plan, segment) for segment in wanted]
        missing = [s for s, path in zip(wanted, found, strict=True) if path is None]
        sound_key = _sound_key(track, plan)
        sound = None if not track.clips and options.format != "mp3" else sound_key
        stored_sound = await self._store.get(sound_key) if sound is not None else None
        self._expect(plan, missing, track if stored_sound is None else None)
        meter.stage("drawing")
        paths = {s.key: path for s, path in zip(wanted, found, strict=True) if path is not None}
        threads = max(1, (os.cpu_count() or 1) // min(options.workers, max(1, len(missing))))
        tasks = [
            self._draw(plan, segment, studio, paths, threads)
            for segment in {segment.key: segment for segment in missing}.values()
        ]
        sounds: list[Path] = [stored_sound] if stored_sound is not None else []
        if sound is not None and stored_sound is None:
            tasks.append(self._mix(track, plan, sound_key, sounds, warnings))
        await run_all(tasks)
        meter.stage("joining")
        streams = [paths[segment.key] for segment in wanted]
        await self._join(plan, streams, sounds[0] if sounds else None, sound_key)
        await self._poster(plan, studio)
        await self._in_thread(self._write_captions, track)
        for segment in wanted:
            warnings += await self._stored_warnings(segment)
        await self._flush()
        meter.finish()
        await self._flush()
        drawn = {plan.scenes[segment.scene].scene_number for segment in missing}
        return RenderResult(
            self._film,
            self._poster_file,
            self._srt,
            self._vtt,
            plan.seconds,
            list(dict.fromkeys(warnings)),
            sorted(drawn),
            sorted({scene.scene_number for scene in plan.scenes} - drawn) if wanted else [],
            sum(segment.drawn for segment in missing),
            time.monotonic() - began - meter.idle,
        )

    async def close(self, *, keep: bool) -> None:
        """End the threads and remove what is not the result; everything, unless `keep`."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        await asyncio.to_thread(self._clean, keep)

    def _clean(self, keep: bool) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)
        if not keep:
            for path in (self._film, self._poster_file, self._srt, self._vtt):
                path.unlink(missing_ok=True)

    async def _in_thread(self, work: Callable[[*_Ts], _T], *arguments: *_Ts) -> _T:
        return await self._loop.run_in_executor(self._threads, work, *arguments)

    async def _flush(self) -> None:
        """Until all progress said so far has been heard."""
        heard = self._loop.create_future()
        self._loop.call_soon_threadsafe(heard.set_result, None)
        await heard

    async def _stored(self, plan: Plan, segment: Segment) -> Path | None:
        options, scene = self._options, plan.scenes[segment.scene]
        if options.redraw_all or scene.scene_id in options.redraw:
            return None
        return await self._store.get(segment.key)

    async def _stored_warnings(self, segment: Segment) -> list[str]:
        path = await self._store.get(f"{segment.key}.warnings")
        if path is None:
            return []
        said = json.loads(path.read_text())
        return [str(warning) for warning in said]

    def _expect(self, plan: Plan, missing: Sequence[Segment], track: Soundtrack | None) -> None:
        cost = sum(segment_cost(segment, plan.canvas) for segment in missing) + join_cost(plan)
        if track is not None and track.clips:
            cost += plan.seconds * SOUND_SECOND
        cost += convert_cost(plan, self._options.format)
        self._meter.expect(cost, len(plan.scenes), min(self._options.workers, len(missing) or 1))

    async def _draw(
        self,
        plan: Plan,
        segment: Segment,
        studio: Studio,
        paths: dict[str, Path],
        threads: int,
    ) -> None:
        target = self._scratch / f"{segment.key}.h264"
        self._meter.waits()
        async with self._turns:
            self._meter.works()
            try:
                said = await self._in_thread(self._encode, plan, segment, studio, target, threads)
            finally:
                self._meter.rests()
        paths[segment.key] = target
        await self._store.put(segment.key, target)
        if said:
            note = self._scratch / f"{segment.key}.warnings"
            note.write_text(json.dumps(said))
            await self._store.put(note.name, note)

    def _encode(
        self, plan: Plan, segment: Segment, studio: Studio, target: Path, threads: int
    ) -> list[str]:
        canvas, number = plan.canvas, plan.scenes[segment.scene].scene_number
        each = segment_cost(segment, canvas) / segment.drawn
        with SegmentPainter(plan, segment, studio) as painter:
            encode_segment(
                segment,
                canvas,
                painter.frames(),
                target,
                self.processes,
                lambda: self._meter.add(each, number),
                threads,
            )
            return painter.warnings

    async def _mix(
        self,
        track: Soundtrack,
        plan: Plan,
        key: str,
        sounds: list[Path],
        warnings: list[str],
    ) -> None:
        target = self._scratch / "sound.m4a"
        broken = await self._in_thread(self._encode_sound, track, plan, target)
        if broken:
            warnings.append(f"{len(broken)} sound file(s) cannot be read and are left out.")
        else:
            await self._store.put(key, target)
        sounds.append(target)

    def _encode_sound(self, track: Soundtrack, plan: Plan, target: Path) -> list[str]:
        raw = self._scratch / "mix.f32"
        samples = round(plan.frames * RATE / FPS)
        cost = plan.seconds * SOUND_SECOND if track.clips else 0.0
        # About half of it is mixing, which shows how far it is.
        heard = sum(clip.length for clip in track.clips) or 1.0
        broken = mix(
            *(track.clips, track.talk, samples, raw, self.processes),
            lambda seconds: self._meter.add(min(seconds / heard, 1.0) * cost / 2),
        )
        encode_mix(raw, target, self.processes)
        raw.unlink()
        self._meter.add(cost / 2)
        return broken

    async def _join(
        self, plan: Plan, streams: Sequence[Path], sound: Path | None, sound_key: str
    ) -> None:
        form, film, processes = self._options.format, self._film, self.processes
        if form in ("mp4", "mov"):
            await self._in_thread(join, streams, sound, form, film, processes)
            return
        keys = [segment.key for scene in plan.scenes for segment in scene.segments]
        digest = hashlib.sha256(json.dumps([RENDERER, form, keys, sound_key]).encode())
        key = f"{digest.hexdigest()}.{form}"
        stored = None if self._options.redraw_all else await self._store.get(key)
        if stored is not None:
            await self._in_thread(shutil.copyfile, stored, film)
            return
        if form == "mp3":
            assert sound is not None
            await self._in_thread(to_mp3, sound, plan.seconds, film, processes)
        else:
            master = self._scratch / "film.mp4"
            await self._in_thread(join, streams, sound, "mp4", master, processes)
            each = convert_cost(plan, form) / plan.seconds
            await self._in_thread(
                convert, master, form, film, processes, lambda done: self._meter.add(done * each)
            )
        await self._store.put(key, film)

    async def _poster(self, plan: Plan, studio: Studio) -> None:
        scene = plan.scenes[0]
        segment = max(scene.segments, key=lambda one: (one.transition is None, one.end - one.first))
        key = f"{segment.key}.jpg"
        stored = await self._store.get(key)
        poster = self._poster_file
        if stored is not None:
            await self._in_thread(shutil.copyfile, stored, poster)
            return
        await self._in_thread(_draw_poster, plan, segment, studio, poster)
        await self._store.put(key, poster)

    def _write_captions(self, track: Soundtrack) -> None:
        self._srt.write_text(to_srt(track.cues), encoding="utf-8")
        self._vtt.write_text(to_vtt(track.cues), encoding="utf-8")


def void(_: object) -> None:
    """Nothing."""


def _draw_poster(plan: Plan, segment: Segment, studio: Studio, target: Path) -> None:
    part = target.with_suffix(".part")
    with SegmentPainter(plan, segment, studio) as painter:
        image = painter.picture((segment.first + segment.end) // 2).image()
    try:
        image.save(part, "JPEG", quality=88)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _watermark(watermark: Watermark | None) -> tuple[Watermark | None, str]:
    if watermark is None:
        return None, ""
    fields = asdict(watermark)
    if watermark.image is not None:
        with contextlib.suppress(OSError), watermark.image.open("rb") as file:
            fields["image"] = hashlib.file_digest(file, "sha256").hexdigest()
    return watermark, json.dumps(fields, default=str, sort_keys=True)


def _sound_key(track: Soundtrack, plan: Plan) -> str:
    clips = [{**asdict(clip), "path": ""} for clip in track.clips]
    said = json.dumps([RENDERER, plan.frames, clips, track.talk], sort_keys=True)
    return f"{hashlib.sha256(said.encode()).hexdigest()}.m4a"
