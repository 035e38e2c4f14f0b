"""How one paper scores eight methods by eight metrics, and how two papers score the same two: figures only."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Scores:
    """A column of SeedVR's table 1 on one set of clips; more is better, but in LPIPS, DISTS and NIQE."""

    psnr: float  # dB
    ssim: float
    lpips: float
    dists: float
    niqe: float
    musiq: float
    clip_iqa: float
    dover: float


TITLES = dict(
    zip(
        (field.name for field in fields(Scores)),
        ("PSNR", "SSIM", "LPIPS", "DISTS", "NIQE", "MUSIQ", "CLIP-IQA", "DOVER"),
        strict=True,
    )
)
LESS_IS_BETTER = {"lpips", "dists", "niqe"}

# SeedVR, table 1: its four sets of damaged clips, whose truth is known.
RESTORATION = {
    "SPMCS": {
        "Real-ESRGAN": Scores(22.55, 0.637, 0.406, 0.189, 3.355, 62.78, 0.451, 8.566),
        "SD ×4 upscaler": Scores(22.75, 0.535, 0.554, 0.247, 5.883, 42.09, 0.402, 4.413),
        "ResShift": Scores(23.14, 0.598, 0.547, 0.261, 6.246, 55.11, 0.598, 5.342),
        "RealViFormer": Scores(24.19, 0.663, 0.378, 0.186, 3.431, 62.09, 0.424, 7.664),
        "MGLD-VSR": Scores(23.41, 0.633, 0.369, 0.166, 3.315, 65.25, 0.495, 8.471),
        "Upscale-A-Video": Scores(21.69, 0.519, 0.508, 0.229, 3.272, 65.01, 0.507, 6.237),
        "VEnhancer": Scores(18.2, 0.507, 0.455, 0.194, 4.328, 54.94, 0.334, 7.807),
        "SeedVR": Scores(22.37, 0.607, 0.341, 0.141, 3.207, 64.28, 0.587, 10.508),
    },
    "UDM10": {
        "Real-ESRGAN": Scores(24.78, 0.763, 0.27, 0.156, 4.365, 54.18, 0.398, 7.958),
        "SD ×4 upscaler": Scores(26.01, 0.698, 0.424, 0.234, 6.014, 30.33, 0.277, 3.169),
        "ResShift": Scores(25.56, 0.743, 0.417, 0.211, 5.941, 51.34, 0.537, 5.111),
        "RealViFormer": Scores(26.7, 0.796, 0.285, 0.166, 3.922, 55.6, 0.397, 7.259),
        "MGLD-VSR": Scores(26.11, 0.772, 0.273, 0.144, 3.814, 58.01, 0.443, 7.717),
        "Upscale-A-Video": Scores(24.62, 0.712, 0.323, 0.178, 3.494, 58.31, 0.458, 9.238),
        "VEnhancer": Scores(21.48, 0.691, 0.349, 0.175, 4.883, 46.37, 0.304, 8.087),
        "SeedVR": Scores(25.76, 0.771, 0.231, 0.116, 3.514, 59.14, 0.524, 10.537),
    },
    "REDS30": {
        "Real-ESRGAN": Scores(21.67, 0.573, 0.389, 0.179, 2.879, 57.97, 0.403, 5.552),
        "SD ×4 upscaler": Scores(22.94, 0.563, 0.551, 0.268, 6.718, 25.57, 0.202, 2.737),
        "ResShift": Scores(22.72, 0.572, 0.509, 0.234, 6.258, 47.5, 0.554, 3.712),
        "RealViFormer": Scores(23.34, 0.615, 0.328, 0.154, 3.032, 58.6, 0.392, 5.229),
        "MGLD-VSR": Scores(22.74, 0.578, 0.271, 0.097, 2.55, 62.28, 0.444, 6.544),
        "Upscale-A-Video": Scores(21.44, 0.514, 0.397, 0.181, 2.561, 56.39, 0.398, 5.234),
        "VEnhancer": Scores(19.83, 0.545, 0.508, 0.229, 4.615, 37.95, 0.245, 5.549),
        "SeedVR": Scores(20.44, 0.534, 0.346, 0.138, 2.729, 57.55, 0.451, 6.673),
    },
    "YouHQ40": {
        "Real-ESRGAN": Scores(22.31, 0.605, 0.342, 0.169, 3.721, 56.45, 0.371, 10.92),
        "SD ×4 upscaler": Scores(22.51, 0.528, 0.518, 0.242, 5.954, 36.74, 0.328, 5.761),
        "ResShift": Scores(22.67, 0.579, 0.432, 0.215, 5.458, 54.96, 0.59, 7.618),
        "RealViFormer": Scores(23.26, 0.606, 0.362, 0.193, 3.172, 61.88, 0.438, 9.483),
        "MGLD-VSR": Scores(22.62, 0.576, 0.356, 0.166, 3.255, 63.95, 0.509, 10.503),
        "Upscale-A-Video": Scores(21.32, 0.503, 0.404, 0.196, 3.0, 64.45, 0.471, 9.957),
        "VEnhancer": Scores(18.68, 0.51, 0.449, 0.175, 4.161, 54.18, 0.352, 11.444),
        "SeedVR": Scores(21.15, 0.554, 0.298, 0.118, 2.913, 67.45, 0.635, 12.788),
    },
}

# Two methods on REDS30 in two papers, each its table 1; DOVER goes to 100 in one of them and to 1 in the other.
SCORED_TWICE = {
    "Upscale-A-Video": {
        "SeedVR's table": {"PSNR": 21.44, "SSIM": 0.514, "LPIPS": 0.397, "MUSIQ": 56.39, "DOVER": 5.234},
        "PatchVSR's table": {"PSNR": 31.257, "SSIM": 0.661, "LPIPS": 0.328, "MUSIQ": 42.575, "DOVER": 0.310},
    },
    "VEnhancer": {
        "SeedVR's table": {"PSNR": 19.83, "SSIM": 0.545, "LPIPS": 0.508, "MUSIQ": 37.95, "DOVER": 5.549},
        "PatchVSR's table": {"PSNR": 28.544, "SSIM": 0.611, "LPIPS": 0.421, "MUSIQ": 44.533, "DOVER": 0.344},
    },
}


def goodness(clips: str, metric: str) -> dict[str, float]:
    """Method → its score on a set of clips, with the sign turned where less is better: more is better."""
    sign = -1 if metric in LESS_IS_BETTER else 1
    return {method: sign * getattr(scores, metric) for method, scores in RESTORATION[clips].items()}
