"""What may go wrong in the media work, as one tree below `CocutError`.

CocutError
├── AssetMissing        a layer's file cannot be had (reason); drawn as a placeholder
├── AssetBroken         a file that is there but cannot be read; drawn as a placeholder
├── SpeechFailed        a voiceover that cannot be spoken; left out with a warning
│   ├── NotSpeakable        there is nothing in the text that the voice can speak
│   └── SpeechProviderFailed    another server's voice does not come
├── ImageFailed         a picture that cannot be made
│   ├── PromptRefused       its provider does not want to
│   └── ImageProviderFailed     another server's picture does not come
├── FetchFailed         something of another server cannot be had (status)
│   ├── FetchRefused        the address is none that is asked
│   ├── FetchTimeout        it takes too long
│   └── FetchTooBig         it is too large
└── RenderError         the render ends
    ├── NothingToRender     no scene, or a length outside what is allowed
    ├── RenderCancelled     somebody cancelled it
    ├── OutOfSpace          the disk is full
    └── EncoderFailed       ffmpeg refused, died, or passed one of its limits
"""

from __future__ import annotations

from collab.errors import CocutError


class AssetMissing(CocutError):
    """A layer's file cannot be had; the message is a sentence for a person."""

    code = "asset_missing"


class AssetBroken(CocutError):
    """A file is there but cannot be read; the message is a sentence for a person."""

    code = "asset_broken"


class SpeechFailed(CocutError):
    """A text cannot be spoken; the message is a sentence for a person."""

    code = "speech_failed"


class NotSpeakable(SpeechFailed):
    """There is nothing in the text that the voice can speak."""

    code = "not_speakable"


class SpeechProviderFailed(SpeechFailed):
    """Another server's voice does not come, also not when it is asked again."""

    code = "provider_failed"


class ImageFailed(CocutError):
    """A picture cannot be made; the message is a sentence for a person."""

    code = "image_failed"


class PromptRefused(ImageFailed):
    """The provider does not make this picture; the message says why."""

    code = "prompt_refused"


class ImageProviderFailed(ImageFailed):
    """Another server's picture does not come, also not when it is asked again."""

    code = "provider_failed"


class FetchFailed(CocutError):
    """Something of another server cannot be had; the message is a sentence for a person.

    Args:
        message: without addresses that the server's names resolve to.
        status: that the server answered with, if it was that.
    """

    code = "fetch_failed"

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class FetchRefused(FetchFailed):
    """The address is none that is asked: private, not http, or a redirect to where none may go."""

    code = "fetch_refused"


class FetchTimeout(FetchFailed):
    """It takes too long."""

    code = "fetch_timeout"

    def __init__(self, message: str = "The server took too long to answer.") -> None:
        super().__init__(message)


class FetchTooBig(FetchFailed):
    """It is larger than `limit` bytes."""

    code = "fetch_too_big"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The server sent more than {limit:,} bytes.")


class RenderError(CocutError):
    """The render ends without a result."""

    code = "render_failed"


class NothingToRender(RenderError):
    """There is no scene, or the video is longer than allowed."""

    code = "nothing_to_render"


class RenderCancelled(RenderError):
    """Somebody cancelled the render."""

    code = "cancelled"

    def __init__(self, message: str = "The render was cancelled.") -> None:
        super().__init__(message)


class OutOfSpace(RenderError):
    """The disk that the render works on is full."""

    code = "out_of_space"

    def __init__(
        self, message: str = "The disk is full; free some space and render again."
    ) -> None:
        super().__init__(message)


class EncoderFailed(RenderError):
    """ffmpeg refused its input, died, or passed a limit.

    The message holds ffmpeg's last line, without directories; `details` is all that it said, for
    the operator.
    """

    code = "encoder_failed"

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details
