"""What people read about constraints."""

from acutance_platform.report.feasible import constraint_texts, met, told


def trial(name, psnr, feasible, violations):
    return {
        "trial": name,
        "metrics": {"psnr_y": psnr},
        "feasible": feasible,
        "violations": violations,
    }


def status(*trials, nearest=None, refused=0):
    rules = {"psnr_y": ">= 24", "parameters": [">= 1", "<= 9"]}
    return {"constraints": rules, "trials": trials, "nearest": nearest, "refused": refused}


GOOD, BAD = trial("t0000", 30.0, True, {}), trial("t0001", 22.8, False, {"psnr_y": 0.05})


def test_a_sweep_says_its_rules_who_meets_them_and_what_was_refused():
    document = status(GOOD, BAD, refused=1200)
    assert constraint_texts(document) == ["psnr_y >= 24", "parameters >= 1", "parameters <= 9"]
    first, second = told(document)
    assert "psnr_y >= 24, parameters >= 1, parameters <= 9; 1 of 2 trials meet them" in first
    assert "1,200 drawn recipes" in second
    assert told({"constraints": {}, "trials": []}) == []


def test_where_none_meets_them_the_nearest_is_named_with_what_it_misses():
    *_, last = told(status(BAD, nearest="t0001"))
    assert last.endswith("the nearest is t0001 with psnr_y 22.80.")


def test_a_trial_says_which_rules_it_misses():
    unknown = trial("t0002", None, None, {})
    assert [met(each) for each in (GOOD, BAD, unknown)] == ["yes", "no: psnr_y", "–"]
