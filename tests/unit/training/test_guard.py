import math

import torch
from tiny_trainings import Place, finish, tiny_recipe, write_pictures


def test_weights_that_are_not_finite_are_never_saved(tmp_path):
    """A finite loss may have a gradient that is not: the guard looks at the weights as well."""
    place = Place(tmp_path / "place", write_pictures(tmp_path / "pictures"))
    training = place.training(tiny_recipe())
    step, poisoned = training._stage._learner.optimizer.step, []

    def poison_once():
        step()
        if not poisoned:
            poisoned.append(True)
            with torch.no_grad():
                training._stage._learner.parameters[0].fill_(math.nan)

    training._stage._learner.optimizer.step = poison_once
    report = training.advance()
    assert len(training._stage._progress.rollbacks) == 1
    assert all(math.isfinite(value) for value in report.metrics.values())
    assert all(torch.isfinite(p).all() for p in training._stage._learner.parameters)
    finish(training)
