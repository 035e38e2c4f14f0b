"""The learning rate over a budget, and budgets that make no sense."""

import itertools

import pytest

from cvsr.training.budget import Budget


def test_rate_warms_up_stays_and_cools_down():
    budget = Budget(steps=100, warmup=10, cooldown=0.5)
    factors = [budget.factor(step, budget.progress(step)) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[10:51] == [1.0] * 41
    assert factors[75] == pytest.approx(0.5)
    assert factors[100] == 0.01
    assert all(a >= b for a, b in itertools.pairwise(factors[10:]))


def test_minutes_count_over_resumed_parts(monkeypatch):
    clock = iter([100.0, 130.0, 130.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    budget = Budget(minutes=2)
    budget.load_state_dict({"seconds": 60.0})
    budget.on_train_start(None, None)
    assert budget.elapsed() == 90.0
    assert budget.progress(0) == 0.75


@pytest.mark.parametrize(
    "given", [{}, {"minutes": 1, "steps": 2}, {"minutes": -1}, {"steps": 5, "cooldown": 2}]
)
def test_budgets_that_make_no_sense_are_refused(given):
    with pytest.raises(ValueError, match="allowed"):
        Budget(**given)
