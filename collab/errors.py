"""The errors of the project, as one tree.

    CocutError
    ├── BadInput                     the sender's fault: it alone pays
    │   ├── MalformedFrame           a frame that is not of the protocol
    │   ├── MalformedUpdate          an update, or a state vector, that is not of the Yjs format
    │   ├── MessageTooBig            over the limit for one message
    │   ├── DocumentTooBig           would take the document past its limit
    │   └── InvalidEdit              an edit with values out of range (field, message)
    ├── MissingUpdates               an update that builds on what the document does not have
    ├── NotFound                     no such thing, or none that the caller may know of
    │   ├── VideoNotFound  SceneNotFound  LayerNotFound  VersionNotFound  UserNotFound
    │   └── AudioNotFound  MediaNotFound  AvatarNotFound  VoiceNotFound  JobNotFound  BlobNotFound
    ├── Conflict                     what is asked for contradicts what is there
    ├── Forbidden                    known to the caller, but not allowed
    ├── TierRequired                 allowed in a larger tier
    ├── StorageQuotaExceeded         no room left for the caller's files
    ├── TooManyGenerations           the hour's generations are used up
    ├── Unauthenticated              no, bad or expired credentials
    ├── Unavailable                  try again later
    │   ├── DatabaseAway             PostgreSQL does not answer
    │   ├── GenerationFailed         what was asked for could not be generated (code)
    │   ├── JournalFull              the journal that bridges an outage has reached its limit
    │   └── Draining                 this process is shutting down
    ├── BrokenDocument               pycrdt gave up in the middle of a change
    └── CorruptLog                   a stored row cannot be read or applied

`api.errors` is the one place that turns them into HTTP statuses and close codes.
"""

from __future__ import annotations


class CocutError(Exception):
    """The root of the tree; `code` is the machine-readable name, `str(error)` the sentence."""

    code = "internal"


class BadInput(CocutError):
    """The sender's fault."""

    code = "bad_input"


class MalformedFrame(BadInput):
    """A frame that is not of the protocol."""

    code = "malformed_frame"


class MalformedUpdate(BadInput):
    """An update or a state vector that is not of the Yjs format."""

    code = "malformed_update"


class MessageTooBig(BadInput):
    """A message over the limit."""

    code = "message_too_big"


class DocumentTooBig(BadInput):
    """A change that would take the document past its limit."""

    code = "document_too_big"


class InvalidEdit(BadInput):
    """An edit whose values are out of range.

    Args:
        field: dotted path of the field, e.g. `properties.volume`.
        message: a sentence for a person.
    """

    code = "invalid_fields"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class MissingUpdates(CocutError):
    """An update that builds on something the document does not have."""

    code = "missing_updates"


class NotFound(CocutError):
    """No such thing, or none that the caller may know of."""

    code = "not_found"


class VideoNotFound(NotFound):
    """No such video."""

    code = "video_not_found"

    def __init__(self, message: str = "There is no such video, or you have no role on it.") -> None:
        super().__init__(message)


class SceneNotFound(NotFound):
    """No such scene."""

    code = "scene_not_found"

    def __init__(self, message: str = "There is no such scene.") -> None:
        super().__init__(message)


class LayerNotFound(NotFound):
    """No such layer."""

    code = "layer_not_found"

    def __init__(self, message: str = "There is no such layer.") -> None:
        super().__init__(message)


class VersionNotFound(NotFound):
    """No such version, or no longer."""

    code = "version_not_found"

    def __init__(self, message: str = "There is no such version, or no longer.") -> None:
        super().__init__(message)


class UserNotFound(NotFound):
    """No such member."""

    code = "member_not_found"

    def __init__(self, message: str = "That user is not a member of this video.") -> None:
        super().__init__(message)


class AudioNotFound(NotFound):
    """No such piece of audio, or somebody else's."""

    code = "audio_not_found"

    def __init__(self, message: str = "There is no such audio.") -> None:
        super().__init__(message)


class MediaNotFound(NotFound):
    """No such picture or video, or somebody else's."""

    code = "media_not_found"

    def __init__(self, message: str = "There is no such media.") -> None:
        super().__init__(message)


class AvatarNotFound(NotFound):
    """No such avatar, or somebody else's."""

    code = "avatar_not_found"

    def __init__(self, message: str = "There is no such avatar.") -> None:
        super().__init__(message)


class VoiceNotFound(NotFound):
    """No such voice."""

    code = "voice_not_found"

    def __init__(
        self, message: str = "There is no such voice; GET /api/v1/voices lists them."
    ) -> None:
        super().__init__(message)


class JobNotFound(NotFound):
    """No such job, or somebody else's."""

    code = "job_not_found"

    def __init__(self, message: str = "There is no such job.") -> None:
        super().__init__(message)


class ApiKeyNotFound(NotFound):
    """No such API key of the caller's."""

    code = "api_key_not_found"

    def __init__(self, message: str = "There is no such API key.") -> None:
        super().__init__(message)


class BlobNotFound(NotFound):
    """No such stored file."""

    code = "file_not_found"

    def __init__(self, message: str = "There is no such file.") -> None:
        super().__init__(message)


class Conflict(CocutError):
    """What is asked for contradicts what is there."""

    code = "conflict"


class Forbidden(CocutError):
    """Known to the caller, but not allowed."""

    code = "forbidden"


class TierRequired(CocutError):
    """Allowed in a larger tier."""

    code = "tier_required"


class StorageQuotaExceeded(CocutError):
    """No room left for the caller's files."""

    code = "storage_quota_exceeded"


class TooManyGenerations(CocutError):
    """The hour's generations are used up.

    Args:
        limit: how many an hour has.
        retry_after: seconds until the next is allowed.
    """

    code = "generation_limit"

    def __init__(self, limit: int, retry_after: float) -> None:
        super().__init__(f"Your tier has {limit} generations an hour, and they are used up.")
        self.retry_after = max(1, round(retry_after + 0.5))


class Unauthenticated(CocutError):
    """No, bad or expired credentials."""

    code = "unauthenticated"


class Unavailable(CocutError):
    """Try again later; `retry_after` in seconds."""

    code = "unavailable"
    retry_after = 1


class DatabaseAway(Unavailable):
    """PostgreSQL does not answer."""

    code = "database_away"

    def __init__(
        self, message: str = "The database is not reachable; try again in a moment."
    ) -> None:
        super().__init__(message)


class GenerationFailed(Unavailable):
    """What was asked for could not be generated, or not in time.

    Args:
        code: the machine-readable reason.
        message: a sentence for a person.
    """

    retry_after = 10

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class JournalFull(Unavailable):
    """The journal that bridges an outage of the database has reached its limit."""

    code = "journal_full"
    retry_after = 10


class Draining(Unavailable):
    """This process is shutting down."""

    code = "draining"

    def __init__(self, message: str = "The server is shutting down; connect again.") -> None:
        super().__init__(message)


class CorruptLog(CocutError):
    """A stored row cannot be read or applied; the message names it, and what to do."""

    code = "corrupt_log"


class BrokenDocument(CocutError):
    """pycrdt gave up in the middle of a change: the document in memory must be loaded anew.

    Attributes:
        index: of stored updates, which it was; -1 for the state before them.
    """

    code = "broken_document"

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index
