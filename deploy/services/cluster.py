"""A whole cluster on this machine: PostgreSQL, an S3 server, MLflow, a Ray head and two nodes.

    cluster.py start     start what does not run, and say how to use it
    cluster.py rehearse  that, then a sweep with a node killed in the middle; exit 0 if all is well
    cluster.py stop      end what it started; --wipe removes what it holds as well

Everything lies in one folder (--folder, else CLUSTER_FOLDER, else .services/cluster) and listens on
loopback; Ray's own ports listen everywhere, and let nobody in without the token. What runs already
is taken over, and a sweep that was begun is continued.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import database
import servers
from background import Background
from filelock import FileLock, Timeout
from place import NODES, ROOT, Place, Trouble, say, write_private

FLAGSHIP = ROOT / "experiments" / "flagship" / "sweep.yaml"
RUNGS_BEFORE_THE_KILL = 8


def main() -> int:
    """Do what the command line says; return the exit code."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if arguments.what == "stop" and not arguments.folder.exists():
        say(f"nothing was started in {arguments.folder}")
        return 0
    place = Place(arguments.folder)
    lock = FileLock(place.folder / "lock", timeout=0)
    try:
        with lock:
            background = Background(place.folder)
            # This process is one of the cluster's users; Ray reads its token when it is imported.
            os.environ.update({**place.plain(), **place.user()})
            if arguments.what == "stop":
                return stop(place, background, wipe=arguments.wipe)
            start(place, background)
            return rehearse(place, background, arguments) if arguments.what == "rehearse" else 0
    except Timeout:
        say(f"error: another process works on {place.folder}; wait for it or end it")
    except Trouble as trouble:
        say(f"error: {trouble}")
    except KeyboardInterrupt:
        say("interrupted; the services go on. make cluster continues, make cluster-down ends them")
        return 130
    return 1


def start(place: Place, background: Background) -> None:
    """Start what does not run.

    Raises:
        Trouble: If something does not come up.
    """
    import nodes

    started = time.monotonic()
    database.start(place, background)
    say(f"PostgreSQL   127.0.0.1:{place.port(database.NAME)}")
    servers.start_storage(place)
    say(f"S3 server    127.0.0.1:{place.port('swift')}")
    servers.start_tracking(place, background)
    nodes.start(place, background)
    say(f"Ray          {place.address}, nodes {', '.join(sorted(nodes.living(place)))}")
    servers.wait_for_tracking(place, background)
    say(f"MLflow       {place.tracking}")
    path = place.write_environment()
    say(f"up after {time.monotonic() - started:.0f} s. To use it: source {path}")


def stop(place: Place, background: Background, *, wipe: bool) -> int:
    """End everything that was started here, and nothing else."""
    import drill
    import nodes

    background.stop(drill.DRIVER, signal.SIGINT, patience=60.0)
    for name in (*NODES, nodes.HEAD, servers.MLFLOW):
        background.stop(name)
    if (place.folder / "swift").exists():
        servers.stop_storage(place)
    database.stop(background)
    shutil.rmtree(place.scratch, ignore_errors=True)
    if wipe:
        database.wipe(place)
        shutil.rmtree(place.folder)
    say(
        "stopped"
        + (", and all that it held is gone" if wipe else f"; its data is in {place.folder}")
    )
    return 0


def rehearse(place: Place, background: Background, arguments: argparse.Namespace) -> int:
    """Run a sweep with a node killed in the middle, and judge what came of it."""
    import drill
    import verdict

    started = time.monotonic()
    name = arguments.name or arguments.sweep.resolve().parent.name
    sets = [word for each in arguments.set for word in ("--set", each)]
    run = drill.Rehearsal(
        place,
        background,
        sweep=arguments.sweep.resolve(),
        name=name,
        options=sets,
        after=arguments.after,
    )
    code = run.run()
    if code != 0:
        say(f"error: `acutance sweep` ended with exit code {code}; see above, and try again")
        return code
    found = [verdict.Check(True, "`acutance sweep` ended with exit code 0")]
    found += verdict.checks(place, run.records, run.death)
    fine = verdict.show(place, run.records, found)
    told = {
        "seconds": round(time.monotonic() - started, 1),
        "death": run.death,
        "checks": [{"holds": check.holds, "line": check.line} for check in found],
    }
    write_private(place.folder / "rehearsed" / f"{name}.json", json.dumps(told, indent=2))
    return 0 if fine else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["start", "rehearse", "stop"])
    folder = os.environ.get("CLUSTER_FOLDER", "") or ROOT / ".services" / "cluster"
    parser.add_argument("--folder", type=Path, default=Path(folder))
    parser.add_argument("--wipe", action="store_true", help="stop: remove its data as well")
    parser.add_argument("--sweep", type=Path, default=FLAGSHIP, help="rehearse: the sweep file")
    parser.add_argument("--name", help="rehearse: of the sweep; its folder's name unless given")
    parser.add_argument("--set", action="append", default=[], help="rehearse: path=value")
    parser.add_argument(
        "--after",
        type=int,
        default=RUNGS_BEFORE_THE_KILL,
        help="rehearse: rungs that trials have reached when the node dies",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
