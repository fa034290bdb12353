"""Files that `-o` names: whole or not there."""

from contextlib import suppress
from pathlib import Path

from acutance_platform.recipe import refuse


def write_whole(data: bytes, target: Path) -> None:
    """Write a file and the folders that it lies in; killed at any moment it is whole or not there.

    Raises:
        RecipeErrors: If it cannot be written; nothing is left of it.
    """
    fresh = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(data)
        fresh.replace(target)
    except OSError as error:
        rule = f"this file cannot be written: {error.strerror}"
        raise refuse("-o", str(target), rule, "Choose another -o.") from None
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
