# SPDX-License-Identifier: LGPL-2.1-or-later
"""File systems of a test's own, for as long as a `with` lasts. They need to be allowed to mount: root, or what
tools/test arranges for others."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import tap


class Volume:
    """At `path`."""

    def __init__(self, mebibytes):
        self.mebibytes = mebibytes
        self.mounted = False
        self.path = None

    def __enter__(self):
        self.path = Path(tempfile.mkdtemp(prefix="hg-volume-", dir=os.environ.get("HEADGATE_TEST_FOLDER", "/var/tmp")))
        try:
            self._mount()
            self.mounted = True
        except (subprocess.CalledProcessError, FileNotFoundError) as problem:
            told = getattr(problem, "stderr", None)
            self._do_without((told.decode(errors="replace").strip() if told else "") or str(problem))
        return self

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", "--lazy", self.path], check=True)
        self._clean()

    def _mount(self):
        raise NotImplementedError

    def _do_without(self, why):
        """It could not be mounted."""
        raise NotImplementedError

    def _clean(self):
        self.path.rmdir()

    def free(self):
        return os.statvfs(self.path).f_bavail * os.statvfs(self.path).f_frsize


class MemoryVolume(Volume):
    """A small tmpfs. Nothing stands in for it."""

    def _mount(self):
        quiet(["mount", "-t", "tmpfs", "-o", f"size={self.mebibytes}m", "headgate-test", self.path])

    def _do_without(self, why):
        self._clean()
        raise tap.Skip(f"no volume of a small size: {why}")


class DiskVolume(Volume):
    """An ext4 in a file: nobody else's syncfs reaches it. Who may not mount gets a folder of HEADGATE_TEST_VOLUME, which
    tools/test mounts with sudo, or else a plain folder; `shared` says so."""

    shared = False

    def __enter__(self):
        given = os.environ.get("HEADGATE_TEST_VOLUME")
        if not given:
            return super().__enter__()
        self.path = Path(tempfile.mkdtemp(dir=given))
        return self

    def _mount(self):
        image = self._image()
        with open(image, "wb") as file:
            file.truncate(self.mebibytes << 20)
        quiet(["mkfs.ext4", "-q", "-m", "0", image])
        quiet(["mount", "-o", "loop", image, self.path])

    def _do_without(self, why):
        print(f"in a plain folder: {why}")
        self.shared = True

    def _image(self):
        return self.path.with_suffix(".image")

    def _clean(self):
        self._image().unlink(missing_ok=True)
        if self.mounted:
            super()._clean()
        else:
            shutil.rmtree(self.path)


def quiet(command):
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
