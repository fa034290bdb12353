"""What a person sees while a sweep runs, at two widths, and what a log file gets."""

import io
import time

import pytest
import yaml
from calling import RECIPE, SEARCH
from rich.console import Console

from acutance_platform.cli.live import Lines, View, watching
from acutance_platform.recipe import build_recipe
from acutance_platform.search import parse_search


def records(now, trials=4, direction="max"):
    """A sweep in its middle: one trial complete, one at rest, the others running."""
    text = yaml.safe_load(RECIPE.replace("steps: 4", "steps: 400") + SEARCH)
    text["search"]["objectives"] = {"psnr_y": direction}
    text["search"]["budget"]["trials"] = 8
    section = parse_search(text.pop("search")).model_dump(mode="json")
    spec = {**build_recipe(text).model_dump(mode="json"), "search": section}
    yield {"do": "sweep", "name": "mini", "spec": spec, "time": now}
    yield {"do": "start", "driver": "d", "host": "h", "time": now}
    yield {"do": "baseline", "metrics": {"psnr_y": 32.5}, "time": now}
    for n in range(trials):
        shown = {
            "generator.kind": "srresnet",
            "generator.blocks": n + 1,
            "optimizer.lr": 1.234567e-3,
        }
        yield {"do": "ask", "trial": f"t{n:04d}", "recipe": shown, "rungs": [200, 400], "time": now}
        yield {"do": "leg", "trial": f"t{n:04d}", "time": now}
    for n, (step, value) in enumerate([(400, 33.0), (200, 31.0), (100, 32.0)][:trials]):
        yield {
            "do": "report", "trial": f"t{n:04d}", "step": step, "metrics": {"psnr_y": value},
            "executed": step, "cpu_seconds": 30.0, "gpu_seconds": 0.0, "time": now + 40,
        }  # fmt: skip
    yield {"do": "value", "trial": "t0000", "rung": 200, "values": {"psnr_y": 32.9}, "time": now}
    yield {"do": "value", "trial": "t0000", "rung": 400, "values": {"psnr_y": 33.0}, "time": now}
    yield {"do": "promote", "trial": "t0000", "rung": 200, "time": now}
    yield {"do": "value", "trial": "t0001", "rung": 200, "values": {"psnr_y": 31.0}, "time": now}
    yield {"do": "end", "trial": "t0000", "state": "COMPLETE", "time": now}


def drawn(view, console):
    console.file.seek(0)
    console.file.truncate()
    console.print(view.render())
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def screen(width, height=24):
    return Console(file=io.StringIO(), width=width, height=height)


@pytest.mark.parametrize("width", [80, 120])
def test_the_view_shows_trials_rungs_best_and_spendings_within_the_width(width):
    console = screen(width)
    view = View(console)
    assert "starting" in drawn(view, console)[0]
    for record in records(time.time() - 70):
        view(record)
    lines = drawn(view, console)
    assert all(len(line) <= width for line in lines)
    assert [line.split()[:3] for line in lines[1:5]] == [
        ["t0000", "complete", "400/400"],
        ["t0001", "paused", "200/400"],
        ["t0002", "running", "100/400"],
        ["t0003", "running", "0/400"],
    ]
    assert "33.00  srresnet, blocks 1, lr 0.001235" in lines[1]
    text = "\n".join(lines)
    assert "trials   4 of 8: 2 running, 1 complete, 1 paused" in text
    assert "rungs    step 200: 2, step 400: 1" in text
    assert "best     t0000 33.00 psnr_y, bicubic 32.50, difference +0.50" in text
    assert "CPU 1.5 min, 700 steps" in text
    # 300 steps in the 30 s after the first report, of 8 trials to 200 and 4 (5, 6) of them to 400.
    assert "left     about 3.2 min (2.1 min to 4.4 min)" in text


def test_a_smaller_value_is_better_where_the_objective_says_so():
    console = screen(80)
    view = View(console)
    for record in records(time.time(), direction="min"):
        view(record)
    assert any(line.startswith("best     t0001 31.00") for line in drawn(view, console))


def test_a_low_terminal_shows_what_runs_and_the_best_in_their_order():
    console = screen(80, height=12)
    view = View(console)
    for record in records(time.time(), trials=3):
        view(record)
    for n in range(3, 30):
        view({"do": "ask", "trial": f"t{n:04d}", "recipe": {}, "rungs": [200, 400]})
        view({"do": "leg", "trial": f"t{n:04d}"})
        if n < 29:
            view({"do": "end", "trial": f"t{n:04d}", "state": "STOPPED"})
    lines = drawn(view, console)
    assert len(lines) <= 12
    names = [line.split()[0] for line in lines if line.startswith("t0")]
    assert names == ["t0000", "t0002", "t0029"]
    assert "and 27 more" in "\n".join(lines)


def test_what_earlier_sessions_did_is_known_to_both_and_told_once(capsys):
    console = screen(80)
    view, lines = View(console), Lines()
    for record in records(time.time() - 3600):
        view(record)
        lines(record)
    assert capsys.readouterr().err == ""
    report = {
        "do": "report", "trial": "t0002", "step": 200, "metrics": {"psnr_y": 34.5},
        "executed": 100, "cpu_seconds": 1.0, "gpu_seconds": 0.0, "time": time.time() + 1,
    }  # fmt: skip
    view(report)
    lines(report)
    assert "t0002 step    200  psnr_y 34.50" in capsys.readouterr().err
    assert any("best     t0002 34.50" in line for line in drawn(view, console))


def test_a_log_file_gets_plain_lines(capsys):
    with watching() as watch:  # standard error is no terminal here
        for record in records(time.time() + 1):
            watch(record)
        watch({"do": "failure", "trial": "t0003", "step": 7, "error": "Traceback ...\nOSError: no"})
    err = capsys.readouterr().err
    assert "\x1b" not in err
    said = [line.split("] ")[1] for line in err.splitlines()]
    assert said[0] == "bicubic psnr_y 32.50"
    assert "t0000 new     srresnet, blocks 1, lr 0.001235" in said
    assert "t0000 goes on past step 200" in said
    assert "t0000 COMPLETE" in said
    assert said[-1] == "t0003 failed at step 7: OSError: no"


def test_the_weights_of_a_mix_go_by_their_terms(capsys):
    mix = {
        f"stages.finetune.loss.{term}.weight": share
        for term, share in (("pixel", 0.75), ("texture", 0.25))
    }
    asked = {"do": "ask", "trial": "t0000", "recipe": {"generator.kind": "rdn", **mix}, "time": 0.0}
    with watching() as watch:
        watch(asked)
    assert "t0000 new     rdn, pixel 0.75, texture 0.25" in capsys.readouterr().err
