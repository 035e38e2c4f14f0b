"""A stream is the whole clip, however it is cut, and remembers no more than a chunk."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cvsr.evaluation.cost import Resources
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.streaming import Blend, Chunk, Cutter, FrameNoise, cut, draw_key
from cvsr.pipelines.tiling import Tiling

TILING = Tiling(64, 16, 9, 4)


def counting(frames: int) -> torch.Tensor:
    """(1, 3, T, 1, 1): every frame shows its number."""
    return torch.arange(frames).float().view(1, 1, -1, 1, 1).expand(1, 3, -1, 1, 1)


def pieces_of(video: torch.Tensor, lengths: list[int]) -> list[torch.Tensor]:
    """Cut into pieces of these lengths, over and over."""
    pieces, at = [], 0
    for length in itertools.cycle(lengths):
        if at >= video.shape[2]:
            return pieces
        pieces.append(video[:, :, at : at + length])
        at += length
    return pieces


@given(
    st.integers(1, 60),
    st.integers(1, 5),
    st.data(),
    st.lists(st.integers(1, 30), min_size=1, max_size=4),
)
def test_chunks_show_every_frame_and_blend_to_the_video_however_it_comes(frames, groups, data, lengths):
    tiling = Tiling(frames=4 * groups + 1, frame_overlap=data.draw(st.integers(0, 4 * groups - 3)))
    video, blend = counting(frames), Blend()
    chunks = list(cut(pieces_of(video, lengths), tiling))
    assert len(chunks) == tiling.chunks(frames)
    for chunk, whole in zip(chunks, cut([video], tiling), strict=True):
        assert torch.equal(chunk.video, whole.video)
        assert (chunk.start, chunk.done) == (whole.start, whole.done)
        assert (chunk.start % 4, chunk.last) == (0, chunk is chunks[-1])
        numbers = torch.arange(chunk.start, chunk.start + chunk.video.shape[2]).clamp(max=frames - 1)
        assert torch.equal(chunk.video[0, 0, :, 0, 0], numbers.float())
        assert list(chunk.moments) == [chunk.start, *numbers_after(chunk)]
    for a, b in itertools.pairwise(chunks):
        assert a.video.shape == b.video.shape
        assert b.start == a.start + a.done
        assert a.video.shape[2] - a.done >= tiling.frame_overlap
    finished = torch.cat([blend.add(chunk.video, chunk) for chunk in chunks], dim=2)
    torch.testing.assert_close(finished, video, rtol=1e-5, atol=1e-5)


def numbers_after(chunk: Chunk) -> list[int]:
    """The last frame of each group of four behind the first."""
    return [number for number in range(chunk.start + 1, chunk.start + chunk.video.shape[2]) if number % 4 == 0]


def test_noise_is_a_function_of_the_key_and_the_frame_s_number():
    def draw(generators):
        return torch.randn(1, 2, 1, 3, 3, generator=generators[0])

    noise = FrameNoise([5], draw)
    later, whole, other = noise.of([8, 12]), noise.of([0, 4, 8, 12]), FrameNoise([6], draw).of([8, 12])
    assert torch.equal(later, whole[:, :, 2:])
    assert not any(torch.equal(whole[:, :, i], whole[:, :, j]) for i, j in itertools.combinations(range(4), 2))
    assert not torch.equal(later, other)
    keys = [draw_key(torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert keys[0] == keys[1] != keys[2]
    generator = torch.Generator().manual_seed(0)
    assert draw_key(generator) != draw_key(generator)


@given(st.integers(1, 40), st.data())
def test_chunks_whose_lengths_change_on_the_way_still_blend_to_the_video(frames, data):
    video, cutter, blend, finished = counting(frames), Cutter([counting(frames)], start=3), Blend(), []
    while not cutter.finished:
        groups = data.draw(st.integers(1, 5))
        overlap = data.draw(st.integers(0, 4 * groups - 3))
        chunk = cutter.cut(Tiling(frames=4 * groups + 1, frame_overlap=overlap))
        assert chunk.start == 3 + sum(each.shape[2] for each in finished)
        finished.append(blend.add(chunk.video, chunk))
        cutter.advance(chunk)
    torch.testing.assert_close(torch.cat(finished, dim=2), video, rtol=1e-5, atol=1e-5)


def test_neighbours_fade_linearly_in_time():
    chunks = list(cut([torch.zeros(1, 3, 13, 1, 1)], Tiling(frames=9, frame_overlap=4)))
    assert [(chunk.start, chunk.done) for chunk in chunks] == [(0, 4), (4, 9)]
    blend, values = Blend(), []
    for number, chunk in enumerate(chunks):
        values += blend.add(torch.full_like(chunk.video, float(number)), chunk)[0, 0, :, 0, 0].tolist()
    assert values == pytest.approx([0] * 4 + [1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6] + [1] * 4)


def test_colours_are_held_to_those_of_the_first_chunk():
    video = torch.rand(1, 3, 13, 2, 2)
    first, second = cut([video], Tiling(frames=9, frame_overlap=4))
    blend, cast = Blend(), torch.tensor([0.1, -0.2, 0.3]).view(1, 3, 1, 1, 1)
    result = first.video + cast
    blend.hold_colours(result, first)
    assert torch.equal(result, first.video + cast)
    jumped = second.video + 2 * cast
    blend.hold_colours(jumped, second)
    torch.testing.assert_close(jumped, second.video + cast)


@pytest.mark.parametrize("lengths", [[1], [3, 8], [21]])
@pytest.mark.parametrize("frames", [1, 6, 21])
def test_a_stream_equals_the_whole_clip(enlarger, frames, lengths):
    video = torch.rand(2, 3, frames, 6, 9, generator=torch.Generator().manual_seed(1)) * 2 - 1

    def settings() -> dict:
        generators = [torch.Generator().manual_seed(seed) for seed in (3, 4)]
        chosen = {"strength": 0.3, "colour_correction": "wavelet", "scale": 2.7}
        return {**chosen, "num_inference_steps": 1, "tiling": TILING, "generator": generators}

    whole = enlarger(video, **settings()).frames
    streamed = list(enlarger.stream(pieces_of(video, lengths), Enlargement(**settings())))
    assert len(streamed) == TILING.chunks(frames)
    assert whole.shape == (2, 3, frames, 16, 24)
    torch.testing.assert_close(torch.cat(streamed, dim=2), whole, rtol=0, atol=1e-5)


def test_frames_leave_before_later_ones_are_asked_for(enlarger):
    asked = []

    def camera():
        for number in range(40):
            asked.append(number)
            yield torch.zeros(1, 3, 1, 4, 4)

    stream = enlarger.stream(camera(), Enlargement(num_inference_steps=1, tiling=TILING))
    assert next(stream).shape[2] == 4
    assert len(asked) == TILING.frames + TILING.stride


def test_a_longer_clip_begins_as_a_shorter_one(enlarger):
    video = torch.rand(1, 3, 21, 4, 4)

    def first(frames: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        arguments = {"num_inference_steps": 1, "tiling": TILING, "generator": generator}
        return enlarger(video[:, :, :frames], **arguments).frames[:, :, :8]

    torch.testing.assert_close(first(17), first(21))


def test_memory_is_flat_in_the_length_of_the_clip(fresh, monkeypatch):
    monkeypatch.setattr("cvsr.pipelines.super_resolution.encode_to_latents", pooled)
    monkeypatch.setattr("cvsr.pipelines.super_resolution.decode_from_latents", repeated)
    fresh.denoise = lambda noise, *_: noise

    def peak(frames: int) -> int:
        with Resources() as memory:
            pieces = (torch.zeros(1, 3, 5, 4, 4) for _ in range(frames // 5))
            for finished in fresh.stream(pieces, Enlargement(tiling=TILING)):
                assert finished.shape[2] <= TILING.frames
        return memory.most

    one_frame = 4 * 3 * 16 * 16  # bytes of the result
    assert 9 * one_frame < peak(20)
    assert abs(peak(200) - peak(20)) < one_frame


def pooled(_, video: torch.Tensor) -> torch.Tensor:
    return video.new_zeros(1, 4, 1 + (video.shape[2] - 1) // 4, video.shape[3] // 8, video.shape[4] // 8)


def repeated(_, latents: torch.Tensor) -> torch.Tensor:
    frames, (height, width) = 4 * latents.shape[2] - 3, latents.shape[3:]
    return latents.new_zeros(1, 3, frames, 8 * height, 8 * width)


def test_a_stream_of_nothing_and_pieces_that_do_not_fit(enlarger):
    with pytest.raises(ValueError, match=r"^pieces=\[\]: no frame came; allowed .*; try"):
        next(enlarger.stream([]))
    pieces = [torch.zeros(1, 3, 2, 8, 8), torch.zeros(1, 3, 2, 8, 9)]
    with pytest.raises(ValueError, match=r"^video=\(1, 3, 2, 8, 9\): another .*; try"):
        list(enlarger.stream(pieces))
    with pytest.raises(ValueError, match=r"^video=\(3, 2, 8, 8\): no video"):
        list(enlarger.stream([torch.zeros(3, 2, 8, 8)]))
