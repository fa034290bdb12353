"""Which stages the legs of a sweep hold against other sweeps."""

from typing import final

from acutance_platform.search.trial import Trial
from acutance_platform.sweep.ports import Leases


@final
class StageLeases:
    """The leases of each trial's stages.

    Args:
        leases: Of this sweep; None where no other sweep can share a stage.
    """

    def __init__(self, leases: Leases | None) -> None:
        self._leases = leases
        self._held: dict[str, set[str]] = {}

    def held_by_another(self, key: str) -> bool:
        """Say whether another sweep computes a stage."""
        return self._leases is not None and self._leases.held_by_another(key)

    def hold(self, trial: Trial) -> None:
        """Hold every stage that lies ahead of a leg, and let go of those that it has left.

        Those after the present one as well: its state may be further on than what it has told.
        """
        if self._leases is None:
            return
        ahead = {key for key, _ in trial.ahead}
        held = self._held.setdefault(trial.name, set())
        for key in ahead - held:
            self._leases.take(key)
        for key in held - ahead:
            self._leases.let_go(key)
        self._held[trial.name] = ahead

    def let_go(self, name: str) -> None:
        """Let go of all that a trial holds."""
        if self._leases is not None:
            for key in self._held.pop(name, ()):
                self._leases.let_go(key)
