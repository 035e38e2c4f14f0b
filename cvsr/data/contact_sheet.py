"""One picture of what the world holds.

    python -m cvsr.data.contact_sheet data/world.jpg
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from cvsr.data.edits import edit
from cvsr.data.photographs import PHOTOGRAPHS, Pan, render_pan
from cvsr.data.scenes import sample_scene
from cvsr.data.tasks import editing, text_to_video
from cvsr.data.world import render, render_identity

COLUMNS = 8


def contact_sheet(tile: int = 192) -> np.ndarray:
    """Seven rows of eight tiles, uint8 RGB.

    Three rows of scenes; one scene over time; scenes of one object, each with its reference; scenes, each
    with its edited twin; photographs.
    """
    scenes = [text_to_video(seed, "validation", 1, tile, tile).video[0] for seed in range(3 * COLUMNS)]
    over_time = list(render(sample_scene(107, "validation"), COLUMNS, tile, tile).frames)
    tiles = scenes + over_time + _references(tile) + _twins(tile) + _photographs(tile)
    return np.concatenate([_row(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)])


def _row(tiles: list[np.ndarray]) -> np.ndarray:
    assert len(tiles) == COLUMNS
    return np.concatenate(tiles, 1)


def _references(tile: int) -> list[np.ndarray]:
    """Scenes of a single object, each before its reference."""
    alone = [s for s in range(100) if len(sample_scene(s, "validation").objects) == 1][: COLUMNS // 2]
    scenes = [sample_scene(seed, "validation") for seed in alone]
    pictures = [render_identity(s.objects[0], 4 * seed, tile)[0] for s, seed in zip(scenes, alone, strict=True)]
    shown = zip(scenes, pictures, strict=True)
    return [each for scene, picture in shown for each in (render(scene, 1, tile, tile).frames[0], picture)]


def _twins(tile: int) -> list[np.ndarray]:
    """Source videos, each before its edited twin; each with an instruction of another kind."""
    samples, seen = [], set()
    for seed in range(100):
        verb = edit(sample_scene(seed, "validation"), seed).instruction.split()[0]
        if verb not in seen and len(samples) < COLUMNS // 2:
            seen.add(verb)
            samples.append(editing(seed, "validation", 1, tile, tile))
    return [picture for s in samples for picture in (s.source[0], s.video[0])]


def _photographs(tile: int) -> list[np.ndarray]:
    names = list(PHOTOGRAPHS)[:COLUMNS]
    return [render_pan(Pan(name, "zooms in", (0.4, 0.3), 0.6, 1.6), 1, tile, tile)[0] for name in names]


def main() -> None:
    """Write the sheet to the file named on the command line."""
    parser = argparse.ArgumentParser(description="Paint a contact sheet of the procedural world.")
    parser.add_argument("file", type=Path, help="picture to write, .jpg or .png")
    parser.add_argument("--tile", type=int, default=192, help="side of a tile in pixels (default: 192)")
    args = parser.parse_args()
    sheet = cv2.cvtColor(contact_sheet(args.tile), cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(args.file), sheet, [cv2.IMWRITE_JPEG_QUALITY, 75]):
        parser.error(f"file={args.file}: cannot be written; try a .jpg or .png in an existing folder")


if __name__ == "__main__":
    main()
