import pytest
from calling import RECIPE, SEARCH, CommandLine, photographs

from acutance_models import build_generator, dump_weights, resolve_generator


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty working folder with store and local folder inside, five photographs and files."""
    for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ACUTANCE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    photographs(tmp_path / "photos")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    (tmp_path / "sweep.yaml").write_text(RECIPE + SEARCH)
    return tmp_path


@pytest.fixture
def acutance(place, capsys):
    """The command line, called in `place`."""
    return CommandLine(capsys)


@pytest.fixture(scope="session")
def weights():
    """A small x2 network as the bytes of a model file."""
    spec = resolve_generator({"kind": "srresnet", "channels": 8, "blocks": 1})
    return dump_weights(build_generator(spec, scale=2, seed=0), spec, 2)
