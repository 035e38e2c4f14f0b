"""Operations are counted as the closed form says, time as the least of many rounds."""

import time

import pytest
import torch

from cvsr.evaluation.cost import (
    attention_flops,
    count_flops,
    least_seconds,
    matrix_product,
    pairs_in_blocks,
    pairs_in_segments,
    peak_bytes,
)
from cvsr.measurements.published import ATTENTION_OPERATORS
from cvsr.models.windows import FixedWindow, partition


def test_a_matrix_product_costs_two_operations_a_multiplication():
    product, flops = matrix_product(64)
    assert count_flops(product) == flops == 2 * 64**3


def test_a_convolution_and_an_attention():
    image, kernel = torch.randn(1, 3, 10, 10), torch.randn(5, 3, 3, 3)
    assert count_flops(lambda: torch.nn.functional.conv2d(image, kernel, padding=1)) == 2 * 3 * 9 * 5 * 100
    q = torch.randn(1, 2, 20, 8)  # 4 N² D with D = 2 heads of 8
    assert count_flops(lambda: torch.nn.functional.scaled_dot_product_attention(q, q, q)) == 4 * 20**2 * 16


def test_a_backward_pass_counts():
    x, layer = torch.randn(4, 8), torch.nn.Linear(8, 8)
    forward = count_flops(lambda: layer(x))
    assert count_flops(lambda: layer(x).sum().backward()) == 2 * forward  # only the weights need a gradient


def test_attention_costs_what_its_products_and_projections_do():
    tokens, width = 20, 16
    flops = attention_flops(pairs_in_segments([tokens]), tokens, width)
    q, x, matrix = torch.randn(1, 2, tokens, width // 2), torch.randn(tokens, width), torch.randn(width, width)
    assert flops.core == count_flops(lambda: torch.nn.functional.scaled_dot_product_attention(q, q, q))
    assert flops.projections == 4 * count_flops(lambda: x @ matrix)
    assert flops.layer == flops.core + flops.projections


def test_blocks_that_read_all_others_are_full_attention():
    assert pairs_in_blocks([6, 6, 2, 3], 99) == 17**2
    assert pairs_in_blocks([5], 1) == 25
    assert pairs_in_blocks([4, 4, 4], 1) == 12 * 8


def test_the_costs_of_simplegvrs_table_2():
    size, width = (5, 48, 54), 1920  # not in the paper: 12,960 tokens are 120 of its blocks, and give its figures
    tokens = 5 * 48 * 54
    windows = partition(size, FixedWindow((5, 9, 18)), shifted=False).lengths  # likewise
    pairs = {
        "full": pairs_in_segments([tokens]),
        "swin": pairs_in_segments(windows),
        "sparse": pairs_in_blocks((tokens // 108) * [108], 1),
    }
    flops = {name: attention_flops(count, tokens, width) for name, count in pairs.items()}
    published = {name: ATTENTION_OPERATORS[name].gflop for name in pairs}
    assert flops["full"].layer / 1e9 == pytest.approx(published["full"], rel=0.05)
    for name in ("swin", "sparse"):
        ratio = flops[name].layer / flops["full"].layer
        assert ratio == pytest.approx(published[name] / published["full"], rel=0.04)
    assert flops["sparse"].core / flops["full"].core == pytest.approx(2 * 108 / tokens)  # 1 in 60, not 1 in 4
    assert flops["sparse"].projections / flops["sparse"].layer > 0.9  # what is left are the projections


def test_sides_take_turns_and_the_least_time_counts():
    order = []

    def slow():
        order.append("slow")
        time.sleep(0.02 if len(order) > 2 else 0.1)  # the warm-up is slower and does not count

    seconds = least_seconds({"slow": slow, "fast": lambda: order.append("fast")}, rounds=2)
    assert order == ["slow", "fast"] * 3
    assert seconds["slow"] == pytest.approx(0.02, abs=0.02)
    assert seconds["fast"] < 0.01


def test_peak_bytes_are_those_held_at_a_time():
    def call():
        first = torch.zeros(1000)  # 4 kB
        second = first + 1
        del first
        third = second + 1
        return third.sum()

    held = torch.zeros(100_000)
    assert 8000 <= peak_bytes(call) <= 8200
    assert peak_bytes(lambda: held.sum()) < 200
    assert peak_bytes(lambda: [torch.zeros(1000) for _ in range(5)]) == pytest.approx(20_000, rel=0.02)
