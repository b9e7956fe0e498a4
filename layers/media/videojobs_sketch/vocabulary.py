"""Words with a meaning for the sketch: colours, dark and light, background scenes, and words that end no page."""

import re


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    return re.findall(r"\w+", text.casefold())


def _set(text: str) -> frozenset[str]:
    return frozenset(words_of(text))


# fmt: off
HUES: dict[str, float] = {
    "red": 25, "crimson": 20, "ruby": 15, "cherry": 18, "fire": 40, "flame": 40, "lava": 32, "love": 10, "heart": 12,
    "rose": 5, "pink": 355, "flamingo": 2, "coral": 32, "salmon": 35, "orange": 55, "pumpkin": 55, "autumn": 52,
    "desert": 68, "sand": 80, "sunset": 45, "sunrise": 60, "dawn": 40, "dusk": 320, "brown": 60, "coffee": 62,
    "chocolate": 55, "wood": 65, "gold": 88, "golden": 85, "honey": 82, "amber": 75, "yellow": 100, "sun": 92,
    "sunny": 95, "summer": 90, "lemon": 108, "banana": 102, "lime": 125, "spring": 130, "grass": 138, "green": 145,
    "forest": 150, "jungle": 148, "tree": 145, "trees": 145, "leaf": 140, "leaves": 140, "garden": 142,
    "meadow": 135, "emerald": 160, "mint": 170, "teal": 190, "turquoise": 195, "cyan": 205, "aqua": 205, "sea": 225,
    "ocean": 232, "water": 230, "river": 228, "lake": 228, "wave": 232, "waves": 232, "rain": 240, "ice": 220,
    "snow": 225, "winter": 235, "sky": 240, "blue": 258, "navy": 265, "night": 278, "midnight": 278, "space": 285,
    "galaxy": 300, "indigo": 280, "violet": 300, "purple": 305, "lavender": 300, "lilac": 310, "magenta": 330,
    "neon": 335, "berry": 350, "tide": 228,
    "rojo": 25, "verde": 145, "azul": 258, "amarillo": 100, "mar": 230, "noche": 278, "rouge": 25, "vert": 145,
    "bleu": 258, "jaune": 100, "nuit": 278, "forêt": 150, "rot": 25, "grün": 145, "blau": 258, "gelb": 100,
    "meer": 230, "wald": 150, "nacht": 278, "himmel": 240,
}
"""OKLCH hue in degrees of words that suggest a colour."""
# fmt: on

DARK = _set(
    "night midnight dark black space star stars galaxy moon neon dusk universe cosmic cosmos shadow sleep "
    "noche nuit nacht"
)
"""Words that select a dark background."""

LIGHT = _set("morning snow white light bright day cloud clouds dawn sunrise spring summer cream paper winter ice sunny")
"""Words that select a light background."""

HILLS = _set(
    "mountain mountains hill hills forest valley desert field fields meadow countryside sunset sunrise autumn farm "
    "jungle savanna landscape horizon berg berge montagne montaña bosque wald"
)
SEA = _set(
    "sea ocean wave waves beach river lake water boat ship sail coast island surf tide harbour harbor mar meer mer "
    "playa strand plage"
)
SPACE = _set(
    "space star stars planet planets galaxy galaxies moon orbit rocket astronaut universe cosmos cosmic satellite "
    "comet atom science espacio luna mond sterne lune étoiles"
)
LIGHTS = _set(
    "city lights neon rain rainy party birthday christmas candle candles snow snowfall wedding festival jazz street "
    "fireflies bubbles ciudad stadt ville"
)
PARTY = _set("party birthday confetti celebrate celebration congratulations wedding carnival snow")
PLAY = _set("ball balls jump jumps jumping bounce play game football basketball tennis dance dances")
TRIUMPH = _set("sun sunny summer new wow sale win winner launch power superhero")
DESIGN = _set("pattern geometric abstract mosaic modern design architecture office business")

LEADS_ON = _set(
    "a an the and or but nor of to in into on onto at by for from with without over under through across after before "
    "above below between behind beside near around along against among toward towards until while as is are was were "
    "be this that these those my your his her its our their very so if then than de la le les el los las un una une "
    "und oder der die das ein eine im am auf mit für von zu y et ou con en del des du"
)
"""Function words, which belong to the next word: no line or page should end with them, and they are not highlighted."""
