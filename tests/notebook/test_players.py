import base64
import io
import re

import av
import numpy as np
import pytest

from cvsr.notebook import players


def moving_square(frames=9, height=33, width=47):
    video = np.full((frames, height, width, 3), 40, np.uint8)
    for t in range(frames):
        video[t, 8:24, 2 * t : 2 * t + 16] = (220, 120, 30)
    return video


def decode(data):
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)])
        return frames, stream.codec_context.pix_fmt, stream.average_rate


def test_odd_sizes_become_even_and_browsers_can_play_them():
    video = moving_square()
    frames, pixels, rate = decode(players.encode(video, fps=12))
    assert frames.shape == (9, 34, 48, 3)
    assert pixels == "yuv420p"
    assert rate == 12
    assert np.abs(frames[:, :33, :47].astype(int) - video).mean() < 4


def test_player_is_one_piece_with_words():
    page = players.player(moving_square(), 12, 'a square <moves> "right"', width=200)
    assert "http" not in page
    assert 'aria-label="a square &lt;moves&gt; &quot;right&quot;"' in page
    data = base64.b64decode(re.search(r"base64,([^\"]+)", page)[1])
    assert decode(data)[0].shape[0] == 9


def test_beside_keeps_step():
    left, right = moving_square(5, 32, 32), moving_square(9, 64, 64)
    video = players.beside({"left": left, "right": right}, height=64)
    assert len(video) == 5
    assert np.array_equal(video[3, -64:, -64:], right[3])


@pytest.mark.parametrize("bad", [np.zeros((8, 8, 3), np.uint8), np.zeros((2, 8, 8, 3))])
def test_what_is_no_video_is_refused(bad):
    with pytest.raises(ValueError, match="allowed uint8"):
        players.encode(bad, 8)
