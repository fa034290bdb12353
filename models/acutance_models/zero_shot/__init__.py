"""Zero-shot super-resolution: what a network learns from one picture, formula by formula.

Shocher, Cohen, Irani, "Zero-Shot Super-Resolution using Deep Internal Learning", CVPR 2018,
https://arxiv.org/abs/1712.06087; numbers from the authors' code
(https://github.com/assafshocher/ZSSR, TensorFlow 1).
"""

from acutance_models.zero_shot.fathers import Augmentation, draw_father, warp
from acutance_models.zero_shot.jumps import Jump, jumps
from acutance_models.zero_shot.slope import SlopeRule, fitted_slope
from acutance_models.zero_shot.sons import Shrink, enlarge, fitted_kernel, with_noise

__all__ = [
    "Augmentation",
    "Jump",
    "Shrink",
    "SlopeRule",
    "draw_father",
    "enlarge",
    "fitted_kernel",
    "fitted_slope",
    "jumps",
    "warp",
    "with_noise",
]
