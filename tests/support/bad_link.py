# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bad network of one's own: two network namespaces and the link between them, which loses, delays and limits
packets as told. The kernel's netem is not everywhere; this needs TUN devices and user namespaces only.

    bad_link.enter()            # first thing in the program: begins again in namespaces of its own
    link = bad_link.BadLink()
    link.set(loss=0.05, delay_s=0.15, kbit=200)
    subprocess.Popen([*link.there, "ffmpeg", …])     # on the other side, which reaches this one at link.HERE
"""
import collections
import ctypes
import fcntl
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000
SIOCSIFFLAGS, SIOCGIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8914, 0x8913, 0x8916, 0x891C
IFF_UP = 1
MOST_QUEUED = 64 * 1024  # bytes that wait for their turn, as in a phone's modem; more are lost
ENTERED = "HEADGATE_BAD_LINK"


def enter():
    """Goes on in a user and a network namespace of its own; returns why not, or None."""
    if os.environ.get(ENTERED):
        _ioctl_flags("lo", IFF_UP)
        return None
    command = ["unshare", "--user", "--map-root-user", "--net"]
    try:
        with open("/dev/net/tun", "rb"):
            pass
        subprocess.run([*command, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no network namespaces or TUN devices here ({error})"
    os.environ[ENTERED] = "1"
    os.execvp(command[0], [*command, sys.executable, *sys.argv])


def _ioctl_flags(name, add):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", name.encode(), 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", name.encode(), flags | add))


def _open_tun(name, address):
    """A descriptor of a new TUN device of this namespace, up, with its address in a /24."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, "255.255.255.0")):
            fcntl.ioctl(any_socket, request, struct.pack("16sHH4s8x8x", name.encode(), socket.AF_INET, 0,
                                                         socket.inet_aton(value)))
    _ioctl_flags(name, IFF_UP)
    return device


class Way:
    """One direction: packets in the order they came, each with the time at which it arrives."""

    def __init__(self):
        self.loss, self.delay_s, self.bytes_per_s = 0.0, 0.0, 0
        self.queue, self.queued = collections.deque(), 0
        self.free_at = 0.0  # when the line has sent what is queued
        self.random = random.Random(1)
        self.lost = self.carried = 0

    def put(self, packet, now):
        backlog = max(0.0, self.free_at - now) * self.bytes_per_s
        if self.random.random() < self.loss or backlog > MOST_QUEUED:
            self.lost += 1
            return
        self.free_at = max(self.free_at, now) + (len(packet) / self.bytes_per_s if self.bytes_per_s else 0)
        self.queue.append((self.free_at + self.delay_s, packet))

    def due(self):
        return self.queue[0][0] if self.queue else None

    def take(self, now):
        while self.queue and self.queue[0][0] <= now:
            self.carried += 1
            yield self.queue.popleft()[1]


class BadLink:
    """The link. `there` is the front of a command line that runs on the other side."""

    HERE, THERE = "10.77.0.1", "10.77.0.2"

    def __init__(self):
        self.ours = _open_tun("here", self.HERE)
        mine, childs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.child = os.fork()
        if self.child == 0:  # keeps the other namespace for as long as it lives
            mine.close()
            if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
                os._exit(1)
            _ioctl_flags("lo", IFF_UP)
            device = _open_tun("there", self.THERE)
            socket.send_fds(childs, [b"tun"], [device])
            childs.close()
            while True:
                time.sleep(3600)
        childs.close()
        mine.settimeout(20)
        _, descriptors, _, _ = socket.recv_fds(mine, 16, 1)
        mine.close()
        self.theirs = descriptors[0]
        os.set_blocking(self.theirs, False)
        self.there = ["nsenter", f"--net=/proc/{self.child}/ns/net", "--"]
        self.up, self.down = Way(), Way()  # to us, from us
        self.lock = threading.Lock()
        self.wake_read, self.wake_write = os.pipe()
        self.thread = threading.Thread(target=self._carry, daemon=True)
        self.thread.start()

    def set(self, loss=0.0, delay_s=0.0, kbit=0):
        """Of each direction: share of packets that is lost, time on the way, kbit/s (0: no limit)."""
        with self.lock:
            for way in (self.up, self.down):
                way.loss, way.delay_s, way.bytes_per_s = loss, delay_s, kbit * 125

    def _carry(self):
        poll = select.poll()
        for device in (self.ours, self.theirs, self.wake_read):
            poll.register(device, select.POLLIN)
        while True:
            with self.lock:
                due = [at for at in (self.up.due(), self.down.due()) if at is not None]
            wait_ms = max(0.0, min(due) - time.monotonic()) * 1000 if due else None
            events = poll.poll(None if wait_ms is None else int(wait_ms) + 1)
            if any(device == self.wake_read for device, _ in events):
                return
            with self.lock:
                for source, way in ((self.theirs, self.up), (self.ours, self.down)):
                    for packet in _packets(source):
                        way.put(packet, time.monotonic())
                for target, way in ((self.ours, self.up), (self.theirs, self.down)):
                    for packet in way.take(time.monotonic()):
                        try:
                            os.write(target, packet)
                        except OSError:  # its queue is full: as lost as in a real one
                            way.lost += 1

    def stop(self):
        os.write(self.wake_write, b"x")
        self.thread.join()
        os.kill(self.child, 9)
        os.waitpid(self.child, 0)
        for descriptor in (self.ours, self.theirs, self.wake_read, self.wake_write):
            os.close(descriptor)


def _packets(device):
    while True:
        try:
            yield os.read(device, 65536)
        except BlockingIOError:
            return
