# SPDX-License-Identifier: LGPL-2.1-or-later
"""The messages of a node's sockets (wire/messages.h) and the archive's records (playlist/record.h), as far as
tests need them, and a worker that is none."""
import os
import socket
import struct

HELLO, WORKER_STATE, HANDOFF, KICK, SESSION_OPENED, SESSION_CLOSED, STREAM_RECORDS, SESSION_HEALTH = range(1, 9)
GET_LISTENERS, LISTENERS, DRAIN, STOP, STATUS, WANT_RENDITION = range(9, 15)
NODE_EVENT, OPERATE, OPERATED, ASK_RECONNECT, MARKS_FILE, NODE_POLICY, SESSION_PICTURE = range(15, 22)
TIMESCALE = 90000
# wire/version.h: the first packet of each end.
MAJOR, MINOR = 1, 2


def greeting(major=MAJOR, minor=MINOR):
    return b'HGW\xff' + struct.pack('>HH', major, minor)


def greet(connection):
    """Tells what the test speaks, and hears that the other end speaks the same."""
    connection.send(greeting())
    told = connection.recv(256)
    if not told:
        raise ConnectionError("it went before it greeted")
    assert told == greeting(), told


def text(value):
    data = value.encode()
    return struct.pack('>H', len(data)) + data


def message(kind, *fields):
    return bytes([kind]) + b''.join(fields)


def u32(*values):
    return struct.pack('>%dI' % len(values), *values)


def u64(*values):
    return struct.pack('>%dQ' % len(values), *values)


def hello(role):
    return message(HELLO, text(role))


def worker_state(worker=0, sessions=0, capacity=50, accepting=True, reason=''):
    return message(WORKER_STATE, u32(worker, os.getpid(), sessions, capacity), bytes([accepting]), text(reason))


def session_opened(session, event, station, utc_us, peer='192.0.2.1:1000', agent='test', grace_ms=-1):
    return message(SESSION_OPENED, u64(session), u32(event, station), text('aa'), text(peer), text('rtmp'), text(agent),
                   u64(utc_us), struct.pack('>q', grace_ms))


def session_closed(session, event, station, reason):
    return message(SESSION_CLOSED, u64(session), u32(event, station), text(reason))


def session_health(session, event, station, json, received_bytes=0, frame_rate_milli=0):
    data = json.encode()
    return message(SESSION_HEALTH, u64(session), u32(event, station), u64(1, received_bytes), u32(frame_rate_milli),
                   struct.pack('>H', len(data)) + data)


def stream_records(session, event, station, records, rendition=''):
    batch = b''.join(u32(len(record)) + record for record in records)
    return message(STREAM_RECORDS, u64(session), u32(event, station), u32(len(batch)), batch,
                   text(rendition))


def want_rendition(session, rendition):
    return message(WANT_RENDITION, u64(session), text(rendition))


def session_picture(session, event, station, jpeg):
    return message(SESSION_PICTURE, u64(session), u32(event, station), u32(len(jpeg)), jpeg)


def node_policy():
    """The node takes everybody."""
    return message(NODE_POLICY, text(''), u64(0), bytes([0]))


def node_status(role, json):
    return message(STATUS, text(role), u32(os.getpid()), text(json))


def node_event(number, utc_us, kind, severity='info', words='', json='{}'):
    return message(NODE_EVENT, u64(number, utc_us), text(kind), text(severity), text(words), text(json))


def operated(number, code, json='{}'):
    return message(OPERATED, u64(number), u32(code), text(json))


# --- records ---

def run_record(run, first_msn, discontinuity_sequence, utc_us, max_segment_ms=4000, max_part_ms=0):
    return b'\x01\x01' + text(run) + u64(first_msn, discontinuity_sequence, utc_us) + u32(max_segment_ms, max_part_ms)


def init_record(name, file, offset, length, codecs='avc1.64001f,mp4a.40.2', size=(1280, 720), rate=25000):
    return (b'\x01\x02' + text(name) + text(file) + u64(offset, length) + text(codecs) + u32(*size) + u32(rate, 2))


def part_record(msn, index, file, offset, length, pts, duration, utc_us, independent=True, discontinuity=False):
    return (b'\x01\x03' + u64(msn) + u32(index) + text(file) + u64(offset, length) + b'\x01' + u32(1) +
            u64(offset, length) + u64(pts, duration, utc_us) + bytes([independent, discontinuity]))


def rendition_record(state, codecs='avc1.64001f', size=(640, 360), bandwidth=900_000, average=800_000, on_demand=False):
    """state: 0 idle, 1 running, 2 paused."""
    return (b'\x01\x07' + bytes([state, on_demand]) + text(codecs) + u32(*size) + u32(25000, 0) +
            u32(bandwidth, average))


def segment_record(msn, file, offset, length, pts, duration, utc_us, init, discontinuity=False):
    return (b'\x01\x04' + u64(msn) + text(file) + u64(offset, length, pts, duration, utc_us) + text(init) +
            bytes([discontinuity, True]))


def end_record(reason):
    return b'\x01\x06' + text(reason)


class FakeWorker:
    """Listens as worker N and keeps whoever said that it is the origin."""

    def __init__(self, runtime, number=0):
        self.path = os.path.join(runtime, f'worker-{number}.sock')
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listening.bind(self.path + '.new')
        self.listening.listen(8)
        os.rename(self.path + '.new', self.path)
        self.origin = None

    def accept(self, timeout=20):
        """The next origin that connects."""
        self.listening.settimeout(timeout)
        while True:
            peer, _ = self.listening.accept()
            peer.settimeout(timeout)
            try:
                greet(peer)
                said = peer.recv(65536)
            except ConnectionError:
                continue
            if said == hello('origin'):
                if self.origin:
                    self.origin.close()
                self.origin = peer
                # It asks for what comes behind all that a worker tells; workers have no sockets to name.
                asked = peer.recv(65536)
                assert asked == message(GET_LISTENERS), asked
                peer.send(message(LISTENERS, bytes([0])))
                return
            peer.close()

    def tell(self, *messages):
        for one in messages:
            self.origin.send(one)

    def close(self):
        for one in (self.origin, self.listening):
            if one:
                one.close()
