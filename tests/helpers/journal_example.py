"""The journal of a small sweep, and what MLflow must show for it."""

from typing import Any

Record = dict[str, Any]
START = 1_700_000_000.0


def journal_example(
    name: str, *, trials: int = 3, reports: int = 40, finished: bool = True
) -> list[Record]:
    """Trials that report in turn; the first completes, the last fails, the others are stopped."""
    clock = iter(range(10**9))
    records: list[Record] = [
        {"do": "sweep", "name": name, "spec": {"seed": 0}, "time": START},
        {"do": "start", "driver": "d0", "host": "h", "time": START},
    ]
    names = [f"t{index:04d}" for index in range(trials)]
    for trial in names:
        recipe = {"optimizer.lr": 0.001, "generator": {"kind": "carn", "blocks": 2}}
        records.append({"do": "ask", "trial": trial, "recipe": recipe, "time": START})
    for step in range(10, 10 * reports + 1, 10):
        for index, trial in enumerate(names):
            metrics = {"psnr_y": 20 + index + step / 100, "loss/pixel": 1 / (step + index)}
            report = {"do": "report", "trial": trial, "step": step, "metrics": metrics}
            records.append({**report, "executed": 10, "time": START + next(clock) * 0.37})
    if finished:
        records += ends(names, step=10 * reports)
    return records


def ends(names: list[str], *, step: int) -> list[Record]:
    later = START + 10_000
    words = ["COMPLETE", *("STOPPED" for _ in names[1:-1]), "FAILED"]
    records: list[Record] = [
        {"do": "end", "trial": trial, "state": word, "weights": "ab", "step": step, "time": later}
        for trial, word in zip(names, words, strict=True)
    ]
    return [*records, {"do": "finish", "state": "COMPLETE", "reason": "", "time": later}]


def told(records: list[Record]) -> dict[str, set[tuple[str, int, float, int]]]:
    """By trial: the (key, step, value, time in ms) that its run must hold, each once."""
    runs: dict[str, set[tuple[str, int, float, int]]] = {}
    for record in records:
        if record["do"] == "ask":
            runs[record["trial"]] = set()
        if record["do"] == "report":
            runs[record["trial"]] |= {
                (key, record["step"], value, round(record["time"] * 1000))
                for key, value in record["metrics"].items()
            }
    return runs
