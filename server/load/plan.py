"""What a load run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

ProtocolName = Literal["y-websocket", "hocuspocus"]
Into = Literal["scenes", "text"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """How the simulated editors show who they are; all empty for servers without identity.

    Attributes:
        token: one token for everybody.
        secret: an HS256 secret; each simulated user gets a token of its own.
        users: how many users to simulate with a secret; 0 takes one for every 50 editors.
    """

    token: str = ""
    secret: str = ""
    users: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """One run.

    Attributes:
        url: the WebSocket address that the video's id is appended to.
        protocol: what the server speaks.
        editors: how many, all videos together.
        rate: edits a second, all editors together; may be 0.
        seconds: for how long to send.
        presence_rate: presence updates a second, all editors together.
        videos: over how many videos the editors are spread.
        into: what the edits change.
        scenes: scenes of a prepared video.
        layers: layers of each of these.
        video_ids: existing videos to use instead of new ones.
        credentials: identity.
        pids: roots of the server's process trees, to be measured.
        drain: seconds to wait at most for what is still under way after the last edit.
        quiet: seconds without anything arriving that count as the end.
        seed: of the client ids and of what the edits write.
    """

    url: str
    protocol: ProtocolName = "y-websocket"
    editors: int = 100
    rate: float = 50.0
    seconds: float = 10.0
    presence_rate: float = 0.0
    videos: int = 1
    into: Into = "scenes"
    scenes: int = 20
    layers: int = 5
    video_ids: tuple[str, ...] = ()
    credentials: Credentials = field(default_factory=Credentials)
    pids: tuple[int, ...] = ()
    drain: float = 30.0
    quiet: float = 1.0
    seed: int = 0

    @property
    def edits(self) -> int:
        """How many edits the run sends."""
        return int(self.rate * self.seconds)
