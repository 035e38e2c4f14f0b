"""SeedVR's super-resolution: the common pipeline with the mask that its network is given, and its own sampling."""

from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.presets import SEEDVR_SAMPLING


class SeedVRPipeline(SuperResolutionPipeline):
    """The paper samples in 50 steps with guidance 6.5 (section 4); the teaching weights do best in one, without."""

    sampling = SEEDVR_SAMPLING

    def input_channels(self, channels: int) -> list[int]:
        """The noisy latents, the input's, and the mask (`cvsr.models.conditioning`)."""
        return [2 * channels + 1]
