"""A small judge: which object a video shows, and in which colour.

It is trained on the procedural world and measures whether a generated video shows what its prompt names.
"""

import itertools

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from cvsr.data.resize import resize

SIZE = 64  # pixels of the frames it reads
FRAMES = 5  # frames of a video that it looks at


class AttributeReader(ModelMixin, ConfigMixin):
    """A convolutional classifier of single frames with two answers: the main object's kind and its colour.

    Args:
        kinds: names of the kinds, in the order of the logits.
        colours: names of the colours, likewise.
        widths: channels of the stages, each at half the resolution of the one before; four of them.
    """

    @register_to_config
    def __init__(self, kinds: list[str], colours: list[str], widths: tuple[int, ...] = (24, 48, 96, 128)):
        super().__init__()
        stages = [_conv(3, widths[0])]
        stages += [_conv(before, after) for before, after in itertools.pairwise(widths)]
        stages.insert(3, _conv(widths[2], widths[2], stride=1))  # at 8×8, where shapes are told apart
        self.features = nn.Sequential(*stages)
        positions = (SIZE // 2 ** len(widths)) ** 2
        self.answer = nn.Sequential(
            nn.Flatten(),  # positions are kept apart: the main object is large and near the middle
            nn.Dropout(0.2),
            nn.Linear(widths[-1] * positions, len(kinds) + len(colours)),
        )

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the kind (B, kinds) and of the colour (B, colours) of frames (B, 3, 64, 64) in [-1, 1].

        Raises:
            ValueError: frames of another shape.
        """
        if frames.ndim != 4 or frames.shape[1:] != (3, SIZE, SIZE):
            raise ValueError(
                f"frames={tuple(frames.shape)}: not frames of {SIZE} pixels; allowed (B, 3, {SIZE}, {SIZE});"
                " try `read`, which takes videos of any size"
            )
        frames = frames.contiguous(memory_format=torch.channels_last)
        answers = [len(self.config.kinds), len(self.config.colours)]
        return self.answer(self.features(frames)).split(answers, dim=1)

    def activations(self, frames: Tensor) -> list[Tensor]:
        """What every stage makes of frames (B, 3, H, W) in [-1, 1] of any size: (B, c, h, w) each, ever coarser."""
        seen = []
        for stage in self.features:
            frames = stage(frames)
            seen.append(frames)
        return seen

    def embed(self, pictures: Tensor, masks: Tensor) -> Tensor:
        """What the last stage makes of the objects in pictures, the mean over each of them: (B, c), none negative.

        The cosine of two embeddings says how alike two objects are in colour, kind and, where a picture shows little
        else than the object on twice `SIZE` pixels, print.

        Args:
            pictures: (B, 3, H, W) in [-1, 1] of any size.
            masks: where the objects are, (B, H, W) bool.

        Raises:
            ValueError: a mask that does not fit its picture or shows no object.
        """
        if masks.shape != (len(pictures), *pictures.shape[-2:]) or not masks.flatten(1).any(1).all():
            raise ValueError(
                f"masks={tuple(masks.shape)}: no objects in pictures {tuple(pictures.shape)}; allowed (B, H, W) with"
                " one pixel or more in each; try leaving pictures without an object out"
            )
        seen = self.activations(pictures)[-1]  # (B, c, h, w)
        shares = F.adaptive_avg_pool2d(masks[:, None].to(seen), seen.shape[-2:])
        return (seen * shares).sum((2, 3)) / shares.sum((2, 3))

    def judge(self, video: Tensor) -> tuple[Tensor, Tensor]:
        """Mean logits, as `forward`'s, of a few frames of videos (B, 3, T, H, W) in [-1, 1] of any size."""
        moments = torch.linspace(0, video.shape[2] - 1, min(FRAMES, video.shape[2])).round().long()
        few = video[:, :, moments]
        if few.shape[-2:] != (SIZE, SIZE):
            few = resize(few, SIZE, SIZE).clamp(-1, 1)
        logits = self(few.transpose(1, 2).flatten(0, 1))  # of B·T frames
        return tuple(each.unflatten(0, (len(video), -1)).mean(1) for each in logits)

    @torch.no_grad()
    def read(self, video: Tensor) -> tuple[list[str], list[str]]:
        """The kind and the colour that each video (B, 3, T, H, W) in [-1, 1] shows, by name."""
        kind, colour = self.judge(video.to(self.device))
        return (
            [self.config.kinds[i] for i in kind.argmax(1)],
            [self.config.colours[i] for i in colour.argmax(1)],
        )


def _conv(before: int, after: int, stride: int = 2) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()
    )
