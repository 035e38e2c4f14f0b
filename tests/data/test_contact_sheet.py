"""The README's numbers are the world's, and the sheet is painted by the command that it names."""

import re
import sys
from pathlib import Path

import cv2
import pytest

from cvsr.data import contact_sheet
from cvsr.data.grounds import GROUNDS
from cvsr.data.palette import COLOURS
from cvsr.data.scenes import CAMERAS, LIGHTS, MOTIONS, sample_scene
from cvsr.data.shapes import KINDS
from cvsr.data.textures import TEXTURES

README = Path(__file__).parents[2] / "data" / "README.md"


def test_the_readme_counts_right():
    counts = re.search(
        r"(\d+) kinds of object, (\d+) colours, (\d+) textures .*?, (\d+) grounds, (\d+) motions,\s+"
        r"(\d+) camera moves and (\d+) lights",
        README.read_text(encoding="utf-8"),
    )
    tables = (KINDS, COLOURS, TEXTURES, GROUNDS, MOTIONS, CAMERAS, LIGHTS)
    assert tuple(map(int, counts.groups())) == tuple(map(len, tables))


def test_the_readme_quotes_the_caption_of_its_scene():
    text = " ".join(README.read_text(encoding="utf-8").split())
    assert f"*{sample_scene(107, 'validation').caption}*" in text


def test_the_sheet_is_painted(tmp_path, monkeypatch):
    file = tmp_path / "world.png"
    monkeypatch.setattr(sys, "argv", ["contact_sheet", str(file), "--tile", "32"])
    contact_sheet.main()
    assert cv2.imread(str(file)).shape == (7 * 32, 8 * 32, 3)


def test_a_sheet_that_cannot_be_written_is_an_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["contact_sheet", str(tmp_path / "no" / "world.png"), "--tile", "16"])
    with pytest.raises(SystemExit):
        contact_sheet.main()
    assert "cannot be written" in capsys.readouterr().err
