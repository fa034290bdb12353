"""`acutance export`: a model as a file for other programs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from acutance_platform.verbs.exporting import FORMATS
from acutance_platform.verbs.exporting import export as export_model


@click.command()
@click.argument("model")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write."
)
@click.option("--format", type=click.Choice(FORMATS), help="Default: what the file's ending says.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def export(model: str, output: Path, as_json: bool, **how: Any) -> None:
    """Write MODEL for other programs.

    onnx: a graph of free height and width, run by onnxruntime and compared with torch on two sizes
    before the file appears. safetensors: the weights under the names that the network's authors,
    and with them chaiNNer and spandrel, read; under acutance's own where there are none.

    \b
    Example:
      acutance export quickstart/best -o photos-x2.onnx
      acutance export mixes/knee --format safetensors -o esrgan-x4.safetensors
    """
    done = export_model(model, output, **how)
    if as_json:
        click.echo(json.dumps({**asdict(done), "file": str(done.file)}, indent=2))
        return
    what = "differs from torch by at most" if done.format == "onnx" else "read again, differs by"
    names = "" if done.format == "onnx" else f", names of {done.names}"
    click.echo(f"{done.model} -> {done.file}{names}: {what} {done.difference:.1e}")
