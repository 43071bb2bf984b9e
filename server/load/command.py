"""`cocut load`: the command line."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import aiohttp
import typer
import uvloop
from rich.console import Console

from server.load.outcome import Outcome
from server.load.plan import Credentials, Into, Plan, ProtocolName
from server.load.report import print_summary, progress_line
from server.load.rest import RestError
from server.load.run import Progress, run
from server.secret import stored_secret

DEFAULT_URL: Final = "ws://127.0.0.1:8080/ws/videos"


def load(
    url: Annotated[
        str,
        typer.Option(
            help="Where editors connect; the video's id is appended. Or Cocut's own address, "
            "http://HOST:PORT, as its ready line says it."
        ),
    ] = DEFAULT_URL,
    protocol: Annotated[ProtocolName, typer.Option(help="What the server speaks.")] = "y-websocket",
    editors: Annotated[int, typer.Option(min=1, help="Editors, all videos together.")] = 100,
    rate: Annotated[float, typer.Option(min=0, help="Edits a second, all editors together.")] = 50,
    seconds: Annotated[float, typer.Option(min=0, help="For how long to send.")] = 10,
    presence_rate: Annotated[
        float,
        typer.Option(
            min=0,
            help="Presence updates a second, all editors together; each repeats what it hears.",
        ),
    ] = 0,
    videos: Annotated[int, typer.Option(min=1, help="Videos that the editors share out.")] = 1,
    into: Annotated[
        Into,
        typer.Option(
            help="Edit the scenes and layers of a prepared video, or a text of each editor's own."
        ),
    ] = "scenes",
    scenes: Annotated[int, typer.Option(min=1, help="Scenes of a prepared video.")] = 20,
    layers: Annotated[int, typer.Option(min=1, max=100, help="Layers of each scene.")] = 5,
    video: Annotated[
        list[str] | None, typer.Option(help="Use this video (may be repeated), make none.")
    ] = None,
    token: Annotated[str, typer.Option(help="One token for all editors.")] = "",
    secret: Annotated[
        str, typer.Option(help="Make tokens of many users with this secret of the server.")
    ] = "",
    data_dir: Annotated[
        Path | None, typer.Option(help="Make tokens with the secret of this data directory.")
    ] = None,
    users: Annotated[
        int, typer.Option(min=0, help="How many users to make; 0: one for every 50 editors.")
    ] = 0,
    pid: Annotated[
        list[int] | None,
        typer.Option(help="Measure the process tree under this id (may be repeated)."),
    ] = None,
    drain: Annotated[
        float, typer.Option(min=0, help="Seconds to wait at most for what is under way at the end.")
    ] = 30,
    seed: Annotated[
        int | None, typer.Option(help="Of client ids and content; another one each time if absent.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--json", help="Write the outcome there.")] = None,
) -> None:
    """Simulate editors, and tell what reached them and when.

    The edits are real Yjs updates, prepared before the run. Every editor compares all that it
    receives, byte by byte, with what the others received; every distinct sequence is then checked
    for every edit of the run, the commonest by applying them to a Yjs document. At the end the
    server's own document, over REST, is checked for every edit. Ends with 1 if an edit or a
    connection was lost.

    Without a token, a secret or a data directory, the server is taken for one that knows no users
    and no REST API, and the document is read over the socket.
    """
    if data_dir is not None and not secret and not token:
        secret = stored_secret(data_dir).decode()
    plan = Plan(
        url=where_editors_connect(url),
        protocol=protocol,
        editors=editors,
        rate=rate,
        seconds=seconds,
        presence_rate=presence_rate,
        videos=min(videos, editors),
        into=into,
        scenes=scenes,
        layers=layers,
        video_ids=tuple(video or ()),
        credentials=Credentials(token, secret, users),
        pids=tuple(pid or ()),
        drain=drain,
        seed=secrets.randbits(64) if seed is None else seed,
    )
    outcome = _run(plan)
    if output is not None:
        output.write_text(json.dumps(outcome.as_json(), indent=2) + "\n")
    print_summary(outcome, Console())
    raise typer.Exit(0 if outcome.ok else 1)


def where_editors_connect(url: str) -> str:
    """The WebSocket address that is meant by `url`.

    Raises:
        typer.BadParameter: it is no address.
    """
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("ws", "wss", "http", "https") and parts.hostname is not None
        parts.port  # noqa: B018  it is read, and refused, here
    except ValueError:
        known = False
    if not known:
        raise typer.BadParameter(f"{url!r} is no address like {DEFAULT_URL}.", param_hint="'--url'")
    if parts.scheme.startswith("http") and parts.path in ("", "/"):
        return f"{parts.scheme.replace('http', 'ws')}://{parts.netloc}/ws/videos"
    return url


def _run(plan: Plan) -> Outcome:
    live = sys.stderr.isatty()

    def watch(progress: Progress) -> None:
        print(f"\r{progress_line(progress)}\x1b[K", end="", file=sys.stderr, flush=True)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(run(plan, watch) if live else run(plan))
    except (OSError, TimeoutError, RestError, ValueError, aiohttp.ClientError) as error:
        print(f"\ncocut load: {error or type(error).__name__}", file=sys.stderr)
        raise typer.Exit(1) from error
    finally:
        if live:
            print(file=sys.stderr)
