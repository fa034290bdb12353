import math

import pytest

from acutance_platform.search.reports import Reports


def test_reports_are_a_mapping_of_steps_to_metrics():
    reports = Reports()
    assert (len(reports), reports.last, 5 in reports) == (0, 0, False)
    reports.add(10, {"psnr_y": 28.5, "ssim_y": math.nan})
    reports.add(30, {"psnr_y": 29.0})
    assert dict(reports)[10]["psnr_y"] == 28.5
    assert math.isnan(reports[10]["ssim_y"])
    assert list(reports) == [10, 30]
    assert reports[30] == {"psnr_y": 29.0}
    assert reports.get(20, {}) == {}
    with pytest.raises(KeyError):
        reports[20]


def test_a_report_that_comes_late_stands_at_its_step_and_moves_no_other():
    reports = Reports()
    for step in (20, 40, 10, 30):
        reports.add(step, {"a": float(step), **({"b": -step} if step > 15 else {})})
    assert {step: reports[step] for step in reports} == {
        10: {"a": 10.0},
        20: {"a": 20.0, "b": -20.0},
        30: {"a": 30.0, "b": -30.0},
        40: {"a": 40.0, "b": -40.0},
    }
    assert reports.last == 40
    assert reports.course("b") == ([20, 30, 40], [-20.0, -30.0, -40.0])


def test_equal_reports_compare_as_equal_also_with_what_was_not_finite():
    first, second = Reports(), Reports()
    for reports in (first, second):
        reports.add(5, {"a": math.nan})
    assert first == second
    second.add(6, {})
    assert first != second
