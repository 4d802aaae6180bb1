#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scripts of tools/ and .ci/: ShellCheck, their help and their package lists."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/support"))
import tap  # noqa: E402


def shell_scripts():
    candidates = [*TOP.glob("tools/*"), *TOP.glob(".ci/*"), *TOP.glob("tests/**/run"), *TOP.glob("tests/**/*.sh"),
                  *TOP.glob("packaging/**/*"), *TOP.glob("debian/*.post*")]
    candidates = [path for path in candidates if path.is_file() and "node_modules" not in path.parts]
    return [path for path in candidates if re.match(r"#!.*\b(ba)?sh\b|# shellcheck shell=", path.read_text(encoding="utf-8"))]


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=TOP,
                          stdin=subprocess.DEVNULL, **more)


def test_shell_scripts_are_clean():
    if not shutil.which("shellcheck"):
        raise tap.Skip("no shellcheck")
    scripts = [str(path.relative_to(TOP)) for path in shell_scripts()]
    assert {"tools/demo", "tools/test", "tools/setup", "tools/lib.sh", ".ci/run", "packaging/man-page"} <= set(scripts), scripts
    done = run("shellcheck", "-x", *scripts)
    assert done.returncode == 0, done.stdout


def test_help_and_wrong_arguments():
    for script in ("demo", "test", "setup", "phone"):
        told = run(f"tools/{script}", "--help")
        assert told.returncode == 0 and told.stdout.startswith(f"Usage: tools/{script}"), told
        assert not told.stderr, told.stderr
    for wrong in (["demo", "--nonsense"], ["demo", "--http"], ["test", "--sanitize", "memory"], ["setup", "nonsense"], ["phone"]):
        refused = run(f"tools/{wrong[0]}", *wrong[1:])
        assert refused.returncode == 1 and refused.stderr, f"{wrong}: {refused}"


def test_package_groups():
    source = '. tools/lib.sh; packages_of "$@"'
    every = {group: run("bash", "-c", f"top={TOP}; {source}", "-", group).stdout.split()
             for group in ("build", "run", "page", "browser", "test")}
    assert "meson" in every["build"] and "chromium" in every["browser"] and every["page"] == ["nodejs", "npm"], every
    both = run("bash", "-c", f"top={TOP}; {source}", "-", "page", "browser").stdout.split()
    assert sorted(both) == sorted(set(every["page"]) | set(every["browser"])), both


def test_the_debian_package_asks_for_them():
    source = f'top={TOP}; . tools/lib.sh; packages_of "$@"'
    build, runs = (run("bash", "-c", source, "-", group).stdout.split() for group in ("build", "run"))
    fields = {}  # of all its packages
    for name, text in re.findall(r"^([A-Z][A-Za-z-]+):((?:.*\n)(?: .*\n)*)", (TOP / "debian/control").read_text(encoding="utf-8"), re.M):
        fields.setdefault(name, set()).update(re.findall(r"[a-z0-9][a-z0-9.+-]+(?=[ ,\n])", re.sub(r"\(.*?\)", "", text)))
    # A package is built without tests; compilers are there.
    libraries = {name for name in build if name.endswith("-dev")} - {"libgmock-dev", "libgtest-dev"}
    assert len(libraries) > 10 and libraries <= fields["Build-Depends"], libraries - fields["Build-Depends"]
    elements = {name for name in runs if name.startswith("gstreamer1.0-")} - {"gstreamer1.0-tools"}
    there = fields["Depends"] | fields["Recommends"]
    assert len(elements) > 4 and elements <= there, elements - there


def test_an_update_of_the_package_ends_no_session():
    rules = (TOP / "debian/rules").read_text(encoding="utf-8")
    assert re.search(r"^override_dh_installsystemd:\n\tdh_installsystemd --no-stop-on-upgrade$", rules, re.M), rules
    postinst = (TOP / "debian/headgate.postinst").read_text(encoding="utf-8")
    # When files, user and unit are in place; seen with real packages by tests/packaging/run.
    assert "deb-systemd-invoke reload headgate.service" in postinst.partition("#DEBHELPER#")[2], postinst
    assert not re.search(r"\b(re)?start\b", postinst), postinst


if __name__ == "__main__":
    tap.run(globals())
