"""Two pictures and their sliders stand in one piece of HTML that needs nothing else."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from cvsr.notebook.viewer import before_and_after

BEFORE = np.full((16, 24, 3), 40, np.uint8)
AFTER = np.full((16, 24, 3), 200, np.uint8)


def test_both_pictures_are_in_the_page_with_words_and_sliders():
    text = before_and_after(BEFORE, AFTER, ("small <1>", "large"), "a plain grey").data
    pictures = [
        np.asarray(Image.open(BytesIO(base64.b64decode(data)))) for data in re.findall(r"base64,([^\"]+)", text)
    ]
    assert [int(picture.mean().round()) for picture in pictures] == [40, 200]
    assert all(picture.shape == BEFORE.shape for picture in pictures)
    assert 'alt="a plain grey"' in text
    assert "small &lt;1&gt;" in text
    assert len(re.findall(r'type="range"', text)) == 2
    assert set(re.findall(r"setProperty\('(--\w+)'", text)) == {"--at", "--zoom"} <= set(re.findall(r"--\w+", text))
    assert "http" not in text


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match=r"before=\(16, 24, 3\): another size"):
        before_and_after(BEFORE, AFTER[:8], ("a", "b"), "two")
    with pytest.raises(ValueError, match="alt='': empty"):
        before_and_after(BEFORE, AFTER, ("a", "b"), " ")
