"""One utterance of eSpeak NG, in a process of its own; run as a script with `python -I -S`.

The library keeps the voice that it had when it does not know the one asked for, and its state is
global: hence a process an utterance, and every return code is checked.

Standard input: JSON. Standard output: JSON. Exit code 0, or a sentence on standard error and 1, or
3 when it is the text that cannot be spoken.

    {"library": path, "data": path, "do": "voices"}
        -> [[identifier, name, language], ...]
    {"library": path, "data": path, "do": "speak", "voice": identifier, "variant": name or "",
     "text": ..., "rate": words a minute, "pitch": 0 to 100, "target": path, "seconds": at most}
        -> {"rate": samples a second, "samples": n, "words": [[start, length, sample], ...]}

The target gets 16-bit mono samples without a header. `start` and `length` count characters of
the text from 0.
"""

from __future__ import annotations

import ctypes
import json
import resource
import sys
from typing import Any

AUDIO_OUTPUT_SYNCHRONOUS = 2
DONT_EXIT = 0x8000
EE_OK = 0
RATE, PITCH = 1, 3
CHARS_UTF8 = 1
END_PAUSE = 0x1000
EVENT_END_OF_LIST, EVENT_WORD = 0, 1
NOT_SPEAKABLE = 3
CPU_SECONDS = 60
MEMORY_BYTES = 1 << 30


class Id(ctypes.Union):
    """What an event is about; unused, but it has a size."""

    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", Id),
    )


class VoiceEntry(ctypes.Structure):
    """`espeak_VOICE` of speak_lib.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event)
)


def start(given: dict[str, Any]) -> tuple[Any, int]:
    """The library, ready, and its sample rate."""
    library = ctypes.CDLL(given["library"])
    rate = library.espeak_Initialize(
        AUDIO_OUTPUT_SYNCHRONOUS, 200, given["data"].encode(), DONT_EXIT
    )
    if rate <= 0:
        sys.exit("eSpeak NG cannot read its data.")
    return library, rate


def voices(given: dict[str, Any]) -> list[list[str]]:
    """Every voice that has a language; variants have none."""
    library, _ = start(given)
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(VoiceEntry))
    listed = library.espeak_ListVoices(None)
    found: list[list[str]] = []
    index = 0
    while listed[index]:
        entry = listed[index].contents
        index += 1
        # A priority byte, then the name; then further languages, which do not matter here.
        code = ctypes.string_at(ctypes.addressof(entry.languages.contents) + 1)
        found.append([entry.identifier.decode(), entry.name.decode(), code.decode()])
    return found


def speak(given: dict[str, Any]) -> dict[str, Any]:
    """Speak one text into a file."""
    library, rate = start(given)
    voice = given["voice"] + ("+" + given["variant"] if given["variant"] else "")
    if library.espeak_SetVoiceByName(voice.encode()) != EE_OK:
        sys.exit(f"eSpeak NG has no voice {voice}.")
    for parameter, value in ((RATE, given["rate"]), (PITCH, given["pitch"])):
        if library.espeak_SetParameter(parameter, int(value), 0) != EE_OK:
            sys.exit("eSpeak NG refused a parameter.")
    words: list[list[int]] = []
    written = 0
    most = int(given["seconds"] * rate)
    with open(given["target"], "wb") as file:  # noqa: PTH123 - starts faster without pathlib

        def heard(samples: Any, count: int, events: Any) -> int:
            nonlocal written
            index = 0
            while events[index].type != EVENT_END_OF_LIST:
                event = events[index]
                index += 1
                if event.type == EVENT_WORD:
                    words.append([event.text_position - 1, event.length, event.sample])
            if samples and count > 0:
                file.write(ctypes.string_at(samples, count * 2))
                written += count
            return int(written > most)

        callback = Callback(heard)
        library.espeak_SetSynthCallback(callback)
        text = given["text"].encode() + b"\0"
        library.espeak_Synth.argtypes = (
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint,
            ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        )  # fmt: skip
        flags = CHARS_UTF8 | END_PAUSE
        if library.espeak_Synth(text, len(text), 0, 1, 0, flags, None, None) != EE_OK:
            sys.exit("eSpeak NG could not speak the text.")
        library.espeak_Synchronize()
    if written > most:
        refuse("The text takes too long to speak.")
    if not written or not words:
        refuse("There is nothing in the text that this voice can speak.")
    return {"rate": rate, "samples": written, "words": words}


def refuse(sentence: str) -> None:
    """End because of the text."""
    sys.stderr.write(sentence)
    sys.exit(NOT_SPEAKABLE)


def main() -> None:
    """Do what standard input says."""
    for kind, limit in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    given = json.load(sys.stdin)
    answer: Any = voices(given) if given["do"] == "voices" else speak(given)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
