# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the Debian packages of this checkout's HEAD as docs/install.md says, on a bare Debian, and again with the next version
number: there is then something to upgrade to."""
import shutil
import subprocess
from pathlib import Path

from machine import Machine

TOP = Path(__file__).resolve().parents[2]
PROJECT = "root/project"
HLS = "tools/origin/www/node_modules"
BUILD_S = 3 * 3600
# On top of what debian/control asks for.
TOOLS = "git ca-certificates lintian"
LINTIAN = "lintian --info --fail-on error,warning"
NEXT = """headgate ({version}) bookworm; urgency=medium

  * The same again.

 -- Headgate maintainers <maintainers@headgate.example>  Sun, 22 Nov 2026 12:00:00 +0000

"""


def build(work, base, jobs, log, check, ccache):
    """[packages of HEAD], [those of the version after it], each with the two that are installed. `ccache`: a folder, or None."""
    with Machine(work, "build", base) as machine:
        project = machine.root / PROJECT
        subprocess.run(["git", "clone", "--quiet", "--no-local", TOP, project], check=True)
        log(machine.chroot(f"apt-get update -q && apt-get install -y -q --no-install-recommends {TOOLS} {'ccache' if ccache else ''}"))
        log(machine.chroot(f"cd /{PROJECT} && apt-get build-dep -y -q --no-install-recommends ./"))
        fetch_hls(machine, project, log)
        more = {"DEB_BUILD_OPTIONS": f"nocheck noautodbgsym parallel={jobs}"}
        if ccache:
            ccache.mkdir(parents=True, exist_ok=True)
            (machine.root / "srv/ccache").mkdir()
            subprocess.run(["mount", "--bind", ccache, machine.root / "srv/ccache"], check=True)
            more |= {"CCACHE_DIR": "/srv/ccache"}
        try:
            log(machine.chroot(f"cd /{PROJECT} && dpkg-buildpackage -b -us -uc", timeout=BUILD_S, env=more))
            check("the packages build with what debian/control asks for", True)
            present = collect(machine, work / "packages")
            told = machine.chroot(f"cd /root && {LINTIAN} *.changes", check=False)
            check("lintian has nothing to say", "(ended with" not in told, told)
            log(told)
            version = machine.chroot(f"cd /{PROJECT} && dpkg-parsechangelog -S Version").strip()
            changelog = project / "debian/changelog"
            text = changelog.read_text(encoding="utf-8")
            changelog.write_text(NEXT.format(version=version + "+next") + text, encoding="utf-8")
            machine.chroot("rm -f /root/*.deb")
            # What is compiled has not changed.
            log(machine.chroot(f"cd /{PROJECT} && dpkg-buildpackage -b -us -uc -nc", timeout=BUILD_S, env=more))
            return present, collect(machine, work / "packages-next")
        finally:
            if ccache:
                subprocess.run(["umount", "--lazy", machine.root / "srv/ccache"], check=True)


def fetch_hls(machine, project, log):
    """hls.js: what the checkout has, or from npm."""
    if (TOP / HLS).is_dir():
        shutil.copytree(TOP / HLS, project / HLS, copy_function=shutil.copyfile)
        return
    log(machine.chroot(f"cd /{PROJECT} && tools/setup page"))


def collect(machine, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for deb in (machine.root / "root").glob("*.deb"):
        shutil.copy(deb, folder)
    return installed_ones(folder)


def installed_ones(folder):
    found = sorted(path for path in folder.glob("*.deb") if "-dbgsym_" not in path.name)
    assert [path.name.split("_")[0] for path in found] == ["gstreamer1.0-headgate", "headgate"], found
    return found
