"""The page, the table and the numbers in them."""

import dataclasses
import io
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.console import Console
from sweep_example import example_report

from acutance_platform.report import ReportData, report_html, rich_table, summary
from acutance_platform.report.rows import folded, told_apart, trial_table
from acutance_platform.report.words import count, number, setting, short_paths, tick


class Page(HTMLParser):
    """Collects tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def changed(**status: Any) -> ReportData:
    data = example_report(strips=1)
    return dataclasses.replace(data, status={**data.status, **status})


@pytest.fixture(scope="module")
def text() -> str:
    return report_html(example_report())


def test_the_page_needs_nothing_but_itself(text: str) -> None:
    page = Page(text)
    assert not page.all("link")
    assert all("src" not in script for script in page.all("script"))
    sources = [image["src"] for image in page.all("img")]
    sources += [source["srcset"] for source in page.all("source")]
    assert len(sources) == 8
    assert all(source and source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"https?://|@import|url\(", re.sub(r"base64,[^\"]+", "", text))


def test_the_page_can_be_read_aloud(text: str) -> None:
    page = Page(text)
    assert all(image["alt"] for image in page.all("img"))
    assert {heading.get("scope") for heading in page.all("th")} == {"col", "row"}
    assert page.all("html") == [{"lang": "en"}]
    assert all(
        region.get("aria-label") or region.get("aria-labelledby")
        for region in page.all("div")
        if region.get("role") == "region"
    )


def test_the_page_says_what_came_out(text: str) -> None:
    for words in ("33.04", "+1.62", "bicubic 31.42", "of 14,400 requested; 7,200 saved"):
        assert words in text
    assert "acutance upscale my.jpg" in text
    assert "generator: {kind: carn, channels: 24}" in text


def test_the_same_data_give_the_same_page(text: str) -> None:
    assert report_html(example_report()) == text


def test_names_cannot_inject_markup() -> None:
    evil = "<script>alert(1)</script>"
    data = changed(sweep=evil)
    page = report_html(dataclasses.replace(data, question=evil, recipe=evil))
    assert evil not in page
    assert page.count("&lt;script&gt;alert(1)") == 4


def test_summary() -> None:
    assert summary(example_report()) == (
        "The best of 8 trials, t0003 (srresnet), reaches 33.04 dB PSNR-Y on the validation "
        "pictures, 1.62 dB above bicubic (31.42 dB). 50% of the steps requested did not have to "
        "be computed."
    )


def test_summary_of_a_loser() -> None:
    assert "1.96 dB below bicubic (35.00 dB)" in summary(changed(baseline={"psnr_y": 35.0}))


def test_a_sweep_without_results_has_a_page() -> None:
    trial = {"trial": "t0000", "state": "RUNNING", "recipe": {}, "metrics": {"psnr_y": None}}
    trial |= {"steps": 0, "run_id": None, "weights": None, "failures": 0}
    status = {"state": "RUNNING", "best": None, "baseline": {}, "steps_executed": 0}
    data = changed(**status, trials=[trial])
    data = dataclasses.replace(data, reports={}, strips=(), recipe="", rungs=())
    assert summary(data) == "None of the 1 trials is complete. The sweep is RUNNING."
    assert "<img" not in report_html(data)
    assert "<img" not in report_html(
        dataclasses.replace(data, status={**data.status, "trials": []})
    )


def test_best_first_and_stopped_ones_behind_complete_ones() -> None:
    rows = trial_table(example_report()).rows
    assert [row.trial for row in rows][:4] == ["t0003", "t0001", "t0006", "t0005"]
    assert [row.state for row in rows][:4] == ["COMPLETE", "COMPLETE", "COMPLETE", "STOPPED"]
    assert [row.best for row in rows] == [True] + [False] * 7


def test_an_objective_to_minimise_ranks_the_least_first() -> None:
    rows = trial_table(changed(objectives={"parameters": "min"})).rows
    values = [row.cells[5].order for row in rows if row.state == "COMPLETE"]
    assert values == sorted(values)


def test_costs_beside_the_metrics_are_shown() -> None:
    data = example_report()
    bare = [{**t, "metrics": {"psnr_y": t["metrics"]["psnr_y"]}} for t in data.status["trials"]]
    data = dataclasses.replace(
        data,
        status={**data.status, "trials": bare},
        costs={t["trial"]: {"parameters": 1e6, "macs_per_pixel": 2e4} for t in bare},
    )
    titles = [column.title for column in trial_table(data).columns]
    assert titles[-3:] == ["Parameters", "MACs per pixel", "Steps"]
    assert trial_table(data).rows[0].cells[-3].text == "1.00 M"


@pytest.mark.parametrize("width", [80, 140])
def test_long_searched_values_give_way_to_trials_and_metrics(width: int) -> None:
    data = example_report()
    mix = {"kind": "perceptual", "weight": 1.0, "normalize": "initial", "note": "long " * 20}
    terms = {f"stages.finetune.loss.term{number}": mix for number in range(9)}
    trials = [{**trial, "recipe": {**trial["recipe"], **terms}} for trial in data.status["trials"]]
    data = dataclasses.replace(data, status={**data.status, "trials": trials})
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(rich_table(data, width=width))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    for trial in trials:
        (line,) = [line for line in lines if trial["trial"] in line]
        assert trial["state"] in line
        assert f"{trial['metrics']['psnr_y']:.2f}" in line
    assert any("perceptual"[:7] in line for line in lines), "what has room is shown"


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_the_terminal_table_fits(width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(rich_table(example_report(), width=width))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    if width >= 80:
        assert "…" not in "".join(lines)
    assert "t0003 *" in lines[3]


def test_markup_in_a_recipe_is_only_text() -> None:
    data = example_report()
    trials = [{**t, "recipe": {"a": "[bold]x[/bold]"}} for t in data.status["trials"]]
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(rich_table(dataclasses.replace(data, status={**data.status, "trials": trials})))
    assert "[bold]x[/bold]" in console.export_text()


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("psnr_y", 28.4267, "28.43"),
        ("ssim_y", 0.89312, "0.8931"),
        ("parameters", 852_867, "852.9 k"),
        ("parameters", 1_554_499, "1.55 M"),
        ("parameters", 999, "999"),
        ("macs_per_pixel", 1.2e10, "12.0 G"),
        ("loss/pixel", 0.00123456, "0.001235"),
        ("psnr_y", None, "–"),
    ],
)
def test_numbers(metric: str, value: float | None, text: str) -> None:
    assert number(metric, value) == text


def test_words() -> None:
    assert [tick(v) for v in (0, 500, 1500, 15_000, 2.5e6)] == [
        "0",
        "500",
        "1,500",
        "15 k",
        "2.5 M",
    ]
    assert count(0) == "0"
    assert setting({"kind": "rcan", "groups": 2}) == "rcan, groups 2"
    assert (setting(1e-4), setting(True), setting([1, 0.5])) == ("0.0001", "true", "1 0.5")
    paths = ["optimizer.lr", "a.loss.pixel.kind", "generator", "b.steps", "c.steps"]
    short = ["lr", "pixel.kind", "generator", "b.steps", "c.steps"]
    assert list(short_paths([*paths, "a.loss.pixel.weight"]).values()) == [*short, "pixel"]
    assert list(short_paths(paths).values()) == short


def test_a_searched_component_is_one_column_and_a_lone_kind_stays() -> None:
    recipes = {
        "t0": {"generator.kind": "carn", "generator.units": 2, "loss.pixel.kind": "l1"},
        "t1": {"generator.preset": "msrresnet", "lr": 1e-3},
    }
    assert folded(recipes) == {
        "t0": {"generator": {"kind": "carn", "units": 2}, "loss.pixel.kind": "l1"},
        "t1": {"generator": {"preset": "msrresnet"}, "lr": 1e-3},
    }


def test_a_component_shows_what_tells_it_from_others_of_its_kind() -> None:
    skip = {"kind": "carn", "skip": "bicubic"}
    recipes = {
        "t0": {"generator": {**skip, "units": 2}, "lr": 1e-3},
        "t1": {"generator": {**skip, "units": 3}, "lr": 1e-3},
        "t2": {"generator": {"kind": "rdn", "growth": 12}},
        "t3": {"generator": {"kind": "rdn", "growth": 12, "layers": 3}},
        "t4": {"generator": {"preset": "idn", "skip": "none"}},
    }
    assert told_apart(recipes) == {
        "t0": {"generator": {"kind": "carn", "units": 2}, "lr": 1e-3},
        "t1": {"generator": {"kind": "carn", "units": 3}, "lr": 1e-3},
        "t2": {"generator": {"kind": "rdn"}},
        "t3": {"generator": {"kind": "rdn", "layers": 3}},
        "t4": {"generator": {"preset": "idn"}},
    }


@pytest.mark.parametrize("width", [60, 100])
def test_a_loss_mix_leaves_room_for_trials_and_metrics(width: int) -> None:
    data = example_report()
    mix = {f"stages.finetune.loss.{term}.weight": 0.123456 for term in ("pixel", "texture", "gan")}
    drawn = {"generator.kind": "enhancenet", "generator.channels": 24, **mix}
    trials = [{**trial, "recipe": drawn} for trial in data.status["trials"]]
    data = dataclasses.replace(data, status={**data.status, "trials": trials})
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(rich_table(data, width=width))
    heading, first = (console.export_text(clear=False).splitlines()[i] for i in (1, 3))
    assert heading.split()[0] == "Trial"
    assert "PSNR-Y" in heading
    assert first.split()[:2] == ["t0003", "*"]
    if width == 100:
        assert heading.split()[2:6] == ["generator", "pixel", "texture", "gan"]


def test_ticks_of_one_axis_share_a_unit() -> None:
    assert [tick(v, 25_000) for v in (0, 7_500, 25_000)] == ["0 k", "7.5 k", "25 k"]
