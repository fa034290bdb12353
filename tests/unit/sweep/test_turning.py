"""What we change in Ray Tune is there to be changed, and comes back."""

import inspect

from ray.tune.execution.class_cache import ENV_VARS_TO_PROPAGATE, _ActorClassCache
from ray.tune.execution.tune_controller import TuneController

from acutance_platform.sweep.turning import never_blocking, sending_no_secrets


class Worker:
    """Stands for a leg."""


def sent():
    """Return the variables that Tune sends along with a worker."""
    made = _ActorClassCache().get(Worker)
    return made._default_options["runtime_env"]["env_vars"]


def test_the_keys_of_the_driver_are_not_sent(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "hidden")
    with sending_no_secrets():
        assert "hidden" not in sent().values()
    assert sent()["AWS_SECRET_ACCESS_KEY"] == "hidden", "Tune sends no keys: take this away"
    assert "AWS_SESSION_TOKEN" in ENV_VARS_TO_PROPAGATE


def test_an_empty_searcher_is_asked_once():
    def waits():
        parameters = inspect.signature(TuneController._update_trial_queue).parameters
        return {name: parameters[name].default for name in ("blocking", "timeout")}

    with never_blocking():
        assert waits() == {"blocking": False, "timeout": 0}
    assert waits()["timeout"] > 60, "Tune no longer waits: take this away"
