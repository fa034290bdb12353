"""The tables and figures of an experiment's answer, from results made up here."""

import io

import pytest
from answers_example import RESULTS, cells, trial
from PIL import Image

from acutance_platform.report.answer_figures import figure_png
from acutance_platform.report.answer_values import heading, steps_past
from acutance_platform.report.answers import NOT_RUN, Figure, Table, table_text, written


def test_a_row_has_mean_and_deviation_over_its_seeds():
    heads, _, on, off = cells(table_text(RESULTS, Table(rows="variant", columns=["psnr_y"])))
    assert heads == ["variant", "PSNR-Y [dB]"]
    assert on == ["on", "31.10 ± 0.10"]
    assert off == ["off", "30.70 ± 0.20"]


def test_differences_are_paired_by_seed():
    table = Table(rows="variant", columns=["parameters", "psnr_y"], against="off")
    heads, _, on, off = cells(table_text(RESULTS, table))
    assert heads[-1] == "PSNR-Y [dB], beside off"
    assert on == ["on", "72,603", "31.10 ± 0.10", "+0.400 ± 0.100 (3 of 3 above 0)"]
    assert off[-1] == ""


def test_differences_leave_out_a_seed_that_one_of_both_lacks():
    results = {**RESULTS, "trials": RESULTS["trials"][1:]}
    table = Table(rows="variant", columns=["psnr_y"], against="off")
    *_, on, _ = cells(table_text(results, table))
    assert on[-1] == "+0.350 ± 0.071 (2 of 2 above 0)"


def test_a_value_that_is_not_finite_is_told_and_does_not_spoil_the_mean():
    results = {**RESULTS, "trials": [*RESULTS["trials"][:3], trial("on", 3, None)]}
    *_, on = cells(table_text(results, Table(rows="variant", columns=["psnr_y"])))
    assert on[-1] == "31.10 ± 0.10 (3 of 4)"


def test_a_comparison_with_a_row_that_is_not_there_names_the_rows():
    with pytest.raises(ValueError, match="against: of is none of the rows on; off"):
        table_text(RESULTS, Table(rows="variant", columns=["psnr_y"], against="of"))


def test_trials_are_chosen_by_sweep_and_settings():
    table = Table(rows="variant", columns=["psnr_y"], where={"variant": ["off"]})
    assert [row[0] for row in cells(table_text(RESULTS, table))[2:]] == ["off"]
    other = {**RESULTS, "trials": [*RESULTS["trials"], trial("x", 0, 20.0, sweep="other")]}
    table = Table(rows="variant", columns=["psnr_y"], sweep="other")
    assert [row[0] for row in cells(table_text(other, table))[2:]] == ["x"]


def test_without_rows_all_settings_make_one():
    assert cells(table_text(RESULTS, Table(columns=["psnr_y"])))[2][:2] == ["on", "2"]


def test_bicubic_stands_under_its_metrics_alone():
    table = Table(rows="variant", columns=["parameters", "psnr_y"], against="off", bicubic=True)
    assert cells(table_text(RESULTS, table))[-1] == ["bicubic", "–", "30.00", ""]


def test_points_of_the_front_show_settings_of_their_trials():
    table = Table(of="front", columns=["variant", "psnr_y"])
    rows = cells(table_text(RESULTS, table))[2:]
    assert rows == [["ton0", "on", "31.00"], ["a-b-0.5", "–", "29.00"]]


def test_the_steps_that_were_saved():
    *_, row = cells(table_text(RESULTS, Table(of="sweeps")))
    assert row == ["sweep", "6", "1,200", "900", "25 %", "25 %", "0 %", "3.0"]
    early = [{**each, "values": {**each["values"], "steps": 150}} for each in RESULTS["trials"][:3]]
    stopped = {**RESULTS, "trials": [*early, *RESULTS["trials"][3:]]}
    heads, _, row = cells(table_text(stopped, Table(of="sweeps")))
    told = dict(zip(heads, row, strict=True))
    assert (told["by sharing stages"], told["by stopping early"]) == ("12 %", "12 %")


def test_what_was_not_asked_of_a_trial_is_not_missing_from_its_row():
    """A metric that was not finite is; one that does not belong to a trial is not."""
    first, second, third = (trial("on", seed, 31.0 + seed) for seed in range(3))
    first["values"]["niqe"], second["values"]["niqe"], third["values"]["niqe"] = 4.0, 6.0, None
    table = Table(rows="variant", columns=["niqe"])
    *_, row = cells(table_text({**RESULTS, "trials": [first, second, third]}, table))
    assert row[1].endswith("(2 of 3)")
    del third["values"]["niqe"]
    *_, row = cells(table_text({**RESULTS, "trials": [first, second, third]}, table))
    assert "of" not in row[1]


def test_a_readme_keeps_all_that_people_wrote():
    text = "# A\n<!-- table t -->\nold\n<!-- /table t -->\nmine\n<!-- run -->\n<!-- /run -->\nend\n"
    table = Table(rows="variant", columns=["psnr_y"])
    once = written(text, RESULTS, {"t": table}, "yesterday")
    assert "old" not in once
    assert once.startswith("# A\n<!-- table t -->\n\n| variant")
    assert "\nmine\n<!-- run -->\n\nyesterday\n\n<!-- /run -->\nend\n" in once
    assert written(once, RESULTS, {"t": table}, "yesterday") == once


def test_a_readme_without_its_mark_is_told_which():
    with pytest.raises(ValueError, match="<!-- table t -->"):
        written("# A\n", RESULTS, {"t": Table()}, "")


def test_a_heading_says_where_it_was_measured():
    assert heading("set5/psnr_y") == "PSNR-Y [dB], set5"
    assert heading("loss/pixel") == "loss/pixel"


@pytest.mark.parametrize("curves", [False, True])
def test_a_figure_shows_each_row(curves):
    wanted = Figure(x="cpu_seconds", y="psnr_y", by="variant", curves=curves)
    drawn = [
        figure_png({**RESULTS, "trials": some}, wanted)
        for some in (RESULTS["trials"], RESULTS["trials"][:3])
    ]
    assert drawn[0] != drawn[1]
    with Image.open(io.BytesIO(drawn[0])) as picture:
        assert picture.width > 600


def test_a_figure_of_twelve_rows_is_light_enough_for_a_repository():
    many = [trial(f"v{n}", seed, 30 + n + seed / 3) for n in range(12) for seed in range(3)]
    wanted = Figure(x="steps", y="psnr_y", by="variant", curves=True)
    made = figure_png({**RESULTS, "trials": many}, wanted)
    assert 1000 < len(made) < 60_000
    assert Image.open(io.BytesIO(made)).size[0] > 800


def test_a_figure_of_what_nobody_measured_is_refused():
    with pytest.raises(ValueError, match="no trial has steps and lpips"):
        figure_png(RESULTS, Figure(x="steps", y="lpips", by="variant"))


def test_a_value_of_a_step_is_what_was_reported_then():
    table = Table(rows="variant", columns=["psnr_y@100", "psnr_y@300"], bicubic=True)
    heads, _, on, _, bicubic = cells(table_text(RESULTS, table))
    assert heads[1:] == ["PSNR-Y [dB], step 100", "PSNR-Y [dB], step 300"]
    assert on[1:] == ["25.00", "–"]
    assert bicubic[1:] == ["–", "–"]


@pytest.mark.parametrize(
    ("course", "direction", "step"),
    [
        ({1: 1.0, 2: 3.0, 3: 4.0}, "max", 2),
        ({1: 3.0, 2: 1.0, 3: 4.0}, "max", 3),
        ({1: 3.0, 2: 4.0, 3: 2.0}, "max", None),
        ({1: 3.0, 2: 1.0}, "min", 2),
    ],
)
def test_a_bar_is_passed_where_all_later_reports_are_past_it(course, direction, step):
    reports = {each: {"psnr_y": value} for each, value in course.items()}
    assert steps_past(reports, "psnr_y", direction, 2.0) == step
    assert steps_past(reports, "psnr_y", direction, None) is None
    assert steps_past(reports, "rmse", direction, 2.0) is None


def test_a_sweep_that_was_left_out_is_told():
    assert table_text(RESULTS, Table(sweep="streets", columns=["psnr_y"], against="on")) == NOT_RUN


def test_what_bicubic_reaches_is_a_table_too():
    table = Table(of="bicubic", columns={"psnr_y": "PSNR", "set5/psnr_y": "on Set5"})
    text = table_text(RESULTS, table)
    assert cells(text)[2:] == [["PSNR", "30.00"], ["on Set5", "–"]]


def test_a_value_that_one_seed_alone_has_says_so():
    few = [trial("on", seed, 31.0 if seed == 1 else None) for seed in range(3)]
    table = Table(rows="variant", columns=["psnr_y"])
    assert cells(table_text({**RESULTS, "trials": few}, table))[-1] == ["on", "31.00 (1 of 3)"]
