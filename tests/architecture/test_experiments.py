"""What every experiment of the template owes its readers: its numbers are those of its results."""

import re
from pathlib import Path

import pytest

from acutance_platform.report.answers import grouped
from acutance_platform.verbs.experiment_files import README, RESULTS, read_folder, results_fit
from acutance_platform.verbs.experiments import pages, read_results

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(file.parent for file in (ROOT / "experiments").glob("*/experiment.yaml"))
ANSWERED = [folder for folder in FOLDERS if (folder / RESULTS).is_file()]
ASKED = [folder for folder in FOLDERS if folder not in ANSWERED]
SYSTEMS = [file.read_text() for file in (ROOT / "docs" / "systems").glob("*.md")]
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\.\d)")


@pytest.fixture(params=ANSWERED, ids=lambda folder: folder.name)
def folder(request):
    return read_folder(request.param)


def answer(folder):
    return (folder.path / README).read_text().partition("## Answer")[2]


def prose(text):
    """What people wrote: neither tables, nor code, nor the targets of links, nor the run's line."""
    text = re.sub(r"<!-- run -->.*?<!-- /run -->", "", text, flags=re.S)
    text = "\n".join(line for line in text.splitlines() if not line.startswith("|"))
    return re.sub(r"`[^`]*`|\]\([^)]*\)|https?://\S+", "", text)


def test_its_results_are_there_and_answer_what_its_files_ask(folder):
    assert results_fit(folder, read_results(folder))


def test_its_readme_is_what_its_results_make(folder):
    made = pages(folder, read_results(folder))
    assert (folder.path / README).read_bytes() == made[README]
    text = made[README].decode()
    for name in made:
        if name.endswith(".png"):
            assert (folder.path / name).stat().st_size > 1000
            assert f"]({name})" in text, "a figure that nobody sees"


def test_every_decimal_number_of_the_answer_stands_in_a_table(folder):
    text = answer(folder)
    tables = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    known = set(DECIMAL.findall(tables))
    assert [number for number in DECIMAL.findall(prose(text)) if number not in known] == []


def test_it_has_three_seeds_and_no_trial_that_failed(folder):
    results = read_results(folder)
    assert {trial["state"] for trial in results["trials"]} <= {"COMPLETE", "STOPPED"}
    assert len({trial["seed"] for trial in results["trials"]}) >= 3
    for table in folder.experiment.tables.values():
        if table.against is not None:
            for row, trials in grouped(results, table, table.rows).items():
                assert len({trial["seed"] for trial in trials}) >= 3, row


def claims(text):
    """Whether an answer says anything before there are results."""
    return not text.strip().startswith("Not answered yet") or "|" in text


def test_a_question_without_results_says_that_it_is_not_answered():
    assert [folder.name for folder in ASKED if claims(answer(read_folder(folder)))] == []
    assert claims("\nIt gains 0.31 dB.\n")
    assert claims("\nNot answered yet.\n\n| gain | 0.31 |\n"), "a table before there are results"
    assert not claims("\nNot answered yet: needs a GPU.\n")


@pytest.mark.parametrize("path", FOLDERS, ids=lambda folder: folder.name)
def test_it_is_at_full_size_too_and_linked_from_the_systems(path):
    assert (path / "full.yaml").is_file()
    link = f"experiments/{path.name}/README.md"
    assert any(link in page for page in SYSTEMS), f"no page of docs/systems links to {link}"


def test_a_wrong_number_in_prose_is_found():
    text = "It gains 0.31 dB (`0.5`), not [0.30](a-1.5.md).\n| gain | 0.30 |\n"
    assert DECIMAL.findall(prose(text)) == ["0.31", "0.30"]
