"""The champion is earned: better, worse, equal and damaged models; figures, MLflow, the ledger."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from calling import CommandLine, photograph, photographs, refused
from PIL import Image
from promotions import write_models

import acutance
from acutance_platform.cli.gate_lines import gate_lines
from acutance_platform.registry.ledger import read_ledger
from acutance_platform.verbs import promotion
from acutance_platform.verbs.home import open_home
from acutance_platform.verbs.registry import models
from acutance_platform.verbs.remeasuring import measure
from acutance_storage import reachable

# MLflow on its database, without a server in between, warns of what it calls itself.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

WORDS = ("--model", "sr", "--data", "test")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with twelve test pictures, three models and a gate that allows non-inferiority."""
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACUTANCE_STORE", str(folder / "store"))
        patch.setenv("ACUTANCE_LOCAL", str(folder / "local"))
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("COLUMNS", "120")
        patch.chdir(folder)
        photographs(folder / "test", number=12, height=48, width=56)
        write_models(folder)
        Path("lenient.yaml").write_text("compare: {psnr_y: 0.05}\n")
        yield folder


@pytest.fixture
def here(monkeypatch):
    """Measure in this process, which spares a start of seconds; the first tests do not."""
    monkeypatch.setattr(promotion, "remeasure", measure)


def promote(capsys, model, *words):
    return CommandLine(capsys)("promote", model, *WORDS, *words, "--json")


def state():
    """Return where the aliases stand."""
    (model,) = models()
    return model["aliases"]


# The tests of this module tell one story, in their order.


def test_without_a_champion_a_model_that_beats_bicubic_becomes_it(world, capsys):
    found = promote(capsys, "bad.safetensors")
    assert found.code == 0, found.err
    assert {name: found.json[name] for name in ("verdict", "version", "previous", "reasons")} == {
        "verdict": "promoted", "version": 1, "previous": None, "reasons": [],
    }  # fmt: skip
    said = [line for line in found.err.splitlines() if line.startswith("step ")]
    assert [line[:11] for line in said] == [f"step {step} of 4" for step in (1, 2, 2, 3, 4)]
    place = f"step 2 of 4: set 1 of 1, {world / 'test'}"
    assert said[1:3] == [f"{place}: the challenger", f"{place}: bicubic"]


def test_a_better_model_is_promoted_with_the_figures_of_evaluate(world, capsys):
    found = promote(capsys, "good.safetensors")
    assert found.code == 0, found.err
    assert (found.json["version"], found.json["previous"]) == (2, 1)
    assert "/test: the champion\n" in found.err
    figures = found.json["figures"]
    for who, model in (("challenger", "good"), ("champion", "bad")):
        alone = CommandLine(capsys)("evaluate", f"{model}.safetensors", "test", "--json")
        for name in ("psnr_y", "ssim_y"):
            assert figures[who][name] == pytest.approx(alone.json["mean"][name], abs=1e-9)
    assert figures["pictures"] == 12
    gained = figures["compared"]["psnr_y"]
    assert 0 < gained["bound"] < gained["mean"] < 0.2
    assert gained["wilcoxon"] < 0.01


def test_a_terminal_shows_one_line_and_takes_it_back(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with gate_lines() as progress:
        progress("measure", 0, 2, "set 1 of 2, [photos]: the challenger")
    out, err = capsys.readouterr()
    assert (out, "set 1 of 2, [photos]: the challenger" in err) == ("", True)
    assert err.rstrip().endswith("\x1b[2K"), "the line is erased"


def test_a_worse_model_is_refused_with_figures_and_nothing_moves(world, here, capsys):
    found = promote(capsys, "bad.safetensors")
    assert found.code == 1
    assert found.json["verdict"] == "refused"
    assert "lower 95 % bound -0.0" in found.json["reasons"][0]
    assert state() == {"champion": 2}
    assert [entry["action"] for entry in read_ledger(open_home().store)][-1] == "refusal"


def test_an_equal_is_refused_unless_the_gate_allows_it(world, here, capsys):
    before = read_ledger(open_home().store)
    found = promote(capsys, "equal.safetensors", "--dry-run")
    assert found.code == 1
    assert read_ledger(open_home().store) == before
    assert "not shown to be better" in found.json["reasons"][0]
    allowed = promote(capsys, "equal.safetensors", "--gate", "lenient.yaml")
    assert allowed.code == 0, allowed.err
    assert state() == {"champion": 3}


def test_one_changed_byte_is_refused(world, capsys):
    store = open_home().store
    sha = hashlib.sha256(Path("good.safetensors").read_bytes()).hexdigest()
    blob = store.local_path(f"blobs/{sha[:2]}/{sha}")
    whole = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        found = promote(capsys, f"blob:{sha}")
    finally:
        blob.write_bytes(whole)
    assert found.code == 1
    assert "SHA-256" in found.json["reasons"][0]
    assert state() == {"champion": 3}


def test_a_loose_file_with_one_changed_byte_is_refused(world, here, capsys):
    whole = Path("good.safetensors").read_bytes()
    Path("hurt.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    before = read_ledger(open_home().store)
    found = promote(capsys, "hurt.safetensors")
    refused(found, "not as they were written", "Fetch or export them again")
    assert state() == {"champion": 3}
    assert read_ledger(open_home().store) == before
    refused(CommandLine(capsys)("evaluate", "hurt.safetensors", "test"), "not as they were written")


def test_rollback_is_one_step_and_the_command_line_does_what_python_does(world, here, capsys):
    found = CommandLine(capsys)("rollback", "sr", "--json")
    assert found.code == 0, found.err
    assert (found.json["version"], found.json["previous"]) == (2, 3)
    again = acutance.promote("equal.safetensors", name="sr", data="test", gate="lenient.yaml")
    assert (again.verdict, again.version) == ("promoted", 3)
    assert acutance.rollback("sr").version == 2
    entries = read_ledger(open_home().store)
    own = ("number", "previous", "hash", "time")
    told = [{name: e[name] for name in e if name not in own} for e in entries]
    first, second = (e for e in told if e["action"] == "promotion" and e["to"] == 3)
    third, fourth = (e for e in told if e["action"] == "rollback")
    assert first == second
    assert third == fourth


def test_a_champion_is_a_model_wherever_one_is_taken_and_mlflow_serves_the_same_bits(world, capsys):
    import mlflow

    lr = photograph(77, 40, 44)
    Image.fromarray(lr).save("lr.png")
    words = ("upscale", "lr.png", "-o", "sr.png", "--model", "sr@champion")
    assert CommandLine(capsys)(*words).code == 0
    mlflow.set_tracking_uri(f"sqlite:///{world}/mlflow.db")
    served = mlflow.pyfunc.load_model("models:/sr@champion")
    assert (served.predict(lr) == np.asarray(Image.open("sr.png"))).all()
    assert (acutance.load("sr/2").upscale(lr) == served.predict(lr)).all()
    refused(CommandLine(capsys)("evaluate", "sr@gone", "test"), "no alias 'gone'", "sr@champion")
    refused(CommandLine(capsys)("evaluate", "sr/9", "test"), "no version 9")
    refused(CommandLine(capsys)("evaluate", "xy@champion", "test"), "no registered model", "sr")


def test_mlflow_has_versions_files_card_and_the_head_of_the_ledger(world):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{world}/mlflow.db")
    assert client.get_registered_model("sr").aliases == {"champion": 2}
    versions = client.search_model_versions("name='sr'")
    assert sorted(int(version.version) for version in versions) == [1, 2, 3]
    champion = client.get_model_version_by_alias("sr", "champion")
    last = read_ledger(open_home().store)[-1]
    assert champion.tags["acutance.ledger.head"] == f"{last['number']}:{last['hash']}"
    assert champion.description.startswith("# sr")
    folder = Path(client.download_artifacts(champion.run_id, "model", str(world)))
    names = {file.name for file in folder.rglob("*")}
    assert {"model.safetensors", "spec.json", "lineage.json", "MODEL_CARD.md"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".pt", ".pth"))]


def test_people_see_versions_history_and_the_card(world, capsys):
    call = CommandLine(capsys)
    store = open_home().store
    assert {each["weights"] for each in models()[0]["versions"]} <= reachable(store)
    table = call("models").out
    assert "champion" in table
    assert f"{models()[0]['versions'][1]['metrics']['psnr_y']:.4f}" in table
    told = call("models", "history", "sr").out
    assert "refusal  sr@champion  2 -> -" in told
    assert "not shown to be better" in told
    card = call("models", "card", "sr@champion").out
    assert "Intended use" in card
    assert "p0.png: " in card
    assert "rollback" in call("ledger").out
    refused(call("models", "history", "xy"), "no registered model")


def test_the_ledger_is_verified_also_against_what_mlflow_noted(world, capsys):
    call = CommandLine(capsys)
    whole = call("ledger", "verify", "--json")
    assert whole.code == 0, whole.err
    assert whole.json["notes"] == []
    store = open_home().store
    keys = sorted(store.list("ledger/"))
    ref = "refs/ledgers/registry.json"
    kept = {key: store.read(key) for key in (keys[-1], ref)}
    try:  # a cut tail that the ref hides
        store.delete(keys[-1])
        store.delete(ref)
        cut = call("ledger", "verify")
    finally:
        for key, data in kept.items():
            store.write(key, data)
    assert cut.code == 1
    assert "MLflow's sr/2 knows" in cut.err
    entry = json.loads(store.read(keys[1]))
    original = store.read(keys[1])
    try:
        store.write(keys[1], json.dumps({**entry, "who": "x"}).encode())
        edited = call("ledger", "verify", "--json")
        stopped = promote(capsys, "good.safetensors")
    finally:
        store.write(keys[1], original)
    assert edited.code == 1
    assert "was edited" in edited.json["problems"][0]
    assert stopped.code == 2
    assert "the ledger is damaged" in stopped.err


def test_a_deleted_version_is_gone_and_its_number_is_not_given_again(world, here, capsys):
    call = CommandLine(capsys)
    refused(call("models", "delete", "sr/2"), "the alias champion stands on it")
    assert call("models", "delete", "sr/3").code == 0
    again = promote(capsys, "equal.safetensors", "--gate", "lenient.yaml")
    assert again.code == 0, again.err
    assert again.json["version"] == 4
    from mlflow import MlflowClient

    versions = MlflowClient(f"sqlite:///{world}/mlflow.db").search_model_versions("name='sr'")
    assert sorted(int(version.version) for version in versions) == [1, 2, 4]


def test_bad_names_and_no_pictures_are_told(world, capsys):
    call = CommandLine(capsys)
    words = ("promote", "good.safetensors", "--model", "a/b", "--alias", "v3")
    refused(call(*words), "--model: ", "--alias: ")
    none = call("promote", "good.safetensors", "--model", "other")
    assert none.code == 1
    assert "there is no picture to judge by" in none.err
    assert "--data FOLDER" in none.err
    refused(call("promote", "good.safetensors", "--model", "x", "--gate", "no"), "Gates here")
    refused(call("rollback", "sr", "--alias", "staging"), "nothing was promoted to it")
