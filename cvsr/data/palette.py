"""The colours of the world: ten that a small classifier tells apart, and the inks that go with them."""

import numpy as np

# Chosen apart in hue or lightness, natural rather than neon; RGB in [0, 255].
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (206, 40, 44),
    "orange": (244, 132, 28),
    "yellow": (250, 212, 52),
    "green": (52, 160, 62),
    "turquoise": (44, 196, 190),
    "blue": (38, 84, 204),
    "purple": (124, 54, 168),
    "pink": (248, 124, 180),
    "white": (244, 240, 230),
    "black": (40, 40, 46),
}
# The second colour of a texture: neutral, or a shade of the first, so that the first keeps the object's name.
INKS: dict[str, tuple[str, ...]] = {
    "white": ("black", "dark"),
    "black": ("white", "pale"),
    "yellow": ("white", "black", "dark"),
    "turquoise": ("white", "black", "dark"),
    "pink": ("white", "black", "dark"),
}
_INKS = ("white", "black", "dark", "pale")


def inks_for(colour: str) -> tuple[str, ...]:
    """The inks that stand out on `colour`."""
    return INKS.get(colour, _INKS)


def rgb(colour: str) -> np.ndarray:
    """The colour as float32 RGB in [0, 1], shape (3,)."""
    return np.array(COLOURS[colour], np.float32) / 255


def ink_rgb(colour: str, ink: str) -> np.ndarray:
    """The ink on `colour` as float32 RGB in [0, 1]: white, black, or a dark or pale shade of the colour."""
    base = rgb(colour)
    if ink == "dark":
        return base * 0.56
    if ink == "pale":
        return base + (1 - base) * (0.45 if colour == "black" else 0.6)
    return rgb(ink)
