"""Places for trainings that are disturbed, and beside them for those that are not."""

import pytest
from command_line import CommandLine
from tiny_trainings import PAUSE, Place, write_pictures

from acutance_platform.tracking import local_server


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    """Use one server for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with local_server(tmp_path_factory.mktemp("tracking")) as uri:
            patch.setenv("MLFLOW_TRACKING_URI", uri)
            yield uri


@pytest.fixture
def place(tmp_path, pictures):
    return Place(tmp_path, pictures)


@pytest.fixture
def calm(tmp_path_factory, pictures):
    return Place(tmp_path_factory.mktemp("calm"), pictures)


@pytest.fixture
def command(tmp_path, tracking):
    line = CommandLine(tmp_path, MLFLOW_TRACKING_URI=tracking, CHAOS_PAUSE=PAUSE)
    yield line
    line.clean()
