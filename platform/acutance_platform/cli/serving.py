"""`acutance dashboard` and `acutance mlflow`: servers that stay until Ctrl-C."""

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


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one.  [8420]")
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
@click.option("--tokens", is_flag=True, help="Ask for a token on this machine as well.")
@click.option("--proxy-header", help="Header in which a reverse proxy names the user.")
@click.option("--proxy", multiple=True, help="Address of that proxy.  [this machine]")
@click.option("--operator", multiple=True, help="User of the proxy who may change things.")
def dashboard(
    host: str,
    port: int | None,
    no_open: bool,
    tokens: bool,
    proxy_header: str | None,
    proxy: tuple[str, ...],
    operator: tuple[str, ...],
) -> None:
    """Open the pages: sweeps, fronts, pictures side by side, models; stays until Ctrl-C.

    On this machine there is no login. With another --host a token is asked for, of a viewer or an
    operator; both are in ACUTANCE_LOCAL/dashboard/access.json.

    \b
    Example:
      acutance dashboard
      acutance dashboard --host 0.0.0.0 --no-open
    """
    import webbrowser

    from acutance_platform.dashboard.serving import PORT, chosen_access, serve

    home = open_home()
    access = chosen_access(
        home, host, proxy_header=proxy_header, proxies=proxy, operators=operator, tokens=tokens
    )

    def ready(address: str) -> None:
        click.echo(f"dashboard: {address}   (Ctrl-C ends it)")
        if access.tokens:
            click.echo(f"tokens: {home.local / 'dashboard' / 'access.json'}")
        if not no_open:
            webbrowser.open(address)

    serve(home, access, host=host, port=PORT if port is None else port, ready=ready)
    click.echo("stopped", err=True)
