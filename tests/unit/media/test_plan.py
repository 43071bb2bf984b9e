"""The planner, by tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from server.media.errors import NothingToRender
from server.media.model import FPS, Asset, RenderOptions
from server.media.plan import Plan, canvas_of, make_plan
from tests.integration.media.stage import Script, layer

OPTIONS = RenderOptions(quality="360p")
STILL, DRAWN = True, False


def plan(script: Script, assets: dict[str, Asset] | None = None, mark: str = "") -> Plan:
    assets = assets or {}
    return make_plan(script.input(), OPTIONS, assets, dict.fromkeys(assets, "k"), mark)


def keys(made: Plan) -> list[list[str]]:
    return [[segment.key for segment in scene.segments] for scene in made.scenes]


@pytest.mark.parametrize(
    ("quality", "ratio", "size"),
    [
        ("360p", "16:9", (640, 360)),
        ("480p", "16:9", (854, 480)),
        ("720p", "16:9", (1280, 720)),
        ("1080p", "16:9", (1920, 1080)),
        ("2160p", "16:9", (3840, 2160)),
        ("1080p", "9:16", (1080, 1920)),
        ("1080p", "1:1", (1080, 1080)),
        ("1080p", "4:5", (1080, 1350)),
        ("720p", None, (1280, 720)),
    ],
)
def test_the_quality_is_the_shorter_side(
    quality: str, ratio: str | None, size: tuple[int, int]
) -> None:
    canvas = canvas_of(Script().input(), RenderOptions(quality=quality, aspect_ratio=ratio))
    assert (canvas.width, canvas.height) == size


@pytest.mark.parametrize(
    ("durations", "frames"),
    [
        ([1.0], [30]),
        ([0.04], [1]),
        ([0.01], [1]),
        ([0.01, 0.01, 0.01], [1]),
        ([1 / 3, 1 / 3, 1 / 3], [10, 10, 10]),
        ([0.05] * 4, [2, 1, 2, 1]),
        ([8.5, 3.33], [255, 100]),
    ],
)
def test_lengths_are_rounded_over_the_whole_film(durations: list[float], frames: list[int]) -> None:
    script = Script()
    for duration in durations:
        script.scene(duration)
    made = plan(script)
    assert [scene.frames for scene in made.scenes] == frames
    assert made.frames == sum(frames)
    assert [scene.start for scene in made.scenes] == [
        sum(frames[:i]) for i in range(len(made.scenes))
    ]


@pytest.mark.parametrize(
    ("layers", "pieces"),
    [
        ([], [(90, 30, STILL)]),
        ([layer("text", 0, 3, text="a")], [(90, 30, STILL)]),
        ([layer("text", 1, 1, text="a")], [(30, 30, STILL)] * 3),
        (
            [layer("text", 0, 3, text="a", animation="fadeIn")],
            [(15, 15, DRAWN), (75, 30, STILL)],
        ),
        (
            [layer("text", 1, 1, text="a", animation=["slideUp", "fadeOut"])],
            [(30, 30, STILL), (30, 30, DRAWN), (30, 30, STILL)],
        ),
        (
            [layer("text", 0, 3, text="a", animation="zoomIn", animation_duration=1)],
            [(30, 30, DRAWN), (60, 30, STILL)],
        ),
        ([layer("avatar", 0, 3, animation="talking")], [(90, 30, DRAWN)]),
        (
            [layer("avatar", 0, 3, animation="talking"), layer("voiceover", 1, 1.5, text="x")],
            [(30, 30, STILL), (45, 30, DRAWN), (15, 15, STILL)],
        ),
        ([layer("media", 0, 3, ken_burns=True)], [(90, 90, DRAWN)]),
        (
            [layer("avatar", 0, 3, animation="talking"), layer("media", 0, 1, ken_burns=True)],
            [(30, 30, DRAWN), (60, 30, DRAWN)],
        ),
        ([layer("effect", 0, 1, effect="fade")], [(30, 30, DRAWN), (60, 30, STILL)]),
        (
            [layer("effect", 0, 3, effect="fade")],
            [(15, 15, DRAWN), (60, 30, STILL), (15, 15, DRAWN)],
        ),
        ([layer("effect", 0, 3, effect="vignette")], [(90, 30, STILL)]),
        ([layer("text", 0, 3, text="a", animation="fadeIn", enabled=False)], [(90, 30, STILL)]),
        # A short still between two movements is drawn with them.
        (
            [
                layer("text", 0, 3, text="a", animation="fadeIn"),
                layer("text", 0.6, 2.4, text="b", animation="fadeIn"),
            ],
            [(33, 33, DRAWN), (57, 30, STILL)],
        ),
    ],
)
def test_only_what_moves_is_drawn_frame_by_frame(
    layers: list[object], pieces: list[tuple[int, int, bool]]
) -> None:
    made = plan(Script().scene(3, *layers))  # type: ignore[arg-type]
    (segment,) = made.scenes[0].segments
    assert [(piece.count, piece.drawn, piece.still) for piece in segment.pieces] == pieces
    assert sum(piece.count for piece in segment.pieces) == 90


def test_an_hour_of_a_still_picture_is_a_few_hundred_frames_of_work() -> None:
    made = plan(Script().scene(3600, layer("avatar", 10, 3500, animation="talking")))
    assert made.frames == 3600 * FPS
    assert sum(segment.drawn for segment in made.scenes[0].segments) <= 600


def test_no_scenes_is_an_error_for_a_person() -> None:
    with pytest.raises(NothingToRender, match="no scenes"):
        plan(Script())


def test_too_long_is_refused_before_any_work() -> None:
    with pytest.raises(NothingToRender, match="86400 seconds"):
        plan(Script().scene(86_400))


def test_five_hundred_scenes_of_a_hundred_layers_are_planned() -> None:
    script = Script()
    for _ in range(500):
        script.scene(1, *[layer("text", 0, 1, text="a", animation="fadeIn")] * 100)
    assert len(plan(script).scenes) == 500


def test_layers_are_clamped_to_their_scene_or_left_out_with_a_warning() -> None:
    made = plan(
        Script().scene(
            2, layer("text", 1, 99, text="a"), layer("text", 5, 1, text="b", name="Late")
        )
    )
    (item,) = made.scenes[0].items
    assert (item.first, item.end) == (30, 60)
    assert made.warnings == ("Scene 1: the layer “Late” lies outside its scene.",)


def test_an_unknown_effect_is_a_warning() -> None:
    made = plan(Script().scene(2, layer("effect", 0, 1, effect="explode", name="Boom")))
    assert made.warnings == ("Scene 1: the effect “Boom” is of no known kind.",)


def test_what_fills_the_frame_is_the_backdrop() -> None:
    made = plan(
        Script().scene(
            2,
            layer("text", text="a"),
            layer("media", media_id="full"),
            layer("shape"),
            layer("media", media_id="small", scale=0.5),
        )
    )
    assert [item.type for item in made.scenes[0].items] == ["media", "text", "shape", "media"]


def three(*middle: object, first: float = 2.0) -> Script:
    return (
        Script()
        .scene(first, layer("text", text="one", duration=first), name="a")
        .scene(2, layer("text", text="two"), *middle, name="b")  # type: ignore[arg-type]
        .scene(2, layer("text", text="three"), name="c")
    )


def test_moving_a_scene_changes_no_key() -> None:
    script = three()
    before = {scene.scene_id: scene.segments[0].key for scene in plan(script).scenes}
    script.scenes.reverse()
    after = {scene.scene_id: scene.segments[0].key for scene in plan(script).scenes}
    assert before == after


def test_a_changed_text_changes_its_own_scene_only() -> None:
    before, script = keys(plan(three())), three()
    script.layers["b"] = [replace(script.layers["b"][0], properties={"text": "new"})]
    after = keys(plan(script))
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "another name"},
        {"order_index": 7, "order": "zz"},
        {"properties": {"text": "two", "unknown": 1}},
    ],
)
def test_what_is_not_seen_changes_no_key(change: dict[str, object]) -> None:
    before, script = keys(plan(three())), three()
    script.layers["b"] = [replace(script.layers["b"][0], **change)]  # type: ignore[arg-type]
    assert keys(plan(script)) == before


def test_the_key_covers_size_background_watermark_and_files() -> None:
    script = Script().scene(1, layer("media", 0, 1, media_id="m"))
    asset = {"scene-1-1": Asset(Path("a.jpg"), "image")}
    made = {
        keys(plan(script))[0][0],
        keys(plan(script, asset))[0][0],
        keys(plan(script, asset, mark="w"))[0][0],
        keys(make_plan(script.input(), OPTIONS, asset, {"scene-1-1": "other"}))[0][0],
        keys(make_plan(script.input(), RenderOptions(), asset, {"scene-1-1": "k"}))[0][0],
        keys(plan(replace_background(script), asset))[0][0],
    }
    assert len(made) == 6


def replace_background(script: Script) -> Script:
    return Script(background="#FFFFFF", scenes=script.scenes, layers=script.layers)


def test_a_transition_splits_off_the_head_and_keeps_the_body() -> None:
    made = plan(three(layer("effect", 0, 0.5, effect="crossfade")))
    head, body = made.scenes[1].segments
    assert (head.first, head.end, body.first, body.end) == (0, 15, 15, 60)
    assert head.transition is not None
    assert (head.transition.other, head.transition.other_frame) == (0, 59)
    longer = plan(three(layer("effect", 0, 0.5, effect="crossfade"), first=3.0))
    assert longer.scenes[1].segments[0].key != head.key
    assert longer.scenes[1].segments[1].key == body.key


def test_a_transition_at_the_end_goes_out_to_the_next_scene() -> None:
    made = plan(three(layer("effect", 1.5, 0.5, effect="wipeLeft")))
    body, tail = made.scenes[1].segments
    assert (body.first, body.end, tail.first, tail.end) == (0, 45, 45, 60)
    assert tail.transition is not None
    assert not tail.transition.incoming
    assert (tail.transition.other, tail.transition.other_frame) == (2, 0)


@pytest.mark.parametrize("start", [0.0, 1.5])
def test_a_transition_without_a_neighbour_is_no_transition(start: float) -> None:
    made = plan(Script().scene(2, layer("effect", start, 0.5, effect="crossfade")))
    assert [segment.transition for segment in made.scenes[0].segments] == [None]
