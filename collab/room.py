"""The room of one video: what editors send goes in, what is to be stored and sent comes out.

It does no I/O and reads no clock. Whoever keeps it (the hub) takes a batch of what has arrived
through `take`, stores the batch's update, and only then calls `publish` for what others may see.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final

from collab import protocol
from collab.batch import Batch, Brought, Item, Received, Requested, author_of
from collab.document import Document, Outcome, merge
from collab.errors import BadInput, BrokenDocument, CocutError, MalformedUpdate, MissingUpdates
from collab.history import History
from collab.presence import Presence
from collab.protocol import Acknowledge, Awareness, Framing, Join, QueryAwareness, Update
from collab.session import Mode, Session
from collab.surrogates import CutCharacters, UnknownCharacters
from collab.update import read_state_vector, read_update

BACKLOG_BYTES: Final = 1024 * 1024
"""What may wait in an editor's socket before it counts as lagging."""

DRAINED_BYTES: Final = 64 * 1024
STUCK_SECONDS: Final = 60.0
WELCOME_BYTES: Final = 1024 * 1024
"""What is encoded for those who ask for the document before others get their turn."""

REST_SECONDS: Final = 60.0
"""For how long nobody has needed a document that rests. The first change after a rest costs some
6 ms more for 20 scenes x 5 layers: a ten-thousandth of a core for each room, at the most."""

APART: Final = 4096
"""Items of a batch, times clients that the document ever had, up to which authors are told apart:
it takes a commit for each, which costs in proportion to these clients."""

LIVE: Final = Mode.LIVE
"""Here since a member of an enumeration is looked up slowly, for every editor of every batch."""

DENIED: Final = "You may watch this video, but not change it."


class Room:
    """The document of one video, who is in it, and the way of every change.

    Args:
        document: the document as it is stored.
        seq: the sequence number that it stands at.
        framing: makes of a protocol message what the channels write.
        shared: whether other nodes keep rooms of the same video.
        rest_seconds: for how long nobody has needed a document that rests.

    Attributes:
        sessions: who is connected, by session id.
        presence: who is here, as editors tell each other.
        history: what was published lately, for those who join or lag.
        attributing: somebody wants to know who changed what.
    """

    def __init__(
        self,
        document: Document,
        seq: int,
        framing: Framing,
        *,
        shared: bool = False,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        self.document = document
        self.seq = seq
        self.sessions: dict[int, Session] = {}
        self.lagging: set[Session] = set()
        self.attributing = False
        self.presence = Presence(shared=shared)
        self.history = History(
            self._encode, self._state_vector, lambda: self.document.size, framing
        )
        self._framing = framing
        self._rest_seconds = rest_seconds
        self._still_since: float | None = None
        self._joining: deque[tuple[Session, bytes]] = deque()
        self._sent_version = 0

    def join(self, session: Session) -> None:
        """Let an editor in: it is told what the room has, and who is here."""
        self.sessions[session.id] = session
        self.presence.join(session.id)
        session.channel.write(self.history.greeting())
        self._send_presence(session)

    def leave(self, session: Session) -> None:
        """Let an editor go."""
        session.mode = Mode.ENDED
        self.lagging.discard(session)
        if self.sessions.pop(session.id, None) is not None:
            self.presence.leave(session.id)

    def take(self, items: Sequence[Item]) -> Batch:
        """Check and apply what has arrived, in order, up to what has to be a batch of its own.

        A bad frame costs its sender alone: what else it sent after that is left out.

        Raises:
            BrokenDocument: pycrdt gave up in the middle. Nothing of the batch counts; the one who
                caused it is ended and in `refused` when the same items are taken again, after
                `document` was replaced by what is stored.
        """
        batch = Batch()
        updates: list[bytes] = []
        users: set[str] = set()
        self.document.begin_row()
        apart = len(items) * len(self.document.ledger.state) <= APART
        for number, item in enumerate(items):
            if self.attributing:
                self.document.by(author_of(item), apart=apart)
            if isinstance(item, Requested):
                outcome = self.document.edit(item.edit)
                if outcome.update is not None:
                    updates.append(outcome.update)
                    users.add(item.by)
                batch.outcomes.append((item, outcome))
                continue
            try:
                if isinstance(item, Received):
                    self._receive(item, batch, updates, users)
                else:
                    self._bring(item, batch, updates, users)
            except CutCharacters as cut:
                # The repair is a row of the log before the one of the update: merged, they
                # would be applied in another order.
                batch.rest = items[number:]
                if not updates:
                    self.document.apply(cut.repair)
                    updates.append(cut.repair)
                    users.add(author_of(item))
                break
            except UnknownCharacters:
                batch.rest, batch.asks_for_characters = items[number:], True
                break
        batch.update = merge(updates)
        batch.edits = len(updates)
        batch.users = sorted(users)
        return batch

    def take_stored(
        self, updates: Iterable[bytes], authors: Iterable[str] = repeat("")
    ) -> bytes | None:
        """Apply updates that another node has stored; returns what was new of them, merged.

        Args:
            updates: rows of the log, in order.
            authors: for each, one of its authors, or an empty string.

        Raises:
            BrokenDocument: they do not fit to what is here; the document has to be loaded anew.
        """
        news: list[bytes] = []
        for update, author in zip(updates, authors, strict=False):
            self.document.begin_row()
            if self.attributing:
                self.document.by(author, apart=len(self.document.ledger.state) <= APART)
            try:
                if self.document.apply(update, own=True):
                    news.append(update)
            except CutCharacters as error:
                raise BrokenDocument(f"stored is {error}") from error
        return merge(news)

    def publish(self, update: bytes, seq: int) -> bytes:
        """Note that an update is stored; returns the frame for all."""
        self.seq = seq
        self.history.add(update)
        return self._framing(*protocol.update(update))

    def broadcast(self, frame: bytes, pause_after: int) -> Iterator[None]:
        """Write a frame of what was just published to all who are live, pausing now and then.

        Whoever does not take up what is written becomes lagging: it gets nothing more until its
        socket has drained, and then all at once.
        """
        self._sent_version = self.history.version
        everybody = list(self.sessions.values())
        for start in range(0, len(everybody), pause_after):
            if start:
                yield
            for session in everybody[start : start + pause_after]:
                if session.mode is LIVE and session.channel.write(frame):
                    self._look_at(session)

    def answer(self, batch: Batch) -> None:
        """Send what single editors wait for, but for the document: see `welcome`. All that was
        taken must be stored by now."""
        self._joining.extend(batch.joins)
        for session in batch.queries:
            session.asked -= 1
            self._send_presence(session)
            self._look_at(session)
        for session, frame in batch.acknowledgements:
            session.asked -= 1
            session.channel.write(self._framing(*protocol.acknowledgement(frame)))
            self._look_at(session)
        for session in batch.denied:
            session.channel.write(self._framing(*protocol.permission_denied(DENIED)))
        for session in dict.fromkeys(batch.incomplete):
            self._ask_for_rest(session)
        for session, error in batch.refused:
            session.channel.refuse(error)

    @property
    def welcoming(self) -> bool:
        """Whether somebody waits for the document who can take it."""
        return any(session.mode is not Mode.LAGGING for session, _ in self._joining)

    def welcome(self) -> None:
        """Bring those up to date who asked for the document, as many as is fair to others; all that
        is in the document must be stored."""
        until = self.history.encoded_bytes + WELCOME_BYTES
        for _ in range(len(self._joining)):
            session, state_vector = self._joining.popleft()
            if session.mode is Mode.LAGGING:
                self._joining.append((session, state_vector))
            elif session.mode is LIVE:
                session.asked -= 1
                for frame in self.history.welcome(state_vector):
                    session.channel.write(frame)
                self._look_at(session)
                if self.history.encoded_bytes >= until:
                    break

    def help_lagging(self, now: float) -> int:
        """Bring those up to date whose sockets have drained; give up on those that are stuck.

        Args:
            now: a monotonic time in seconds.

        Returns:
            How many were given up.
        """
        aborted = 0
        for session in list(self.lagging):
            backlog = session.channel.backlog()
            if backlog <= DRAINED_BYTES:
                if session.version < self.history.version:
                    session.channel.write(self.history.catch_up(session.version))
                    session.version = self.history.version
                    session.stuck_since = None
                if session.channel.backlog() <= BACKLOG_BYTES:
                    session.mode = Mode.LIVE
                    session.stuck_since = None
                    self.lagging.discard(session)
                    self._make_up(session)
            elif session.stuck_since is None or backlog < session.stuck_backlog:
                session.stuck_since = now
                session.stuck_backlog = backlog
            elif now - session.stuck_since > STUCK_SECONDS:
                self.leave(session)
                session.channel.abort()
                aborted += 1
        return aborted

    def send_presence(self, now: float) -> None:
        """Tell everybody who is live about changed presence, as far as its budget allows."""
        payload = self.presence.send(now)
        if payload is not None:
            frame = self._framing(*protocol.awareness(payload))
            for session in self.sessions.values():
                if session.mode is not LIVE:
                    session.owed_presence = True
                elif session.channel.write(frame):
                    self._look_at(session)

    def rest(self, now: float) -> float | None:
        """Let go of what can be made anew, once nobody has needed the document for a while.

        Called when all that was published is stored and projected.

        Args:
            now: a monotonic time in seconds.

        Returns:
            Seconds until it is to be called again; None while nothing would come of it.
        """
        if self.document.needed():
            self._still_since = now
        if self._still_since is None or self.lagging:
            return None
        wait = self._still_since + self._rest_seconds - now
        if wait > 0:
            return wait
        self._still_since = None
        self.history.rest()
        self.document.rest()
        return None

    def _receive(self, item: Received, batch: Batch, updates: list[bytes], users: set[str]) -> None:
        session = item.session
        if session.mode is Mode.ENDED:
            if session.fault is not None:
                batch.refused.append((session, session.fault))
                session.fault = None
            return
        try:
            message = protocol.read_frame(item.frame)
            if isinstance(message, Update):
                if not session.may_edit:
                    self._deny(session, message.update, batch)
                elif self.document.apply(message.update):
                    updates.append(message.update)
                    users.add(session.user)
            elif isinstance(message, Awareness):
                self.presence.receive(message.payload, session.id, session.user)
            elif isinstance(message, Join):
                if not self.history.has_welcomed(message.state_vector):
                    read_state_vector(message.state_vector)
                batch.joins.append((session, message.state_vector))
            elif isinstance(message, Acknowledge):
                batch.acknowledgements.append((session, message.frame))
            elif isinstance(message, QueryAwareness):
                batch.queries.append(session)
        except MissingUpdates:
            batch.incomplete.append(session)
        except BadInput as error:
            session.mode = Mode.ENDED
            batch.refused.append((session, error))
        except BrokenDocument:
            session.mode = Mode.ENDED
            session.fault = MalformedUpdate("an update that cannot be applied")
            raise

    def _bring(self, item: Brought, batch: Batch, updates: list[bytes], users: set[str]) -> None:
        error: CocutError | None = None
        try:
            if item.broken:
                raise MalformedUpdate("an update that cannot be applied")
            if self.document.apply(item.update, own=True):
                updates.append(item.update)
                users.add(item.by)
        except BrokenDocument:
            item.broken = True
            raise
        except (BadInput, MissingUpdates) as refusal:
            error = refusal
        batch.outcomes.append((item, Outcome(None, None, error)))

    def _deny(self, session: Session, update: bytes, batch: Batch) -> None:
        """A viewer's update: left out; the first that would change something is answered."""
        if session.told_denied:
            return
        if self.document.ledger.brings_news(read_update(update)):
            session.told_denied = True
            batch.denied.append(session)

    def _look_at(self, session: Session) -> None:
        """Something was written to it and may wait: if that is too much, it lags."""
        if session.mode is LIVE and session.channel.backlog() > BACKLOG_BYTES:
            session.mode = Mode.LAGGING
            session.version = self._sent_version
            session.stuck_since = None
            self.lagging.add(session)

    def _ask_for_rest(self, session: Session) -> None:
        session.owed_step_1 = session.mode is Mode.LAGGING
        if not session.owed_step_1:
            session.channel.write(self.history.greeting())
            self._look_at(session)

    def _make_up(self, session: Session) -> None:
        """Send to one who does not lag any more what is not in the document."""
        if session.owed_presence:
            session.owed_presence = False
            self._send_presence(session)
        if session.owed_step_1:
            self._ask_for_rest(session)

    def _send_presence(self, session: Session) -> None:
        here = self.presence.everything()
        if here is not None:
            session.channel.write(self._framing(*protocol.awareness(here)))

    def _encode(self, state_vector: bytes | None) -> bytes:
        return self.document.encode(state_vector)

    def _state_vector(self) -> bytes:
        return self.document.ledger.state_vector()
