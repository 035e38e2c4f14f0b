"""A patch discriminator: which places of a video look like a recording, and which like a reconstruction.

It teaches the decoder detail and is thrown away afterwards, so it need not be causal: it looks at past and future.
"""

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

HALVINGS = ((1, 2, 2), (2, 2, 2), (2, 2, 2))  # strides in time, height and width, down to the latent grid


class PatchDiscriminator(nn.Module):
    """Convolutions in time and space that end in one score a patch (PatchGAN, Isola et al. 2017, section 3.2).

    Spectral normalisation (Miyato et al. 2018) bounds how fast a score can change with the picture, so that what the
    decoder learns from it stays bounded, too. Nothing is normalised over batch, frames or positions: images, which
    are videos of one frame, and videos of any size are judged alike.

    Args:
        width: channels of the first layer; the later ones have twice and four times as many.
    """

    def __init__(self, width: int = 32):
        super().__init__()
        layers, before = [], 3
        for after, stride in zip((width, 2 * width, 4 * width), HALVINGS, strict=True):
            convolution = nn.Conv3d(before, after, (3, 4, 4), stride, padding=1)
            layers += [spectral_norm(convolution), nn.LeakyReLU(0.2)]
            before = after
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv3d(before, 1, 3, padding=1)))

    def forward(self, video: Tensor) -> Tensor:
        """Scores of videos (B, 3, T, H, W) in [-1, 1], high where they look real, one a position: (B, 1, t, h, w).

        t = 1 + (T-1)/4, h = H/8, w = W/8, as of the latents.
        """
        return self.layers(video)
