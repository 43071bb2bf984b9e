"""What the painter understands of a prompt: a subject, a light, a weather, a colour.

It knows some words of a few languages. A prompt without any of them becomes an abstract picture,
which one is decided by the prompt's own letters; so is everything else that no word says.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SUBJECTS: Final[Mapping[str, str]] = {
    "space": "space galaxy planet planets cosmos nebula universe astronaut rocket orbit mars"
    " weltraum galaxie planeten espacio espace cosmique spazio космос 宇宙 太空 星球 우주 فضاء",
    "city": "city cityscape skyline skyscraper skyscrapers town street streets downtown urban"
    " metropolis building buildings tokyo york stadt großstadt ciudad ville città cidade город"
    " 城市 都市 街 도시 مدينة शहर",
    "mountains": "mountain mountains alps lake peak peaks"
    " summit hills valley canyon cliff landscape"
    " glacier berg berge gebirge montaña montañas montagne"
    " montagnes montagna горы 山 山脉 산 جبال"
    " पहाड़",
    "sea": "sea ocean beach wave waves coast island harbor harbour river water sailing boat"
    " ship surf meer strand see mar playa océano mer"
    " plage mare spiaggia море 海 바다 بحر समुद्र",
    "desert": "desert dune dunes sahara sand cactus"
    " oasis wüste desierto désert deserto пустыня 沙漠"
    " 砂漠 사막 صحراء",
    "forest": "forest woods wood tree trees jungle pine"
    " pines woodland wald bäume bosque forêt foresta"
    " лес 森林 树 숲 غابة जंगल",
    "meadow": "meadow field fields farm countryside prairie"
    " spring garden park village vineyard wiese"
    " feld garten prado campo champ jardin prato поле сад 草原 田野 庭 들판 حديقة",
    "bloom": "flower flowers rose roses blossom blossoms"
    " bouquet lotus tulip petals dahlia sunflower"
    " blume blumen flor flores fleur fleurs fiore цветок цветы 花 꽃 زهرة फूल",
    "people": "person people man woman men women girl boy child portrait face team smiling family"
    " friends student doctor teacher businessman businesswoman"
    " ceo customer mensch frau mann leute"
    " persona mujer hombre femme homme donna uomo человек женщина 人 女性 男性 사람 امرأة लोग",
    "network": "technology tech network data ai artificial intelligence computer digital internet"
    " cloud server code robot cyber blockchain circuit software machine startup technologie daten"
    " netzwerk tecnología données réseau технология 科技 技術 기술 تقنية",
    "studio": "product products bottle coffee cup phone"
    " smartphone laptop watch shoe shoes perfume"
    " podium object still glass ball sphere cube jewelry food cake fruit produkt kaffee producto"
    " produit café prodotto продукт 产品 製品 제품 منتج",
    "abstract": "abstract pattern background wallpaper texture gradient geometric shapes minimal"
    " lines colorful colourful abstrakt muster abstracto fond astratto абстракция 抽象 추상 نمط",
}
"""What a picture shows: the words that ask for it. Of several, the first in this order wins."""

HOURS: Final[Mapping[str, str]] = {
    "sunset": "sunset evening golden sonnenuntergang abend"
    " atardecer coucher tramonto закат 日落 夕"
    " 夕焼け 노을 غروب सूर्यास्त",
    "dawn": "dawn sunrise morning misty sonnenaufgang morgen amanecer aube alba рассвет 黎明 日出"
    " 새벽 شروق",
    "night": "night midnight moon moonlight stars starry neon"
    " dark nacht mond noche luna nuit notte"
    " ночь 夜 月 밤 ليل रात",
    "dusk": "dusk twilight dämmerung crepúsculo crépuscule crepuscolo сумерки 黄昏 황혼",
    "day": "day daylight noon sunny summer tag sommer día sol jour été giorno день 白天 晴 낮 نهار",
}

WEATHERS: Final[Mapping[str, str]] = {
    "snow": "snow snowy winter ice frozen christmas schnee nieve neige neve снег зима 雪 눈 ثلج",
    "rain": "rain rainy storm stormy thunder regen sturm"
    " lluvia tormenta pluie pioggia дождь 雨 비 مطر",
    "fog": "fog foggy mist misty haze nebel niebla brume nebbia туман 雾 霧 안개 ضباب",
    "clouds": "cloudy clouds overcast wolken nubes nuages nuvole облака 云 雲 구름 غيوم",
}

TONES: Final[Mapping[str, str]] = {
    "#d7263d": "red crimson scarlet rot rojo rouge rosso красный 红 赤 빨간 أحمر लाल",
    "#f46036": "orange naranja arancione оранжевый 橙",
    "#f4c430": "yellow gelb amarillo jaune giallo желтый жёлтый 黄 노란 أصفر",
    "#2e9e5b": "green emerald grün verde vert зеленый зелёный 绿 緑 초록 أخضر हरा",
    "#1b98a8": "teal turquoise cyan türkis turquesa",
    "#2f6fde": "blue azure navy blau azul bleu blu синий 蓝 青 파란 أزرق नीला",
    "#7b3fd1": "purple violet lila púrpura violet viola фиолетовый 紫 보라",
    "#e75a9b": "pink magenta rosa rose розовый 粉 분홍",
    "#8a5a34": "brown braun marrón marron коричневый 棕",
    "#3a3d45": "grey gray black grau schwarz gris negro noir серый черный 灰 黑",
}

MARKS: Final[Mapping[str, str]] = {
    "future": "futuristic future sci-fi scifi cyberpunk neon utopia zukunft futurista futuriste"
    " будущее 未来 미래",
    "boat": "boat boats ship sailing sail yacht boot barco bateau barca лодка 船",
    "balloon": "balloon balloons ballon globo montgolfière 气球",
    "birds": "bird birds seagulls eagle vögel pájaros oiseaux uccelli птицы 鸟 鳥",
    "crowd": "people team family friends group crowd leute familia amis люди 人们",
    "lake": "lake lago lac озеро 湖",
    "moon": "moon moonlight mond luna lune луна 月",
}

_WORD: Final = re.compile(r"[\w\u0900-\u0dff-]+")
"""Python's letters, and the vowel signs of India's scripts, which it does not count as such."""
_CJK: Final = "\u2e80"


@dataclass(frozen=True, slots=True)
class Idea:
    """What is to be seen.

    Attributes:
        subject: one of `SUBJECTS`.
        hour: one of `HOURS`; None where no word says.
        weather: one of `WEATHERS`; None for a clear sky.
        tone: a colour that the whole picture leans to.
        marks: of `MARKS`, what else is there.
    """

    subject: str
    hour: str | None
    weather: str | None
    tone: str | None
    marks: frozenset[str]


def idea_of(prompt: str) -> Idea:
    """What the painter understands of a prompt."""
    text = unicodedata.normalize("NFKC", prompt).casefold()
    words = set(_WORD.findall(text))
    words |= {word[:-1] for word in words if word.endswith("s")}

    def said(known: Mapping[str, str]) -> list[str]:
        return [name for name, listed in known.items() if _names(listed, words, text)]

    def first(known: Mapping[str, str]) -> str | None:
        return next(iter(said(known)), None)

    return Idea(
        first(SUBJECTS) or "abstract",
        first(HOURS),
        first(WEATHERS),
        first(TONES),
        frozenset(said(MARKS)),
    )


def _names(listed: str, words: set[str], text: str) -> bool:
    # In scripts without spaces a word is found wherever it stands.
    return any(
        word in words or (word[0] >= _CJK and word in text) for word in listed.casefold().split()
    )
