"""The layout of the house: what stands where, how large it may be, who may import what."""

import ast
import subprocess
import sys
import sysconfig
from pathlib import Path

import click
import pytest

from acutance_platform.cli import acutance

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = ("storage", "models", "platform")
HOUSE_FOLDERS = (*SOURCE_ROOTS, "experiments", "deploy")

FILE_LINES, FUNCTION_LINES = 300, 60
LONG_FILES = {
    # Path -> (most lines, why it is one file).
    "models/acutance_models/protocols.py": (320, "protocols and the scoring that follows them"),
    "platform/acutance_platform/training/loop.py": (345, "the one loop, its saves, its restarts"),
    "tests/e2e/test_commands.py": (400, "every verb once, and its documents"),
    "tests/e2e/test_bad_input.py": (400, "one table of what users get wrong"),
    "tests/unit/search/test_decisions.py": (420, "one table of decisions, case by case"),
    "tests/unit/storage/test_add.py": (400, "one verb, every kind of picture folder"),
}

# Big dependency -> the places that may import it (docs/adr/0001).
PLACES = {
    "boto3": ("storage/acutance_storage/s3.py",),
    "botocore": ("storage/acutance_storage/s3.py",),
    "pyarrow": ("storage/acutance_storage/images.py", "storage/acutance_storage/images_index.py"),
    "onnxruntime": ("models/acutance_models/exporting/onnx.py",),
    "ray": ("platform/acutance_platform/sweep/",),
    "optuna": (
        "platform/acutance_platform/search/importance.py",
        "platform/acutance_platform/search/optuna_samplers.py",
        "platform/acutance_platform/search/optuna_trials.py",
    ),
    "mlflow": ("platform/acutance_platform/tracking/", "platform/acutance_platform/registry/"),
}

SOURCES = sorted(file for room in SOURCE_ROOTS for file in (ROOT / room).rglob("*.py"))
PYTHON = SOURCES + [
    file for room in ("deploy", "docs", "tests") for file in sorted((ROOT / room).rglob("*.py"))
]
PACKAGES = [file for file in SOURCES if file.name == "__init__.py"]
EXPERIMENTS = sorted(
    folder
    for folder in (ROOT / "experiments").iterdir()
    if folder.is_dir() and folder.name not in ("base", "gates", "suites")
)


def named(file):
    return file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("folder", HOUSE_FOLDERS)
def test_no_package_sits_directly_in_a_room(folder):
    assert not (ROOT / folder / "__init__.py").exists()


def test_no_package_sits_under_tests():
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_platform_is_the_standard_librarys_even_at_the_root():
    program = "import platform; print(platform.__file__); platform.python_version()"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    library = Path(sysconfig.get_paths()["stdlib"]).resolve()
    assert Path(done.stdout.strip()).resolve().parent == library


@pytest.mark.parametrize("file", PYTHON, ids=named)
def test_files_and_functions_stay_small(file):
    text = file.read_text()
    most, _ = LONG_FILES.get(named(file), (FILE_LINES, ""))
    assert len(text.splitlines()) <= most, "split it, or enter it in LONG_FILES with a reason"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{node.name} has {lines} lines"


def test_the_list_of_long_files_names_files():
    assert [path for path in LONG_FILES if not (ROOT / path).exists()] == []


def exported(tree, package):
    """Names that an `__init__` gives away: its own, and those of its package it has imported.

    Where it defines things itself, what it imports may be for its own use.
    """
    own, imported = set(), set()
    later = [node.body for node in tree.body if isinstance(node, ast.If)]  # for type checkers
    for node in [*tree.body, *(each for body in later for each in body)]:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package):
            imported |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            own |= {target.id for target in targets if isinstance(target, ast.Name)}
    public = {name for name in own | imported if not name.startswith("_") and name != "*"}
    own = {name for name in own if not name.startswith("_")}
    return public, own


@pytest.mark.parametrize("file", PACKAGES, ids=named)
def test_all_is_sorted_and_equals_what_the_package_gives_away(file):
    tree = ast.parse(file.read_text())
    public, own = exported(tree, file.parent.name if file.parents[1].name in SOURCE_ROOTS else "ac")
    listed = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    if not public:
        return  # a docstring alone: nothing is given away
    assert listed, "a package that gives names away lists them in __all__"
    (names,) = listed
    # Constants, then classes, then functions, as ruff's RUF022 sorts them.
    assert names == sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    assert own <= set(names) <= public
    if not own:
        assert set(names) == public


def commands(command, path=()):
    yield " ".join(path), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*path, name))


@pytest.mark.parametrize(("path", "command"), list(commands(acutance)))
def test_every_verb_shows_an_example_of_itself(path, command):
    shown = command.get_help(click.Context(command, info_name=f"acutance {path}".strip()))
    _, _, example = shown.partition("Example:")
    assert f"acutance {path}".strip() in example


@pytest.mark.parametrize("folder", EXPERIMENTS, ids=named)
def test_every_experiment_states_question_command_and_findings(folder):
    head = (folder / "sweep.yaml").read_text().splitlines()[:2]
    assert head[0].startswith("# Question: ")
    assert head[0].rstrip().endswith(("?", ")"))
    assert head[1].startswith("# Run:")
    whole = (folder / "experiment.yaml").exists()
    command = f"experiment {folder}" if whole else f"sweep {folder}/sweep.yaml"
    assert f"acutance {command.replace(str(ROOT) + '/', '')}" in head[1]
    findings = (folder / "README.md").read_text()
    for heading in ("## Question", "## Command", "## Answer"):
        assert heading in findings
    assert f"({folder.name}/README.md)" in (ROOT / "experiments" / "README.md").read_text()


def imported_roots(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("file", SOURCES, ids=named)
def test_big_dependencies_are_imported_in_one_place(file):
    for root in set(imported_roots(file)) & set(PLACES):
        assert named(file).startswith(PLACES[root]), f"{root} belongs to {', '.join(PLACES[root])}"
