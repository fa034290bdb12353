"""What the figures' addresses answer, through the application itself, and how often it is made."""

import gzip
import json
import urllib.error
import urllib.parse
import urllib.request

import pytest
from browser import eventually, serving
from searched_sweep import OBJECTIVES, between, measured, repeated, searched

from acutance_platform.dashboard import points
from acutance_platform.search.fold import Sweep
from acutance_platform.search.front import front
from acutance_platform.search.journals import sweep_journal
from acutance_platform.verbs import looking
from acutance_platform.verbs.home import Home
from acutance_storage import open_store

FRONT = ["t0000", "t0006", "t0009", "t0012", "t0018", "t0021"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    place = tmp_path_factory.mktemp("figures")
    home = Home(open_store(place / "store"), place / "local")
    made = between("t0000", "t0006", 0.5, {"psnr_y": 30.5, "lpips": 0.485}, 1.8e9)
    records = [*searched("s"), *repeated(24, 0, 7, shift=0.01), made]
    sweep_journal(home.store, "s").append(*records)
    strict = searched("strict", constraints={"parameters": "<= 3e5"})
    sweep_journal(home.store, "strict").append(*strict)
    sweep_journal(home.store, "young").append(*searched("young", trials=2)[:4])
    return home


class Client:
    """Asks a running dashboard."""

    def __init__(self, url):
        self._url = url

    def get(self, path, heads=None):
        """Return status, heads and body."""
        request = urllib.request.Request(self._url + path, headers=heads or {})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def __call__(self, path, code=200, **query):
        given = urllib.parse.urlencode(query, doseq=True)
        status, _, body = self.get(f"/api/sweeps/{path}?{given}")
        assert status == code, body
        return json.loads(body)


@pytest.fixture(scope="module")
def ask(home):
    with serving(home) as server:
        yield Client(server.url)


def names(document, places):
    return [document["points"]["name"][i] for i in places]


def test_the_front_is_the_command_lines_with_its_hypervolume_and_course(ask, home):
    document, left = ask("s/front"), ask("s/front/left")
    told = looking.front("s", home=home)
    assert names(document, left["front"]) == [point["trial"] for point in told["points"]]
    assert {*FRONT, "t0000-t0006-0.5"} == set(names(document, left["front"]))
    assert left["hypervolume"] == told["hypervolume"] == document["hypervolume"]
    assert document["course"]["volume"][-1] == pytest.approx(told["hypervolume"])
    assert document["points"]["values"]["psnr_y"][0] == measured(0, 800)["psnr_y"]
    (place,) = document["parents"]
    assert document["parents"][place] == ["t0000", "t0006", 0.5]
    assert document["seeds"]["0"]["spread"]["psnr_y"] == pytest.approx(0.01 / 2**0.5)


@pytest.mark.parametrize(
    "rules", [["psnr_y>=29.5"], ["psnr_y>=29.5", "lpips<=0.45"], ["parameters<=150000"]]
)
def test_what_is_left_is_exact_and_the_pick_is_the_command_lines(ask, home, rules):
    document, left = ask("s/front"), ask("s/front/left", where=rules, by="lpips")
    bounds = [(rule[: rule.index(op)], op, float(rule[rule.index(op) + 2 :]))
              for rule in rules for op in ("<=", ">=") if op in rule]  # fmt: skip
    values = document["points"]["values"]
    kept = [
        i
        for i in range(len(document["points"]["name"]))
        if all(
            (value := values[metric][i]) is not None
            and (value <= bound if op == "<=" else value >= bound)
            for metric, op, bound in bounds
        )
    ]
    chosen = front([[values[name][i] for name in OBJECTIVES] for i in kept], ["max", "min"])
    assert set(left["front"]) == {kept[i] for i in chosen}
    assert left["left"] == len(kept)
    told = looking.front("s", pick=rules, by="lpips", home=home)["points"]
    assert left["picked"] == (told[0]["trial"] if told else None)


def test_a_front_of_other_axes_is_over_those(ask):
    document = ask("s/front")
    left = ask("s/front/left", x="parameters", y="psnr_y", of="axes")
    values = document["points"]["values"]
    known = [
        i for i, value in enumerate(values["parameters"]) if value is not None
    ]  # the model between two has no count
    points_of = [[values["parameters"][i], values["psnr_y"][i]] for i in known]
    assert set(left["front"]) == {known[i] for i in front(points_of, ["min", "max"])}
    assert ask("s/front/left", x="parameters")["front"] == ask("s/front/left")["front"]


def test_what_breaks_the_sweeps_constraints_is_marked_and_on_no_front(ask):
    document, left = ask("strict/front"), ask("strict/front/left")
    small = [int(value <= 3e5) for value in document["points"]["values"]["parameters"]]
    assert document["points"]["feasible"] == small
    assert 0 < sum(small) < len(small)
    assert all(small[i] for i in left["front"])
    assert left["left"] == sum(small)


@pytest.mark.parametrize(
    ("path", "query", "told"),
    [
        ("s/front/left", {"where": "psnr_y"}, "no rule"),
        ("s/front/left", {"where": "nothing>=1"}, "no point has this metric"),
        ("s/front/left", {"x": "nothing"}, "no point has this metric"),
        ("s/front/left", {"of": "all"}, "objectives or axes"),
        ("s/front/left", {"by": "parameters"}, "no objective"),
        ("s/points/t9999", {}, "no such trial"),
        ("s/curves", {"metric": "nothing"}, "no trial has it"),
        ("s/curves", {"q": "what>=1"}, "no trial has what"),
        ("s/curves", {"choice": "all"}, "no such choice"),
        ("none/front", {}, "no sweep of this name"),
    ],
)
def test_what_cannot_be_answered_is_told_plainly(ask, path, query, told):
    assert told in ask(path, code=404, **query)["error"]


def test_curves_tell_promotions_ends_and_how_many_there_would_be(ask):
    found = ask("s/curves", most=5)
    assert (len(found["curves"]), found["asked"], found["trials"]) == (5, 25, 25)
    first = found["curves"][0]
    assert first["trial"] == found["best"]
    assert first["x"] == list(range(100, 801, 100))
    assert first["promoted"] == [1]
    assert (found["rungs"], found["baseline"]) == ([200, 800], 26.0)
    stopped = ask("s/curves", choice="stopped")["curves"]
    assert {curve["state"] for curve in stopped} == {"STOPPED"}
    assert all(curve["x"] == [100, 200] for curve in stopped)
    hours = ask("s/curves", over="cpu", q="t0003")["curves"]
    assert hours[0]["x"] == pytest.approx([30 * (i + 1) / 3600 for i in range(8)], rel=1e-5)


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("t0003 t0004, t0005", {3, 4, 5}),
        ("t0001,t0003 state=COMPLETE", {3}),
        ("psnr_y>=31", {0, 24}),
        ("generator.kind=rcan steps<300", {5, 11, 17, 23}),
    ],
)
def test_curves_of_the_trials_that_are_asked_for(ask, q, expected):
    found = ask("s/curves", q=q)
    assert {int(curve["trial"][1:]) for curve in found["curves"]} == expected


def test_axes_of_paths_and_results_with_one_value_per_trial(ask):
    found = ask("s/parallel")
    assert found["trials"] == [f"t{i:04d}" for i in range(24)]  # a repeat is no other recipe
    axes = {axis["path"]: axis for axis in found["axes"]}
    assert list(axes) == ["generator.kind", "optimizer.lr", "psnr_y", "lpips", "parameters"]
    assert axes["optimizer.lr"]["kind"] == "log"
    kinds = axes["generator.kind"]
    assert kinds["options"][kinds["values"][11]] == "rcan"
    assert axes["psnr_y"]["low"] == min(measured(i, 800)["psnr_y"] for i in range(0, 24, 3))
    assert found["better"]["parameters"] == "min"


def test_importance_comes_later_and_says_what_it_rests_on(ask):
    found = eventually(lambda: (f := ask("s/importance"))["state"] == "ready" and f)
    assert (found["trials"], found["complete"]) == (9, 9)
    assert {path for path, _, _ in found["shares"]} <= {"generator.kind", "optimizer.lr"}
    assert ask("young/importance")["state"] == "few"


def test_a_young_sweep_has_empty_answers(ask):
    assert ask("young/front")["points"]["name"] == []
    assert ask("young/front/left")["front"] == []
    assert ask("young/curves")["curves"] == []
    assert ask("young/parallel")["axes"] == []


def test_an_answer_is_made_once_until_the_journal_goes_on(ask, home, monkeypatch):
    made = []
    real = points.candidates
    monkeypatch.setattr(points, "candidates", lambda sweep: made.append(1) or real(sweep))
    sweep_journal(home.store, "fresh").append(*searched("fresh", trials=3, finished=False))
    first = ask("fresh/front")
    assert ask("fresh/front") == first
    ask("fresh/front/left", where="psnr_y>=20")
    assert len(made) == 1
    journal = sweep_journal(home.store, "fresh")
    records = searched("fresh", trials=4, finished=False)
    journal.read()
    journal.append(*[record for record in records if record.get("trial") == "t0003"])
    monkeypatch.setattr("acutance_platform.dashboard.index.FRESH", 0.0)
    assert names(ask("fresh/front"), [1]) == ["t0003"]
    assert len(made) == 2


PACKED = {"accept-encoding": "gzip"}


def test_plotly_comes_from_here_packed_and_may_be_kept_for_good(ask):
    page = ask.get("/sweeps/s/front")[2].decode()
    address = page.split('<script defer src="')[1].split('"')[0]
    _, heads, body = ask.get(address, PACKED)
    assert heads["content-encoding"] == "gzip"
    assert "immutable" in heads["cache-control"]
    assert b"plotly.js v" in gzip.decompress(body)[:200]


def test_large_answers_are_packed_for_who_takes_them_so(ask):
    _, heads, plain = ask.get("/api/sweeps/s/curves")
    assert "content-encoding" not in heads
    _, heads, packed = ask.get("/api/sweeps/s/curves", PACKED)
    assert heads["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 2


def test_the_fold_of_the_example_is_as_its_docstring_says():
    sweep = Sweep.of(searched("s"))
    assert sweep.best == FRONT[0]
    assert {trial.ended for trial in sweep.trials.values()} == {"COMPLETE", "STOPPED"}
