"""A weights folder of tiny models, and a clip with sound."""

from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from cvsr.data.video import write_video
from cvsr.pipelines.latent_super_resolution import LatentSuperResolutionPipeline
from cvsr.pipelines.patchvsr import PatchVSRPipeline
from cvsr.pipelines.seedvr import SeedVRPipeline
from cvsr.pipelines.store import save
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution, build_text_to_video
from cvsr.systems.patchvsr import build_patchvsr
from cvsr.systems.seedvr import build_seedvr
from cvsr.systems.simplegvr import build_simplegvr
from cvsr.systems.unimmvsr import build_unimmvsr
from cvsr.weights import Card, write_card

CODEC = {"autoencoder": "../autoencoder"}


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Read only; tests that damage weights copy it."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    base = build_text_to_video(PRESETS["tiny"], ["a red ball"])
    enlarger = build_super_resolution(PRESETS["tiny"], ["a red ball"])
    seedvr = build_seedvr(PRESETS["tiny"], ["a red ball"])
    simplegvr = build_simplegvr(PRESETS["tiny"], ["a red ball"])
    unimmvsr = build_unimmvsr(PRESETS["tiny"], ["a red ball"])
    patchvsr = build_patchvsr(PRESETS["tiny"], ["a red ball"])
    stages = (base, enlarger, seedvr, simplegvr, unimmvsr, patchvsr)
    for weight in (p for stage in stages for p in stage.transformer.parameters()):
        weight.data.add_(torch.randn_like(weight) * 0.05)  # fresh networks predict 0, whatever the seed
    save(base.autoencoder, folder / "autoencoder")
    save(TextToVideoPipeline(**vars(base)), folder / "text_to_video", shared=["autoencoder"])
    for name, made in (
        ("super_resolution", SuperResolutionPipeline(**vars(enlarger))),
        ("seedvr", SeedVRPipeline(**vars(seedvr))),
        ("simplegvr", LatentSuperResolutionPipeline(**vars(simplegvr))),
        ("unimmvsr", UniMMVSRPipeline(**vars(unimmvsr))),
        ("patchvsr", PatchVSRPipeline(**vars(patchvsr))),
    ):
        save(made, folder / name, shared=[*CODEC])
    for name in ("autoencoder", "text_to_video", "super_resolution", "seedvr", "simplegvr", "unimmvsr", "patchvsr"):
        shared = {} if name == "autoencoder" else CODEC
        write_card(
            folder / name, Card("tiny", "none", "0", 0, "nothing", 0, "cpu", 0.0, {"psnr": 31.25}, shared)
        )
    return folder


@pytest.fixture
def clip(tmp_path):
    """Six frames of 24×16 at 12.5 a second, with a tone."""
    silent, sounding = tmp_path / "silent.mp4", tmp_path / "clip.mp4"
    frames = np.random.default_rng(0).integers(0, 256, (6, 16, 24, 3), dtype=np.uint8)
    write_video(silent, frames, fps=Fraction(25, 2))
    add_tone(silent, sounding)
    return sounding


def add_tone(video, output):
    with av.open(str(video)) as source, av.open(str(output), "w") as target:
        pictures = target.add_stream_from_template(source.streams.video[0])
        sound = target.add_stream("aac", rate=8000, layout="mono")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = pictures
                target.mux(packet)
        for start in range(0, 4000, 1024):
            wave = np.sin(np.arange(start, start + 1024) / 10)[None].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, start
            target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
