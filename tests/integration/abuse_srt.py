# SPDX-License-Identifier: LGPL-2.1-or-later
"""Strangers at an SRT port, without libsrt: what any UDP socket can send there, from networks of its own in 127/8.

An attack is a function of (target, seconds), as in abuse.py. Packets are those of draft-sharabayko-srt, 3.2."""
import contextlib
import itertools
import os
import random
import socket
import struct
import time

from abuse import new_network

INDUCTION, CONCLUSION = 1, 0xFFFFFFFF
HSREQ, STREAM_ID, CONFIG = 1, 5, 1 | 4  # extensions; what a conclusion says that it has
OURS = 0x5EED  # our socket's id
BURST = 20  # packets, then whoever is attacked has a moment
# Of handshakes with a right cookie: each refused one takes memory for a while, whoever holds the port to it
# (docs/srt.md, "Strangers").
CONCLUSIONS_A_SECOND = 300


def control(kind, body, to=0):
    return struct.pack(">HHIII", 0x8000 | kind, 0, 0, 0, to) + body


def handshake(version, field, step, cookie, extensions=b""):
    fixed = struct.pack(">IHHIIIIII", version, 0, field, 1000, 1500, 8192, step, OURS, cookie)
    return control(0, fixed + socket.inet_aton("127.0.0.1")[::-1] + bytes(12) + extensions)


def extension(kind, body):
    return struct.pack(">HH", kind, len(body) // 4) + body


def induction():
    return handshake(4, 2, INDUCTION, 0)


def conclusion(cookie, stream_id):
    text = stream_id + bytes(-len(stream_id) % 4)
    words = b"".join(text[at:at + 4][::-1] for at in range(0, len(text), 4))
    return handshake(5, CONFIG, CONCLUSION, cookie,
                     extension(HSREQ, struct.pack(">III", 0x010501, 0xBF, 120 << 16 | 120)) + extension(STREAM_ID, words))


def cookie_in(packet):
    """Of the answer to an induction; None: it is something else."""
    if len(packet) < 64 or packet[:2] != b"\x80\0":
        return None
    step, _, cookie = struct.unpack(">III", packet[36:48])
    return cookie if step == INDUCTION else None


class Sources:
    """UDP sockets of one network each, used in turn."""

    def __init__(self, address, count):
        self.sockets, self.sent, self.address = [], 0, address
        for _ in range(count):
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.setblocking(False)
            one.bind((new_network() + "1", 0))
            self.sockets.append(one)
        self.turns = itertools.cycle(self.sockets)

    def send(self, data, one=None):
        with contextlib.suppress(OSError):
            (one or next(self.turns)).sendto(data, self.address)
            self.sent += 1

    def answers(self):
        for one in self.sockets:
            with contextlib.suppress(OSError):
                while True:
                    yield one, one.recv(2048)

    def close(self):
        for one in self.sockets:
            one.close()


def flood(target, seconds, sources, packets, answer=lambda packet: None, burst=BURST, pause=0.002):
    """`packets` without end, and to each answer what `answer` makes of it."""
    sent, end, answered = Sources(target.srt, sources), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for packet in itertools.islice(packets, burst):
            sent.send(packet)
        for one, packet in sent.answers():
            answered += 1
            if reply := answer(packet):
                sent.send(reply, one)
        time.sleep(pause)
    sent.close()
    return f"{sent.sent} packets, {answered} answered"


def garbage(target, seconds):
    def packets():
        while True:
            yield os.urandom(random.randint(1, 1472))
            yield control(random.randrange(0x8000), os.urandom(random.randrange(0, 300)), random.randrange(1 << 30))
            yield induction()[:random.randrange(1, 64)]
            yield handshake(5, 0xFFFF, CONCLUSION, 0, extension(random.randrange(10), b"")[:2] + b"\xff\xff" + os.urandom(100))
            yield struct.pack(">IIII", 1, 0xC0000001, 0, random.randrange(1 << 30)) + bytes(1316)  # payload of nobody
    return flood(target, seconds, 20, packets())


def half_handshakes(target, seconds):
    return flood(target, seconds, 200, itertools.repeat(induction()))


def wrong_stream_ids(target, seconds):
    """With a right cookie, so that each comes to the ticket's check."""
    names = itertools.cycle([b"", b"\xff" * 500, b"#!::", b"#!::m=publish,r=421,u=LT1.AAAA", b"publish:" + b"a" * 400,
                             b"#!::" + b"a=b," * 120, b"#!::r=" + b"9" * 300])

    def answer(packet):
        cookie = cookie_in(packet)
        return conclusion(cookie, next(names)) if cookie else None
    return flood(target, seconds, 200, itertools.repeat(induction()), answer, burst=CONCLUSIONS_A_SECOND // 10, pause=0.1)


ATTACKS = [garbage, half_handshakes, wrong_stream_ids]
