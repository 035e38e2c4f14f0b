"""Adversarial training: the losses' values, whom each gradient reaches, and a frozen encoder that stays the same."""

import pytest
import torch
from torch import Tensor, nn

from cvsr.training.adversarial import AdversarialTraining, discriminator_loss, generator_loss


def test_hinge_losses_have_their_closed_form():
    real, fake = torch.tensor([2.0, 1.0, 0.0, -1.0]), torch.tensor([-3.0, -1.0, 0.0, 1.0])
    assert discriminator_loss(real, fake).item() == (0 + 0 + 1 + 2) / 4 + (0 + 0 + 1 + 2) / 4
    assert discriminator_loss(torch.zeros(1), torch.zeros(1)).item() == 2
    assert generator_loss(fake).item() == 0.75


@pytest.fixture
def module() -> AdversarialTraining:
    training = AdversarialTraining("tiny", discriminator_width=4, perceptual_weight=0.3, adversarial_weight=0.5)
    training.discriminator.eval()  # no power iteration between two looks
    training.logged = {}
    training.log_dict = lambda losses, **_: training.logged.update(losses)
    return training


def clip() -> Tensor:
    return torch.rand(2, 3, 5, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def gradients(network: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


def test_the_loss_is_the_weighted_sum_of_its_parts(module):
    loss = module.training_step(clip(), 0)
    l1, perceptual, kl, adversarial, discriminator = (
        module.logged[f"train/{name}"] for name in ("l1", "perceptual", "kl", "adversarial", "discriminator")
    )
    torch.testing.assert_close(loss, l1 + 0.3 * perceptual + 1e-6 * kl + 0.5 * adversarial + discriminator)
    reconstruction = module.reconstruct(clip())[0]
    torch.testing.assert_close(l1, (reconstruction - clip()).abs().mean())
    torch.testing.assert_close(adversarial, -module.discriminator(reconstruction).mean())


def test_each_network_learns_from_its_own_loss_and_the_others_learn_nothing(module):
    module.training_step(clip(), 0).backward()
    decoder, discriminator = gradients(module.autoencoder), gradients(module.discriminator)
    assert decoder.keys() == {name for name, _ in module.autoencoder.named_parameters() if "decoder." in name}
    assert discriminator.keys() == dict(module.discriminator.named_parameters()).keys()
    assert not gradients(module.perceptual)

    module.zero_grad()
    reconstruction = module.reconstruct(clip())[0]
    discriminator_loss(module.discriminator(clip()), module.discriminator(reconstruction.detach())).backward()
    assert not gradients(module.autoencoder)
    torch.testing.assert_close(gradients(module.discriminator), discriminator)

    module.zero_grad()
    module.training_step(clip(), 0)
    parts = module.logged
    (parts["train/l1"] + 0.3 * parts["train/perceptual"] + 0.5 * parts["train/adversarial"]).backward()
    torch.testing.assert_close(gradients(module.autoencoder), decoder)
    assert not gradients(module.discriminator)


def test_one_optimizer_holds_what_learns_each_at_its_own_rate(module):
    optimizer = module.configure_optimizers()
    held = [p for group in optimizer.param_groups for p in group["params"]]
    wanted = [*module.autoencoder.decoder.parameters(), *module.discriminator.parameters()]
    assert {id(p) for p in held} == {id(p) for p in wanted}
    assert len(held) == len(wanted)
    assert optimizer.param_groups[-1]["params"] == list(module.discriminator.parameters())
    assert optimizer.param_groups[-1]["lr"] == module.hparams.discriminator_rate


@pytest.mark.parametrize(("limit", "algorithm", "expected"), [(1.0, "norm", 1.0), (None, None, 50.0)])
def test_gradients_are_clipped_a_network_at_a_time(module, limit, algorithm, expected):
    module.training_step(clip(), 0).backward()
    networks = (module.autoencoder, module.discriminator)
    for network, length in zip(networks, (50.0, 0.5), strict=True):
        norm = torch.cat([g.flatten() for g in gradients(network).values()]).norm()
        for parameter in network.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(length / norm)
    module.configure_gradient_clipping(module.configure_optimizers(), limit, algorithm)
    norms = [torch.cat([g.flatten() for g in gradients(n).values()]).norm().item() for n in networks]
    assert norms == pytest.approx([expected, 0.5], rel=1e-4)


def test_images_are_videos_of_one_frame(module):
    assert torch.isfinite(module.training_step(clip()[:, :, :1], 0))
