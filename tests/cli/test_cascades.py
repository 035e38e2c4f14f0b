"""Stages, heights and memory on the command line; runs that are killed, and go on."""

import multiprocessing
import os
import random
import resource
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

from cvsr.cli.main import main
from cvsr.data.video import read_video, write_video
from cvsr.pipelines.ledger import run_folder

KILLS = int(os.environ.get("CVSR_KILLS", "3"))  # 20 before a release


@pytest.fixture
def long(tmp_path):
    """Two scenes of 23 and 14 frames, 12×16 pixels."""
    rng = np.random.default_rng(0)
    scenes = [
        np.clip(np.array(colour) + rng.integers(-30, 30, (frames, 12, 16, 3)), 0, 255).astype(np.uint8)
        for colour, frames in (((200, 60, 60), 23), ((30, 60, 160), 14))
    ]
    write_video(tmp_path / "long.mp4", np.concatenate(scenes), fps=12)
    return tmp_path / "long.mp4"


def upscale(weights, *arguments) -> int:
    return main(["upscale", *map(str, arguments), "--weights", str(weights)])


@pytest.fixture
def cascade(tmp_path):
    path = tmp_path / "cascade.yaml"
    path.write_text("- {system: base, frames: 9, tile: 64}\n- {system: seedvr, frames: 5, tile: 64}\n")
    return path


def test_stages_of_a_file_and_any_height(weights, long, cascade, tmp_path, capsys):
    output = tmp_path / "large.mp4"
    assert upscale(weights, long, output, "--height", 70, "--stages", cascade, "--compare") == 0
    large, settings = read_video(output), read_video(output).metadata["cvsr"]
    assert large.frames.shape == (37, 70, 94, 3)  # 93, made even
    assert [stage["system"] for stage in settings["stages"]] == ["base", "seedvr"]
    assert settings["scale"] == 70 / 12
    said = capsys.readouterr()
    assert "base: 16x12 to 39x29, chunks: 8 of up to 9 frames, tiles of 64: 1" in said.err
    assert "seedvr: 39x29 to 93x70, chunks: 10 of up to 5 frames, tiles of 64: 4" in said.err
    assert "GiB of memory" in said.err
    assert f"preview: {run_folder(output)}" in said.err
    assert not run_folder(output).exists()
    assert read_video(tmp_path / "large_compare.mp4").frames.shape[:2] == (37, 70 + 28)


def test_generate_in_two_stages(weights, cascade, tmp_path):
    options = ["--steps", "1", "--frames", "3", "--height", "150", "--stages", str(cascade), "--weights", str(weights)]
    assert main(["generate", "a red ball", str(tmp_path / "large.mp4"), *options]) == 0
    assert read_video(tmp_path / "large.mp4").frames.shape == (3, 150, 150, 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--scale", "2", "--height", "64"], "argument --height: not allowed with argument --scale"),
        (["--stages", "absent"], "stages=absent: no such file; allowed a YAML file, or one_stage"),
        (["--stages", "restore_first", "--system", "seedvr"], "stages=restore_first: says what --system would;"),
        (["--stages", "restore_first", "--detail", "1"], "stages=restore_first: says what --detail would"),
        (["--stages", "restore_first", "--reference", "a.png"], "stages=restore_first: none reads --reference"),
        (["--height", "40000"], "scale=3333.33: makes 53333x40000 pixels; allowed 16384 a side"),
        (["--memory", "0.01"], "memory=0.01: too little for 5 frames in tiles of 64 pixels, the least, which need"),
    ],
)
def test_what_cannot_be_is_refused(weights, long, tmp_path, capsys, options, said):
    assert upscale(weights, long, tmp_path / "large.mp4", *options) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {said}")
    assert error.count("\n") == 1
    assert not (tmp_path / "large.mp4").exists()


def test_other_settings_find_no_place_in_an_unfinished_run(weights, long, tmp_path, capsys, monkeypatch):
    output = tmp_path / "large.mp4"

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cvsr.cli.production._preview", interrupted)
        assert upscale(weights, long, output) == 130
    assert f"kept what is finished in {run_folder(output)}" in capsys.readouterr().err
    assert upscale(weights, long, output, "--seed", 1) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: unfinished={run_folder(output)}: left by another run (seed 0, now 1); ")
    assert "try --restart to throw it away" in error
    assert upscale(weights, long, output, "--seed", 1, "--restart") == 0
    assert not run_folder(output).exists()


@pytest.fixture(scope="module")
def processes():
    """Processes that begin with everything imported, and can be killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cvsr.cli.main", "cvsr.cli.upscale"])
    return context


def test_killed_at_any_moment_it_goes_on_to_the_same_file(processes, weights, long, cascade, tmp_path):
    def run(output) -> multiprocessing.Process:
        options = ["--scale", "6", "--stages", cascade, "--weights", weights]
        process = processes.Process(target=main, args=(["upscale", *map(str, (long, output, *options))],))
        process.start()
        return process

    run(tmp_path / "whole.mp4").join()
    whole, rng, broken = (tmp_path / "whole.mp4").read_bytes(), random.Random(0), 0
    for number in range(KILLS):
        output = tmp_path / f"{number}.mp4"
        process, pieces = run(output), rng.randint(1, 12)
        while process.is_alive() and len(list(run_folder(output).glob("*.npz"))) < pieces:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.join()
        broken += not output.exists()
        run(output).join()
        assert output.read_bytes() == whole, f"killed after {pieces} pieces"
        assert not run_folder(output).exists()
    assert broken


def test_memory_is_flat_in_the_length_of_the_video(processes, weights, tmp_path):
    def peak(frames: int) -> int:
        video = np.random.default_rng(0).integers(0, 256, (frames, 12, 16, 3), dtype=np.uint8)
        write_video(tmp_path / f"{frames}.mp4", video, fps=24)
        command = ["upscale", *map(str, (tmp_path / f"{frames}.mp4", tmp_path / "large.mp4", "--weights", weights))]
        with ProcessPoolExecutor(1, mp_context=processes) as process:
            assert process.submit(main, [*command, "--scale", "4", "--steps", "1"]).result() == 0
            return process.submit(resource.getrusage, resource.RUSAGE_SELF).result().ru_maxrss

    assert peak(200) <= 1.1 * peak(20)
