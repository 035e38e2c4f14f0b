"""At the end of a run its weights are a mean of the first and the last, whether it was interrupted or not."""

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer, seed_everything
from torch import nn
from torch.utils.data import DataLoader

from cvsr.training.weight_mixing import MixWithStart


class Line(LightningModule):
    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor([4.0, -2.0]))
        self.fixed = nn.Parameter(torch.ones(1), requires_grad=False)

    def training_step(self, x, index):
        return (self.slope * x).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def fit(folder, steps, *callbacks, ckpt_path=None):
    seed_everything(0)
    line = Line()
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    trainer = Trainer(default_root_dir=folder, max_steps=steps, callbacks=list(callbacks), **quiet)
    trainer.fit(line, DataLoader(torch.ones(8, 2), batch_size=1), ckpt_path=ckpt_path)
    return line, trainer


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_weights_are_mixed_at_the_end(tmp_path, share):
    last = fit(tmp_path, 3)[0].slope
    mixed, _ = fit(tmp_path, 3, MixWithStart(share))
    assert not torch.allclose(last, Line().slope)
    torch.testing.assert_close(mixed.slope, share * Line().slope + (1 - share) * last)
    assert torch.equal(mixed.fixed, torch.ones(1))


def test_a_resumed_run_mixes_in_where_it_first_began(tmp_path):
    whole, _ = fit(tmp_path, 4, MixWithStart())
    _, trainer = fit(tmp_path, 2)
    begun = MixWithStart()
    begun.start = {"slope": Line().slope.detach().clone()}
    trainer.callbacks.append(begun)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    resumed, _ = fit(tmp_path, 4, MixWithStart(), ckpt_path=tmp_path / "half.ckpt")
    assert torch.equal(resumed.slope, whole.slope)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_other_shares_are_refused(share):
    with pytest.raises(ValueError, match=f"share={share}"):
        MixWithStart(share)
