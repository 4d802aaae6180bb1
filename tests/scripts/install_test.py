#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `meson install` puts down is whole: a node runs from it, without the build folder and without a word in the
environment; the unit is locked in, every command has its manual page and is completed. Arguments: the build folder, the
prefix."""
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/support"))
import family  # noqa: E402
import tap  # noqa: E402
from waiting import SLOWNESS, wait_until  # noqa: E402

BUILD, PREFIX = Path(sys.argv.pop(1)).resolve(), sys.argv.pop(1).lstrip("/")
# Nothing of a developer's shell. GStreamer's own elements are where the machine has them.
BARE = {name: value for name, value in os.environ.items()
        if name in ("PATH", "LANG", "LD_LIBRARY_PATH", "GST_REGISTRY_FORK") or name.endswith("SAN_OPTIONS")}
BARE["HOME"] = "/invalid"

# Of `systemd-analyze security`, tenfold.
EXPOSURE_AT_MOST = 30
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")


class Installed:
    """The tree under a DESTDIR of its own."""

    def __enter__(self):
        # Short: a socket's path has 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="hg-", dir="/var/tmp"))
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", self.folder / "root"],
                       check=True, timeout=120 * SLOWNESS, stdout=sys.stderr)
        self.prefix = self.folder / "root" / PREFIX
        self.headgate = self.prefix / "bin/headgate"
        # Below the prefix, or in /etc where the prefix is /usr.
        (self.settings,) = (self.folder / "root").rglob("headgate/headgate.conf")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def keys(self):
        """The folder of the node's keys, as the settings have it."""
        (keys,) = re.findall(r"^keys=(/.+)$", self.settings.read_text(encoding="utf-8"), re.M)
        return keys

    def below_destdir(self, path):
        return self.folder / "root" / path.lstrip("/")

    def run(self, *arguments):
        return subprocess.run([self.headgate, *arguments], env=BARE, cwd="/", capture_output=True, text=True,
                              timeout=60 * SLOWNESS, check=True, stdin=subprocess.DEVNULL).stdout

    def commands(self, *words):
        """What `headgate WORDS --help` lists."""
        told = self.run(*words, "--help")
        return re.findall(r"^  ([a-z-]+) ", told.partition("\nCommands:\n")[2].partition("\n\n")[0], re.M)


def test_everything_is_put_below_destdir():
    with Installed() as tree:
        files = {str(path.relative_to(tree.prefix)) for path in tree.prefix.rglob("*") if not path.is_dir()}
        programs = {"bin/headgate", *(f"libexec/headgate/headgate-{name}" for name in ("control", "gate", "origin", "pipeline", "worker"))}
        assert programs <= files, sorted(files)
        elements = {Path(name).name for name in files if "/gstreamer-1.0/" in name}
        assert elements == {f"libgst{name}.so" for name in ("abrhlssink", "healthprobe", "segmentarchiver", "ticketsrc")}, elements
        # All descriptions, and what they are written with.
        data = {str(path.relative_to(TOP)) for path in (TOP / "pipelines").rglob("*.json")}
        assert data <= {name.removeprefix("share/headgate/") for name in files}, sorted(files)


def test_a_node_runs_from_it():
    family.adopt()
    with Installed() as tree:
        assert tree.run("--version").startswith("headgate "), "no version"
        tree.run("ticket", "keygen", "--event", "77", "--out", str(tree.folder / "keys"))
        # Where the settings have the node's keys, but for DESTDIR.
        text = tree.settings.read_text(encoding="utf-8")
        keys = tree.below_destdir(tree.keys())
        shutil.copytree(tree.folder / "keys/node", keys)
        settings = tree.folder / "node.conf"
        settings.write_text(text.replace(f"keys={tree.keys()}\n", f"keys={keys}\n"), encoding="utf-8")
        log = tree.folder / "log"
        with open(log, "wb") as output:
            node = subprocess.Popen(
                [tree.headgate, "serve", "--config", settings, "--data", tree.folder / "data",
                 "--rtmp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--workers", "1"],
                env=BARE, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            def ready():
                assert node.poll() is None, log.read_text()
                return next((line for line in log.read_text().splitlines() if line.startswith("ready ")), None)
            address = wait_until("the node is ready", ready).split("http=")[1].split()[0]
            page = http.client.HTTPConnection(address, timeout=30 * SLOWNESS)
            page.request("GET", "/")
            answer = page.getresponse()
            assert answer.status == 200 and b"<html" in answer.read()
            programs = {os.readlink(f"/proc/{pid}/exe") for pid in family.descendants()}
            wanted = {str(tree.headgate), *(str(tree.prefix / f"libexec/headgate/headgate-{name}") for name in ("control", "gate", "origin", "worker"))}
            assert wanted <= programs, programs
            # Elements of this tree, not of the build folder or of the machine.
            worker = next(pid for pid in family.descendants() if os.readlink(f"/proc/{pid}/exe").endswith("-worker"))
            elements = {line.split()[-1] for line in Path(f"/proc/{worker}/maps").read_text().splitlines() if "libgstticketsrc" in line}
            assert elements and all(name.startswith(str(tree.prefix)) for name in elements), elements
            node.send_signal(signal.SIGTERM)
            assert node.wait(60 * SLOWNESS) == 0, log.read_text()
        except BaseException:
            print(log.read_text(), file=sys.stderr)
            raise
        finally:
            family.kill_all()


def test_the_unit_is_locked_in():
    if not shutil.which("systemd-analyze"):
        raise tap.Skip("no systemd-analyze")
    with Installed() as tree:
        (unit,) = tree.prefix.rglob("headgate.service")
        assert f"ExecStart=/{PREFIX}/bin/headgate serve --config /" in unit.read_text(encoding="utf-8")
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_AT_MOST}", unit],
                              capture_output=True, text=True, timeout=60 * SLOWNESS, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_unit_lets_the_clock_be_asked_but_not_set():
    with Installed() as tree:
        (unit,) = tree.prefix.rglob("headgate.service")
        lines = [line.partition("=") for line in unit.read_text(encoding="utf-8").splitlines()]
        values = {name: value for name, _, value in lines}  # the last one's
        filters = [value for name, _, value in lines if name == "SystemCallFilter"]
        # It would refuse the calls below, whatever SystemCallFilter= says.
        assert values["ProtectClock"] == "no", values
        # Behind @clock, which is a part of @privileged.
        assert filters.index("~@privileged") < filters.index("adjtimex clock_adjtime"), filters
        assert values["CapabilityBoundingSet"] == values["AmbientCapabilities"] == "CAP_NET_BIND_SERVICE", values


def test_settings_unit_and_folders_name_one_place_for_keys():
    with Installed() as tree:
        unit, folders = (next(tree.prefix.rglob(name)).read_text(encoding="utf-8") for name in ("headgate.service", "tmpfiles.d/headgate.conf"))
        assert tree.below_destdir(tree.keys()).parent == tree.settings.parent, tree.keys()
        # Either is enough (systemd.unit(5)): keys, or a node to take over.
        assert f"ConditionPathExists=|{tree.keys()}/event.json\nConditionPathExists=|%t/headgate/event\n" in unit, unit
        assert f"d {tree.keys()} 0750 root headgate -\n" in folders, folders


def test_every_command_has_a_manual_page():
    with Installed() as tree:
        wanted = {"headgate"}
        for command in tree.commands():
            wanted |= {f"headgate-{command}", *(f"headgate-{command}-{below}" for below in tree.commands(command))}
        listed = (TOP / "packaging/meson.build").read_text(encoding="utf-8").partition("man_pages = [")[2].partition("help2man")[0]
        pages = {"headgate"}
        for command, below in re.findall(r"^  '(\w+)': \[(.*)\],$", listed, re.M):
            pages |= {f"headgate-{command}", *(f"headgate-{command}-{name}" for name in re.findall(r"\w+", below))}
        assert pages == wanted, f"packaging/meson.build and headgate --help differ: {pages ^ wanted}"
        if not shutil.which("help2man"):
            raise tap.Skip("no help2man")
        installed = {path.stem for path in tree.prefix.rglob("man1/*.1")}
        assert installed == wanted, installed ^ wanted


def test_bash_completes_what_help_lists():
    if not BASH_COMPLETION.exists():
        raise tap.Skip("no bash-completion")
    ask = """. "$1"; . "$2"; shift 2; compopt() { :; }
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
        _headgate; printf '%s\\n' "${COMPREPLY[@]}" """
    with Installed() as tree:
        script = tree.prefix / "share/bash-completion/completions/headgate"
        (tree.folder / "folder").mkdir()
        for words, answers in ((["a"], {"archive"}), ([""], set(tree.commands())), (["ticket", "is"], {"issue"}),
                               (["ticket", "issue", "--sta"], {"--station="}), (["serve", "--keys", f"{tree.folder}/fo"], {f"{tree.folder}/folder"}),
                               (["serve", "--rtmp", ""], {""})):
            done = subprocess.run(["bash", "-c", ask, "-", BASH_COMPLETION, script, tree.headgate, *words], env=BARE, cwd="/",
                                  capture_output=True, text=True, timeout=60 * SLOWNESS, check=False, stdin=subprocess.DEVNULL)
            assert set(done.stdout.splitlines()) == answers, f"{words}: {done}"


if __name__ == "__main__":
    tap.run(globals())
