"""A real file system of a few megabytes, which fills up and can be made larger."""

import subprocess
from contextlib import contextmanager, suppress

import pytest


class SmallDisk:
    """A mounted tmpfs."""

    def __init__(self, folder):
        self.folder = folder

    def fill(self):
        """Leave no room at all; return the file that takes it."""
        ballast = self.folder / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        return ballast

    def grow(self, size):
        """Make it larger; `size` as mount takes it, such as 64m."""
        command = ["mount", "-o", f"remount,size={size}", str(self.folder)]
        subprocess.run(command, check=True)


@contextmanager
def small_disk(folder, size):
    """Mount a file system at a folder, or skip the test where that is not allowed."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a memory map of a failed test may still be open.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
