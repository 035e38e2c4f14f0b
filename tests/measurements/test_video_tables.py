"""Tables say which way is better, who is first, what was not measured, and how to measure it again."""

import csv
import io

from cvsr.measurements import video_tables
from cvsr.measurements.results import Estimate, Result, Row

ROWS = [
    Row("bicubic", "world", 3, {"psnr": Estimate(22.0, 20.0, 24.0), "niqe": Estimate(11.0), "detail": Estimate(3.5)}),
    Row("ours", "world", 3, {"psnr": Estimate(23.0, 21.0, 25.0), "niqe": Estimate(12.5), "detail": Estimate(9.0)}),
]
RESULT = Result("videos", "How close?", "python -m cvsr evaluate", "abc", "2026-01-01", "none", {}, "1 minute", ROWS)


def test_markdown():
    lines = video_tables.markdown(RESULT, {"lpips": "no pyiqa", "dists": "no pyiqa"}).splitlines()
    assert "| world (3) | bicubic | ours |" in lines
    assert "| PSNR, dB ↑ | 22 (20 to 24) | **23 (21 to 25)** |" in lines
    assert "| NIQE of this kit ↓ | **11** | 12.5 |" in lines
    assert "| fine detail, levels | 3.5 | 9 |" in lines  # an amount: nobody is first
    assert "- not measured: lpips, dists: no pyiqa" in lines
    assert "`python -m cvsr evaluate`, commit abc, 2026-01-01, none" in lines


def test_csv():
    rows = list(csv.DictReader(io.StringIO(video_tables.to_csv(RESULT))))
    assert len(rows) == 6
    first = {"clips": "world", "method": "bicubic", "metric": "psnr", "better": "more", "count": "3"}
    assert rows[0] == first | {"mean": "22.0", "low": "20.0", "high": "24.0"}
    assert rows[1]["low"] == rows[1]["high"] == ""


def test_one_method_alone_is_not_first():
    assert video_tables.best("psnr", ROWS[:1]) is None
    assert video_tables.best("psnr", ROWS) == "ours"
