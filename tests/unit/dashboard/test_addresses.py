"""Models that a page may name, and files that it may not."""

import pytest

from acutance_platform.dashboard.addresses import model_address
from acutance_platform.recipe import RecipeErrors

SHA = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    ["s/best", "s-1/t0003", "sr@champion", "sr/2", "shipped", f"blob:{SHA}", "run:" + SHA[:32]],
)
def test_what_lies_in_the_store_is_taken(text):
    assert model_address(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "x", "/etc/passwd", "../a/b", "a/../b", "a/b/c", "a/.b", "a/b.safetensors", "blob:../x",
     f"blob:{SHA}\n", "run:x", "~/x", "a\\b", "a/b\0", "s/" + "t" * 200],
)  # fmt: skip
def test_everything_else_is_refused(text):
    with pytest.raises(RecipeErrors, match="a page takes models of the store alone"):
        model_address(text)


def test_a_file_of_the_servers_folder_is_no_trial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "secret").write_text("x")
    with pytest.raises(RecipeErrors, match="files are for the command line"):
        model_address("docs/secret")
