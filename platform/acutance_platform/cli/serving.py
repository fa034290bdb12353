"""`acutance mlflow`: the tracking server of this machine."""

import time

import click

from acutance_platform.tracking import local_server
from acutance_platform.verbs import open_home


@click.command()
def mlflow() -> None:
    """Start this machine's MLflow server, or find the running one; stays until Ctrl-C.

    \b
    Example:
      acutance mlflow
    """
    click.echo("starting the tracking server ...", err=True)
    with local_server(open_home().local) as uri:
        click.echo(f"MLflow: {uri}   (Ctrl-C ends it)")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
