"""A run that is broken off anywhere goes on to the same bits; where memory runs out, it goes on with less."""

import errno
import itertools

import numpy as np
import pytest
import torch

from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.ledger import Ledger
from cvsr.pipelines.patchvsr import PatchEnlargement, PatchVSRPipeline
from cvsr.pipelines.resuming import is_out_of_memory
from cvsr.pipelines.tiling import Tiling

TILING = Tiling(64, 16, 9, 4)
VIDEO = torch.rand(1, 3, 21, 20, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1


class Broken(BaseException):
    """What a run is broken off with."""


@pytest.fixture(params=["enlarger", "patchwise"])
def pipeline(request):
    return request.getfixturevalue(request.param)


def run(pipeline, ledger: Ledger, calls: list[int] | None = None, breaks: int | None = None) -> torch.Tensor:
    """The whole result; `calls` counts what the network is asked, and the run breaks before one of them."""
    kind = PatchEnlargement if isinstance(pipeline, PatchVSRPipeline) else Enlargement
    more = {"memory": 5e-4} if kind is PatchEnlargement else {}
    settings = kind(
        num_inference_steps=2, strength=0.2, tiling=TILING, generator=torch.Generator().manual_seed(3), **more
    )

    def count(*_):
        if calls is not None:
            calls.append(1)
            if len(calls) - 1 == breaks:
                raise Broken

    watch = pipeline.transformer.register_forward_pre_hook(count)
    try:
        return torch.cat(list(pipeline.stream(VIDEO.split(4, dim=2), settings, start=2, ledger=ledger)), dim=2)
    finally:
        watch.remove()


def test_broken_off_anywhere_it_goes_on_to_the_same_bits(pipeline, tmp_path):
    calls: list[int] = []
    undisturbed = run(pipeline, Ledger(tmp_path).within("undisturbed"), calls)
    plain = run(pipeline, Ledger())
    assert torch.equal(plain.add(1).mul(127.5).round(), undisturbed.add(1).mul(127.5).round())
    whole = len(calls)
    for breaks in (1, whole // 3, whole // 2, whole - 1):
        ledger, done, more = Ledger(tmp_path).within(str(breaks)), [], []
        with pytest.raises(Broken):
            run(pipeline, ledger, done, breaks)
        assert torch.equal(run(pipeline, ledger, more), undisturbed)
        again = len(done) - 1 + len(more) - whole
        assert again < 2 if isinstance(pipeline, PatchVSRPipeline) else again < 4  # a group, or the steps of a tile


def test_a_run_broken_again_and_again_loses_no_piece(enlarger, tmp_path):
    undisturbed, ledger = run(enlarger, Ledger()), Ledger(tmp_path)
    for attempt in itertools.count():
        try:
            result = run(enlarger, ledger, [], breaks=4)  # two tiles of two steps each
            break
        except Broken:
            assert attempt < 30
    assert torch.equal(result.add(1).mul(127.5).round(), undisturbed.add(1).mul(127.5).round())


def test_a_finished_chunk_leaves_only_what_is_needed(enlarger, tmp_path):
    run(enlarger, Ledger(tmp_path))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"{start:08d}.npz" for start in (2, 6, 10, 14)]  # 21 frames from number 2 on
    assert sum(np.load(tmp_path / name)["frames"].shape[1] for name in names) == 21


def test_a_full_disk_is_said_and_the_run_goes_on_after(enlarger, tmp_path, monkeypatch):
    undisturbed = run(enlarger, Ledger(tmp_path / "..").within("undisturbed"))
    save, count = np.savez, itertools.count()

    def until_full(file, **arrays):
        if next(count) == 5:
            file.write(b"half of")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(file, **arrays)

    monkeypatch.setattr("numpy.savez", until_full)
    with pytest.raises(ValueError, match="the disk is full; free some space"):
        run(enlarger, Ledger(tmp_path))
    assert torch.equal(run(enlarger, Ledger(tmp_path)), undisturbed)


def out_of_memory():
    raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried …")


def test_out_of_memory_the_chunk_shrinks_and_the_run_goes_on(enlarger, tmp_path, monkeypatch):
    lengths, transformer = [], enlarger.transformer

    def limited(_, given):
        lengths.append(given[0].shape[2])
        if len(lengths) > 9 and given[0].shape[2] > 2:
            out_of_memory()

    watch = transformer.register_forward_pre_hook(limited)
    with pytest.warns(UserWarning, match="out of memory with 9 frames in tiles of 64 pixels; going on with 5"):
        result = run(enlarger, Ledger(tmp_path))
    assert result.shape == (1, 3, 21, 80, 32)
    assert lengths[:9] == [3] * 9
    assert set(lengths[10:]) == {2}
    watch.remove()
    assert torch.equal(run(enlarger, Ledger(tmp_path)), result)  # it is all there, in the lengths it was made in
    last = sorted(tmp_path.glob("*.npz"))[-1]
    last.unlink()
    with pytest.raises(ValueError, match="incomplete; allowed what a run has left; try --restart"):
        run(enlarger, Ledger(tmp_path))


def test_a_video_that_never_fits_is_an_error(enlarger):
    enlarger.transformer.register_forward_pre_hook(lambda *_: out_of_memory())
    with (
        pytest.warns(UserWarning, match="out of memory"),
        pytest.raises(MemoryError, match=r"^memory: ran out with 5 frames of 64 pixels"),
    ):
        run(enlarger, Ledger())


def test_other_errors_are_not_taken_for_it(enlarger):
    enlarger.transformer.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        run(enlarger, Ledger())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes do not fit"))
