"""A ledger's pieces are there whole or not at all, and belong to one run."""

import errno

import numpy as np
import pytest
import torch

from cvsr.data.files import VideoError
from cvsr.pipelines.ledger import Ledger, run_folder, unfinished_run

IDENTITY = {"input": "a", "settings": {"scale": 4}}


@pytest.fixture
def output(tmp_path):
    return tmp_path / "large.mp4"


def broken_off(output, work=lambda ledger: ledger.put("piece", made=np.zeros(3)), error=KeyboardInterrupt):
    """A run that is broken off after some work."""
    with unfinished_run(output, IDENTITY) as ledger:
        work(ledger)
        raise error


def test_pieces_are_found_again_and_go_with_the_run(output):
    frames = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    weights = np.ones(2, np.float32)
    with pytest.raises(KeyboardInterrupt):
        broken_off(output, lambda ledger: ledger.within("one").put("00000000", frames=frames, weights=weights))
    assert run_folder(output).name == "large.mp4.unfinished"
    with unfinished_run(output, IDENTITY) as ledger:
        kept = ledger.within("one").get("00000000")
        assert np.array_equal(kept["frames"], frames)
        assert kept["weights"].dtype == np.float32
        assert ledger.within("two").get("00000000") is None
        assert run_folder(output).exists()
    assert not run_folder(output).exists()


def test_a_run_that_finished_nothing_leaves_nothing(output):
    with pytest.raises(MemoryError):
        broken_off(output, lambda ledger: None, MemoryError)
    assert not run_folder(output).exists()


def test_another_run_finds_no_place_until_the_first_is_thrown_away(output):
    with pytest.raises(KeyboardInterrupt):
        broken_off(output)
    other = {"input": "a", "settings": {"scale": 2}}
    said = r'^unfinished=.*large\.mp4\.unfinished: left by another run \(settings {"scale": 4}, now {"scale": 2}\); '
    with pytest.raises(ValueError, match=said + "allowed .*; try --restart"), unfinished_run(output, other):
        pass
    with unfinished_run(output, other, restart=True) as ledger:
        assert ledger.get("piece") is None


def test_two_runs_at_once_are_refused(output):
    with unfinished_run(output, IDENTITY):
        for restart in (False, True):
            with (
                pytest.raises(ValueError, match="another run is at work there"),
                unfinished_run(output, IDENTITY, restart),
            ):
                pass
        assert run_folder(output).exists()


def test_what_is_noted_about_a_run_is_there_when_it_goes_on(output):
    def work(ledger):
        ledger.put("piece", made=np.zeros(3))
        ledger.note(plan=[17, 256])

    with pytest.raises(KeyboardInterrupt):
        broken_off(output, work)
    with unfinished_run(output, IDENTITY) as ledger:
        assert ledger.about["plan"] == [17, 256]


def test_a_damaged_piece_is_an_error(output):
    with pytest.raises(KeyboardInterrupt):
        broken_off(output)
    path = run_folder(output) / "piece.npz"
    content = bytearray(path.read_bytes())
    content[content.index(bytes(24))] ^= 1  # in the array's zeros
    path.write_bytes(content)
    with unfinished_run(output, IDENTITY) as ledger, pytest.raises(VideoError, match=r"damaged .*; try --restart"):
        ledger.get("piece")


def test_a_full_disk_is_an_error_and_leaves_the_pieces_before(output, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    def work(ledger):
        ledger.put("first", made=np.zeros(3))
        monkeypatch.setattr("numpy.savez", full)
        ledger.put("second", made=np.zeros(3))

    with pytest.raises(VideoError, match=r"^output=.*large\.mp4: the disk is full; free some space"):
        broken_off(output, work)
    assert sorted(path.name for path in run_folder(output).iterdir()) == ["first.npz", "run.json"]


def test_pieces_in_order_are_made_once_and_dropped_by_their_name(tmp_path):
    ledger, made = Ledger(tmp_path), []

    def make(value):
        made.append(value)
        return torch.full((2,), value)

    for _ in range(2):
        keep = ledger.in_order("chunk")
        assert [keep(lambda value=value: make(value)).tolist() for value in (1.0, 2.0)] == [[1, 1], [2, 2]]
    assert made == [1, 2]
    ledger.put("chunks", made=np.zeros(1))
    ledger.drop("chunk-")
    assert [path.name for path in tmp_path.iterdir()] == ["chunks.npz"]


def test_a_ledger_without_a_folder_keeps_nothing():
    ledger = Ledger().within("any")
    ledger.put("piece", made=np.zeros(3))
    ledger.note(plan=1)
    ledger.drop("piece")
    assert ledger.get("piece") is None
    assert ledger.in_order("piece")(lambda: torch.ones(1)) == 1
