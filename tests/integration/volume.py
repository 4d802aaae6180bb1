# SPDX-License-Identifier: LGPL-2.1-or-later
"""File systems of a test's own, for as long as a `with` lasts. They need root and a kernel that lets it mount; tap.Skip
says so otherwise."""
import os
import subprocess
import tempfile
from pathlib import Path

import tap


class Volume:
    """Mounted at `path`."""

    def __init__(self, mebibytes):
        self.mebibytes = mebibytes
        self.path = None

    def __enter__(self):
        if os.geteuid() != 0:
            raise tap.Skip("mounting a volume needs root")
        self.path = Path(tempfile.mkdtemp(prefix="hg-volume-", dir="/var/tmp"))
        try:
            self._mount()
        except (subprocess.CalledProcessError, FileNotFoundError) as problem:
            self._clean()
            raise tap.Skip(f"mounting a volume does not work here: {problem}") from problem
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.path], check=True)
        self._clean()

    def _mount(self):
        raise NotImplementedError

    def _clean(self):
        self.path.rmdir()

    def free(self):
        return os.statvfs(self.path).f_bavail * os.statvfs(self.path).f_frsize


class MemoryVolume(Volume):
    """A small tmpfs."""

    def _mount(self):
        quiet(["mount", "-t", "tmpfs", "-o", f"size={self.mebibytes}m", "headgate-test", self.path])


class DiskVolume(Volume):
    """An ext4 in a file: nobody else's syncfs reaches it."""

    def _mount(self):
        image = self._image()
        with open(image, "wb") as file:
            file.truncate(self.mebibytes << 20)
        quiet(["mkfs.ext4", "-q", "-m", "0", image])
        quiet(["mount", "-o", "loop", image, self.path])

    def _image(self):
        return self.path.with_suffix(".image")

    def _clean(self):
        self._image().unlink(missing_ok=True)
        super()._clean()


def quiet(command):
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
