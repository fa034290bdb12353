"""kill -9 at every step of a promotion or rollback: the old champion or the new one, whole."""

import hashlib
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from calling import photographs
from mlflow import MlflowClient
from promotions import write_models

from acutance_platform.registry.ledger import read_ledger
from acutance_platform.verbs import promotion
from acutance_platform.verbs.addresses import load_model
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.registry import models, verify_ledger
from acutance_storage import open_store

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

STORE_STEPS = ("write", "write_new", "write_file")
MLFLOW_STEPS = (
    "create_registered_model", "create_run", "log_artifacts", "set_terminated",
    "create_model_version", "delete_model_version", "set_model_version_tag",
    "set_registered_model_alias",
)  # fmt: skip


def measured(gain):
    """What the clean process would tell; it writes nothing, so it is not what is tested here."""
    pictures = [
        {
            "name": f"p{index}",
            "challenger": {"psnr_y": 30.0 + gain},
            "champion": {"psnr_y": 30.0},
            "bicubic": {"psnr_y": 29.0},
        }
        for index in range(10)
    ]
    sets = [{"data": "d", "scale": 2, "protocol": {}, "pictures": pictures, "left_out": []}]
    return {"sets": sets, "known": False, "machine": "m"}


def at(folder):
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    os.chdir(folder)
    return Home(open_store(folder / "store"), folder / "local")


def promote(folder, model):
    return promotion.promote(
        folder / f"{model}.safetensors", name="sr", data="test", home=at(folder)
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A champion, version 1, and a better model."""
    folder = tmp_path_factory.mktemp("world")
    before, here = os.environ.get("MLFLOW_TRACKING_URI"), Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promotion, "remeasure", lambda job, home, progress: measured(0.5))
        photographs(folder / "test", number=1, height=48, width=56)
        write_models(folder)
        assert promote(folder, "bad").version == 1
        yield folder
    os.chdir(here)
    os.environ.pop("MLFLOW_TRACKING_URI")
    if before is not None:
        os.environ["MLFLOW_TRACKING_URI"] = before


def killed(folder, work, step, *, after):
    """Fork, and kill the child before or after its `step`-th effect; return whether it came there.

    Args:
        after: Whether the effect still happens.
    """
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    left = [step]

    def counted(real):
        def call(*arguments, **options):
            left[0] -= 1
            due = left[0] == 0  # the effect may have effects of its own, which count on
            if due and after:
                with suppress(Exception):  # such as that the model is registered already
                    real(*arguments, **options)
            if due:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    store = type(open_store(folder / "store"))
    for owner, names in ((store, STORE_STEPS), (MlflowClient, MLFLOW_STEPS)):
        for name in names:
            setattr(owner, name, counted(getattr(owner, name)))
    try:
        work(folder)
        os._exit(0)
    finally:
        os._exit(1)


def check_whole(folder, expected):
    """Assert that ledger, store and MLflow each have one whole champion, of those expected."""
    home = at(folder)
    read_ledger(home.store)
    (told,) = models(home=home)
    champion = told["aliases"]["champion"]
    assert champion in expected
    version = next(each for each in told["versions"] if each["version"] == champion)
    assert load_model("sr@champion", home).weights == version["weights"]
    client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    shown = client.get_model_version_by_alias("sr", "champion")
    assert int(shown.version) in expected
    (files,) = [Path(client.download_artifacts(shown.run_id, "model", str(folder)))]
    data = next(files.rglob("model.safetensors")).read_bytes()
    assert hashlib.sha256(data).hexdigest() == shown.tags["acutance.weights"]
    return champion


def finished(folder, champion, versions):
    home = at(folder)
    check = verify_ledger(home=home)
    assert check.problems == []
    assert check.notes == []
    client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    assert client.get_registered_model("sr").aliases == {"champion": champion}
    shown = sorted(int(v.version) for v in client.search_model_versions("name='sr'"))
    assert shown == versions


def every_step(world, tmp_path, work, again, *, after):
    """Kill at each step in turn; return how many there were, and the champions that were left."""
    seen = []
    for step in range(1, 100):
        folder = tmp_path / f"{step}-{after}"
        shutil.copytree(world, folder, symlinks=True)
        came = killed(folder, work, step, after=after)
        seen.append(check_whole(folder, (1, 2)))
        if not came:
            return step - 1, seen
        again(folder)
        shutil.rmtree(folder)
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_promotion_killed_at_any_step_is_undone_or_done(world, tmp_path, after):
    def again(folder):
        assert promote(folder, "good").verdict == "promoted"
        finished(folder, 2, [1, 2])

    steps, seen = every_step(world, tmp_path, lambda f: promote(f, "good"), again, after=after)
    assert steps >= 11
    assert seen == sorted(seen)
    assert set(seen) == {1, 2}


def test_a_rollback_killed_at_any_step_is_undone_or_done(world, tmp_path):
    two = tmp_path / "two"
    shutil.copytree(world, two, symlinks=True)
    assert promote(two, "good").version == 2

    def again(folder):
        if models(home=at(folder))[0]["aliases"]["champion"] == 2:
            promotion.rollback("sr", home=at(folder))
        else:
            promote(folder, "bad")  # it is the champion already: MLflow is brought up to date
        finished(folder, 1, [1, 2])

    work = lambda folder: promotion.rollback("sr", home=at(folder))  # noqa: E731
    steps, seen = every_step(two, tmp_path, work, again, after=False)
    assert steps >= 4
    assert set(seen) == {1, 2}


def test_of_two_who_promote_at_once_one_wins_and_the_other_is_told(world, tmp_path, monkeypatch):
    folder = tmp_path / "both"
    shutil.copytree(world, folder, symlinks=True)

    def meanwhile(job, home, progress):
        monkeypatch.setattr(promotion, "remeasure", lambda job, home, progress: measured(0.5))
        assert promote(folder, "good").version == 2
        return measured(0.7)

    monkeypatch.setattr(promotion, "remeasure", meanwhile)
    told = promote(folder, "equal")
    assert told.verdict == "refused"
    assert "somebody moved sr@champion to version 2" in told.reasons[0]
    entries = read_ledger(at(folder).store)
    assert [entry["action"] for entry in entries] == ["promotion", "promotion", "refusal"]
    finished(folder, 2, [1, 2])
