"""The procedural world: any scene as a video of any size and length, with its caption and its objects' masks.

Everything is drawn in scene coordinates (see `scenes.py`); sizes below 256 pixels are drawn larger
and reduced by area, so that a 64 pixel video is the 256 pixel one seen from afar.

Legend: T frames, H rows, W columns, n objects; M 3x3 matrices that act on (x, y, 1).
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from cvsr.data.grounds import GROUNDS
from cvsr.data.noise import Grid
from cvsr.data.painting import MARGIN, Bitmap, paint
from cvsr.data.scenes import LIGHTS, ObjectSpec, Scene, generator, pick, sample_scene

__all__ = ["Rendering", "identity_scene", "pose", "render", "render_identity", "render_moment", "sample_scene"]

_DRAWN = 256  # smaller frames are drawn at the next multiple of their size above this, then reduced
_OBJECT_DENSITY, _GROUND_DENSITY = 1.3, 1.2  # bitmap pixels a frame pixel: sharp when the camera zooms in
_PAN, _ZOOM, _ROLL = 0.11, 1.14, 7.0


@dataclass(frozen=True)
class Rendering:
    """`frames` uint8 (T, H, W, 3), `masks` bool (n, T, H, W) where each object is seen, and the caption."""

    frames: np.ndarray
    masks: np.ndarray
    caption: str


def render(scene: Scene, frames: int = 17, height: int = 256, width: int = 256) -> Rendering:
    """Draw a scene; the same arguments give the same bits. ValueError for a size that is not positive."""
    for name, value in (("frames", frames), ("height", height), ("width", width)):
        if value < 1:
            raise ValueError(f"{name}={value}: must be at least 1")
    return _render(scene, moments(frames), height, width)


def moments(frames: int) -> np.ndarray:
    """The times in [0, 1] at which a clip of so many frames shows its scene; a single frame is of its middle."""
    return np.linspace(0, 1, frames) if frames > 1 else np.array([0.5])


def render_moment(scene: Scene, time: float, size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """The main object of a scene, alone where it is at `time` in [0, 1], frames or not.

    Image uint8 (size, size, 3) and mask bool (size, size).
    """
    rendering = _render(replace(scene, objects=scene.objects[:1]), np.array([time]), size, size)
    return rendering.frames[0], rendering.masks[0, 0]


def _render(scene: Scene, times: np.ndarray, height: int, width: int) -> Rendering:
    factor = max(1, min(8, -(-_DRAWN // min(height, width))))
    frames, stage = len(times), _Stage(scene, times, height * factor, width * factor)
    video = np.empty((frames, height, width, 3), np.uint8)
    masks = np.empty((len(scene.objects), frames, height, width), bool)
    for index in range(frames):
        picture, visible = stage.frame(index)
        if factor > 1:
            picture = cv2.resize(np.clip(picture, 0, 1), (width, height), interpolation=cv2.INTER_AREA)
            visible = [cv2.resize(v, (width, height), interpolation=cv2.INTER_AREA) for v in visible]
        video[index] = cv2.convertScaleAbs(np.maximum(picture, 0), alpha=255)
        for number, coverage in enumerate(visible):
            masks[number, index] = coverage > 0.5
    return Rendering(video, masks, scene.caption)


def render_identity(spec: ObjectSpec, seed: int, size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """The object alone in another pose, on another ground, in another light.

    Image uint8 (size, size, 3) and mask bool (size, size).
    """
    rendering = render(identity_scene(spec, seed), frames=1, height=size, width=size)
    return rendering.frames[0], rendering.masks[0, 0]


def identity_scene(spec: ObjectSpec, seed: int) -> Scene:
    """The still scene of a reference picture of `spec`, large and alone."""
    rng = generator(seed, "train", purpose=1)
    posed = replace(
        spec,
        size=float(rng.uniform(0.6, 0.8)),
        angle=float(rng.uniform(-40, 40)),
        motion="standing still",
        position=(float(rng.uniform(-0.08, 0.08)), float(rng.uniform(-0.08, 0.08))),
    )
    ground = pick(rng, (name for name, g in GROUNDS.items() if spec.colour not in g.clashes))
    return Scene(
        (posed,),
        ground,
        int(rng.integers(2**62)),
        pick(rng, LIGHTS),
        float(rng.uniform(-160, -20)),
        "is still",
        3,
    )


def placement(scene: Scene, time: float, height: int, width: int) -> np.ndarray:
    """The matrix (3, 3) that takes coordinates of the scene's main object to pixels (x, y, 1) of a frame at `time`."""
    return _view(scene, time, height, width) @ _similarity(*pose(scene.objects[0], time))


def pose(spec: ObjectSpec, time: float) -> tuple[float, float, float, float]:
    """Where an object is at `time` in [0, 1]: x, y, angle in degrees and size."""
    (x, y), angle, size = spec.position, spec.angle, spec.size
    swing, far = time - 0.5, 0.52 * spec.size * (time - 0.5)  # paths are as long as half the object
    match spec.motion:
        case "drifting left":
            x -= far
        case "drifting right":
            x += far
        case "drifting up":
            y -= far
        case "drifting down":
            y += far
        case "spinning":
            angle += 200 * swing
        case "bouncing":
            y += spec.size * (0.18 - 0.36 * abs(np.sin(2 * np.pi * time)))
        case "swaying":
            angle += 20 * np.sin(2 * np.pi * time)
        case "circling":
            x += 0.18 * spec.size * np.cos(2 * np.pi * time)
            y += 0.18 * spec.size * np.sin(2 * np.pi * time)
        case "growing":
            size *= 1 + 0.4 * swing
        case "shrinking":
            size *= 1 - 0.4 * swing
    return x, y, angle, size


def _similarity(x: float, y: float, degrees: float, scale: float) -> np.ndarray:
    """The matrix that scales, turns, then moves to (x, y)."""
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[c, -s, x], [s, c, y], [0, 0, 1]])


def _camera(motion: str, time: float) -> np.ndarray:
    """Scene coordinates to those of the frame, both in frame heights from its middle."""
    swing = 2 * time - 1
    pans = {"pans left": (-1, 0), "pans right": (1, 0), "pans up": (0, -1), "pans down": (0, 1)}
    dx, dy = pans.get(motion, (0, 0))
    zoom = _ZOOM ** (swing * {"zooms in": 1, "zooms out": -1}.get(motion, 0))
    roll = _ROLL * swing * (motion == "rolls slowly")
    return _similarity(0, 0, roll, zoom) @ _similarity(-_PAN * swing * dx, -_PAN * swing * dy, 0, 1)


def _view(scene: Scene, time: float, height: int, width: int) -> np.ndarray:
    """Scene coordinates to pixels of the frame at `time`; a pixel spans [i, i + 1]."""
    unit = float(min(height, width))
    return np.array([[unit, 0, width / 2], [0, unit, height / 2], [0, 0, 1]]) @ _camera(scene.camera, time)


class _Stage:
    """A scene with everything painted that does not change from frame to frame."""

    def __init__(self, scene: Scene, times: np.ndarray, height: int, width: int) -> None:
        self.scene, self.height, self.width = scene, height, width
        self.unit = float(min(height, width))
        self.times = times
        self.views = [_view(scene, time, height, width) for time in times]
        self.bitmaps = [paint(o, o.size * self.unit * _OBJECT_DENSITY) for o in scene.objects]
        self.order = sorted(range(len(scene.objects)), key=lambda i: -scene.objects[i].depth)
        direction = np.radians(scene.light_angle)
        self.light = np.array([0.66 * np.cos(direction), 0.66 * np.sin(direction), 0.75])
        self._lit: dict[int, tuple[float, np.ndarray]] = {}
        self._paint_ground()
        self.illumination = self._illumination()

    def _paint_ground(self) -> None:
        """The part of the ground that the camera ever sees."""
        frame = np.array(
            [[0, self.width, 0, self.width], [0, 0, self.height, self.height], [1, 1, 1, 1]], float
        )
        corners = np.concatenate([(np.linalg.inv(v) @ frame)[:2] for v in (self.views[0], self.views[-1])], 1)
        texel = 1 / (self.unit * _GROUND_DENSITY)
        grid = Grid.covering(corners.min(1) - 2 * texel, corners.max(1) + 2 * texel, texel)
        painter = GROUNDS[self.scene.ground].paint
        self.ground = painter(grid, np.random.default_rng(self.scene.ground_seed)).astype(np.float32)
        self.from_ground = _similarity(grid.x[0] - texel / 2, grid.y[0] - texel / 2, 0, texel)

    def _illumination(self) -> np.ndarray:
        """What the light adds and takes over the frame, (H, W, 3)."""
        light = LIGHTS[self.scene.light]
        x = ((np.arange(self.width) + 0.5 - self.width / 2) / self.unit).astype(np.float32)
        y = ((np.arange(self.height) + 0.5 - self.height / 2) / self.unit).astype(np.float32)[:, None]
        from_light = x * np.float32(self.light[0]) + y * np.float32(self.light[1])
        far = x * x + y * y
        level = 1 + light.gradient * 1.6 * np.clip(from_light, -1, 1)
        level = level * (1 + 0.15 * light.glow) * (1 - light.glow * (1 - np.exp(-1.6 * far)))
        level = level * (1 - 0.16 * np.minimum(far, 1))  # the lens darkens towards its corners
        return level[..., None].astype(np.float32) * np.array(light.tint, np.float32)

    def frame(self, index: int) -> tuple[np.ndarray, list[np.ndarray]]:
        """One picture, float32 (H, W, 3) in [0, 1], and the visible coverage (H, W) of every object."""
        size, view = (self.width, self.height), self.views[index]
        picture = cv2.warpAffine(
            self.ground,
            _pixel_centres(view @ self.from_ground)[:2],
            size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        visible = [np.zeros((self.height, self.width), np.float32) for _ in self.scene.objects]
        for number in self.order:
            bitmap = self.bitmaps[number]
            x, y, angle, scale = pose(self.scene.objects[number], self.times[index])
            cast = _similarity(x - 0.055 * self.light[0], y - 0.055 * self.light[1], angle, scale)
            _lay_shadow(picture, bitmap, view @ cast)
            place = view @ _similarity(x, y, angle, scale)
            window, layer = _moved(self._lit_bitmap(number, bitmap, place), 1 + 2 * MARGIN, place, size)
            if layer is None:
                continue
            alpha = layer[..., 3]
            through = 1 - alpha
            picture[window] = picture[window] * _rgb(through) + layer[..., :3]
            for other in visible:
                other[window] *= through
            visible[number][window] = alpha
        return picture * self.illumination, visible

    def _lit_bitmap(self, number: int, bitmap: Bitmap, place: np.ndarray) -> np.ndarray:
        """The object under the scene's light, which stays where it is while the object turns."""
        angle = float(np.arctan2(place[1, 0], place[0, 0]))
        kept = self._lit.get(number)
        if kept is None or abs(kept[0] - angle) > 1e-6:
            c, s = np.cos(angle), np.sin(angle)
            x, y, z = self.light
            kept = self._lit[number] = (angle, bitmap.lit(np.array([c * x + s * y, c * y - s * x, z])))
        return kept[1]


def _pixel_centres(matrix: np.ndarray) -> np.ndarray:
    """The same map for cv2, to which a pixel lies at i where we say that it spans [i, i + 1]."""
    return _similarity(-0.5, -0.5, 0, 1) @ matrix @ _similarity(0.5, 0.5, 0, 1)


def _moved(
    bitmap: np.ndarray, span: float, place: np.ndarray, size: tuple[int, int]
) -> tuple[tuple[slice, slice], np.ndarray | None]:
    """The window of the frame that the bitmap touches, and what it shows there (None: it is outside)."""
    side = bitmap.shape[0]
    matrix = place @ _similarity(-span / 2, -span / 2, 0, span / side)
    corners = (matrix @ np.array([[0, side, 0, side], [0, 0, side, side], [1, 1, 1, 1]], float))[:2]
    low = np.maximum(np.floor(corners.min(1)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(1)).astype(int), size)
    window = (slice(low[1], high[1]), slice(low[0], high[0]))
    if (high <= low).any():
        return window, None
    to_window = _pixel_centres(_similarity(-low[0], -low[1], 0, 1) @ matrix)[:2]
    return window, cv2.warpAffine(
        bitmap, to_window, tuple(int(v) for v in high - low), flags=cv2.INTER_LINEAR
    )


def _lay_shadow(picture: np.ndarray, bitmap: Bitmap, place: np.ndarray) -> None:
    window, shadow = _moved(bitmap.shadow, bitmap.shadow_span, place, picture.shape[1::-1])
    if shadow is not None:
        picture[window] *= _rgb(1 - np.float32(0.55) * shadow)


def _rgb(grey: np.ndarray) -> np.ndarray:
    """One channel as three: numpy multiplies equal shapes much faster than it broadcasts the last axis."""
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
