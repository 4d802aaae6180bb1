# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines with nothing but a bare Debian on them, for what has to be seen on such: a folder tree of debootstrap's, of which
each has a copy (overlayfs), to run commands in or to be booted with systemd, in namespaces of its own. Needs root, util-linux
and debootstrap; no container manager, and no network inside a booted one.

Everything is mounted in the caller's mount namespace (enter_namespace()) and is gone with it."""
import ctypes
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
BOOT_S, COMMAND_S = 120, 900
CLEAN = {"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TERM": "dumb",
         "DEBIAN_FRONTEND": "noninteractive"}
SHARED_DEBS = "var/cache/apt/archives"
TIME_ERROR = 5  # adjtimex(2)

# The first process of a booted machine; arguments: its root, its name. /proc/sys and /sys are for reading: they are the
# host's in part.
BOOT = r"""
set -e
root=$1
cd "$root"
mount -t proc proc proc
mount --bind proc/sys proc/sys && mount -o remount,ro,bind proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for at in run tmp; do mount -t tmpfs -o mode=755 tmpfs "$at"; done
chmod 1777 tmp
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do cp -a "/dev/$node" dev/; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
ip link set lo up
hostname "$2"
exec chroot . /usr/bin/env -i container=headgate-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system \
  --log-target=console --show-status=0 </dev/null
"""


def enter_namespace():
    """Starts the program again, in a mount namespace of its own, unless it is in one."""
    if os.geteuid() != 0:
        sys.exit("this needs root: it mounts, and starts a machine")
    if os.environ.get("HEADGATE_OWN_MOUNTS") != "1":
        os.environ["HEADGATE_OWN_MOUNTS"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])


def clock_is_synchronised():
    """What the kernel says, which all its machines share."""
    timex = ctypes.create_string_buffer(256)  # modes 0: only asked
    return ctypes.CDLL(None).adjtimex(timex) != TIME_ERROR


def bare(work):
    """A bare Debian in `work`, made once."""
    base = work / "base"
    if not (base / "etc/debian_version").exists():
        fresh = work / "base.new"
        shutil.rmtree(fresh, ignore_errors=True)
        subprocess.run(["debootstrap", "--variant=minbase", SUITE, fresh, MIRROR], check=True, stdout=subprocess.DEVNULL)
        fresh.rename(base)
    return base


def _cgroup2():
    for line in Path("/proc/mounts").read_text(encoding="ascii").splitlines():
        _, at, kind = line.split()[:3]
        if kind == "cgroup2":
            return Path(at)
    raise RuntimeError("no cgroup2 is mounted: systemd cannot run in a machine of its own")


class Machine:
    """A copy of a tree, for as long as `with` lasts; `keep`: what it has written stays in its folder, and is there when it is
    made again."""

    def __init__(self, work, name, base, keep=False):
        self.folder, self.name, self.base, self.keep = work / name, name, base, keep
        self.root = self.folder / "root"
        self.debs = work / "debs"
        self.unshare = self.pid = self.cgroup = None

    def __enter__(self):
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        for folder in (self.root, self.folder / "upper", self.folder / "overlay", self.debs / "partial"):
            folder.mkdir(parents=True, exist_ok=True)
        layers = f"lowerdir={self.base},upperdir={self.folder}/upper,workdir={self.folder}/overlay"
        self._mount("-t", "overlay", "overlay", "-o", layers, self.root)
        self._mount("--bind", self.debs, self.root / SHARED_DEBS)
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        return self

    def __exit__(self, *_):
        self.power_off()
        for at in (SHARED_DEBS, ""):
            subprocess.run(["umount", "--lazy", self.root / at], check=False)
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _mount(*arguments):
        subprocess.run(["mount", *arguments], check=True)

    # --- not booted ---

    def chroot(self, command, **more):
        """Runs a shell's command line in its tree, with the host's network; what it prints."""
        mounts = " && ".join(f"mount --rbind /{at} '{self.root}/{at}'" for at in ("proc", "sys", "dev"))
        return self._run(["unshare", "--mount", "--propagation", "private", "sh", "-ec",
                          f"{mounts} && exec chroot '{self.root}' sh -ec \"$0\"", command], **more)

    # --- booted ---

    def boot(self):
        """Starts systemd in it; it has a network of its own, where nobody else is."""
        self.cgroup = _cgroup2() / f"headgate-{self.name}-{os.getpid()}"
        self.cgroup.mkdir()
        with open(self.folder / "console", "wb") as console:
            self.unshare = subprocess.Popen(
                ["sh", "-ec", f"echo $$ >'{self.cgroup}/cgroup.procs'; exec \"$@\"", "-",
                 "unshare", "--cgroup", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child",
                 "--propagation", "private", "sh", "-c", BOOT, "-", str(self.root), self.name],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        deadline = time.monotonic() + BOOT_S
        while True:
            children = Path(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children").read_text(encoding="ascii").split()
            if children:
                self.pid = int(children[0])
                told = self.run("systemctl is-system-running", check=False, quiet=True)
                if told.strip() in ("running", "degraded"):
                    return
            if self.unshare.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the machine does not boot:\n" + (self.folder / "console").read_text(errors="replace"))
            time.sleep(0.2)

    def run(self, command, **more):
        """Runs a shell's command line in the booted machine; what it prints."""
        return self._run(["nsenter", f"--target={self.pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
                          "--root", "--wd", "sh", "-ec", command], **more)

    def beside(self, *command):
        """The command line of a program of the host's that has the machine's network: a publisher, say."""
        return ["nsenter", f"--target={self.pid}", "--net", *(str(word) for word in command)]

    def path(self, inside):
        """Where the host finds a file of the booted machine."""
        return Path(f"/proc/{self.pid}/root") / inside.lstrip("/")

    def power_off(self):
        if self.unshare:
            self.unshare.kill()  # and with it the machine's first process, and so all of them
            self.unshare.wait()
            self.unshare = None
        if self.cgroup:
            deadline = time.monotonic() + BOOT_S
            while self.cgroup.exists() and time.monotonic() < deadline:
                for folder, _, _ in os.walk(self.cgroup, topdown=False):
                    try:
                        os.rmdir(folder)
                    except OSError:
                        time.sleep(0.1)  # somebody in it is still ending
            self.cgroup = None

    def _run(self, command, check=True, quiet=False, timeout=COMMAND_S, env=None):
        done = subprocess.run(command, env={**CLEAN, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"on {self.name}: {command[-1]}\nended with {done.returncode}:\n{done.stdout[-8000:]}")
        if not check and not quiet and done.returncode != 0:
            return f"{done.stdout}(ended with {done.returncode})\n"
        return done.stdout
