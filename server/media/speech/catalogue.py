"""The voices of eSpeak NG as people look for them: by language, place, gender and name."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from persistence.voices import Voice
from server.media.speech.model import Gender

PROVIDER: Final = "espeak"


@dataclass(frozen=True, slots=True)
class Kind:
    """One way in which every language can be spoken.

    Attributes:
        suffix: of the voice's id.
        gender: as it sounds.
        variant: eSpeak's.
        pitch: a factor on top of the variant's own.
        style: what it suits.
        names: of which each language gets one.
    """

    suffix: str
    gender: Gender
    variant: str
    pitch: float
    style: str
    names: Sequence[str]


KINDS: Final = (
    Kind(
        *("female", "female", "f3", 1.0, "conversational"),
        (
            "Rose",
            "Nora",
            "Clara",
            "Maya",
            "Elena",
            "Alma",
            "Vera",
            "Iris",
            "Lena",
            "Ada",
            "Zoe",
            "Mira",
            "Anna",
            "Lucia",
            "Sara",
        ),
    ),
    Kind(
        *("male", "male", "m3", 1.0, "conversational"),
        (
            "Victor",
            "Leo",
            "Oscar",
            "Paul",
            "Samuel",
            "Hugo",
            "Adrian",
            "Ivan",
            "Marco",
            "Daniel",
            "Emil",
            "Omar",
            "Felix",
            "Jonas",
        ),
    ),
    Kind(
        *("child", "child", "f4", 1.4, "cheerful"),
        (
            "Robin",
            "Alex",
            "Kim",
            "Sasha",
            "Charlie",
            "Noa",
            "Andrea",
            "Jamie",
            "Nico",
            "Mika",
            "Toni",
            "Sam",
            "Luca",
        ),
    ),
)
MORE: Final = (
    Kind(*("female-2", "female", "f2", 0.92, "narration"), ("Grace", "Irene", "Stella", "Laura")),
    Kind(*("male-2", "male", "m7", 0.95, "narration"), ("Henry", "Walter", "Conrad", "Simon")),
)
"""Second voices of the languages in `BOTH`."""

BOTH: Final = frozenset({"en-US", "en-GB", "es-ES", "es-419", "fr-FR", "de", "it", "pt-BR", "hi"})
_LEFT_OUT: Final = frozenset({"art/xex"})
_CODES: Final = {
    "sit/cmn": "zh-CN",
    "sit/cmn-Latn-pinyin": "zh-Latn-CN",
    "sit/yue": "zh-HK",
    "sit/yue-Latn-jyutping": "yue-Latn",
    "iro/chr": "chr",
    "roa/es": "es-ES",
    "roa/pt": "pt-PT",
    "aav/vi": "vi-VN",
}
_PLACES: Final = {"America": "United States", "Great Britain": "United Kingdom"}


@dataclass(frozen=True, slots=True)
class Native:
    """What `Voice.provider_voice` says: `identifier+variant@pitch`."""

    identifier: str
    variant: str
    pitch: float

    def __str__(self) -> str:
        return f"{self.identifier}+{self.variant}@{self.pitch}"

    @classmethod
    def parse(cls, text: str) -> Native:
        """What `str` made.

        Raises:
            ValueError: it is nothing of the kind.
        """
        identifier, plus, rest = text.partition("+")
        variant, at, pitch = rest.partition("@")
        if not (plus and at and identifier and variant.isalnum()):
            raise ValueError(f"{text!r} names no voice")
        return cls(identifier, variant, float(pitch))


def catalogue(listed: Iterable[tuple[str, str, str]]) -> list[Voice]:
    """The voices, by language code: at least one of each gender for each language.

    Args:
        listed: eSpeak's identifier, name and language of each of its own.
    """
    found: list[Voice] = []
    for identifier, name, language in listed:
        if identifier in _LEFT_OUT:
            continue
        code = _CODES.get(identifier) or tag(language)
        plain, _, place = name.strip().partition(" (")
        place = ", ".join(_PLACES.get(one, one) for one in place.removesuffix(")").split(", "))
        for kind in (*KINDS, *MORE) if code in BOTH else KINDS:
            pick = zlib.crc32(identifier.encode()) % len(kind.names)
            found.append(
                Voice(
                    id=f"{PROVIDER}-{code}-{kind.suffix}",
                    name=kind.names[pick],
                    language=plain,
                    language_code=code,
                    dialect=place or None,
                    gender=kind.gender,
                    style=kind.style,
                    category="standard",
                    is_premium=False,
                    provider=PROVIDER,
                    provider_voice=str(Native(identifier, kind.variant, kind.pitch)),
                )
            )
    return sorted(found, key=lambda voice: (voice.language_code, voice.id))


def tag(language: str) -> str:
    """A language tag in its usual letters: `en-us` as `en-US`, `fa-latn` as `fa-Latn`."""
    first, *rest = language.split("-")
    shown = [first.lower()]
    for number, part in enumerate(rest):
        private = "x" in (one.lower() for one in rest[:number])
        if not private and len(part) == 2 and part.isalpha():
            shown.append(part.upper())
        elif not private and len(part) == 4 and part.isalpha():
            shown.append(part.title())
        else:
            shown.append(part.lower())
    return "-".join(shown)
