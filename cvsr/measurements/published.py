"""What papers report, to stand beside what we measure: figures only, each with its table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedAutoencoder:
    """A row of SeedVR's table 2. `temporal` is None for codecs of single images; parameters in millions."""

    parameters: float
    temporal: int | None
    spatial: int
    channels: int
    psnr: float  # dB
    ssim: float
    lpips: float
    rfvd: float


# SeedVR, table 2; the last row is its own.
AUTOENCODERS = {
    "SD 2.1": PublishedAutoencoder(83.7, None, 8, 4, 29.50, 0.9050, 0.0998, 8.14),
    "VEnhancer": PublishedAutoencoder(97.7, None, 8, 4, 30.81, 0.9356, 0.0751, 11.10),
    "Cosmos": PublishedAutoencoder(90.2, 4, 8, 16, 32.34, 0.9484, 0.0847, 13.02),
    "OpenSora": PublishedAutoencoder(393.3, 4, 8, 4, 27.70, 0.8893, 0.1661, 47.04),
    "OpenSoraPlan v1.3": PublishedAutoencoder(147.3, 4, 8, 16, 30.41, 0.9280, 0.0976, 27.70),
    "CV-VAE (SD3)": PublishedAutoencoder(181.9, 4, 8, 16, 33.21, 0.9612, 0.0589, 6.50),
    "CogVideoX": PublishedAutoencoder(215.6, 4, 8, 16, 34.30, 0.9650, 0.0623, 6.06),
    "SeedVR": PublishedAutoencoder(250.6, 4, 8, 16, 33.83, 0.9643, 0.0517, 1.85),
}

@dataclass(frozen=True)
class PublishedOperator:
    """A row of SimpleGVR's table 2: GFLOP of an attention layer; more is better in MUSIQ and the three of DOVER."""

    gflop: float
    musiq: float
    technical: float
    aesthetic: float
    overall: float


# SimpleGVR, table 2: trained with each for 20,000 steps on 17 frames; sparse with blocks of 12×9 and one other.
ATTENTION_OPERATORS = {
    "full": PublishedOperator(1612.5, 62.19, 18.92, 98.83, 69.64),
    "swin": PublishedOperator(452.6, 59.33, 17.80, 98.73, 67.95),
    "sparse": PublishedOperator(377.1, 61.64, 18.51, 98.81, 69.11),
}


@dataclass(frozen=True)
class PublishedSampler:
    """A row of SimpleGVR's figure 6; more is better in MUSIQ and the three of DOVER."""

    musiq: float
    technical: float
    aesthetic: float
    overall: float


# SimpleGVR, figure 6: trained with each for 20,000 steps on 17 frames, on AIGC100.
TIMESTEP_SAMPLERS = {
    "uniform": PublishedSampler(62.04, 18.58, 98.78, 68.94),
    "detail-aware": PublishedSampler(62.19, 18.92, 98.83, 69.64),
}

# Seconds a training iteration by window, (frames, side) in latent positions: SeedVR, table 3.
WINDOW_SECONDS = {
    (1, 8): 455.49,
    (1, 16): 138.29,
    (1, 32): 58.37,
    (1, 64): 23.68,
    (5, 8): 345.78,
    (5, 16): 110.01,
    (5, 32): 46.49,
    (5, 64): 20.29,
}
