"""Rules over a discriminator's statistics: when it rests, and when a training has gone wrong."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

Health = Literal["sound", "diverged", "overpowered", "blind"]

_WON = 0.99  # accuracy on both kinds
_FAR = 20.0  # logits between real and generated: a probability of 2e-9
_CHANCE = 0.05  # distance from 1 of the two accuracies' sum
_NEAR = 0.01  # logits between real and generated


def discriminator_rests(previous: Mapping[str, float] | None, *, threshold: float) -> bool:
    """Return whether a discriminator's step is left out, as EnhanceNet does.

    It learns only if its accuracy in the previous batch was at most the threshold on real or on
    generated pictures.

    Args:
        previous: Its statistics for the previous batch; None = there was none.
        threshold: Share of pictures; 1 never rests. The paper states none.

    Source:
        Sajjadi, Schölkopf, Hirsch, ICCV 2017, supplement.
    """
    if previous is None:
        return False
    return previous["accuracy_real"] > threshold and previous["accuracy_fake"] > threshold


def discriminator_health(history: Sequence[Mapping[str, float]], *, patience: int = 5) -> Health:
    """Return how a discriminator and its generator stand to each other.

    - `diverged`: the newest statistics hold a value that is not finite.
    - `overpowered`: over the last `patience` reports it told both kinds apart with an accuracy of
      0.99 or more, their mean logits at least 20 apart: it has won, and the generator's gradient
      says little more than "away from here".
    - `blind`: over the last `patience` reports its accuracies summed to 1 within 0.05 and its mean
      logits were less than 0.01 apart: it calls everything alike, and teaches nothing.
    - `sound`: none of these.

    Args:
        history: Statistics averaged over each report, oldest first.
        patience: Reports in a row; a discriminator that has just been born is blind for a while.
    """
    if history and not all(math.isfinite(value) for value in history[-1].values()):
        return "diverged"
    recent = history[-patience:]
    if len(recent) < patience:
        return "sound"
    if all(_has_won(each) for each in recent):
        return "overpowered"
    return "blind" if all(_sees_nothing(each) for each in recent) else "sound"


def _has_won(each: Mapping[str, float]) -> bool:
    worse = min(each["accuracy_real"], each["accuracy_fake"])
    return worse >= _WON and each["logit_gap"] >= _FAR


def _sees_nothing(each: Mapping[str, float]) -> bool:
    both = each["accuracy_real"] + each["accuracy_fake"]
    return abs(both - 1) <= _CHANCE and abs(each["logit_gap"]) < _NEAR
