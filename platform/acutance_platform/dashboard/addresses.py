"""Models as a page may name them: what lies in the store, never a file of the server's machine."""

import re
from pathlib import Path

from acutance_platform.recipe import refuse

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_FORMS = re.compile(rf"shipped|bicubic|run:[0-9a-f]{{32}}|blob:[0-9a-f]{{64}}|{_NAME}[/@]{_NAME}")


def model_address(text: str) -> str:
    """Return a MODEL that a request named.

    On the command line MODEL may be a file. Here its reader is somebody else than who asks, so
    that files would be read for people who cannot read them.

    Raises:
        RecipeErrors: If it is a file, or has no form of MODEL.
    """
    shown = text[:120]
    if not _FORMS.fullmatch(text) or text.endswith(".safetensors") or Path(text).is_file():
        rule = "a page takes models of the store alone"
        way_out = (
            "Write SWEEP/TRIAL, SWEEP/best, SWEEP/knee, NAME@ALIAS, NAME/VERSION, run:RUN_ID,"
            " blob:SHA256 or shipped; files are for the command line."
        )
        raise refuse("MODEL", shown, rule, way_out)
    return text
