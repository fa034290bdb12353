"""Mean and spread over seeds in tables and in the figure of a front."""

from dataclasses import replace

from sweep_example import example_report

from acutance_platform.cli.looking import front_table
from acutance_platform.report import report_html
from acutance_platform.report.front import front_png, front_rows
from acutance_platform.report.rows import trial_table
from acutance_platform.report.words import over_seeds

SEEDS = {
    "seeds": 3,
    "mean": {"psnr_y": 31.0, "ssim_y": 0.9},
    "spread": {"psnr_y": 0.25, "ssim_y": 0.01},
}
POINTS = [
    {"trial": "t0003", "metrics": {"psnr_y": 31.2, "ssim_y": 0.89}, "weights": "a" * 64, **SEEDS},
    {
        "trial": "t0001",
        "metrics": {"psnr_y": 30.2, "ssim_y": 0.93},
        "weights": "b" * 64,
        "seeds": 1,
    },
]
OBJECTIVES = {"psnr_y": "max", "ssim_y": "max"}


def repeated(points=POINTS):
    data = example_report()
    trials = [dict(trial) for trial in data.status["trials"]]
    trials[3] |= SEEDS
    trials[6] |= {"repeats": "t0003"}
    status = {**data.status, "trials": trials, "objectives": OBJECTIVES}
    return replace(
        data, status=status, front={"objectives": OBJECTIVES, "points": points, "knee": "t0003"}
    )


def test_the_table_tells_mean_spread_and_number_only_where_something_was_repeated():
    assert not [c for c in trial_table(example_report()).columns if "over seeds" in c.title]
    table = trial_table(repeated())
    (place,) = [i for i, c in enumerate(table.columns) if c.title == "PSNR-Y [dB] over seeds"]
    cells = {row.trial: row.cells[place].text for row in table.rows}
    assert cells["t0003"] == "31.00 ± 0.25 (3)"
    assert cells["t0006"] == "as t0003"
    assert cells["t0001"] == "–"
    assert "31.00 ± 0.25 (3)" in report_html(repeated())


def test_the_front_tells_them_in_its_rows_and_draws_them():
    heading, first, second = front_rows(repeated())
    assert "SSIM-Y over seeds" in heading
    assert "0.9000 ± 0.0100 (3)" in first
    assert "–" in second
    once = [{key: v for key, v in p.items() if key not in ("mean", "spread")} for p in POINTS]
    assert "SSIM-Y over seeds" not in front_rows(repeated(once))[0]
    assert front_png(repeated()) != front_png(repeated(once))
    document = {"objectives": OBJECTIVES, "points": POINTS}
    assert [column.header for column in front_table(document).columns][-3:-1] == [
        "PSNR-Y [dB] over seeds",
        "SSIM-Y over seeds",
    ]


def test_a_cost_is_shown_as_a_cost():
    entry = {"seeds": 2, "mean": {"parameters": 24_100.0}, "spread": {"parameters": 0.0}}
    assert over_seeds("parameters", entry) == "24.1 k ± 0 (2)"
