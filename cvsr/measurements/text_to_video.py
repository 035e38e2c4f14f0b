"""How often the base model shows what its prompt names, by the judgement of the attribute reader."""

import time

import torch
from torch import Tensor
from tqdm import tqdm

from cvsr.data.scenes import Scene, sample_scene
from cvsr.data.video import to_tensor
from cvsr.data.world import render
from cvsr.measurements.clips import FRAMES, SPLIT
from cvsr.measurements.results import Row
from cvsr.measurements.tally import Tally
from cvsr.models.attribute_reader import SIZE, AttributeReader
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.presets import SAMPLING

QUESTION = "How often does a generated video show the object that its prompt names, in the colour it names?"
PROMPTS = "held-out prompts"
BATCH = 16  # prompts at a time


def measure(
    pipeline: TextToVideoPipeline,
    reader: AttributeReader,
    count: int = 64,
    steps: int = SAMPLING.base_steps,
    guidance: float = SAMPLING.guidance_scale,
    seed: int = 0,
    frames: int = FRAMES,
    pixels: int = SIZE,
) -> list[Row]:
    """Shares of videos whose object, whose colour and of whose both the reader names what the prompt does.

    The prompts are the captions of the first `count` scenes of the test split; number i starts from the
    noise of `seed` + i. The reader itself is judged beside it, on the true clips of the same scenes.
    """
    tally = Tally()
    pipeline.set_progress_bar_config(disable=True)
    scenes = [sample_scene(number, SPLIT) for number in range(count)]
    for start in tqdm(range(0, count, BATCH), desc="text to video", unit="batch"):
        batch = scenes[start : start + BATCH]
        started = time.perf_counter()
        videos = pipeline(
            [scene.caption for scene in batch],
            pixels,
            pixels,
            frames,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=[torch.Generator().manual_seed(seed + start + i) for i in range(len(batch))],
        ).frames
        seconds = (time.perf_counter() - started) / len(batch)
        for right in judge(reader, videos, batch):
            tally.add("generated", PROMPTS, right | {"seconds": seconds})
        truth = torch.stack([to_tensor(render(scene, frames, pixels, pixels).frames) for scene in batch])
        for right in judge(reader, truth, batch):
            tally.add("true clips", PROMPTS, right)
    return tally.rows()


def judge(reader: AttributeReader, videos: Tensor, scenes: list[Scene]) -> list[dict[str, bool]]:
    """Whether the reader names what the scenes hold, a dict for each video of (B, 3, T, H, W)."""
    verdicts = []
    for scene, kind, colour in zip(scenes, *reader.read(videos), strict=True):
        main = scene.objects[0]
        right = {"kind": kind == main.kind, "colour": colour == main.colour}
        verdicts.append(right | {"both": all(right.values())})
    return verdicts
