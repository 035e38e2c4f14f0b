"""Plans and chunks are drawn as they are; scenes are divided by the cuts that lie in them."""

import numpy as np
import pytest

from cvsr.notebook import cascade
from cvsr.notebook.figures import png
from cvsr.pipelines.tiling import Tiling


@pytest.mark.parametrize(
    ("cuts", "expected"),
    [([], [range(9)]), ([4], [range(4), range(4, 9)]), ([0, 9, 12, 4, 4], [range(4), range(4, 9)])],
)
def test_scenes_are_divided_by_cuts_inside(cuts, expected):
    assert cascade.scenes_of(9, cuts) == expected


def test_no_chunk_is_of_two_scenes_and_the_drawing_shows_all():
    scenes = cascade.scenes_of(49, [30])
    tiling = Tiling(frames=17, frame_overlap=5)
    chunks = cascade.chunks_of(scenes, tiling)
    assert [chunk.start for chunk in chunks] == [0, 12, 16, 30, 34]
    for chunk in chunks:
        (scene,) = [scene for scene in scenes if chunk.start in scene]
        assert chunk.start + chunk.done <= scene.stop
    figure = cascade.draw_chunks(scenes, tiling)
    (axes,) = figure.axes
    assert len(axes.get_yticklabels()) == len(chunks)
    assert max(bar.get_x() + bar.get_width() for bar in axes.patches) == 49
    assert png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize(("seconds", "text"), [(4.21, "4.2 s"), (150, "2.5 min"), (9000, "2.5 h")])
def test_durations_are_in_what_one_counts_in(seconds, text):
    assert cascade.duration(seconds) == text


def test_ghosting_is_what_changes_before_a_cut():
    video = np.zeros((8, 4, 4, 3), np.uint8)
    video[4:] = 200
    scenes = cascade.scenes_of(8, [4])
    assert cascade.ghosting(video, scenes, 2) == 0
    video[3] = 50
    assert cascade.ghosting(video, scenes, 1) == 50
    assert cascade.ghosting(video, scenes, 2) == 25
