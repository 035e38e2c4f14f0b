"""Workers draw what one process would draw, to the same bits, whoever is killed."""

import os
from functools import partial
from pathlib import Path

import pytest
import torch

from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.ledger import Ledger
from cvsr.pipelines.spreading import Spread
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.tiling import Tiling

TILING = Tiling(64, 16, 9, 4)
VIDEO = torch.rand(1, 3, 21, 20, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture(scope="module")
def running():
    ray = pytest.importorskip("ray", reason='Ray is not installed: pip install -e ".[ray]"')
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=10**8)
    yield
    ray.shutdown()


def settings() -> Enlargement:
    generator = torch.Generator().manual_seed(3)
    return Enlargement(num_inference_steps=2, strength=0.2, tiling=TILING, generator=generator)


def frames(drawing, ledger) -> torch.Tensor:
    return torch.cat(list(drawing.stream(VIDEO.split(4, dim=2), settings(), start=2, ledger=ledger)), dim=2)


def mortal(folder: Path, marker: Path) -> SuperResolutionPipeline:
    """A pipeline that kills its process in the middle of the fourth tile of some worker, once."""
    pipeline = SuperResolutionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    calls = []

    def kill(*_):
        calls.append(1)
        if len(calls) == 4:
            try:
                marker.touch(exist_ok=False)
            except FileExistsError:
                return
            os.kill(os.getpid(), 9)

    pipeline.transformer.register_forward_pre_hook(kill)
    return pipeline


def failing(folder: Path) -> SuperResolutionPipeline:
    """A pipeline that has no memory left."""
    pipeline = SuperResolutionPipeline.from_pretrained(folder)

    def fail(*_):
        raise MemoryError("none left")

    pipeline.transformer.register_forward_pre_hook(fail)
    return pipeline


def test_workers_draw_the_same_bits_though_one_is_killed(running, enlarger, tmp_path):
    (tmp_path / "one").mkdir()
    expected = frames(enlarger, Ledger(tmp_path / "one"))
    enlarger.save_pretrained(tmp_path / "weights")
    (tmp_path / "many").mkdir()
    calls = []
    enlarger.transformer.register_forward_pre_hook(lambda *_: calls.append(1))
    spread = Spread(enlarger, partial(mortal, tmp_path / "weights", tmp_path / "killed"), workers=2)
    found = frames(spread, Ledger(tmp_path / "many", "stage0-"))
    assert torch.equal(found, expected)
    assert (tmp_path / "killed").exists()
    assert not calls  # nothing was left to be drawn here
    kept = sorted(path.name.removeprefix("stage0-") for path in (tmp_path / "many").iterdir())
    assert kept == sorted(path.name for path in (tmp_path / "one").iterdir())


def test_what_workers_cannot_draw_is_drawn_here(running, enlarger, tmp_path):
    expected = frames(enlarger, Ledger(tmp_path))
    for path in tmp_path.iterdir():
        path.unlink()
    enlarger.save_pretrained(tmp_path / "weights")
    spread = Spread(enlarger, partial(failing, tmp_path / "weights"), workers=1)
    with pytest.warns(UserWarning, match=r"a worker failed with a chunk, which is drawn here: MemoryError"):
        assert torch.equal(frames(spread, Ledger(tmp_path)), expected)


def test_nobody_draws_nothing(enlarger):
    with pytest.raises(ValueError, match="workers=0: none to draw; allowed 1 or more"):
        Spread(enlarger, lambda: enlarger, workers=0)


def test_a_ledger_that_keeps_nothing_is_refused(running, enlarger):
    with pytest.raises(ValueError, match="nothing to share; allowed a folder that all see"):
        next(Spread(enlarger, lambda: None, workers=1).stream([VIDEO]))
