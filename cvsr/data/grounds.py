"""What the objects stand on or in front of: each ground paints itself on any grid of scene coordinates."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cvsr.data.noise import Grid

Painter = Callable[[Grid, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Ground:
    """`phrase` is how a caption says it, `clashes` the object colours that would be hard to see on it."""

    phrase: str
    clashes: tuple[str, ...]
    paint: Painter  # (grid, rng) -> (H, W, 3) float32 RGB, about [0, 1]


def mix(first: tuple[int, int, int], second: tuple[int, int, int], amount: np.ndarray) -> np.ndarray:
    """Blend two RGB colours in [0, 255] by `amount` (H, W) in [0, 1] -> (H, W, 3) float32 in [0, 1]."""
    a, b = np.array(first, np.float32) / 255, np.array(second, np.float32) / 255
    return a + (b - a) * np.clip(amount, 0, 1)[..., None].astype(np.float32)


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between (either order)."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _grass(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    a, b, patches = rng.spawn(3)
    blades = grid.fractal((70.0, 16.0), a, 0.7, 2)
    height = np.maximum(blades, grid.fractal((56.0, 20.0), b, 0.7, 2))
    colour = mix((44, 84, 30), (140, 176, 70), smoothstep(0.3, 0.95, height))
    colour *= grid.relief(height * 0.03, 1.3)[..., None]
    return colour * (0.8 + 0.4 * grid.fractal(2.5, patches, 0.5, 3))[..., None]


def _sand(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    a, b, c = rng.spawn(3)
    warp = grid.fractal(1.6, a, 0.45, 3)
    ripples = np.sin(2 * np.pi * (grid.y[:, None] * 8 + grid.x * 1.5 + warp * 4)).astype(np.float32)
    grain = grid.fractal(70.0, b, 0.9, 2)
    colour = mix((206, 172, 122), (242, 218, 174), 0.5 + 0.28 * ripples + 0.9 * (grain - 0.5))
    colour *= grid.relief(ripples * 0.008 + grain * 0.002, 0.9)[..., None]
    return colour * (0.92 + 0.16 * grid.noise(2.0, c))[..., None]


def _bond(
    grid: Grid, across: float, down: float, joint: float, rng: np.random.Generator, offset: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of bricks: (height (H, W) in [0, 1], 0 in the joint; a random number (H, W) a brick)."""
    v = grid.y * down + 0.37
    row = np.floor(v).astype(int)
    u = grid.x[None, :] * across + (row % 2)[:, None] * offset + 0.21
    column = np.floor(u).astype(int)
    edge_u = (0.5 - np.abs(u - column - 0.5)) / across
    edge_v = ((0.5 - np.abs(v - row - 0.5)) / down)[:, None]
    edge = np.minimum(edge_u, edge_v).astype(np.float32)
    own = rng.random((64, 64), dtype=np.float32)[row[:, None] % 64, column % 64]
    return smoothstep(joint * 0.45, joint + grid.texel, edge), own


def _brick_wall(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    a, b, c = rng.spawn(3)
    height, own = _bond(grid, 4.2, 10.5, 0.006, a)
    rough = grid.fractal(24.0, b, 0.75, 4)
    brick = mix((128, 62, 48), (186, 108, 84), own * 0.7 + rough * 0.5 - 0.1)
    mortar = mix((176, 168, 156), (208, 200, 188), rough)
    colour = mortar + (brick - mortar) * height[..., None]
    colour *= grid.relief(height * 0.007 + rough * 0.004, 0.9)[..., None]
    return colour * (0.9 + 0.2 * grid.noise(2.0, c))[..., None]


def _planks(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    a, b, c = rng.spawn(3)
    height, own = _bond(grid, 0.9, 6.5, 0.004, a, offset=0.37)
    warp = grid.fractal((1.2, 6.5), b, 0.5, 3)
    grain = np.sin(2 * np.pi * (warp * 7 + own * 17 + grid.y[:, None] * 9)).astype(np.float32)
    fibre = grid.fractal((7.0, 90.0), c, 0.6, 2)
    colour = mix(
        (140, 94, 56), (206, 160, 108), 0.22 + 0.42 * own + 0.16 * grain + 0.9 * (fibre - 0.5) + 0.15
    )
    colour *= (0.35 + 0.65 * height)[..., None]
    return colour * grid.relief(height * 0.004 + fibre * 0.002, 0.8)[..., None]


def _tiles(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    a, b = rng.spawn(2)
    height, own = _bond(grid, 5.0, 5.0, 0.005, a, offset=0.0)
    veins = np.abs(grid.fractal(4.0, b, 0.6, 4) - 0.5) * 2
    chequer = ((np.floor(grid.y * 5 + 0.37)[:, None] + np.floor(grid.x * 5 + 0.21)) % 2).astype(np.float32)
    tile = mix((122, 148, 152), (226, 222, 208), chequer * 0.8 + own * 0.18)
    tile *= (0.93 + 0.09 * smoothstep(0.0, 0.5, veins))[..., None]
    colour = np.float32(0.5) + (tile - np.float32(0.5)) * height[..., None]
    return colour * grid.relief(height * 0.006, 1.0)[..., None]


def _cloudy_sky(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    a, b, c = rng.spawn(3)
    clouds = 0.5 * (grid.fractal((1.7, 2.9), a, 0.55, 6) + grid.fractal((2.6, 4.3), c, 0.55, 6))
    cover = smoothstep(0.48, 0.64, clouds)
    sky = mix((84, 146, 214), (176, 212, 238), (grid.y[:, None] * 0.8 + 0.5) + np.zeros(grid.shape))
    billows = grid.fractal(5.0, b, 0.5, 4)
    puffs = mix((206, 216, 230), (255, 254, 250), 0.25 + 0.9 * cover + 0.8 * (billows - 0.5))
    puffs *= np.clip(grid.relief(clouds * 0.05, 0.6), 0.86, 1.1)[..., None]
    return sky + (puffs - sky) * cover[..., None]


def _water(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    a, b, c = rng.spawn(3)
    first = 1 - np.abs(grid.fractal((4.0, 8.0), a, 0.5, 3) - 0.5) * 5
    second = 1 - np.abs(grid.fractal((6.0, 13.0), b, 0.5, 3) - 0.5) * 5
    glints = np.clip(first, 0, 1) ** 3 * 0.55 + np.clip(second, 0, 1) ** 4 * 0.45
    deep = mix((18, 78, 116), (44, 132, 158), grid.fractal((2.0, 4.0), c, 0.5, 4))
    white = np.array([0.86, 0.97, 0.98], np.float32)
    return deep + (white - deep) * (0.75 * glints)[..., None].astype(np.float32)


def _carpet(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    a, b = rng.spawn(2)
    u, v = grid.x * 40, grid.y[:, None] * 40
    over = ((np.floor(u) + np.floor(v)) % 2).astype(np.float32)
    bump = np.abs(np.sin(np.pi * u)) * np.abs(np.sin(np.pi * v))
    lozenge = np.abs((grid.x * 2.5) % 1 - 0.5) + np.abs((grid.y[:, None] * 2.5) % 1 - 0.5)
    band = smoothstep(0.08, 0.05, np.abs(lozenge - 0.5)) + smoothstep(0.13, 0.1, lozenge)
    wool = mix((132, 58, 62), (206, 178, 142), np.clip(band, 0, 1))
    fuzz = grid.fractal(50.0, a, 0.8, 2)
    shade = 0.62 + 0.34 * bump * (0.8 + 0.2 * over) + 0.3 * (fuzz - 0.5) + 0.1 * (grid.noise(3.0, b) - 0.5)
    return wool * shade[..., None].astype(np.float32) * 1.08


def _stones(
    grid: Grid,
    rng: np.random.Generator,
    frequency: float,
    gap: tuple[int, int, int],
    dark: tuple[int, int, int],
    light: tuple[int, int, int],
) -> np.ndarray:
    a, b = rng.spawn(2)
    near, far, own = grid.cells(frequency, a)
    stone = smoothstep(0.03, 0.4, far - near)
    rough = grid.fractal(frequency * 2, b, 0.7, 4)
    colour = mix(dark, light, own + 0.9 * (rough - 0.5))
    bed = np.array(gap, np.float32) / 255
    colour = bed + (colour - bed) * smoothstep(0.02, 0.16, far - near)[..., None]
    return colour * grid.relief((stone * 0.45 + rough * 0.12) / frequency, 0.9)[..., None]


def _gravel(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    return _stones(grid, rng, 20.0, (54, 50, 48), (112, 106, 102), (212, 202, 190))


def _cobblestones(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    return _stones(grid, rng, 8.0, (70, 66, 54), (112, 110, 116), (176, 166, 154))


def _snow(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    a, b = rng.spawn(2)
    drifts = grid.fractal((1.5, 2.5), a, 0.5, 4)
    grain = grid.fractal(60.0, b, 0.9, 2)
    colour = mix((186, 204, 228), (250, 251, 255), 0.1 + 0.9 * drifts + 0.5 * (grain - 0.5) + 0.12)
    colour *= np.clip(grid.relief(drifts * 0.05 + grain * 0.001, 1.0), 0.8, 1.12)[..., None]
    return colour + (0.25 * smoothstep(0.85, 1.0, grain))[..., None]


def _marble(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    a, b = rng.spawn(2)
    warp = grid.fractal(1.8, a, 0.55, 6)
    veins = np.abs(np.sin(np.pi * (grid.x * 1.3 + grid.y[:, None] * 1.9 + warp * 4.5))).astype(np.float32)
    colour = mix((104, 112, 116), (214, 212, 206), smoothstep(0.0, 0.9, veins) * 0.8 + 0.12)
    return colour * (0.9 + 0.2 * grid.fractal(5.0, b, 0.6, 5))[..., None]


GROUNDS: dict[str, Ground] = {
    "grass": Ground("on green grass", ("green",), _grass),
    "sand": Ground("on rippled sand", ("yellow", "white", "orange"), _sand),
    "brick wall": Ground("against a brick wall", ("red", "orange"), _brick_wall),
    "planks": Ground("on wooden planks", ("orange",), _planks),
    "tiles": Ground("on checkered tiles", ("white",), _tiles),
    "sky": Ground("in a cloudy sky", ("white", "blue", "turquoise"), _cloudy_sky),
    "water": Ground("on rippling water", ("blue", "turquoise"), _water),
    "carpet": Ground("on a woven carpet", ("red", "purple", "pink"), _carpet),
    "gravel": Ground("on grey gravel", ("white", "black"), _gravel),
    "cobblestones": Ground("on cobblestones", ("black",), _cobblestones),
    "snow": Ground("on white snow", ("white",), _snow),
    "marble": Ground("on grey marble", ("white",), _marble),
}
