"""Images, animations and folders of frames, through PIL."""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

from cvsr.data.ffmpeg import MAX_PIXELS, parse_metadata, reason
from cvsr.data.files import IMAGE_SUFFIXES, VideoError, atomic_output, output_kind, write_errors

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
READ_SUFFIXES = (*IMAGE_SUFFIXES, ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm")
_BACKGROUND = (255, 255, 255)  # behind transparent pixels


def natural_order(path: Path) -> list:
    """Sorting key by which frame_2.png comes before frame_10.png."""
    parts = re.split(r"([0-9]+)", path.name.lower())  # text and digits take turns
    return [int(part) if part.isdigit() else part for part in parts] + [path.name]


def frame_files(folder: Path) -> list[Path]:
    """Image files of a folder in natural order (hidden files left out); `VideoError` if there is none."""
    try:
        files = [f for f in folder.iterdir() if f.suffix.lower() in READ_SUFFIXES and f.is_file()]
    except OSError as error:
        raise VideoError(f"path={folder}: cannot be read ({reason(error)}); check its permissions") from None
    files = [file for file in files if not file.name.startswith(".")]
    if not files:
        raise VideoError(
            f"path={folder}: a folder without frames; fill it with {' '.join(READ_SUFFIXES)} files"
        )
    return sorted(files, key=natural_order)


def read_image(
    path: Path, max_frames: int | None = None
) -> tuple[list[np.ndarray], list[Fraction] | None, dict]:
    """Frames, each uint8 (H, W, 3) RGB and upright, their seconds (None without a clock), and metadata.

    An image has one frame; animated GIF, PNG and WebP have more. Transparent pixels show white.
    Raises `VideoError` where it is too large, damaged, or no image at all.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise VideoError(
                        f"path={path}: {image.width}x{image.height} pixels; at most {MAX_PIXELS}"
                    )
                return _frames(image, path, max_frames)
    except VideoError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise VideoError(f"path={path}: too many pixels; at most {MAX_PIXELS}") from None
    except Exception as error:
        problem = f"not an image of its kind, or damaged ({reason(error)}); make or download it again"
        raise VideoError(f"path={path}: {problem}") from error


def read_frames(files: Sequence[Path]) -> Iterator[np.ndarray]:
    """One frame of each file, uint8 (H, W, 3); `VideoError` where one is an animation."""
    for file in files:
        images = read_image(file, 2)[0]
        if len(images) > 1:
            raise VideoError(f"path={file}: an animation among frames; name it alone or take it out")
        yield images[0]


@contextmanager
def image_output(path: PathLike, comment: str) -> Iterator[Callable[[np.ndarray, Sequence[Fraction]], None]]:
    """Write one frame (.png .jpg), or the frames of a folder ("name/") as they come, whole or not at all.

    In the block, `write(frames, seconds)` takes uint8 frames (T, H, W, 3); images keep no time. `comment` goes
    into every file. Raises `VideoError` where the output cannot be written.
    """
    is_folder, count = output_kind(path) == "folder", 0
    with atomic_output(path) as part, write_errors(path):

        def write(frames: np.ndarray, _: Sequence[Fraction]) -> None:
            nonlocal count
            for image in frames:
                file = part / f"{count:06d}.png" if is_folder else part
                write_image(file, image, comment, ".png" if is_folder else Path(path).suffix.lower())
                count += 1

        yield write


def write_image(path: Path, image: np.ndarray, comment: str, kind: str) -> None:
    """Write uint8 (H, W, 3), or grey (H, W), as `kind` ".png" (lossless) or ".jpg", with `comment` among its text."""
    picture, encoded = Image.fromarray(image), io.BytesIO()  # PIL overlooks a full disk when it writes a JPEG
    if kind == ".png":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("comment", comment)
        picture.save(encoded, format="PNG", pnginfo=text)
    else:
        picture.save(encoded, format="JPEG", quality=95, subsampling=0, comment=comment.encode())
    path.write_bytes(encoded.getbuffer())


def _frames(image: Image.Image, path: Path, max_frames: int | None):
    count = getattr(image, "n_frames", 1)
    frames, seconds, now = [], [], Fraction(0)
    for index in range(min(count, max_frames or count)):
        image.seek(index)
        frames.append(_to_rgb(image, path))
        seconds.append(now)
        now += Fraction(str(image.info.get("duration") or 0)) / 1000
    comment = image.info.get("comment", "")
    comment = comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)
    has_clock = len(set(seconds)) == count > 1
    return frames, seconds if has_clock else None, parse_metadata({"comment": comment})


def _to_rgb(image: Image.Image, path: Path) -> np.ndarray:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):  # PIL would clip 16 bits to white
        grey = np.round(np.asarray(image) / 257).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise VideoError(f"path={path}: {image.mode!r} pixels have no fixed range; save it with 8 or 16 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*_BACKGROUND, 255)), image)
    return np.array(image.convert("RGB"))
