"""The recipe: a complete, frozen description of one training.

Every path here is a stable interface: the same words stand in YAML, `--set`, Optuna, MLflow and
reports. Components that the tables of `acutance_models` build (generator, degradation steps, loss
terms) are kept as resolved maps; their constructors' signatures are their schema.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Spec = dict[str, Any]
"""A component as data: `kind` and its constructor's arguments, all defaults filled in."""


class Part(BaseModel):
    """A frozen section of a recipe that refuses unknown keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class Data(Part):
    """Which pictures are learned from, and how LR/HR pairs are cut from them."""

    dataset: str = Field(min_length=1)
    """NAME or NAME@VERSION of a stored dataset, or a folder of pictures relative to this file."""
    degradation: list[Spec] = [{"kind": "matlab_bicubic"}]
    """HR -> LR: a chain of named steps, exactly one of which resizes."""
    patch: int = Field(default=96, ge=8)
    """Side of a training crop in HR pixels; a multiple of the scale."""
    batch: int = Field(default=16, ge=1)
    """Crops per step."""
    micro_batch: int | None = Field(default=None, ge=1)
    """Crops computed together, whose gradients are added up to the batch's; null = all of them.
    What does not fit into a machine's memory is halved here until it does."""
    augment: Literal["dihedral", "flip", "none"] = "dihedral"
    """`dihedral` draws one of the eight flips and quarter turns per crop; `flip` mirrors every
    second crop left to right, on average."""
    lr_from: Literal["picture", "crop", "stored"] = "picture"
    """LR crops are cut from the whole degraded picture, made from the HR crop, or read. Where a
    file leaves it out, LR is read if the dataset has LR pictures of this scale."""


class Adam(Part):
    """Adam (Kingma and Ba 2015), fused where torch has a fused kernel."""

    kind: Literal["adam"] = "adam"
    lr: float = Field(default=1e-4, gt=0)
    """Learning rate before the schedule."""
    betas: tuple[
        Annotated[float, Field(ge=0, lt=1)],
        Annotated[float, Field(ge=0, lt=1)],
    ] = (0.9, 0.999)
    """Decay of the first and second moment."""
    eps: float = Field(default=1e-8, gt=0)
    """Added to the denominator."""
    weight_decay: float = Field(default=0.0, ge=0)
    """L2 penalty added to the gradient (not decoupled)."""
    clip_norm: float | None = Field(default=None, gt=0)
    """Largest allowed L2 norm of the whole gradient; null = no clipping."""


class Constant(Part):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"
    warmup: int = Field(default=0, ge=0)
    """Steps of linear rise from 0 at the stage's start."""


class Multistep(Part):
    """The learning rate is multiplied by `gamma` at each milestone."""

    kind: Literal["multistep"]
    milestones: list[Annotated[int, Field(ge=1)]] = Field(min_length=1)
    """Steps from the stage's start, rising."""
    gamma: float = Field(default=0.5, gt=0, le=1)
    """Factor at each milestone."""
    warmup: int = Field(default=0, ge=0)
    """Steps of linear rise from 0 at the stage's start."""


class Cosine(Part):
    """The learning rate falls along half a cosine to `final` times its value."""

    kind: Literal["cosine"]
    final: float = Field(default=0.0, ge=0, le=1)
    """Share of the learning rate that is left at the stage's end."""
    warmup: int = Field(default=0, ge=0)
    """Steps of linear rise from 0 at the stage's start."""


Optimizer = Adam
Schedule = Annotated[Constant | Multistep | Cosine, Field(discriminator="kind")]


class Resources(Part):
    """What one trial takes of a machine."""

    cpu: int = Field(default=1, ge=1)
    """Threads of one trial, all its ranks together; part of the machine kind, since it changes
    bits."""
    gpu: Literal["auto"] | Annotated[float, Field(ge=0)] = "auto"
    """Share of a GPU, or a number of whole GPUs, each with a rank; `auto`: one for each rank where
    there are any, else none."""
    ranks: int | None = Field(default=None, ge=1)
    """Processes of one node that train together, each on its part of every batch; part of the
    machine kind. null = one for each whole GPU."""
    pack: bool | None = None
    """Whether the trials of a sweep get parts of a GPU (1/8, 1/4, 1/2, 1) by the memory that they
    are predicted to take; null = with `gpu: auto`."""
    max_gpus: float | None = Field(default=None, gt=0)
    """GPUs that all trials of a sweep may hold together; null = all that there are."""
    priority: int | None = Field(default=None, ge=-1000, le=1000)
    """Of several sweeps on one cluster the larger goes first, equals share evenly; null = 0."""
    nodes: str | None = Field(default=None, pattern="^[A-Za-z0-9_]{1,40}$")
    """What the nodes of a cluster are called on which trials run: those that declare one
    `acutance_NAME` as a resource of Ray's; null = all. Nothing on one machine."""
    share: Literal["same", "any"] = "same"
    """`same`: stages are shared between machines of one kind only; `any`: bits may differ."""


class StageData(Part):
    """What a stage cuts differently."""

    patch: int | None = Field(default=None, ge=8)
    """Side of a training crop in HR pixels; null = the recipe's `data.patch`."""
    batch: int | None = Field(default=None, ge=1)
    """Crops per step; null = the recipe's `data.batch`."""
    micro_batch: int | None = Field(default=None, ge=1)
    """Crops computed together; null = the recipe's `data.micro_batch`."""


class Group(Part):
    """Parameters of the generator that learn at a rate, or from a step, of their own."""

    match: str = Field(min_length=1)
    """Pattern of parameter names, `*` for any text: `CondNet.*`."""
    lr_factor: float = Field(default=1.0, gt=0)
    """Factor on the learning rate."""
    from_step: int = Field(default=0, ge=0)
    """First step of the stage at which they learn (SFTGAN: what is not new, from 20000 on)."""


class Stage(Part):
    """One leg of a training with its own loss mix and length.

    A stage starts from its parent's weights (the averaged ones where `ema` is set) with a new
    optimiser, schedule and discriminators.
    """

    after: str | None = None
    """The stage whose weights this one starts from; null = this is the first one."""
    init: str | None = None
    """MODEL whose weights the first stage starts from; null = the seed's first weights."""
    steps: int = Field(ge=1)
    """Length in optimiser steps; schedules count from the stage's start."""
    loss: dict[str, Spec] = Field(min_length=1)
    """Term name -> `kind`, `weight` and the loss's own arguments; shown as `loss/NAME`."""
    data: StageData = StageData()
    """Crops of this stage, where they differ from the recipe's."""
    optimizer: Spec = {}
    """Keys of the recipe's `optimizer` that differ in this stage."""
    schedule: Spec = {}
    """Keys of the recipe's `schedule` that differ; another `kind` replaces it as a whole."""
    generator: Spec = {}
    """Arguments of the recipe's generator that differ; the kind stays, and the parent's tensors
    fit by name: new ones are initialised and listed."""
    groups: list[Group] = []
    """Parameters of the generator that learn otherwise; the first pattern that fits counts."""
    freeze_batch_norm: bool = False
    """Whether the generator's batch normalisations use their running statistics and do not learn
    (SRFeat's adversarial stage)."""
    order: Literal["generator_first", "discriminator_first"] = "generator_first"
    """Who learns first from a batch: the generator (SFTGAN, ESRGAN) or the discriminators (SRFeat);
    those see the same pictures in both orders."""
    discriminator_optimizer: Spec = {}
    """Keys of this stage's `optimizer` that differ for the discriminators; `clip_norm` holds for
    them only where it stands here, for the gradient of each."""
    discriminator_rest_above: float | None = Field(default=None, ge=0.5, le=1)
    """Accuracy on both real and generated pictures of the previous batch above which a
    discriminator leaves a step out (EnhanceNet); null = it never rests."""


class Evaluation(Part):
    """When and how the validation pictures are measured; always in f32."""

    split: Literal["train", "validation", "test"] = "validation"
    """Split of the dataset that is measured."""
    every: int = Field(default=1000, ge=1)
    """Steps between two measurements; the end and every rung are measured as well."""
    protocol: str = "rcan"
    """Named rules of colour, rounding and border."""
    metrics: list[str | Spec] = Field(default=["psnr_y", "ssim_y"], min_length=1)
    """Rows of the table of metrics: NAME, or `{kind: NAME, ...}` with the metric's own arguments
    and, where one kind stands twice, a `name` to tell the values by."""
    costs: list[Literal["peak_memory", "latency_ms"]] = []
    """Costs that reports tell beside `parameters` and `macs_per_pixel`: `peak_memory`, bytes of one
    training step, predicted; `latency_ms`, milliseconds of upscaling a picture to 240 x 240,
    measured where it trains. What a sweep's objectives and constraints name is added."""


class Checkpoint(Part):
    """How often the complete state is saved; rungs and the end are always saved."""

    every: int = Field(default=1000, ge=1)
    """Steps between two checkpoints: the most work that a crash can cost."""
    keep: int = Field(default=2, ge=1)
    """How many of the newest checkpoints stay."""


class ZeroShot(Part):
    """Every picture of the evaluation split gets a network of its own.

    It is trained on its LR picture alone (ZSSR, https://arxiv.org/abs/1712.06087); HR is used for
    measuring only. The pictures are trained in lockstep: a step is one step of each network.
    `optimizer.lr` is the first learning rate, the stage's `steps` are the limit, and a network
    whose rate has ended rests. The defaults are those of the authors' code for a single jump.
    """

    crop: int = Field(default=128, ge=16)
    """Side of a father in pixels of the LR picture."""
    as_is: float = Field(default=0.05, ge=0, le=1)
    """Share of fathers that are cut out only."""
    exact: float = Field(default=0.45, ge=0, le=1)
    """Share of fathers that are turned by quarters and mirrored, without interpolation."""
    min_scale: float = Field(default=0.5, gt=0, le=1)
    """Smallest scale of the other fathers, which are warped; their largest is 1."""
    anisotropy: float = Field(default=0.25, ge=0)
    """Standard deviation of the difference between their horizontal and vertical scale."""
    shear: float = Field(default=0.1, ge=0)
    """Standard deviation of each of their two shears."""
    rotate: bool = True
    """Whether fathers are turned and mirrored at all; false for kernels that are not symmetric."""
    noise: float = Field(default=0.0, ge=0, le=1)
    """Standard deviation of the noise added to sons, where white is 1."""
    kernel: list[list[float]] | None = None
    """Rows of weights with which sons are made (correlated, then every `scale`-th pixel taken,
    after the centre of mass was moved onto the grid); null = MATLAB's bicubic."""
    ensemble: bool = True
    """Whether the result is the median over eight orientations."""
    back_projections: int = Field(default=10, ge=0)
    """Back-projections of each orientation's result, and again of their median."""
    test_every: int = Field(default=50, ge=1)
    """Steps between two reconstructions of the LR picture from its own son."""
    check_every: int = Field(default=60, ge=1)
    """Steps between two judgements of the reconstruction error's slope."""
    window: int = Field(default=256, ge=5)
    """Steps whose reconstruction errors are judged: at least five times `test_every`."""
    patience: int = Field(default=256, ge=0)
    """Steps after a change of the learning rate before the next one."""
    ratio: float = Field(default=1.5, gt=0)
    """The rate is divided by ten when -ratio * slope is below the slope's standard deviation."""
    min_lr: float = Field(default=9e-6, gt=0)
    """A network rests when its learning rate is below this."""


class Recipe(Part):
    """A complete and runnable description of one training."""

    scale: Literal[2, 3, 4, 8]
    """HR side over LR side."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Keys every random draw together with its stream and step."""
    data: Data
    """Pictures and crops."""
    generator: Spec
    """The SR network: `kind` or `preset`, and its constructor's arguments."""
    optimizer: Optimizer = Adam()
    """The generator's optimiser."""
    schedule: Schedule = Constant()
    """Learning rate over the steps of a stage."""
    precision: Literal["f32", "bf16", "auto"] = "f32"
    """Arithmetic of the training step; `auto` is bf16 where the machine computes it natively."""
    resources: Resources = Resources()
    """Threads, GPUs and ranks of one trial."""
    ema: float | None = Field(default=None, gt=0, lt=1)
    """Decay of the weights' moving average; when set, the average is what is measured and kept."""
    stages: dict[str, Stage] = Field(min_length=1)
    """The training's stages by name, a chain by `after`."""
    evaluation: Evaluation = Evaluation()
    """Measurement during training."""
    checkpoint: Checkpoint = Checkpoint()
    """Saving during training."""
    zero_shot: ZeroShot | None = None
    """A network per picture, trained on that picture alone; null = one network for all."""
    plugins: list[str] = []
    """Importable modules whose `register(tables)` adds rows to the tables."""

    @property
    def steps(self) -> int:
        """Length of the whole training in steps."""
        return sum(stage.steps for stage in self.stages.values())
