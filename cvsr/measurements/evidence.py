"""A result, and all that it can be judged by."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from cvsr.data.video import to_frames, write_video

OPTIONS = {  # what a metric may need: how the command line is given it
    "truth": "--against",
    "small": "--input",
    "references": "--reference",
    "reference_video": "--reference-video",
    "tile": "--tile",
    "prompt": "--prompt",
}


@dataclass(frozen=True)
class Evidence:
    """A result and what it can be judged by; videos in [-1, 1], what is not known is None or empty.

    Attributes:
        video: the result, (1, 3, T, H, W).
        truth: (1, 3, T, H, W).
        small: the input that it was made of, (1, 3, T, h, w).
        references: pictures (3, h, w) of something that it shows.
        reference_video: what it is to follow frame by frame, (1, 3, T, H, W).
        tile: pixels between the borders of what it was put together from.
        prompt: what it is to show.
    """

    video: Tensor
    truth: Tensor | None = None
    small: Tensor | None = None
    references: tuple[Tensor, ...] = ()
    reference_video: Tensor | None = None
    tile: int | None = None
    prompt: str | None = None

    @contextmanager
    def file(self) -> Iterator[Path]:
        """The result as a video file, for judges that read nothing else; gone after the block."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "result.mp4"
            write_video(path, to_frames(self.video[0]), fps=24, crf=0)
            yield path


Measure = Callable[[Evidence], float | Tensor]
