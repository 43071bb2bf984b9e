"""Who is connected to the rooms of this node, and for how long each of them may be.

Editors have seats, listeners have ears. A place ends with the connection, the token, the role or
the video, whichever ends first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collab.errors import (
    CocutError,
    Draining,
    Forbidden,
    Unauthenticated,
    Unavailable,
    VideoNotFound,
)
from collab.ports import Listener
from collab.protocol import asks
from collab.session import Channel, Session
from persistence.videos import Role, Videos
from server.keeper import Keeper
from server.observe import Metrics

NO_ROLE: Final = "You have no role on this video any more."


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections may be open."""

    per_video: int = 20_000
    per_user: int = 50


class Seat:
    """An editor's place in a room; see `collab.ports.Seat`."""

    __slots__ = ("_places", "expires_at", "keeper", "session")

    def __init__(self, places: Places, keeper: Keeper, session: Session, expires_at: float) -> None:
        self.keeper = keeper
        self.session = session
        self.expires_at = expires_at
        self._places = places

    def receive(self, frame: bytes) -> bool:
        """Hand in a frame."""
        has_asked = asks(frame)
        self.session.asked += has_asked
        can_take = self.keeper.receive(self.session, frame)
        return can_take and not (has_asked and self.session.is_owed)

    async def drained(self) -> None:
        """Wait until the room can take more, and the editor has what it asked for."""
        await self.keeper.drained(self.session)

    def leave(self) -> None:
        """Give the place back."""
        self._places.leave(self)


@dataclass(slots=True, eq=False)
class Ear:
    """A listener's place."""

    keeper: Keeper
    listener: Listener
    user: str


class Places:
    """The places of this node.

    Args:
        limits: of connections.
        videos: who has which role.
        wall: seconds since the epoch, for tokens.
        metrics: of this process.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        videos: Videos,
        wall: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._limits = limits
        self._videos = videos
        self._wall = wall
        self._metrics = metrics
        self._seats: dict[int, Seat] = {}
        self._ears: dict[Keeper, set[Ear]] = {}
        self._per_user: Counter[str] = Counter()
        self._last_session = 0

    def count(self, user: str) -> None:
        """Count a user's connection, before it has a seat.

        Raises:
            Unavailable: there are too many.
        """
        if self._per_user[user] >= self._limits.per_user:
            raise Unavailable("You have too many connections open; close some and try again.")
        self._per_user[user] += 1

    def discount(self, user: str) -> None:
        """A counted connection has ended, or got no seat."""
        self._per_user[user] -= 1
        if not self._per_user[user]:
            del self._per_user[user]

    def sit(
        self, keeper: Keeper, channel: Channel, user: str, *, may_edit: bool, expires_at: float
    ) -> Seat:
        """Give a counted connection its seat.

        Raises:
            Unavailable: the video has too many.
        """
        if len(keeper.room.sessions) >= self._limits.per_video:
            raise Unavailable("Too many editors are connected to this video.")
        self._last_session += 1
        session = Session(self._last_session, user, may_edit, channel)
        seat = Seat(self, keeper, session, expires_at)
        self._seats[session.id] = seat
        self._metrics.editors.set(len(self._seats))
        keeper.join(session)
        return seat

    def leave(self, seat: Seat) -> None:
        """Take back a seat; more than once is harmless."""
        if self._seats.pop(seat.session.id, None) is not None:
            self.discount(seat.session.user)
            self._metrics.editors.set(len(self._seats))
        seat.keeper.leave(seat.session)

    def listen(self, keeper: Keeper, listener: Listener, user: str) -> Ear:
        """Give a listener its place.

        Raises:
            Unavailable: the video has too many.
        """
        if keeper.listeners >= self._limits.per_video:
            raise Unavailable("Too many listen to this video.")
        ear = Ear(keeper, listener, user)
        self._ears.setdefault(keeper, set()).add(ear)
        keeper.listen(1)
        return ear

    def cover(self, ear: Ear) -> None:
        """Take back a listener's place; more than once is harmless."""
        ears = self._ears.get(ear.keeper, set())
        if ear in ears:
            ears.discard(ear)
            ear.keeper.listen(-1)
            if not ears:
                del self._ears[ear.keeper]

    def end_expired(self) -> None:
        """Close the connections whose tokens have run out."""
        wall = self._wall()
        for seat in list(self._seats.values()):
            if seat.expires_at <= wall:
                self._dismiss(seat, Unauthenticated("The token has expired; set a new one."))

    async def review(self, keeper: Keeper) -> None:
        """Close or change the connections to a video of those whose role has changed."""
        roles: dict[str, Role] = {}
        known: set[str] = set()
        # Who came while the roles were read may have come with an older one.
        while unknown := self._users(keeper) - known:
            roles.update(await self._videos.roles_of(keeper.video_id, list(unknown)))
            known |= unknown
        for seat in self._seats_of(keeper):
            role = roles.get(seat.session.user)
            if role is None:
                self._dismiss(seat, Forbidden(NO_ROLE))
            else:
                seat.session.may_edit = role != "viewer"
                seat.session.told_denied = False
        for ear in list(self._ears.get(keeper, ())):
            if ear.user not in roles:
                self._refuse(ear, Forbidden(NO_ROLE))

    def deleted(self, keeper: Keeper) -> None:
        """Close all connections to a video that is gone."""
        for seat in self._seats_of(keeper):
            self._dismiss(seat, VideoNotFound("The video was deleted."))
        self.refuse_listeners(keeper, VideoNotFound("The video was deleted."))

    def refuse_listeners(self, keeper: Keeper, error: CocutError) -> None:
        """End the places of all who listen to a video."""
        for ear in list(self._ears.get(keeper, ())):
            self._refuse(ear, error)

    def drain(self) -> None:
        """Close all editors' connections: the process is shutting down."""
        for seat in list(self._seats.values()):
            seat.session.channel.refuse(Draining())

    def _users(self, keeper: Keeper) -> set[str]:
        users = {seat.session.user for seat in self._seats_of(keeper)}
        users.update(ear.user for ear in self._ears.get(keeper, ()))
        return users

    def _seats_of(self, keeper: Keeper) -> list[Seat]:
        return [self._seats[id_] for id_ in list(keeper.room.sessions) if id_ in self._seats]

    def _dismiss(self, seat: Seat, error: CocutError) -> None:
        self.leave(seat)
        seat.session.channel.refuse(error)

    def _refuse(self, ear: Ear, error: CocutError) -> None:
        self.cover(ear)
        ear.listener.refuse(error)
