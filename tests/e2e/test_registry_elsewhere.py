"""The registry with its store on an S3 service and MLflow behind HTTP, as on a cluster."""

import numpy as np
import pytest
from calling import CommandLine, photograph, photographs
from mlflow_server import mlflow_server
from PIL import Image
from promotions import write_models

from acutance_platform.registry.ledger import read_ledger
from acutance_platform.registry.publishing import published_aliases
from acutance_platform.verbs import promotion
from acutance_platform.verbs.home import open_home
from acutance_platform.verbs.remeasuring import measure

# MLflow warns of what it calls itself.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.mark.long
def test_the_registry_works_on_an_object_store_and_a_server(service, tmp_path, monkeypatch, capsys):
    import mlflow

    # Measured in this process, which spares two starts; `test_promotion.py` does not.
    monkeypatch.setattr(promotion, "remeasure", measure)
    monkeypatch.setenv("ACUTANCE_STORE", service.address())
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    photographs(tmp_path / "test", number=10, height=48, width=56)
    write_models(tmp_path)
    Image.fromarray(photograph(77, 40, 44)).save("lr.png")

    def told(*words):
        found = CommandLine(capsys)(*words, "--json")
        assert found.code == 0, found.err
        return found.json

    def promoted(model):
        return told("promote", f"{model}.safetensors", "--model", "sr", "--data", "test")

    with mlflow_server(tmp_path / "service", "sqlite") as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
        assert promoted("bad")["version"] == 1
        second = promoted("good")
        assert (second["verdict"], second["version"]) == ("promoted", 2)
        assert not any("MLflow" in note for note in second["notes"])
        assert told("rollback", "sr")["version"] == 1
        assert published_aliases(server.uri, "sr") == {"champion": 1}
        assert promoted("good")["version"] == 2  # the version that is there, not a new one
        assert published_aliases(server.uri, "sr") == {"champion": 2}
        assert CommandLine(capsys)("ledger", "verify").code == 0
        words = ("upscale", "lr.png", "-o", "sr.png", "--model", "sr@champion")
        assert CommandLine(capsys)(*words).code == 0
        mlflow.set_tracking_uri(server.uri)
        served = mlflow.pyfunc.load_model("models:/sr@champion")
        assert (served.predict(photograph(77, 40, 44)) == np.asarray(Image.open("sr.png"))).all()

        actions = [entry["action"] for entry in read_ledger(open_home().store)]
        assert actions == ["promotion", "promotion", "rollback", "promotion"]
        cut_the_ledger()
        found = CommandLine(capsys)("ledger", "verify")
        assert found.code == 1
        assert "sr/2" in found.out + found.err


def cut_the_ledger():
    """Remove the last entry behind everybody's back."""
    store = open_home().store
    store.delete(max(store.list("ledger/")))
