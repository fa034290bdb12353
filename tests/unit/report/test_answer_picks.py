"""Winners under rules: by means over seeds, among what was trained with most seeds."""

import pytest
from answers_example import RESULTS, cells, trial

from acutance_platform.report.answer_picks import picked
from acutance_platform.report.answers import Table, table_text


def row(*values):
    return [{"values": dict(zip(("rmse", "niqe"), each, strict=True))} for each in values]


ROWS = {
    "near": row((10.0, 7.0), (11.0, 6.8)),
    "edge": row((11.0, 6.0), (12.0, 5.8)),  # 11.5 in the mean: the rule holds
    "far": row((15.0, 5.0), (15.5, 5.2)),
    "lucky": row((9.0, 1.0)),
    "broken": row((9.0, None), (9.0, 2.0)),
}
PICKS = {
    "narrow": {"rmse": "<= 11.5"},
    "band": {"rmse": ["> 11.5", "<= 16"]},
    "no": {"rmse": "< 1"},
}


def test_the_best_mean_among_the_rows_with_most_seeds_that_meet_the_rules():
    found = picked(ROWS, PICKS, {"niqe": "min"})
    assert found == {"narrow": "edge", "band": "far", "no": None}
    assert picked(ROWS, PICKS, {"niqe": "max"})["narrow"] == "near"
    assert picked({}, PICKS, {"niqe": "min"}) == {"narrow": None, "band": None, "no": None}


def test_a_rule_on_what_was_not_measured_is_met_by_none():
    assert picked(ROWS, {"any": {"other": ">= 0"}}, {"niqe": "min"}) == {"any": None}


def test_the_table_names_pick_and_winner():
    picks = {"all": {"psnr_y": ">= 0"}, "none": {"psnr_y": ">= 99"}}
    table = Table(of="picks", rows="variant", columns=["psnr_y"], picks=picks, by={"psnr_y": "min"})
    heads, _, best, none = cells(table_text(RESULTS, table))
    assert heads == ["pick", "winner", "PSNR-Y [dB]"]
    assert best == ["all", "off", "30.70 ± 0.20"]
    assert none == ["none", "none", "–"]
    with pytest.raises(ValueError, match="by: one metric"):
        table_text(RESULTS, Table(of="picks", columns=["psnr_y"], picks=picks))


def test_repeats_stand_with_the_trial_that_they_repeat():
    first, again = trial("on", 0, 30.0, name="t0000"), trial("on", 1, 31.0, name="t0001")
    again["repeats"] = "t0000"
    table = Table(of="picks", columns=["psnr_y"], picks={"a": {}}, by={"psnr_y": "max"})
    *_, told = cells(table_text({**RESULTS, "trials": [first, again]}, table))
    assert told == ["a", "t0000", "30.50 ± 0.71"]
