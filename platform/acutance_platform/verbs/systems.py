"""`systems`, `import` and `reproduce`: the papers' networks, their weights and their figures."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from acutance_models import (
    PRESETS,
    Figure,
    Generator,
    Preset,
    build_generator,
    count_parameters,
    dump_weights,
    import_weights,
    macs_per_pixel,
    published_figures,
)
from acutance_platform.recipe import Problem, RecipeErrors, refuse
from acutance_platform.verbs.addresses import load_model
from acutance_platform.verbs.evaluation import evaluate
from acutance_platform.verbs.home import Home, StrPath, open_home
from acutance_platform.verbs.model import Model
from acutance_platform.verbs.written import write_whole

_OTHER_NAMES = {"bsd100": "B100", "bsds100": "B100"}
"""What folders of a set are called elsewhere, in small letters."""


@dataclass(frozen=True)
class SystemRow:
    """One preset at one scale."""

    system: str
    """The paper."""
    preset: str
    """Its name in a recipe: `generator: {preset: NAME}`."""
    scale: int
    """SR side over LR side."""
    parameters: int
    """Trainable parameters of our network."""
    published_parameters: int | None
    """The same as its source states it; None where it states none."""
    macs_per_pixel: float
    """Multiply-adds of all convolutions per HR pixel."""
    published_multiply_adds: float | None
    """Billions of multiply-adds for a 1280x720 HR picture, as its source states them, or None."""
    receptive_field: int | None
    """Side in LR pixels; None = the whole picture."""
    source: str
    """Where the published number comes from."""

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `systems --json` prints."""
        return asdict(self)


@dataclass(frozen=True)
class Reproduced:
    """One published figure beside ours."""

    variant: str
    """What was measured, in the source's words, e.g. "RCAN+"."""
    set: str
    """Benchmark set, the folder's name."""
    metric: str
    """psnr_y or psnr_rgb in dB, or ssim_y or ssim_rgb."""
    protocol: str
    """How both were measured."""
    published: float
    """As printed in the source."""
    ours: float
    """Measured from the given weights."""
    source: str
    """Where the published figure stands."""
    self_ensemble: bool
    """Whether both are means of eight orientations."""
    tile: int | None
    """Side of the LR tiles that ours was made in; None = whole pictures."""

    @property
    def difference(self) -> float:
        """Ours minus published."""
        return self.ours - self.published


def systems() -> list[SystemRow]:
    """Return every preset at every scale that its source states, by system.

    They are counted on the meta device.
    """
    presets = sorted(PRESETS.values(), key=lambda preset: preset.system.lower())
    return [_row(preset, scale) for preset in presets for scale in preset.scales]


def import_model(
    file: StrPath, *, preset: str | None = None, scale: int | None = None, output: StrPath
) -> tuple[str, int, tuple[str, ...]]:
    """Turn a published checkpoint into a weights file of ours.

    Args:
        file: The authors' file; nothing in it is executed.
        preset: Which network it is of; None recognises it by its tensors.
        scale: Needed where the tensors cannot tell it.
        output: The .safetensors file to write; an existing one is refused.

    Returns:
        The preset, the scale, and notes on what was dropped, folded or differs.

    Raises:
        ImportRefused: With every missing, surplus or misshapen tensor.
        RecipeErrors: If a path cannot be used.
    """
    source, target = Path(file), Path(output)
    if not source.is_file():
        raise refuse(str(source), None, "there is no such file", "Check the path.")
    if target.suffix != ".safetensors":
        raise refuse("-o", str(target), "weights are safetensors files", "End it in .safetensors.")
    if target.exists():
        raise refuse("-o", str(target), "this file exists already", "Choose another -o.")
    if preset in PRESETS and scale is not None and scale not in PRESETS[preset].scales:
        known = ", ".join(f"{each}" for each in PRESETS[preset].scales)
        rule = f"{preset} is not published at this scale"
        raise refuse("--scale", scale, rule, f"Its scales: {known}.")
    imported = import_weights(source.read_bytes(), preset=preset, scale=scale)
    network = imported.generator
    extra = {"imported": source.name, "preset": imported.preset}
    data = dump_weights(network, spec=network.spec, scale=imported.scale, extra=extra)
    write_whole(data, target)
    return imported.preset, imported.scale, imported.notes


def reproduce(
    preset: str,
    *,
    weights: StrPath,
    sets: Sequence[StrPath],
    scale: int | None = None,
    variant: str | None = None,
    self_ensemble: bool = False,
    tile: int | None = None,
    home: Home | None = None,
) -> list[Reproduced]:
    """Measure weights on benchmark folders beside what was published for a preset.

    Args:
        preset: Whose figures they are held against.
        weights: MODEL.
        sets: Folders of HR pictures, each named as its set (Set5, Set14, B100, Urban100), or the
            folder HR in one of that name.
        scale: Of the figures; None takes the model's.
        variant: Whose figures, where the source states those of several networks.
        self_ensemble: Measure the mean of eight orientations, beside the figures with a "+".
        tile: Side of the LR tiles; None takes whole pictures.
        home: Store and local folder.

    Raises:
        RecipeErrors: If there is no such preset, or nothing was published for these sets.
    """
    home = home or open_home()
    if preset not in PRESETS:
        known = ", ".join(sorted(PRESETS))
        raise refuse("PRESET", preset, "there is no such preset", f"Known: {known}.")
    model = load_model(weights, home)
    own = model.scale(scale)
    _require_preset(model, preset, own)
    published = published_figures(preset, scale=own)
    figures = [figure for figure in published if figure.self_ensemble == self_ensemble]
    folders = _folders_of(sets)
    wanted = {name for name, _ in folders} & {figure.set for figure in figures}
    if not wanted:
        raise _nothing_published(preset, sets, figures, self_ensemble)
    figures = _of_one_network([f for f in figures if f.set in wanted], variant)
    found: list[Reproduced] = []
    for name, folder in folders:
        here = [figure for figure in figures if figure.set == name]
        for protocol in sorted({figure.protocol for figure in here}):
            stated = [figure for figure in here if figure.protocol == protocol]
            mean = evaluate(
                weights,
                folder,
                protocol=protocol,
                scale=scale,
                self_ensemble=self_ensemble,
                tile=tile,
                metrics=sorted({figure.metric for figure in stated}),
                home=home,
            ).mean
            found += [_beside(figure, mean[figure.metric], tile) for figure in stated]
    return found


def _require_preset(model: Model, preset: str, scale: int) -> None:
    """Refuse a network that is not the one whose figures it would be held against.

    Bicubic is let through: it shows how much a network's figures are above it.
    """
    found = model.generator
    if found is None:
        return
    with torch.device("meta"):
        wanted = build_generator({"preset": preset}, scale=scale, seed=None)
    if found.spec["kind"] == wanted.spec["kind"] and _counts(found) == _counts(wanted):
        return
    rule = (
        f"these weights are {found.spec['kind']} of {count_parameters(found):,} parameters, "
        f"{preset} x{scale} is {wanted.spec['kind']} of {count_parameters(wanted):,}"
    )
    raise refuse("--weights", model.address, rule, "Name the preset that they are of.")


def _counts(network: Generator) -> tuple[int, int]:
    return network.channels, count_parameters(network)


def _folders_of(sets: Sequence[StrPath]) -> list[tuple[str, Path]]:
    """Return each set's name and folder, once; all that are missing are refused together."""
    missing = [
        Problem("--sets", str(folder), "there is no such folder", "Check the path.")
        for folder in sets
        if not Path(folder).is_dir()
    ]
    if missing:
        raise RecipeErrors(missing)
    return list(dict.fromkeys(_set_of(Path(folder)) for folder in sets))


def _set_of(folder: Path) -> tuple[str, Path]:
    """Return the set's name and the folder of its HR pictures."""
    if (folder / "HR").is_dir():
        folder = folder / "HR"
    name = folder.resolve().parent.name if folder.name == "HR" else folder.resolve().name
    return _OTHER_NAMES.get(name.lower(), name), folder


def _nothing_published(
    preset: str, sets: Sequence[StrPath], figures: Sequence[Figure], self_ensemble: bool
) -> RecipeErrors:
    """Say which sets there are figures of."""
    names = ", ".join(sorted({figure.set for figure in figures})) or "none"
    which = "with a self-ensemble " if self_ensemble else ""
    rule = f"nothing is published {which}for {preset} on these folders"
    way_out = f"Name folders after their sets; published {which}are: {names}."
    return refuse("--sets", [Path(folder).name for folder in sets], rule, way_out)


def _of_one_network(figures: Sequence[Figure], variant: str | None) -> list[Figure]:
    """Return the figures of one network; several networks may be of one architecture."""
    variants = sorted({figure.variant for figure in figures})
    known = f"Write --variant NAME, one of: {', '.join(variants)}."
    if variant is None and len(variants) > 1:
        rule = "these figures are of several networks of this preset"
        raise refuse("--variant", None, rule, known)
    if variant is not None and variant not in variants:
        raise refuse("--variant", variant, "there is no figure of it on these folders", known)
    return [figure for figure in figures if variant in (None, figure.variant)]


def _beside(figure: Figure, ours: float, tile: int | None) -> Reproduced:
    return Reproduced(
        variant=figure.variant,
        set=figure.set,
        metric=figure.metric,
        protocol=figure.protocol,
        published=figure.value,
        ours=ours,
        source=figure.source,
        self_ensemble=figure.self_ensemble,
        tile=tile,
    )


def _row(preset: Preset, scale: int) -> SystemRow:
    with torch.device("meta"):
        network: Generator = build_generator({"preset": preset.name}, scale=scale, seed=None)
    return SystemRow(
        system=preset.system,
        preset=preset.name,
        scale=scale,
        parameters=count_parameters(network),
        published_parameters=preset.parameters.get(scale),
        macs_per_pixel=macs_per_pixel(network),
        published_multiply_adds=preset.multiply_adds.get(scale),
        receptive_field=network.receptive_field,
        source=preset.source,
    )
