"""A replica of a document in pycrdt: updates go in, and it says what they touched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pycrdt import Doc, Map, Subscription, TextEvent, Transaction

from collab.errors import BrokenDocument, MalformedUpdate
from collab.ports import Edit
from collab.repeats import Path
from collab.schema import Touches


class Replica:
    """A pycrdt document, observed.

    One transaction stays open from one `commit` to the next. Applying an update inside it costs a
    few microseconds however many clients the document has had; committing it, which is when pycrdt
    tells observers what changed, costs in proportion to them.

    Args:
        client_id: the Yjs client id for edits by the server.

    Attributes:
        doc: the pycrdt document.
        author: whose what is committed from now on is; empty if nobody wants to know.
        texts: the shared texts that the last edit has changed.
    """

    _subscriptions: tuple[tuple[Map[Any], Subscription], ...]

    def __init__(self, client_id: int) -> None:
        self.doc: Doc[Any] = Doc(client_id=client_id)
        self.author = ""
        self.texts: list[Path] = []
        self._editing = False
        self._touches = Touches()
        self._transaction: Transaction | None = None
        scenes: Map[Any] = self.doc.get("scenes", type=Map)
        video: Map[Any] = self.doc.get("video", type=Map)
        self._subscriptions = (
            (scenes, scenes.observe_deep(self._scenes_touched)),
            (video, video.observe_deep(self._video_touched)),
        )

    @property
    def changing(self) -> bool:
        """Whether something was applied since the last commit."""
        return self._transaction is not None

    def integrate(self, update: bytes) -> None:
        """Apply an update; nobody is told of it before `commit`.

        Raises:
            MalformedUpdate: it is not one.
            BrokenDocument: pycrdt gave up in the middle; this object is of no use any more.
        """
        if self._transaction is None:
            transaction = self.doc.transaction()
            transaction.__enter__()
            self._transaction = transaction
        try:
            self.doc.apply_update(update)
        except ValueError as error:
            raise MalformedUpdate(str(error)) from None
        except RuntimeError as error:
            raise BrokenDocument(str(error)) from None
        except BaseException as error:
            # A Rust panic comes as an exception that no module exports.
            if type(error).__name__ != "PanicException":
                raise
            raise BrokenDocument("pycrdt panicked") from None

    def commit(self) -> None:
        """End the open transaction, if one is."""
        if self._transaction is not None:
            transaction, self._transaction = self._transaction, None
            transaction.__exit__(None, None, None)

    def edit(self, change: Edit) -> tuple[list[bytes], Any, Exception | None]:
        """Run an edit in a transaction of its own; returns its updates, and its value or error.

        `texts` says then where it changed shared texts of scenes.
        """
        self.commit()
        self.texts.clear()
        updates: list[bytes] = []
        subscription = self.doc.observe(lambda event: updates.append(event.update))
        value: Any = None
        failure: Exception | None = None
        self._editing = True
        try:
            with self.doc.transaction():
                value = change(self.doc)
        except Exception as error:  # noqa: BLE001 - handed to whoever asked for the edit
            failure = error
        finally:
            self.doc.unobserve(subscription)
            self._editing = False
        return updates, value, failure

    def settle(self) -> Touches:
        """What was touched since the last call; commits what is open."""
        self.commit()
        touches, self._touches = self._touches, Touches()
        return touches

    def touch_everything(self) -> None:
        """Nobody knows any more what was touched before now."""
        self._touches = Touches(everything=True)

    def close(self) -> None:
        """Let go of the memory: what pycrdt holds of its observers, no garbage collector sees."""
        self.commit()
        for shared, subscription in self._subscriptions:
            shared.unobserve(subscription)
        self._subscriptions = ()

    def _scenes_touched(self, events: list[Any]) -> None:
        touches = self._touches
        touched: set[tuple[str, str | None]] = set()
        for event in events:
            path = event.path
            depth = len(path)
            if depth == 0:
                touches.scenes.update(event.keys)
                touched.update((scene, None) for scene in event.keys)
                continue
            scene = path[0]
            if depth == 1:
                names = set(event.keys) if hasattr(event, "keys") else {"*"}
                self._note(touched, (scene, None), names)
            elif path[1] != "layers":
                self._note(touched, (scene, None), {str(path[1])})
            elif depth == 2:
                for layer in event.keys if hasattr(event, "keys") else ():
                    self._note(touched, (scene, layer), {"*"})
            else:
                self._note(touched, (scene, str(path[2])), _layer_fields(path, event))
            if isinstance(event, TextEvent) and self._editing:
                self.texts.append(tuple(path))
        if self.author:
            touches.author = self.author
            touches.authors.update(dict.fromkeys(touched, self.author))

    def _note(
        self,
        touched: set[tuple[str, str | None]],
        place: tuple[str, str | None],
        names: Iterable[str],
    ) -> None:
        touched.add(place)
        self._touches.fields.setdefault(place, set()).update(names)

    def _video_touched(self, events: list[Any]) -> None:
        self._touches.video = True


def _layer_fields(path: list[Any], event: Any) -> Iterable[str]:
    """The names of the fields of a layer that an event at `path` is about."""
    if len(path) == 3:
        return event.keys if hasattr(event, "keys") else ("*",)
    if path[3] != "properties":
        return (str(path[3]),)
    if len(path) > 4:
        return (f"properties.{path[4]}",)
    return (
        (f"properties.{key}" for key in event.keys) if hasattr(event, "keys") else ("properties",)
    )
