import pytest

from acutance_platform.recipe import RecipeErrors, load_document


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def only_problem(error):
    (problem,) = error.value.problems
    return str(problem)


def test_a_number_in_exponent_form_is_a_number(tmp_path):
    document = load_document(write(tmp_path, "r.yaml", "a: 1e-4\nb: 1.5e3\nc: 2E5\nd: e5\n"))
    assert document.raw == {"a": 1e-4, "b": 1500.0, "c": 2e5, "d": "e5"}


def test_base_merges_maps_and_replaces_lists_scalars_and_stages(tmp_path):
    write(
        tmp_path,
        "base/b.yaml",
        "scale: 2\ndata: {patch: 48, batch: 4}\nlist: [1, 2]\nstages: {pre: {steps: 1}}\n",
    )
    path = write(
        tmp_path,
        "x/s.yaml",
        "base: ../base/b.yaml\ndata: {batch: 8}\nlist: [3]\nstages: {train: {steps: 2}}\n",
    )
    assert load_document(path).raw == {
        "scale": 2,
        "data": {"patch": 48, "batch": 8},
        "list": [3],
        "stages": {"train": {"steps": 2}},
    }


def test_a_component_of_another_kind_does_not_inherit_arguments(tmp_path):
    write(tmp_path, "b.yaml", "generator: {kind: srresnet, blocks: 9}\n")
    path = write(tmp_path, "s.yaml", "base: b.yaml\ngenerator: {kind: carn}\n")
    assert load_document(path).raw["generator"] == {"kind": "carn"}


def test_places_name_the_file_and_line_that_said_it(tmp_path):
    base = write(tmp_path, "b.yaml", "scale: 2\ndata:\n  patch: 48\n")
    path = write(tmp_path, "s.yaml", "base: b.yaml\nseed: 3\n")
    document = load_document(path, ["data.batch=4"])
    assert document.place("data.patch") == f"{base}:3: data.patch"
    assert document.place("seed") == f"{path}:2: seed"
    assert document.place("data.batch") == "--set: data.batch"


def test_a_key_given_twice_is_refused_with_its_line(tmp_path):
    path = write(tmp_path, "r.yaml", "scale: 2\nseed: 1\nscale: 4\n")
    with pytest.raises(RecipeErrors) as error:
        load_document(path)
    assert f"{path}:3: scale: this key is given twice" in only_problem(error)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\n", "this is not YAML"),
        ("- 1\n", "a recipe is a map"),
        ("", "this file is empty"),
        ("base: 3\n", "base is a file's path"),
        ("base: gone.yaml\n", "there is no such file"),
        ("base: r.yaml\n", "its own base"),
        ("a: !!python/object:os.system x\n", "this is not YAML"),
    ],
)
def test_an_unusable_file_gets_one_clear_error(tmp_path, text, said):
    with pytest.raises(RecipeErrors, match=said):
        load_document(write(tmp_path, "r.yaml", text))


def test_binary_missing_and_folder_are_refused(tmp_path):
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    for path, said in [
        (binary, "not a text file"),
        (tmp_path / "no.yaml", "no such file"),
        (tmp_path, "folder"),
    ]:
        with pytest.raises(RecipeErrors, match=said):
            load_document(path)


@pytest.mark.parametrize("setting", ["x", "=3", "a..b=1", "a=[1"])
def test_a_malformed_setting_is_refused(tmp_path, setting):
    path = write(tmp_path, "r.yaml", "a: 1\n")
    with pytest.raises(RecipeErrors, match="--set"):
        load_document(path, [setting])
