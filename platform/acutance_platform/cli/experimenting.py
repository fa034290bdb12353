"""`acutance experiment`: from an experiment's folder to its answer."""

from pathlib import Path

import click

from acutance_platform.cli.live import watching
from acutance_platform.cli.outcome import DONE, FAILED, INTERRUPTED
from acutance_platform.verbs import experiments
from acutance_platform.verbs.experiment_files import README, read_folder


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with the pictures that the experiment names; else those of its sweeps.",
)
@click.option("--again", is_flag=True, help="Run it although its results are there.")
@click.option("--render", is_flag=True, help="Only write tables and figures from the results.")
@click.option(
    "--address",
    envvar="RAY_ADDRESS",
    metavar="HOST:PORT",
    help="A Ray cluster that runs already (or RAY_ADDRESS); else this machine alone.",
)
def experiment(
    folder: Path, pictures: Path | None, again: bool, render: bool, address: str | None
) -> int:
    """Run the sweeps of FOLDER, measure their models, write its README's tables and figures.

    Results are kept in FOLDER/results.json. What was interrupted goes on where it was; results that
    fit the folder's files are not computed again.

    \b
    Example:
      acutance experiment experiments/rcan-attention
      acutance experiment experiments/rcan-attention --again
    """
    if render:
        read = read_folder(folder)
        experiments.render(read, experiments.read_results(read))
        click.echo(f"written: {folder / README}")
        return DONE
    with watching() as watch:
        done = experiments.experiment(
            folder,
            pictures=pictures, again=again, address=address, watch=watch,
            say=lambda line: click.echo(line, err=True),
        )  # fmt: skip
    if done.results is None:
        line = f"interrupted, state saved. Go on with: acutance experiment {folder}"
        click.echo(line, err=True)
        return INTERRUPTED
    if not done.ran:
        line = f"{done.name} was answered on {done.results['date']}; --again runs it again"
        click.echo(line, err=True)
    for failure in done.failed:
        click.echo(f"failed: {failure}", err=True)
    click.echo(f"answer: {folder / README}")
    return FAILED if done.failed else DONE
