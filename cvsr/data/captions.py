"""The language that the captions are written in, for making a tokenizer."""

from cvsr.data.photographs import sample_pan
from cvsr.data.scenes import sample_scene


def sample_captions(scenes: int = 3000, pans: int = 200) -> list[str]:
    """Captions of training scenes and photographs, enough to hold every word of them."""
    return [sample_scene(i).caption for i in range(scenes)] + [sample_pan(i).caption for i in range(pans)]
