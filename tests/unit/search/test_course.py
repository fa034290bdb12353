"""The course of a sweep, heard record by record, beside what the whole journal says."""

import pytest
from searched_sweep import OBJECTIVES, between, measured, repeated, searched

from acutance_platform.search.course import Course
from acutance_platform.search.fold import Sweep
from acutance_platform.search.front import hypervolume
from acutance_platform.search.points import front_points, objective_values

REFERENCE = {"psnr_y": 26.0, "lpips": 0.6}


def heard(records):
    """Yield the sweep and its course after each record."""
    sweep, course = Sweep(), Course()
    for record in records:
        sweep.apply(record)
        course.hear(record, sweep)
        yield sweep, course


def journal(constraints=None):
    made = between("t0000", "t0003", 0.5, {"psnr_y": 31.5, "lpips": 0.4}, 1.8e9)
    nan = between("t0000", "t0003", 0.7, {"psnr_y": None, "lpips": 0.4}, 1.8e9)
    return [
        *searched("s", constraints=constraints),
        *repeated(24, 3, 7, shift=0.01),
        made,
        made,
        nan,
    ]


@pytest.mark.parametrize("constraints", [None, {"parameters": "<= 3e5", "psnr_y": ">= 28"}])
def test_each_height_is_the_hypervolume_of_the_front_of_that_moment(constraints):
    count = 0
    for sweep, course in heard(journal(constraints)):
        heights = course.volumes(sweep, REFERENCE)
        assert len(heights) == len(course.moments)
        if len(heights) > count:
            values = objective_values(front_points(sweep), list(OBJECTIVES))
            whole = hypervolume(values, list(OBJECTIVES.values()), list(REFERENCE.values()))
            assert heights[-1] == pytest.approx(whole, rel=1e-9)
            count = len(heights)
    assert count == 8 + 2  # the trials that complete and two models between; no repeat
    assert 0 < heights[0] < heights[-1]


def test_hours_and_steps_of_a_moment_are_those_of_the_sweep():
    seen = 0
    for sweep, course in heard(journal()):
        if len(course.moments) > seen:
            seen, moment = len(course.moments), course.moments[-1]
            assert moment.steps == sweep.executed
            assert moment.cpu_hours == pytest.approx(sweep.cpu_hours)
            assert moment.gpu_hours == pytest.approx(sweep.gpu_hours)
            assert moment.wall_hours == pytest.approx(sweep.wall_hours())


def test_another_reference_counts_all_moments_anew():
    *_, (sweep, course) = heard(journal())
    near = list(course.volumes(sweep, REFERENCE))
    far = course.volumes(sweep, {"psnr_y": 20.0, "lpips": 0.9})
    assert len(far) == len(near)
    assert all(a > b for a, b in zip(far, near, strict=True))


def test_a_trials_hours_stand_beside_its_reports_and_a_report_told_again_counts_once():
    records = journal()
    late = [record for record in records if record.get("step") == 300]
    records = [record for record in records if record not in late] + late  # as no driver does
    again = [record for record in records if record["do"] == "report"][:3]
    *_, (sweep, course) = heard([*records, *again])
    cpu, gpu = course.spent("t0000")
    assert list(sweep.trials["t0000"].reports) == list(range(100, 801, 100))
    counts = [1, 2, 8, 3, 4, 5, 6, 7]
    assert cpu == pytest.approx([30 * count / 3600 for count in counts])
    assert gpu == pytest.approx([20 * count / 3600 for count in counts])
    assert measured(0, 800) == sweep.trials["t0000"].reports[800]
