"""Model cards: what a registered version is, in Markdown, from the document of its promotion."""

from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]


def model_card(document: Document) -> str:
    """Return the card of a version.

    Args:
        document: `model`, `weights`, `scale`, `spec`, `parameters`, `lineage`, `licences`,
            `gate`, `sets`, `figures`, `reasons`.
    """
    return "\n".join([*_head(document), *_numbers(document), *_origin(document)]) + "\n"


def _head(document: Document) -> Iterator[str]:
    spec = document["spec"]
    yield f"# {document['model']}"
    yield ""
    yield (
        f"Enlarges pictures by {document['scale']}: a {spec.get('kind')} network of"
        f" {document['parameters']:,} parameters. Weights `{document['weights']}` (safetensors)."
    )
    yield ""
    yield "## Intended use"
    yield ""
    yield (
        "Photographs that lost their resolution in the way of the degradation below. What it adds"
        " is likely, not true: do not read plates, faces, text or findings from its pictures."
    )
    yield ""
    yield "```python"
    yield "import acutance"
    yield f'sr = acutance.load("{document["model"]}@{document["alias"]}").upscale(lr)  # uint8'
    yield "```"
    yield ""


def _numbers(document: Document) -> Iterator[str]:
    figures = document["figures"]
    yield "## Numbers"
    yield ""
    yield f"Gate `{document['gate']['name']}`, {figures['pictures']} pictures, measured anew:"
    yield ""
    shown = ("challenger", "champion", "bicubic")
    rows = {who: figures.get(who) for who in shown if figures.get(who)}
    names = list(rows["challenger"]) if "challenger" in rows else []
    yield f"| | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for who, values in rows.items():
        title = {"challenger": "this version", "champion": "the champion before"}.get(who, who)
        told = (f"{values[name]:.4f}" if name in values else "" for name in names)
        yield f"| {title} | {' | '.join(told)} |"
    yield ""
    for name, each in figures.get("compared", {}).items():
        test = each["wilcoxon"]
        yield (
            f"- {name}: {each['mean']:+.4f} against the champion on average, lower 95 % bound"
            f" {each['bound']:+.4f} (bootstrap over pictures); Wilcoxon:"
            f" {test if isinstance(test, str) else f'p {test:.4f}'}"
        )
    yield ""
    for each in document["sets"]:
        protocol = each["protocol"]
        rules = ", ".join(f"{key} {value}" for key, value in protocol.items() if value is not None)
        yield f"- {len(each['pictures'])} pictures of {each['data']}: {rules}"
        for picture in each["pictures"]:
            values = ", ".join(f"{k} {v:.4f}" for k, v in picture["challenger"].items())
            yield f"  - {picture['name']}: {values}"
        if each["left_out"]:
            yield f"  - left out, seen in training or not measurable: {', '.join(each['left_out'])}"
    yield ""


def _origin(document: Document) -> Iterator[str]:
    yield "## Where it comes from"
    yield ""
    lineage = document["lineage"]
    if lineage is None:
        yield "No sweep or training of the store published these weights; their data is unknown."
        return
    yield f"- trial {lineage['trial']} of {lineage['sweep']}, step {lineage['step']}"
    if lineage["run_id"]:
        yield f"- MLflow run {lineage['run_id']}"
    if lineage["code"]:
        dirty = ", with changes" if lineage["code"]["dirty"] else ""
        yield f"- commit {lineage['code']['commit']}{dirty}"
    for key, end in lineage["stages"]:
        yield f"- stage {key}, ends at step {end}"
    for name in lineage["datasets"]:
        licence = document["licences"].get(name) or "none was stated"
        yield f"- trained on {name}; licence: {licence}"
