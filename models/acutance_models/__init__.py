"""Tensors: generators, losses, degradations, metrics; what a picture goes through, and no places.

Pictures come and go as arrays, weights as bytes. Nothing here opens a file, asks a clock or reads
global random state.
"""

from acutance_models.back_projection import back_project
from acutance_models.color import luma_planes, rgb_to_y, rgb_to_ycbcr, ycbcr_to_rgb
from acutance_models.degradations import DEGRADATIONS, Degradation, check_degradation
from acutance_models.describe import count_parameters, macs_per_pixel
from acutance_models.discriminators import (
    DISCRIMINATORS,
    Discriminator,
    Verdict,
    build_discriminator,
    check_discriminator,
)
from acutance_models.ensemble import self_ensemble
from acutance_models.errors import (
    DegradationError,
    DiscriminatorError,
    FeatureError,
    GeneratorError,
    ImportRefused,
    InterpolationError,
    LossError,
    ModelsError,
    PictureError,
    Problem,
    ProtocolError,
    RegistryError,
    WeightsError,
)
from acutance_models.features import (
    FEATURES,
    FeatureNetwork,
    build_features,
    check_features,
    feature_layers,
    resolve_features,
    weights_name,
)
from acutance_models.generators import (
    GENERATORS,
    PRESETS,
    Preset,
    build_generator,
    check_generator,
    resolve_generator,
)
from acutance_models.importing import Imported, import_weights
from acutance_models.interfaces import Generator
from acutance_models.interpolation import PictureMix, interpolate
from acutance_models.losses import (
    LOSSES,
    TERM_HEADS,
    Critique,
    FeatureLoss,
    Health,
    LossMix,
    PictureLoss,
    TermHead,
    VerdictLoss,
    Views,
    check_terms,
    discriminator_health,
    discriminator_rests,
    resolve_term,
)
from acutance_models.metrics import (
    METRICS,
    Entry,
    Metric,
    build_metrics,
    fit_niqe,
    metric_files,
    metric_name,
    pooled,
    resolve_metric,
)
from acutance_models.protocols import (
    PROTOCOLS,
    Protocol,
    default_metrics,
    find_protocol,
    pirm_region,
)
from acutance_models.published import FIGURES, Figure, published_figures
from acutance_models.registry import Registry
from acutance_models.resize import bicubic_upscale, crop_to_multiple, matlab_resize
from acutance_models.rng import stream
from acutance_models.scoring import degrade, degrade_luma, score, score_bicubic, score_luma
from acutance_models.tiling import upscale
from acutance_models.weights import (
    dump_weights,
    load_generator,
    load_generators,
    read_header,
    read_tensors,
)

__all__ = [
    "DEGRADATIONS",
    "DISCRIMINATORS",
    "FEATURES",
    "FIGURES",
    "GENERATORS",
    "LOSSES",
    "METRICS",
    "PRESETS",
    "PROTOCOLS",
    "TERM_HEADS",
    "Critique",
    "Degradation",
    "DegradationError",
    "Discriminator",
    "DiscriminatorError",
    "Entry",
    "FeatureError",
    "FeatureLoss",
    "FeatureNetwork",
    "Figure",
    "Generator",
    "GeneratorError",
    "Health",
    "ImportRefused",
    "Imported",
    "InterpolationError",
    "LossError",
    "LossMix",
    "Metric",
    "ModelsError",
    "PictureError",
    "PictureLoss",
    "PictureMix",
    "Preset",
    "Problem",
    "Protocol",
    "ProtocolError",
    "Registry",
    "RegistryError",
    "TermHead",
    "Verdict",
    "VerdictLoss",
    "Views",
    "WeightsError",
    "back_project",
    "bicubic_upscale",
    "build_discriminator",
    "build_features",
    "build_generator",
    "build_metrics",
    "check_degradation",
    "check_discriminator",
    "check_features",
    "check_generator",
    "check_terms",
    "count_parameters",
    "crop_to_multiple",
    "default_metrics",
    "degrade",
    "degrade_luma",
    "discriminator_health",
    "discriminator_rests",
    "dump_weights",
    "feature_layers",
    "find_protocol",
    "fit_niqe",
    "import_weights",
    "interpolate",
    "load_generator",
    "load_generators",
    "luma_planes",
    "macs_per_pixel",
    "matlab_resize",
    "metric_files",
    "metric_name",
    "pirm_region",
    "pooled",
    "published_figures",
    "read_header",
    "read_tensors",
    "resolve_features",
    "resolve_generator",
    "resolve_metric",
    "resolve_term",
    "rgb_to_y",
    "rgb_to_ycbcr",
    "score",
    "score_bicubic",
    "score_luma",
    "self_ensemble",
    "stream",
    "upscale",
    "weights_name",
    "ycbcr_to_rgb",
]
