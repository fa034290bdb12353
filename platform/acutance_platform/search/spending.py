"""What a sweep has spent, and which limit of its budget that reaches."""

from acutance_platform.search.fold import Sweep
from acutance_platform.search.promotion import section


def spent(sweep: Sweep, now: float) -> str | None:
    """Return which budget, other than the number of trials, is reached, in words."""
    budget = section(sweep).budget
    used = {
        "steps": (sweep.executed, budget.steps),
        "wall_hours": (sweep.wall_hours(now), budget.wall_hours),
        "gpu_hours": (sweep.gpu_hours, budget.gpu_hours),
        "cpu_hours": (sweep.cpu_hours, budget.cpu_hours),
    }
    for name, (amount, limit) in used.items():
        if limit is not None and amount >= limit:
            return f"budget {name} is reached: {amount:g} of {limit:g}"
    return None
