from typing import Annotated, Literal

import pytest
from pydantic import Field

from acutance_models import (
    DEGRADATIONS,
    DISCRIMINATORS,
    FEATURES,
    GENERATORS,
    LOSSES,
    METRICS,
    Registry,
    RegistryError,
)
from acutance_models.errors import GeneratorError


class Thing:
    """A thing with every sort of argument."""

    revision = 3

    def __init__(
        self,
        *,
        scale: int,
        size: Annotated[int, Field(ge=1)],
        share: float | tuple[float, float] = 0.5,
        mode: Literal["fast", "slow"] = "fast",
        layers: dict[str, float] | None = None,
    ) -> None:
        if size == 13:
            raise GeneratorError(f"thing cannot be built for {size=}.")
        self.arguments = (scale, size, share, mode, layers)


@pytest.fixture
def things():
    return Registry("thing", ("scale",), thing=Thing)


def _problems(registry, spec):
    with pytest.raises(RegistryError) as caught:
        registry.resolve(spec)
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_resolve_fills_in_every_default(things):
    assert things.resolve({"kind": "thing", "size": 2}) == {
        "kind": "thing",
        "size": 2,
        "share": 0.5,
        "mode": "fast",
        "layers": None,
    }


def test_resolving_twice_changes_nothing(things):
    once = things.resolve({"kind": "thing", "size": 2, "share": [0.1, 0.2]})
    assert things.resolve(once) == once
    assert once["share"] == [0.1, 0.2]


def test_build_passes_context_and_python_values(things):
    thing = things.build({"kind": "thing", "size": 2, "share": [0, 1]}, scale=4, seed=9)
    assert thing.arguments == (4, 2, (0.0, 1.0), "fast", None)


def test_context_arguments_cannot_be_written_in_a_spec(things):
    assert "scale" not in things.schema("thing").model_fields
    assert (
        "has no argument 'scale'"
        in _problems(things, {"kind": "thing", "size": 1, "scale": 2})["scale"]
    )


def test_all_problems_are_listed_with_place_value_and_way_out(things):
    spec = {"kind": "thing", "szie": 3, "share": [0.1], "mode": "fsat", "layers": {"a": "b"}}
    problems = _problems(things, spec)
    assert sorted(problems) == ["layers.a", "mode", "share", "size", "szie"]
    assert problems["szie"].endswith("Did you mean 'size'?")
    assert problems["mode"].endswith("Did you mean 'fast'?")
    assert "got 'b'" in problems["layers.a"]
    assert "needs this argument" in problems["size"]
    assert " or " in problems["share"]


@pytest.mark.parametrize("wrong", ["3", True, 2.5, None, [3], float("nan"), 0])
def test_a_whole_number_is_nothing_else(things, wrong):
    assert list(_problems(things, {"kind": "thing", "size": wrong})) == ["size"]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), "0.1"])
def test_numbers_are_finite(things, wrong):
    assert list(_problems(things, {"kind": "thing", "size": 1, "share": wrong})) == ["share"]


@pytest.mark.parametrize(("text", "number"), [("1e-3", "0.001"), ("2e-7", "2.0e-07")])
def test_numbers_that_yaml_took_for_text_are_shown_as_numbers(things, text, number):
    problems = _problems(things, {"kind": "thing", "size": 1, "share": text})
    assert f"Write {number} (" in problems["share"]


def test_values_that_are_no_plain_data_are_refused(things):
    assert "plain values" in _problems(things, {"kind": "thing", "size": {1, 2}})[""]


@pytest.mark.parametrize("spec", [None, "thing", [], {}, {"size": 1}])
def test_a_spec_is_a_map_with_a_kind(things, spec):
    assert "{kind: NAME, ...}" in _problems(things, spec)[""]


def test_unknown_kinds_name_the_known_and_the_near_ones():
    message = _problems(LOSSES, {"kind": "charbonier"})["kind"]
    assert message == (
        "kind: Unknown loss 'charbonier'; known: adversarial, charbonnier, classification, gram, "
        "l1, mse, perceptual. Did you mean 'charbonnier'?"
    )


def test_what_a_constructor_refuses_is_a_problem_of_the_spec(things):
    with pytest.raises(RegistryError, match="size=13"):
        things.build({"kind": "thing", "size": 13}, scale=2)


def test_a_plug_in_cannot_take_a_name(things):
    with pytest.raises(RegistryError, match="exists already"):
        things.add("thing", Thing)
    things.add("other", Thing)
    assert things.names() == ["other", "thing"]
    assert things.revision("other") == 3


def _takes_anything(**arguments: int) -> None:
    pass


def _takes_the_unknown(argument) -> None:
    pass


@pytest.mark.parametrize("constructor", [_takes_anything, _takes_the_unknown])
def test_signatures_that_say_nothing_are_refused(constructor):
    with pytest.raises(RegistryError, match="cannot be a schema"):
        Registry("thing", thing=constructor)


@pytest.mark.parametrize(
    "registry", [GENERATORS, LOSSES, METRICS, DEGRADATIONS, DISCRIMINATORS, FEATURES]
)
def test_every_row_states_revision_description_and_schema(registry):
    for kind in registry:
        assert "revision" in vars(registry[kind])
        schema = registry.json_schema(kind)
        assert schema["properties"]["kind"] == {"const": kind}
        assert schema["additionalProperties"] is False
        assert schema["description"]
