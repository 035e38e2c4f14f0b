"""Windows of any size: check figures of the released model, and properties for every size."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.models.windows import AdaptiveWindow, FixedWindow, axis_spans, pack_with_text, partition

SIZES = st.tuples(st.integers(1, 9), st.integers(1, 14), st.integers(1, 14))
WINDOWS = st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9))


def test_the_released_rule_gives_the_check_figures():
    size, rule = (26, 45, 80), AdaptiveWindow()
    assert rule.window(size) == (7, 15, 27)
    regular = [len(axis_spans(n, w, False)) for n, w in zip(size, rule.window(size), strict=True)]
    shifted = [axis_spans(n, w, True) for n, w in zip(size, rule.window(size), strict=True)]
    assert regular == [4, 3, 3]
    assert [len(spans) for spans in shifted] == [5, 4, 4]
    assert [start for start, _ in shifted[0]] + [shifted[0][-1][1]] == [0, 3, 10, 17, 24, 26]


@given(size=SIZES, window=WINDOWS, shifted=st.booleans())
@settings(max_examples=60)
def test_a_partition_is_a_permutation_and_its_inverse_exact(size, window, shifted):
    cut = partition(size, FixedWindow(window), shifted)
    tokens = torch.arange(math.prod(size))
    assert torch.equal(cut.order.sort().values, tokens)
    assert torch.equal(tokens[cut.order][cut.inverse], tokens)
    assert sum(cut.lengths) == len(tokens)
    assert all(length <= math.prod(window) for length in cut.lengths)


@given(size=SIZES, window=WINDOWS, shifted=st.booleans())
@settings(max_examples=60)
def test_coordinates_are_positions_inside_the_window(size, window, shifted):
    cut = partition(size, FixedWindow(window), shifted)
    grid = torch.stack(torch.meshgrid(*map(torch.arange, size), indexing="ij"), -1).flatten(0, 2)
    place = 0
    for box, length in zip(cut.spans, cut.lengths, strict=True):
        inside = slice(place, place + length)
        corner = torch.tensor([start for start, _ in box])
        assert torch.equal(grid[cut.order[inside]] - corner, cut.coordinates[inside].long())
        place += length


@given(length=st.integers(1, 200), window=st.integers(1, 60), shifted=st.booleans())
def test_spans_follow_each_other_and_cover_the_axis(length, window, shifted):
    spans = axis_spans(length, window, shifted)
    assert [spans[0][0], spans[-1][1]] == [0, length]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(spans))
    assert all(0 < stop - start <= window for start, stop in spans)
    if window < length and window > 1:
        assert (spans[0][1] == window // 2) == (shifted or window // 2 == window)


def test_windows_of_one_shape_stand_together():
    shapes = [tuple(b - a for a, b in box) for box in partition((6, 10, 14), FixedWindow((4, 4, 4)), True).spans]
    runs = 1 + sum(a != b for a, b in itertools.pairwise(shapes))
    assert runs == len(set(shapes))


@given(sizes=st.lists(SIZES, min_size=1, max_size=3), window=WINDOWS, shifted=st.booleans(), data=st.data())
@settings(max_examples=40)
def test_a_packing_holds_every_window_of_every_clip_once_with_its_text(sizes, window, shifted, data):
    texts = data.draw(st.tuples(*(st.integers(1, 5) for _ in sizes)))
    cuts = tuple(partition(size, FixedWindow(window), shifted) for size in sizes)
    packing, tokens = pack_with_text(cuts, texts), [math.prod(size) for size in sizes]
    clip_of = [b for b, count in enumerate(tokens) for _ in range(count)]
    text_clip_of = [b for b, count in enumerate(texts) for _ in range(count)]
    found = []
    for segment in packing.rows.split(packing.lengths):
        video, text = segment[segment < sum(tokens)], segment[segment >= sum(tokens)] - sum(tokens)
        (clip,) = {clip_of[row] for row in video}
        assert text.tolist() == [row for row, owner in enumerate(text_clip_of) if owner == clip]
        found.append((clip, tuple((video - sum(tokens[:clip])).tolist())))
    wanted = [(b, tuple(part.tolist())) for b, cut in enumerate(cuts) for part in cut.order.split(cut.lengths)]
    assert sorted(found) == sorted(wanted)
    assert packing.rows[packing.video_places].tolist() == list(range(sum(tokens)))
    copies = torch.arange(sum(texts)).repeat_interleave(packing.copies) + sum(tokens)
    assert torch.equal(packing.rows[packing.text_places], copies)
    assert list(packing.lengths) == sorted(packing.lengths)


def test_a_clip_without_text_is_refused():
    cut = partition((1, 2, 2), FixedWindow((1, 2, 2)), False)
    with pytest.raises(ValueError, match="allowed one for each of 2 clips"):
        pack_with_text((cut, cut), (3,))


def test_a_window_grows_with_the_share_of_its_side_not_with_the_resolution():
    rule = AdaptiveWindow()
    assert math.prod(rule.window((26, 90, 160))) == math.prod(rule.window((26, 45, 80)))
    assert rule.window((1, 45, 80))[0] == 1


@pytest.mark.parametrize("make", [lambda: FixedWindow((0, 4, 4)), lambda: AdaptiveWindow((4, 3, 0))])
def test_a_rule_without_windows_is_refused(make):
    with pytest.raises(ValueError, match="allowed three numbers >= 1"):
        make()


def test_an_axis_without_tokens_is_refused():
    with pytest.raises(ValueError, match="length=0"):
        axis_spans(0, 4, False)
