"""The tables in docs/systems and the README's list of systems, written between marks of a page.

A page is written by hand but for what stands between `<!-- NAME -->` and `<!-- /NAME -->`; in the
table of ideas only the last column is the code's.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
import yaml
from markup import component, flow, table

from acutance_models import (
    FIGURES,
    GENERATORS,
    PRESETS,
    Figure,
    Preset,
    build_generator,
    count_parameters,
    published_figures,
)
from acutance_models.importing.dialects import DIALECTS, Dialect
from acutance_platform.verbs.systems import SystemRow, systems

DOCS = Path(__file__).parent
SYSTEMS = DOCS / "systems"
STEP = DOCS / "evidence" / "a-full-size-step-takes-less-than-6-gb.json"
HD = 1280 * 720 / 1e9  # HR pixels of a 720p picture, in 10^9
SETS = ("Set5", "Set14", "B100", "Urban100", "Manga109")
TWELVE = (
    "enhancenet", "memnet", "dbpn", "idn", "rdn", "rcan", "msrn", "carn", "zssr", "sftgan",
    "srfeat", "esrgan",
)  # fmt: skip


def pages() -> dict[Path, str]:
    """Return file -> content, the marked parts as the code says them."""
    counted = systems()
    written = {
        SYSTEMS / f"{kind}.md": {
            "arguments": lambda _, kind=kind: component(GENERATORS, kind)[1],
            "ideas": lambda old, kind=kind: ideas(old, kind),
            "counts": lambda _, kind=kind: counts(counted, kind),
            "figures": lambda _, kind=kind: figures(kind),
            "weights": lambda _, kind=kind: weights(kind),
        }
        for kind in GENERATORS
    }
    written[SYSTEMS / "README.md"] = {
        "twelve": lambda _: listed(TWELVE, ""),
        "relatives": lambda _: listed(relatives(), ""),
    }
    written[DOCS.parent / "README.md"] = {"systems": lambda _: listed(TWELVE, "docs/systems/")}
    return {path: filled(path.read_text(), parts) for path, parts in written.items()}


def filled(text: str, parts: dict[str, Callable[[str], str]]) -> str:
    """Return a page with each marked part made anew from what it was."""
    for name, write in parts.items():
        head, begin, rest = text.partition(f"<!-- {name} -->\n")
        old, end, tail = rest.partition(f"<!-- /{name} -->\n")
        if not end:
            raise ValueError(
                f"{text.splitlines()[0]}: there is no <!-- {name} --> <!-- /{name} -->"
            )
        text = f"{head}{begin}\n{write(old)}\n\n{end}{tail}"
    return text


def presets_of(kind: str) -> list[Preset]:
    """Return a generator's presets."""
    return [preset for preset in PRESETS.values() if preset.spec["kind"] == kind]


def relatives() -> list[str]:
    """Return the generators that are not of the twelve."""
    return [kind for kind in GENERATORS if kind not in TWELVE]


def main_size(kind: str) -> tuple[str, int]:
    """Return the preset that is a kind's defaults, or its first, and the scale pages count at."""
    presets = presets_of(kind)
    preset = next((each for each in presets if len(each.spec) == 1), presets[0])
    return preset.name, 4 if 4 in preset.scales else preset.scales[0]


def ideas(old: str, kind: str) -> str:
    """Return the table of ideas, with the parameters that remain without each."""
    name, scale = main_size(kind)
    heads = ("idea", "off", "what remains", f"parameters, `{name}` x{scale}")
    rows: list[tuple[str, ...]] = [("as published", "", "", f"{parameters(name, scale):,}")]
    for idea, off, remains in off_rows(old):
        rows.append((idea, f"`{off}`", remains, f"{parameters(name, scale, off):,}"))
    return table(heads, rows)


def off_rows(text: str) -> list[tuple[str, str, str]]:
    """Return (idea, what is written to leave it out, what remains) of a table of ideas."""
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in cells] for cells in lines]
    return [(row[0], row[1].strip("`"), row[2]) for row in rows if row[1].startswith("`")]


def parameters(preset: str, scale: int, changed: str = "") -> int:
    """Return the parameters of a preset with some arguments changed."""
    own: dict[str, Any] = yaml.safe_load(f"{{{changed}}}")
    with torch.device("meta"):
        network = build_generator({"preset": preset, **own}, scale=scale, seed=None)
    return count_parameters(network)


def counts(rows: Iterable[SystemRow], kind: str) -> str:
    """Return the sizes of every preset of a kind, as `acutance systems` says them."""
    measured = json.loads(STEP.read_text())["measured"]
    heads = (
        "preset", "scale", "parameters", "published", "multiply-adds per HR pixel",
        "at 1280x720", "published", "sees", "one step",
    )  # fmt: skip
    lines = []
    for row in rows:
        preset = PRESETS[row.preset]
        if preset.spec["kind"] != kind:
            continue
        adds = preset.multiply_adds.get(row.scale)
        step = measured.get(row.preset) if row.scale == 4 else None
        lines.append(
            (
                f"`{row.preset}`",
                f"x{row.scale}",
                f"{row.parameters:,}",
                f"{row.published_parameters:,}" if row.published_parameters else "-",
                f"{row.macs_per_pixel:,.0f}",
                f"{row.macs_per_pixel * HD:,.1f} G",
                f"{adds:,.1f} G" if adds else "-",
                f"{row.receptive_field} px" if row.receptive_field else "the whole picture",
                f"{step['peak_mb']:,} MB" if step else "-",
            )
        )
    sources = [
        f"- `{preset.name}`: `{flow(dict(preset.spec))}`. {preset.source}."
        for preset in presets_of(kind)
    ]
    return table(heads, lines) + "\n\n" + "\n".join(sources)


def figures(kind: str) -> str:
    """Return what was published for the presets of a kind."""
    names = {preset.name for preset in presets_of(kind)}
    papers = {preset.system for preset in presets_of(kind)}
    found = [f for f in FIGURES if names & {*f.presets} or (f.system in papers and not f.presets)]
    if not found:
        return "No figure is kept for it."
    sets = [name for name in SETS if any(figure.set == name for figure in found)]
    groups: dict[tuple[str, ...], list[Figure]] = {}
    for f in found:
        colour = f.metric.partition("_")[2]
        said = f"{f.source}; from memory, no bar" if f.recalled else f.source
        head = (f.variant, f"x{f.scale}", "RGB" if colour == "rgb" else "Y", f.protocol, said)
        groups.setdefault(head, []).append(f)
    rows = []
    for head, group in groups.items():
        cells = [_figure([f for f in group if f.set == name]) for name in sets]
        rows.append((*head[:3], *cells, f"`{head[3]}`", "not measured", head[4]))
    return table(("network", "scale", "on", *sets, "protocol", "ours", "source"), rows)


def _figure(found: list[Figure]) -> str:
    """Return PSNR / SSIM of one set."""
    values = {figure.metric.partition("_")[0]: figure.value for figure in found}
    if not values:
        return "-"
    ssim = f"{values['ssim']:.4f}".lstrip("0") if "ssim" in values else "-"
    return f"{values.get('psnr', float('nan')):.2f}/{ssim}"


def weights(kind: str) -> str:
    """Return which published checkpoints can be read, and the commands that measure them."""
    names = [preset.name for preset in presets_of(kind)]
    dialects = [each for each in DIALECTS if set(names) & set(each.presets)]
    rows = [
        (each.name, ", ".join(f"`{n}`" for n in each.presets if n in names), _differs(each))
        for each in dialects
    ]
    heads = ("file written as", "presets", "differs from the preset")
    importable = {name for each in dialects for name in each.presets}
    commands = [line for name in names for line in _commands(name, importable)]
    parts = [table(heads, rows) if rows else "No published checkpoint can be imported."]
    if commands:
        parts += [
            "Ours is not measured: that needs the authors' weights, or a MODEL trained here.",
            "```bash\n" + "\n".join(commands) + "\n```",
        ]
    return "\n\n".join(parts)


def _commands(name: str, importable: set[str]) -> list[str]:
    """Return what imports a preset's weights and sets them beside what was published."""
    scale = 4 if 4 in PRESETS[name].scales else PRESETS[name].scales[0]
    file = f"{name}-x{scale}.safetensors" if name in importable else "MODEL"
    lines = []
    if name in importable:
        lines.append(f"acutance import FILE --as {name} --scale {scale} -o {file}")
    found = [f for f in published_figures(name, scale=scale) if not f.self_ensemble]
    # Where a set has figures of several networks, a command would have to say which is meant.
    variants = {each: {f.variant for f in found if f.set == each} for each in SETS}
    sets = [f" --sets FOLDER/{each}" for each in SETS if len(variants[each]) == 1]
    if sets:
        lines.append(f"acutance reproduce {name} --weights {file}{''.join(sets[:2])}")
    return lines


def _differs(dialect: Dialect) -> str:
    return f"`{flow(dict(dialect.spec))}`: {dialect.why}" if dialect.spec else "-"


def listed(kinds: Iterable[str], folder: str) -> str:
    """Return a list of systems: page, idea, presets."""
    rows = []
    for kind in kinds:
        title, line = head_of((SYSTEMS / f"{kind}.md").read_text())
        names = ", ".join(f"`{preset.name}`" for preset in presets_of(kind))
        rows.append((f"[{title}]({folder}{kind}.md)", line, names))
    return table(("system", "idea", "presets"), rows)


def head_of(page: str) -> tuple[str, str]:
    """Return a page's title and the line under it."""
    found = re.match(r"# (.+)\n\n> (.+)\n", page)
    assert found, f"a page begins with a title and its idea in one line: {page[:40]!r}"
    return found[1], found[2]
