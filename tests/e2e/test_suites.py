"""`acutance evaluate --suite`: the numbers of `evaluate`, under one name, kept in the store."""

from pathlib import Path

import pytest
from calling import photographs, refused

from acutance_platform.verbs.home import open_home
from acutance_platform.verbs.suites import stored_evaluation

SUITE = "protocol: y8\ndatasets: [{dataset: ours}, {dataset: theirs}]\n"


@pytest.fixture
def suite(place, acutance, weights):
    photographs(place / "more", number=7)
    for name, folder in (("ours", "photos"), ("theirs", "more")):
        assert acutance("data", "add", name, folder).code == 0
    Path("experiments/suites").mkdir(parents=True)
    Path("experiments/suites/both.yaml").write_text(SUITE)
    Path("m.safetensors").write_bytes(weights)


def test_a_suite_is_its_datasets_measured_one_by_one_and_is_kept(suite, acutance):
    found = acutance("evaluate", "m.safetensors", "--suite", "both", "--json")
    assert found.code == 0, found.err
    alone = [
        acutance("evaluate", "m.safetensors", name, "--split", "all", "--protocol", "y8", "--json")
        for name in ("ours", "theirs")
    ]
    assert [each["images"] for each in found.json["sets"]] == [one.json["images"] for one in alone]
    values = [image["psnr_y"] for one in alone for image in one.json["images"]]
    assert found.json["mean"]["psnr_y"] == pytest.approx(sum(values) / 12)
    kept = stored_evaluation("m.safetensors", "both", home=open_home())
    assert kept.as_dict() == found.json
    again = acutance("evaluate", "m.safetensors", "--suite", "both", "--stored")
    assert again.code == 0, again.err
    assert f"{found.json['suite']}, mean over 12 pictures" in again.out


def test_other_pictures_are_another_version(suite, acutance, place):
    first = acutance("evaluate", "bicubic", "--scale", 2, "--suite", "both", "--json").json
    photographs(place / "yet more", number=9)
    assert acutance("data", "add", "theirs", "yet more").code == 0
    second = acutance("evaluate", "bicubic", "--scale", 2, "--suite", "both", "--json").json
    assert first["suite"] != second["suite"]
    refused(
        acutance("evaluate", "m.safetensors", "--suite", "both", "--stored"), "was not measured"
    )


def test_all_that_is_wrong_with_a_suite_is_told(suite, acutance):
    Path("experiments/suites/bad.yaml").write_text(
        "protocol: rcam\ndatasets: [{dataset: gone}, {dataset: ours@abcabcabcabc}]\n"
    )
    words = ("evaluate", "m.safetensors", "--suite")
    refused(acutance(*words, "bad"), "rcam", "acutance data add gone", "abcabcabcabc")
    refused(acutance(*words, "none"), "Suites here: bad, both")
    refused(acutance(*words, "both", "--border", 2), "Leave --border out")
    refused(acutance("evaluate", "m.safetensors"), "Name DATA")
