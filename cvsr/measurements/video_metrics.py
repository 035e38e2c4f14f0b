"""Every metric that a video can be judged by, one table: what it needs, which way is better, and what computes it.

A metric is made before the work: one whose package or weights are missing says so then (`JudgeMissing`), in a line.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from cvsr.data.filtering import measure_quality
from cvsr.data.resize import resize
from cvsr.data.video import to_frames
from cvsr.evaluation import metrics
from cvsr.evaluation.colours import colour_shift
from cvsr.evaluation.embeddings import PictureLikeness
from cvsr.evaluation.judges import JUDGES, Judge, JudgeMissing
from cvsr.evaluation.masked import texture_correlation
from cvsr.evaluation.metrics import MS_SSIM_LEAST
from cvsr.evaluation.naturalness import PATCH
from cvsr.evaluation.programs import DIMENSIONS, Dover, VBench
from cvsr.evaluation.seams import seam_ratio, strongest_seam
from cvsr.measurements.cascade import clean_pictures
from cvsr.measurements.clips import PIXELS
from cvsr.measurements.evidence import OPTIONS, Evidence, Measure
from cvsr.models.attribute_reader import FRAMES, AttributeReader
from cvsr.pipelines.store import load


@dataclass(frozen=True)
class Metric:
    """A metric of the table.

    Attributes:
        title: for tables and figures, with its unit.
        better: "more", "less", or "" where neither is (an amount, to be compared with another's).
        make: what computes it, made once for all clips from the folder of weights; JudgeMissing if it cannot be.
        needs: fields of `Evidence` beside the video.
        least, side: frames, and pixels of height and width, below which there is nothing to measure.
    """

    title: str
    better: str
    make: Callable[[str | None], Measure]
    needs: tuple[str, ...] = ()
    least: int = 1
    side: int = 1

    def lacks(self, evidence: Evidence) -> str:
        """Why it cannot judge this, in a few words; empty if it can."""
        given = {name for name in self.needs if getattr(evidence, name) not in (None, ())}
        if lack := self.asks_for(given):
            return lack
        frames, *sides = evidence.video.shape[2:]
        if frames < self.least:
            return f"needs {self.least} frames"
        return f"needs {self.side} pixels a side" if min(sides) < self.side else ""

    def asks_for(self, given: Set[str]) -> str:
        """The first of its needs that is not among the fields given, in a few words; empty if all are."""
        return next((f"needs {OPTIONS[name]}" for name in self.needs if name not in given), "")


def _plain(function: Callable[..., Tensor], *needs: str) -> Callable[[str | None], Measure]:
    """A metric that is a function of the video and of parts of the evidence."""
    return lambda _: lambda evidence: function(evidence.video, *(getattr(evidence, name) for name in needs))


def _warping_error(evidence: Evidence) -> Tensor:
    """Along the motion of the truth, else of the input, else its own."""
    moving = evidence.truth
    if moving is None and evidence.small is not None:
        moving = resize(evidence.small, *evidence.video.shape[-2:]).clamp(-1, 1)
    return metrics.warping_error(evidence.video, evidence.video if moving is None else moving)


def _niqe(evidence: Evidence) -> Tensor:
    return clean_pictures(PIXELS).score(evidence.video)


def _sharpness(evidence: Evidence) -> float:
    return measure_quality(to_frames(evidence.video[0])).sharpness


def _tile_seams(evidence: Evidence) -> Tensor:
    rows, columns = (range(evidence.tile, side, evidence.tile) for side in evidence.video.shape[-2:])
    return seam_ratio(evidence.video, list(rows), list(columns), reference=evidence.truth)


def _reader_likeness(weights: str | None) -> Measure:
    reader: AttributeReader = load("attribute_reader", weights)

    @torch.no_grad()
    def measure(evidence: Evidence) -> Tensor:
        moments = torch.linspace(0, evidence.video.shape[2] - 1, FRAMES).round().long().unique()
        frames = F.normalize(_embed(reader, evidence.video[0, :, moments].transpose(0, 1)), dim=-1)
        pictures = torch.cat([_embed(reader, picture[None]) for picture in evidence.references])
        return (frames @ F.normalize(pictures, dim=-1).T).mean()

    return measure


def _embed(reader: AttributeReader, pictures: Tensor) -> Tensor:
    return reader.embed(pictures, torch.ones_like(pictures[:, 0], dtype=torch.bool))


def _texture(evidence: Evidence) -> Tensor:
    everywhere = torch.ones_like(evidence.video[:, 0], dtype=torch.bool)
    return texture_correlation(evidence.video, evidence.reference_video, everywhere)


def _judge(name: str, _: str | None) -> Measure:
    judge, compares = Judge(name), JUDGES[name].compares
    return lambda evidence: judge.score(evidence.video, *([evidence.truth] if compares else []))


def _likeness(name: str, _: str | None) -> Measure:
    judge = PictureLikeness(name, "cuda" if torch.cuda.is_available() else "cpu")
    return lambda evidence: judge.score(evidence.video, evidence.references)


def _dover(_: str | None) -> Measure:
    judge = Dover()

    def measure(evidence: Evidence) -> float:
        with evidence.file() as path:
            return judge.score(path)

    return measure


def _vbench(dimension: str, _: str | None) -> Measure:
    judge = VBench(dimension)

    def measure(evidence: Evidence) -> float:
        with evidence.file() as path:
            return judge.score(path, evidence.prompt or "")

    return measure


TRUTH, INPUT, PICTURES = ("truth",), ("small",), ("references",)
METRICS: Mapping[str, Metric] = {
    "psnr": Metric("PSNR, dB", "more", _plain(metrics.psnr, "truth"), TRUTH),
    "ssim": Metric("SSIM", "more", _plain(metrics.ssim, "truth"), TRUTH, side=11),
    "ms_ssim": Metric("MS-SSIM", "more", _plain(metrics.ms_ssim, "truth"), TRUTH, side=MS_SSIM_LEAST),
    "lpips": Metric("LPIPS", "less", partial(_judge, "lpips"), TRUTH),
    "dists": Metric("DISTS", "less", partial(_judge, "dists"), TRUTH),
    "detail_ratio": Metric(
        "fine detail over the truth's", "", _plain(metrics.high_frequency_ratio, "truth"), TRUTH
    ),
    "detail": Metric("fine detail, levels", "", _plain(metrics.high_frequency_energy)),
    "sharpness": Metric("Laplacian variance, levels²", "", lambda _: _sharpness),
    "niqe": Metric("NIQE of this kit", "less", lambda _: _niqe, side=PATCH),
    "warping_error": Metric("warping error", "less", lambda _: _warping_error, least=2, side=16),
    "flicker": Metric("flicker", "less", _plain(metrics.flicker, "truth"), TRUTH, least=2),
    "strongest_seam": Metric("strongest seam", "less", _plain(strongest_seam), side=16),
    "seam_ratio": Metric("gradient across tiles' borders", "less", lambda _: _tile_seams, ("tile",)),
    "colour_shift": Metric("colour shift, ΔE", "less", _plain(colour_shift, "small"), INPUT),
    "reference_likeness": Metric("likeness to references", "more", _reader_likeness, PICTURES),
    "reference_texture": Metric("texture of the reference video", "more", lambda _: _texture, ("reference_video",)),
    "clip_i": Metric("CLIP-I", "more", partial(_likeness, "clip_i"), PICTURES),
    "dino_i": Metric("DINO-I", "more", partial(_likeness, "dino_i"), PICTURES),
    "musiq": Metric("MUSIQ", "more", partial(_judge, "musiq")),
    "clipiqa": Metric("CLIP-IQA", "more", partial(_judge, "clipiqa")),
    "qalign": Metric("Q-Align", "more", partial(_judge, "qalign")),
    "dover": Metric("DOVER", "more", _dover),
    **{
        name: Metric(
            f"VBench {name.replace('_', ' ')}",
            "" if name == "dynamic_degree" else "more",
            partial(_vbench, name),
            ("prompt",) if name == "overall_consistency" else (),
            least=2,
        )
        for name in DIMENSIONS
    },
}


def make_metrics(
    names: Sequence[str] | None = None, weights: str | None = None, given: Set[str] = frozenset(OPTIONS)
) -> tuple[dict[str, Measure], dict[str, str]]:
    """The metrics asked for, ready to measure; of None, all that are here, and of the others why they are not.

    Args:
        names: keys of `METRICS`.
        weights: the folder of this kit's weights; the repository's by default.
        given: fields of `Evidence` that there will be.

    Raises:
        ValueError: a name that is unknown, or that needs what is not given.
        JudgeMissing: a metric asked for by name that is not here.
    """
    if unknown := [name for name in names or () if name not in METRICS]:
        raise ValueError(f"metrics={','.join(unknown)}: unknown; allowed {', '.join(METRICS)}; try psnr,ssim")
    made, left_out = {}, {}
    for name in names or METRICS:
        lack = METRICS[name].asks_for(given)
        if lack and names:
            raise ValueError(f"metrics={name}: {lack}; allowed with it; try giving it, or another metric")
        try:
            if lack:
                left_out[name] = lack
            else:
                made[name] = METRICS[name].make(weights)
        except JudgeMissing as problem:
            if names:
                raise
            left_out[name] = str(problem).removeprefix(f"{name}: ")
    return made, left_out
