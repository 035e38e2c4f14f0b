"""The world: the same bits for the same seed, masks that tell the truth, any size and length."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from cvsr.data.grounds import GROUNDS
from cvsr.data.palette import COLOURS
from cvsr.data.scenes import CAMERAS, MOTIONS, SPLITS, sample_scene
from cvsr.data.shapes import KINDS, shape
from cvsr.data.textures import TEXTURES
from cvsr.data.world import identity_scene, pose, render, render_identity, render_moment


def psnr(a, b):
    return -10 * np.log10(np.mean((a.astype(float) - b) ** 2) / 255**2 + 1e-12)


def reduced(frames, size):
    return np.stack([cv2.resize(f, (size, size), interpolation=cv2.INTER_AREA) for f in frames])


def grown(mask, reach):
    """The mask (T, H, W) grown by `reach` frame heights on every side."""
    kernel = np.ones((2 * int(reach * mask.shape[1]) + 1,) * 2)
    return np.stack([cv2.dilate(m.astype(np.uint8), kernel) for m in mask]) > 0


def test_the_world_is_as_rich_as_promised():
    assert len(KINDS) >= 12
    assert len(TEXTURES) >= 20
    assert len(GROUNDS) >= 10
    assert len(COLOURS) >= 10


def test_the_same_seed_gives_the_same_bits():
    for seed in range(3):
        first, second = (render(sample_scene(seed), 3, 64, 64) for _ in range(2))
        assert np.array_equal(first.frames, second.frames)
        assert np.array_equal(first.masks, second.masks)
        assert first.caption == second.caption


def test_the_splits_share_no_scene():
    scenes = {split: [sample_scene(seed, split) for seed in range(100)] for split in SPLITS}
    seeds = [{o.seed for s in scenes[split] for o in s.objects} for split in SPLITS]
    assert not seeds[0] & seeds[1]
    assert not seeds[0] & seeds[2]
    assert not seeds[1] & seeds[2]


def test_every_scene_keeps_its_promises():
    for seed in range(200):
        scene = sample_scene(seed)
        main, *others = scene.objects
        for o in scene.objects:
            assert o.kind in KINDS
            assert o.colour in COLOURS
            assert o.colour not in GROUNDS[scene.ground].clashes
            assert o.name in scene.caption
        assert (
            len({o.kind for o in scene.objects})
            == len({o.colour for o in scene.objects})
            == len(scene.objects)
        )
        assert scene.caption.split(" ", 1)[1].startswith(main.name)
        assert main.motion in scene.caption
        assert all(o.size < 0.6 * main.size + 0.05 for o in others)


def test_captions_have_a_finite_vocabulary():
    few = {w for seed in range(1500) for w in sample_scene(seed).caption.replace(",", "").split()}
    more = {
        w for seed in range(2000, 2500) for w in sample_scene(seed, "test").caption.replace(",", "").split()
    }
    assert more <= few
    assert len(few) < 150


@pytest.mark.parametrize(
    ("frames", "height", "width"), [(1, 64, 64), (2, 33, 57), (5, 90, 300), (1, 1, 1), (2, 271, 256)]
)
def test_any_size_and_length(frames, height, width):
    result = render(sample_scene(11), frames, height, width)
    assert result.frames.shape == (frames, height, width, 3)
    assert result.frames.dtype == np.uint8
    assert result.masks.shape == (len(sample_scene(11).objects), frames, height, width)


def test_a_size_of_nothing_is_refused():
    with pytest.raises(ValueError, match="frames=0"):
        render(sample_scene(0), frames=0)


def test_unknown_splits_and_negative_seeds_are_refused():
    with pytest.raises(ValueError, match="split='dev'"):
        sample_scene(0, "dev")
    with pytest.raises(ValueError, match="seed=-1"):
        sample_scene(-1)


@pytest.mark.parametrize("seed", [3, 8, 19])
def test_small_is_large_seen_from_afar(seed):
    scene = sample_scene(seed)
    small, middle = render(scene, 2, 64, 64).frames, render(scene, 2, 256, 256).frames
    assert np.abs(reduced(middle, 64).astype(int) - small).max() <= 1
    large = render(scene, 2, 768, 768).frames
    assert psnr(reduced(large, 64), small) > 28


def test_a_mask_is_where_its_object_is_and_nowhere_else():
    """Taking an object away changes its mask, and around it no more than its shadow does."""
    for seed in range(40, 60):
        scene = sample_scene(seed)
        if len(scene.objects) == 1:
            continue
        whole = render(scene, 2, 128, 128)
        for index, spec in enumerate(scene.objects):
            rest = replace(scene, objects=scene.objects[:index] + scene.objects[index + 1 :])
            changed = np.abs(whole.frames.astype(int) - render(rest, 2, 128, 128).frames).max(-1) > 6
            mask = whole.masks[index]
            assert changed[mask].mean() > 0.97
            assert not (changed & ~grown(mask, 0.04 + 0.22 * spec.size)).any()


def test_masks_do_not_overlap():
    for seed in range(20):
        assert render(sample_scene(seed), 2, 64, 64).masks.sum(0).max() <= 1


def test_the_main_object_is_large_and_in_its_colour():
    """A nearest mean colour already names the colour of nearly every object, at 64 pixels."""
    colours, means = [], []
    for seed in range(150):
        scene = sample_scene(seed)
        result = render(scene, 1, 64, 64)
        assert result.masks[0].mean() > 0.05
        mean = result.frames[0][result.masks[0, 0]].mean(0).astype(np.float32) / 255
        means.append(cv2.cvtColor(mean[None, None], cv2.COLOR_RGB2LAB)[0, 0])
        colours.append(scene.objects[0].colour)
    means, colours = np.array(means, float), np.array(colours)
    names = sorted(COLOURS)
    centres = np.stack([means[colours == c].mean(0) for c in names])
    guess = np.array(names)[((means[:, None] - centres) ** 2).sum(-1).argmin(1)]
    assert (guess == colours).mean() > 0.93


def test_silhouettes_are_distinct():
    """No two kinds cover nearly the same area when laid over each other."""
    masks = {}
    for kind in KINDS:
        canvas = np.zeros((100, 100), np.uint8)
        for polygon in shape(kind).body:
            cv2.fillPoly(canvas, [np.round((polygon + 0.5) * 99).astype(np.int32)], 1)
        for polygon in shape(kind).holes:
            cv2.fillPoly(canvas, [np.round((polygon + 0.5) * 99).astype(np.int32)], 0)
        masks[kind] = canvas > 0
    kinds = list(masks)
    for i, a in enumerate(kinds):
        for b in kinds[i + 1 :]:
            assert (masks[a] & masks[b]).sum() / (masks[a] | masks[b]).sum() < 0.88, (a, b)


def test_what_the_world_does_not_hold_is_refused():
    scene = sample_scene(0)
    with pytest.raises(ValueError, match=r"kind='dragon': unknown; allowed: 'ball', 'cube'"):
        replace(scene.objects[0], kind="dragon")
    with pytest.raises(ValueError, match="ground='lava'"):
        replace(scene, ground="lava")
    with pytest.raises(ValueError, match="camera='dollies'"):
        replace(scene, camera="dollies")


@pytest.mark.parametrize("name", TEXTURES)
def test_a_texture_leaves_the_object_its_colour(name):
    line = np.linspace(0, 8, 256, endpoint=False, dtype=np.float32)
    u, v = np.meshgrid(line, line)
    cover = TEXTURES[name].paint(u, v, 8 / 256, np.random.default_rng(0))
    assert cover.shape == (256, 256)
    assert cover.min() >= 0
    assert cover.max() <= 1
    assert cover.mean() < 0.4
    assert name == "plain" or cover.std() > 0.1


def test_a_moment_of_one_object_is_what_a_video_shows_then():
    scene = next(s for s in map(sample_scene, range(100)) if len(s.objects) == 1)
    video = render(scene, 5, 64, 64)
    for index in range(5):
        picture, mask = render_moment(scene, index / 4, 64)
        assert np.abs(picture.astype(int) - video.frames[index]).max() <= 2  # its ground is painted for itself
        assert (mask == video.masks[0, index]).mean() > 0.99
    between, _ = render_moment(scene, 0.6, 64)
    assert all(np.abs(between.astype(int) - frame).max() > 2 for frame in video.frames)


def test_references_show_the_object_alone_elsewhere():
    scene = sample_scene(5)
    spec = scene.objects[0]
    image, mask = render_identity(spec, seed=9, size=128)
    again, _ = render_identity(spec, seed=9, size=128)
    other, _ = render_identity(spec, seed=10, size=128)
    assert image.shape == (128, 128, 3)
    assert np.array_equal(image, again)
    assert not np.array_equal(image, other)
    assert mask.mean() > 0.05
    posed = identity_scene(spec, 9).objects
    assert len(posed) == 1
    assert (posed[0].kind, posed[0].colour, posed[0].texture, posed[0].seed) == (
        spec.kind,
        spec.colour,
        spec.texture,
        spec.seed,
    )


@pytest.mark.parametrize("motion", MOTIONS)
def test_motions_do_what_they_say(motion):
    spec = replace(sample_scene(1).objects[0], motion=motion, position=(0.0, 0.0), angle=0.0, size=0.5)
    path = np.array([pose(spec, t) for t in np.linspace(0, 1, 17)])
    moved = path[-1] - path[0]
    expected = {
        "drifting left": (-1, 0, 0, 0),
        "drifting right": (1, 0, 0, 0),
        "drifting up": (0, -1, 0, 0),
        "drifting down": (0, 1, 0, 0),
        "spinning": (0, 0, 1, 0),
        "growing": (0, 0, 0, 1),
        "shrinking": (0, 0, 0, -1),
    }.get(motion, (0, 0, 0, 0))
    assert np.array_equal(np.sign(np.round(moved, 6)), expected)
    assert (np.ptp(path, axis=0).max() > 0) == (motion != "standing still")
    assert np.abs(path[:, :2]).max() < 0.15


def test_the_camera_moves_the_ground_as_it_says():
    scene = sample_scene(2, max_objects=1)
    still = replace(scene.objects[0], size=0.1, motion="standing still", position=(0.0, 0.0))

    def centre(camera):
        masks = render(replace(scene, objects=(still,), camera=camera), 2, 64, 64).masks[0]
        return np.array([[np.mean(np.nonzero(m)[1]), np.mean(np.nonzero(m)[0])] for m in masks])

    assert len(CAMERAS) == 8
    for camera, direction in {
        "pans left": (1, 0),
        "pans right": (-1, 0),
        "pans up": (0, 1),
        "pans down": (0, -1),
        "is still": (0, 0),
        "zooms in": (0, 0),
    }.items():
        first, last = centre(camera)
        assert np.array_equal(np.sign(np.round((last - first) / 4)), direction)
