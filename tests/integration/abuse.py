# SPDX-License-Identifier: LGPL-2.1-or-later
"""Strangers who wish a node ill, each from networks of its own in 127/8: what they send, as often as it is taken.

An attack is a function of (target, seconds). It says what it did in a word or two."""
import contextlib
import itertools
import os
import selectors
import socket
import ssl
import struct
import time

HELD = 150  # connections that one network may have without being admitted: 200
FLOOD = 2000
RTMP_HELLO = b"\x03" + bytes(8) + os.urandom(1528)
networks = itertools.count(0)


class Target:
    """Where to; `tls` and `srt` are other ports of the same gate, or None."""

    def __init__(self, rtmp, tls=None, srt=None):
        self.rtmp, self.tls, self.srt = rtmp, tls, srt


def new_network():
    """A /24 of 127/8 that nobody has used: "127.20.1."."""
    number = 20 * 256 + next(networks)
    return f"127.{number // 256}.{number % 256}."


def connect(address, source):
    """A connection, non-blocking and perhaps not there yet."""
    out = socket.socket()
    out.setblocking(False)
    with contextlib.suppress(OSError):
        out.bind((source, 0))
        out.connect_ex(address)
    return out


def send_to_each(connections, data):
    """Once each; those that are not there yet are returned."""
    waiting = set()
    for one in connections:
        try:
            one.send(data)
        except BlockingIOError:
            waiting.add(one)
        except OSError:
            pass  # shut out: noticed when its answer is read
    return waiting


class Held:
    """Many connections at once; those that the server closes are put away and counted."""

    def __init__(self):
        self.open, self.closed, self.answered = set(), 0, set()

    def add(self, connection):
        self.open.add(connection)

    def write(self, data, besides=()):
        for one in self.open.difference(besides):
            try:
                one.send(data)
            except BlockingIOError:
                pass
            except OSError:
                self.drop(one)

    def drain(self):
        """Reads away what was answered."""
        for one in list(self.open):
            try:
                while one.recv(65536):
                    self.answered.add(one)
                self.drop(one)
            except BlockingIOError:
                pass
            except OSError:
                self.drop(one)

    def drop(self, one):
        one.close()
        self.open.discard(one)
        self.closed += 1

    def close(self):
        for one in self.open:
            one.close()
        self.open.clear()


def drip(address, opening, piece, seconds):
    """As many connections as a network may have, each of which sends `opening` and then a byte now and then; who is shut
    out comes again."""
    source, held, end = new_network() + "1", Held(), time.monotonic() + seconds
    fresh, came = set(), 0
    while time.monotonic() < end:
        while len(held.open) < HELD:
            one = connect(address, source)
            held.add(one)
            fresh.add(one)
            came += 1
        held.write(piece, besides=fresh)
        fresh = send_to_each(fresh, opening)
        time.sleep(0.25)
        held.drain()
    held.close()
    return f"{came} connections, {held.closed} shut out"


def slow_handshake(target, seconds):
    return drip(target.rtmp, RTMP_HELLO[:1], RTMP_HELLO[1:2], seconds)


def slow_connect(target, seconds):
    # Hello and its echo at once: nobody compares the echo (docs/rtmp.md).
    return drip(target.rtmp, RTMP_HELLO + bytes(1536) + chunk_head(3, 20, 4000), b"\x02", seconds)


def flood(address, seconds, sources, data=b""):
    """Connections without end from many addresses, each left open."""
    held, fresh, end, came = Held(), set(), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for _ in range(50 if came < FLOOD else 0):
            one = connect(address, next(sources))
            held.add(one)
            fresh.add(one)
            came += 1
        fresh = send_to_each(fresh, data)
        time.sleep(0.01)
        held.drain()
    answered = len(held.answered)
    held.close()
    return f"{came} connections, {answered} answered, {held.closed} shut out"


def flood_of_one_network(target, seconds):
    network = new_network()
    return flood(target.rtmp, seconds, itertools.cycle(network + str(host) for host in range(1, 255)))


def flood_of_many_networks(target, seconds):
    return flood(target.rtmp, seconds, (new_network() + "1" for _ in itertools.count()), RTMP_HELLO)


# --- RTMP that is legal up to a point ---

def chunk_head(csid, message_type, length, stream=0):
    return bytes([csid]) + bytes(3) + length.to_bytes(3, "big") + bytes([message_type]) + struct.pack("<I", stream)


def amf_string(text):
    return b"\x02" + struct.pack(">H", len(text)) + text.encode()


def set_chunk_size(size):
    return chunk_head(2, 1, 4) + struct.pack(">I", size)


CONNECT = amf_string("connect") + b"\0" + struct.pack(">d", 1)


def repeat(address, data, seconds, parallel=20):
    """Sends `data` behind a handshake, over and over, each time on a new connection until it is shut out."""
    source, selector, sent = new_network(), selectors.DefaultSelector(), 0
    end, hosts = time.monotonic() + seconds, itertools.cycle(range(1, 255))
    whole = RTMP_HELLO + bytes(1536) + data
    open_ones = {}

    def begin():
        one = connect(address, source + str(next(hosts)))
        open_ones[one] = [0, time.monotonic()]
        selector.register(one, selectors.EVENT_WRITE)

    def finish(one):
        selector.unregister(one)
        one.close()
        del open_ones[one]
    while time.monotonic() < end:
        while len(open_ones) < parallel:
            begin()
        for key, events in selector.select(0.05):
            one = key.fileobj
            try:
                if events & selectors.EVENT_WRITE:
                    open_ones[one][0] += one.send(whole[open_ones[one][0]:][:1 << 16])
                    if open_ones[one][0] >= len(whole):
                        selector.modify(one, selectors.EVENT_READ)
                elif one.recv(65536) == b"":
                    raise ConnectionResetError
            except BlockingIOError:
                continue
            except OSError:
                finish(one)
                sent += 1
        for one, (_, began) in list(open_ones.items()):
            if time.monotonic() - began > 1:  # it is still listened to: that is what deadlines are for
                finish(one)
                sent += 1
    for one in list(open_ones):
        finish(one)
    return f"{sent} connections"


def huge_chunks(target, seconds):
    # A message has 16 MB at most by its 24 bits of length; the chunk says 2 GB.
    return repeat(target.rtmp, set_chunk_size(0x7FFFFFFF) + chunk_head(3, 20, 0xFFFFFF) + bytes(8 << 20), seconds)


def huge_media(target, seconds):
    return repeat(target.rtmp, set_chunk_size(0x7FFFFFFF) + chunk_head(6, 9, 0xFFFFFF, 1) + bytes(8 << 20), seconds)


def tiny_chunks(target, seconds):
    body = b"\xc3".join(bytes([byte]) for byte in (CONNECT + bytes(4000))[:4000])
    return repeat(target.rtmp, set_chunk_size(1) + chunk_head(3, 20, 4000) + body * 10, seconds)


def deep_amf(target, seconds):
    deep = CONNECT + b"\x03\0\1a" * 10_000
    as_deep_as_it_goes = (CONNECT + b"\x03\0\1a" * 1000)[:4000]
    arrays = (CONNECT + b"\x0a\0\0\0\1" * 1000)[:4000]
    size = set_chunk_size(65536)
    done = [repeat(target.rtmp, size + chunk_head(3, 20, len(body)) + body, seconds / 3)
            for body in (deep, as_deep_as_it_goes, arrays)]
    return ", ".join(done)


def huge_arrays(target, seconds):
    size = set_chunk_size(65536)
    bodies = [CONNECT + b"\x0a\xff\xff\xff\xff" * 700, CONNECT + b"\x08\xff\xff\xff\xff\0\1a\x05" + bytes(3000),
              amf_string("connect") + b"\x0c\xff\xff\xff\xff" + bytes(3000)]
    return ", ".join(repeat(target.rtmp, size + chunk_head(3, 20, len(body)) + body, seconds / 3) for body in bodies)


def many_chunk_streams(target, seconds):
    data = b"".join(bytes([1]) + struct.pack("<H", csid - 64) + chunk_head(0, 9, 100_000, 1)[1:] + bytes(128)
                    for csid in range(64, 4064))
    return repeat(target.rtmp, data, seconds)


def commands_without_end(target, seconds):
    body = amf_string("createStream") + b"\0" + bytes(8) + b"\x05"
    return repeat(target.rtmp, (chunk_head(3, 20, len(body)) + body) * 5000, seconds)


# --- TLS ---

def hello(size=None):
    """A ClientHello that OpenSSL makes, whose length may be another than it has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    data = bytearray(outgoing.read())
    if size is not None:
        data[6:9] = size.to_bytes(3, "big")
    return bytes(data)


def tls_garbage(target, seconds):
    kinds = [lambda: os.urandom(2000), lambda: b"GET / HTTP/1.1\r\n\r\n", lambda: RTMP_HELLO, lambda: hello(0x1FFFB),
             lambda: hello(0xFFFFFF), lambda: hello() + b"\x15" * 5000]
    return one_after_the_other(target.tls, kinds, seconds)


def half_tls_handshakes(target, seconds):
    return drip(target.tls, hello(), b"", seconds)


def flood_of_half_tls_handshakes(target, seconds):
    return flood(target.tls, seconds, (new_network() + "1" for _ in itertools.count()), hello())


def slow_tls(target, seconds):
    data = hello()
    return drip(target.tls, data[:20], data[20:21], seconds)


def tls_handshakes(target, seconds):
    """Whole handshakes, one after the other, as fast as one client can."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    end, source, made = time.monotonic() + seconds, new_network() + "1", 0
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            with socket.create_connection(target.tls, timeout=5, source_address=(source, 0)) as plain:
                with context.wrap_socket(plain):
                    made += 1
    return f"{made} handshakes"


def half_publish(target, seconds):
    """Over TLS nothing is asked before `publish`: each says half of it, byte by byte."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connect_body = CONNECT + b"\x03\0\3app" + amf_string("lt") + b"\0\0\x09"
    create = amf_string("createStream") + b"\0" + struct.pack(">d", 2) + b"\x05"
    begin = (RTMP_HELLO + bytes(1536) + set_chunk_size(65536) + chunk_head(3, 20, len(connect_body)) + connect_body
             + chunk_head(3, 20, len(create)) + create + chunk_head(4, 20, 300, 1) + amf_string("publish")[:5])
    held, end, source, came = [], time.monotonic() + seconds, new_network() + "1", 0
    shut_out = 0
    while time.monotonic() < end:
        while len(held) < HELD // 3:
            with contextlib.suppress(OSError):
                plain = socket.create_connection(target.tls, timeout=5, source_address=(source, 0))
                one = context.wrap_socket(plain)
                one.sendall(begin)
                held.append(one)
            came += 1
        for one in list(held):
            try:
                one.settimeout(0.01)
                one.sendall(b"u")
            except OSError:
                one.close()
                held.remove(one)
                shut_out += 1
        time.sleep(0.2)
    for one in held:
        one.close()
    return f"{came} connections, {shut_out} shut out"


# --- behind a proxy, or as one ---

PROXY_2 = b"\r\n\r\n\0\r\nQUIT\n"


def one_after_the_other(address, kinds, seconds):
    """Each kind on a connection of its own, over and over."""
    held, end, source, came = Held(), time.monotonic() + seconds, new_network() + "1", 0
    while time.monotonic() < end:
        for kind in kinds:
            one = connect(address, source)
            held.add(one)
            came += 1
            with contextlib.suppress(OSError):
                one.setblocking(True)
                one.settimeout(0.2)
                one.sendall(kind())
                one.setblocking(False)
        time.sleep(0.02)
        held.drain()
    held.close()
    return f"{came} connections, {held.closed} shut out"


def proxy_garbage(target, seconds):
    kinds = [hello, lambda: os.urandom(500), lambda: b"PROXY TCP4 " + b"1" * 500, lambda: b"PROXY UNKNOWN\n" * 50,
             lambda: PROXY_2 + b"\x21\x11\xff\xff" + bytes(70_000), lambda: PROXY_2 + b"\x21\x11\0\x0c" + bytes(3),
             lambda: PROXY_2 + b"\x21\x31\0\xd8" + os.urandom(216)]
    return one_after_the_other(target.tls, kinds, seconds)


def slow_proxy_headers(target, seconds):
    return drip(target.tls, PROXY_2 + b"\x20\0\x0f\xf0", b"x", seconds)


def proxies_with_many_clients(target, seconds):
    """Headers that are right, each with a client that nobody has seen, and then what is not TLS."""
    def header():
        return PROXY_2 + b"\x21\x11\0\x0c" + os.urandom(12) + b"GET / HTTP/1.1\r\n\r\n"
    return one_after_the_other(target.tls, [header] * 20, seconds)


OPEN_ATTACKS = [slow_handshake, slow_connect, flood_of_one_network, flood_of_many_networks, huge_chunks, huge_media,
                tiny_chunks, deep_amf, huge_arrays, many_chunk_streams, commands_without_end]
TLS_ATTACKS = [tls_garbage, half_tls_handshakes, flood_of_half_tls_handshakes, slow_tls, tls_handshakes, half_publish]
PROXY_ATTACKS = [proxy_garbage, slow_proxy_headers, proxies_with_many_clients]
