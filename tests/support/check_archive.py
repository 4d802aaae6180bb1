#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds an archive against docs/archive.md, with no code in common with the writer's: chains, hashes, coverage
of every byte, part boxes, frame hashes and index, numbering over runs. For tests; not the verifier.

check_archive.py ROOT prints one JSON object and exits 0 when nothing is wrong. Wrong: "errors". Allowed, but
worth telling: "notes" (crash recoveries, unattested bytes, kept torn lines, runs that are being written)."""

import argparse
import hashlib
import json
import os
import re
import stat
import struct
import sys

UUID = bytes.fromhex('13c55f58473a48098287225f07aa8e7d')
RUN_NAME = re.compile(r'^\d{8}T\d{6}Z-[a-z0-9-]{1,32}-[0-9a-f]{4}$')
STRICT_JSON = dict(separators=(',', ':'), ensure_ascii=True)


def sha(data):
    return hashlib.sha256(data).hexdigest()


def boxes(data, start, end):
    """(type, body start, box end) of the boxes in data[start:end]."""
    while start < end:
        size, kind = struct.unpack_from('>I4s', data, start)
        if size < 8 or start + size > end:
            raise ValueError(f'box of {size} bytes at {start}')
        yield kind, start + 8, start + size
        start += size


def child(data, start, end, *path):
    for kind, body, stop in boxes(data, start, end):
        if kind == path[0]:
            return (body, stop) if len(path) == 1 else child(data, body, stop, *path[1:])
    raise ValueError(f'no {path[0]} box')


def samples(data, start, end):
    """(track, [sample bytes]) of one moof+mdat."""
    found = list(boxes(data, start, end))
    if [kind for kind, _, _ in found] != [b'moof', b'mdat']:
        raise ValueError(f'no moof+mdat at {start}')
    (_, moof, moof_end), (_, mdat, mdat_end) = found
    tfhd, _ = child(data, moof, moof_end, b'traf', b'tfhd')
    flags, track = struct.unpack_from('>II', data, tfhd)
    at = tfhd + 8 + (4 if flags & 2 else 0)
    default_size = 0
    if flags & 8:
        at += 4
    if flags & 16:
        default_size = struct.unpack_from('>I', data, at)[0]
    trun, _ = child(data, moof, moof_end, b'traf', b'trun')
    flags, count = struct.unpack_from('>II', data, trun)
    at = trun + 8
    if flags & 1:
        if start + struct.unpack_from('>I', data, at)[0] != mdat:
            raise ValueError('data offset does not point at the payload')
        at += 4
    if flags & 4:
        at += 4
    out, where = [], mdat
    for _ in range(count):
        if flags & 0x100:
            at += 4
        size = default_size
        if flags & 0x200:
            size = struct.unpack_from('>I', data, at)[0]
            at += 4
        at += (4 if flags & 0x400 else 0) + (4 if flags & 0x800 else 0)
        out.append(data[where:where + size])
        where += size
    if where != mdat_end:
        raise ValueError('samples do not fill the mdat')
    return track, out


def frame_hash(track, unit):
    if track != 1:
        return hashlib.sha256(unit).digest()
    digest, at = hashlib.sha256(), 0
    while at < len(unit):
        size = struct.unpack_from('>I', unit, at)[0]
        nal = unit[at + 4:at + 4 + size].rstrip(b'\0')
        if len(unit) - at - 4 < size:
            return hashlib.sha256(unit).digest()
        if size and 1 <= nal[0] & 31 <= 5:
            digest.update(struct.pack('>I', len(nal)) + nal)
        at += 4 + size
    return digest.digest()


class Run:
    def __init__(self, directory, errors, notes):
        self.directory, self.name = directory, os.path.basename(directory)
        self.errors, self.notes = errors, notes
        self.lines, self.files, self.frags, self.gaps = [], {}, [], []
        self.open = self.end = None
        self.video = self.audio = self.unattested = 0
        self.recovered, self.io, self.clocks = {}, [], []
        self.chained = True
        self.broken = False  # the disk failed: what was not durable then has no record

    def error(self, text):
        self.errors.append(f'{self.directory}: {text}')

    def note(self, text):
        self.notes.append(f'{self.directory}: {text}')

    def read_chain(self):
        with open(f'{self.directory}/run.jl', 'rb') as f:
            raw = f.read().split(b'\n')
        if raw.pop():
            self.error('run.jl ends in a torn line')
        self.chained = not raw or raw[0].endswith(b'"}') and b',"p":"' in raw[0]
        expected = sha(b'LTA1 run\0' + self.name.encode())
        for n, line in enumerate(raw):
            try:
                record = json.loads(line)
            except ValueError:
                self.error(f'line {n} is not JSON')
                return
            keys = list(record)
            if json.dumps(record, **STRICT_JSON).encode() != line:
                self.error(f'line {n} is not written as it should be')
            if keys[:3] != ['v', 'n', 't'] or record['v'] != 1 or record['n'] != n:
                self.error(f'line {n} does not begin with v, n, t of its own')
            if self.chained and (keys[-1] != 'p' or record['p'] != expected):
                self.error(f'line {n}: p is not the hash of the line before')
            if not self.chained and 'p' in record:
                self.error(f'line {n} is chained, the first is not')
            expected = sha(line)
            self.lines.append(record)

    def sort_lines(self):
        for record in self.lines:
            kind = record['t']
            if (kind == 'open') != (record['n'] == 0) and self.lines[0]['t'] == 'open':
                self.error(f"line {record['n']}: open is not the first line")
            if self.end:
                self.error(f"line {record['n']} comes after end")
            if kind == 'open':
                self.open = record
            elif kind == 'file':
                if record['f'] != len(self.files):
                    self.error(f"file {record['f']} is not the next")
                self.files[record['f']] = {'file': record, 'frags': [], 'close': None}
            elif kind == 'frag':
                self.files[record['f']]['frags'].append(record)
                self.frags.append(record)
            elif kind == 'close':
                self.files[record['f']]['close'] = record
            elif kind == 'gap':
                self.gaps.append(record)
            elif kind == 'recover':
                self.recovered[record.get('f')] = record
            elif kind == 'io':
                self.io.append(record)
                self.broken |= record.get('broken', False)
            elif kind == 'clock':
                self.clocks.append(record)
            elif kind == 'time':
                if not isinstance(record.get('ntp'), dict):
                    self.error(f"line {record['n']}: time without ntp")
            elif kind == 'repair':
                if record.get('track') not in ('video', 'audio') or record.get('count', 0) < 1:
                    self.error(f"line {record['n']}: a repair of no track, or of nothing")
            elif kind == 'end':
                self.end = record
            else:
                self.error(f"line {record['n']}: unknown type {kind}")

    def check_part(self, data, frag, index, part):
        off, length, pts, dur, late, key, *chunks = part
        where = f"segment {frag['msn']} part {index}"
        size, kind, uuid = struct.unpack_from('>I4s16s', data, off)
        fields = struct.unpack_from('>BBBBIQQqIqI', data, off + 24)
        ends = fields[1] & 2
        if ends and index != len(frag['parts']) - 1:
            self.error(f'{where}: its box says that it is the last')
        expected = (1, key | ends, len(chunks), 0, index, frag['msn'], frag['dseq'], pts, dur, frag['utc'] + late, length)
        if kind != b'uuid' or uuid != UUID or fields != expected:
            self.error(f'{where}: its box says {fields}, the record {expected}')
        at, hashes = off + size, []
        for i, (track, chunk_off, chunk_len) in enumerate(chunks):
            if (track, chunk_len) != struct.unpack_from('>II', data, off + 72 + 8 * i) or chunk_off != at:
                self.error(f'{where}: chunk {i} is not where box and record say')
            real_track, units = samples(data, chunk_off, chunk_off + chunk_len)
            if real_track != track:
                self.error(f'{where}: chunk of track {real_track}, not {track}')
            hashes += [(track, unit, frame_hash(track, unit)) for unit in units]
            at += chunk_len
        if at != off + length:
            self.error(f'{where}: chunks do not fill it')
        return hashes

    def check_file(self, f, entry):
        head, close = entry['file'], entry['close']
        path = f'{self.directory}/{f:06d}.mp4'
        if not os.path.exists(path):
            path += '.part'
            if (self.end and not self.broken) or not os.path.exists(path):
                self.error(f'{f:06d}.mp4 is missing')
                return
        with open(path, 'rb') as media:
            data = media.read()
        if sha(data[:head['len']]) != head['init']:
            self.error(f'{path}: init segment is not as recorded')
        at, entries = head['len'], b''
        for frag in entry['frags']:
            if frag['off'] != at:
                self.error(f"{path}: segment {frag['msn']} at {frag['off']}, expected {at}")
            at = frag['off'] + frag['len']
            if at > len(data):
                self.error(f"{path}: segment {frag['msn']} is cut off")
                return
            if self.chained and sha(data[frag['off']:at]) != frag['sha']:
                self.error(f"{path}: segment {frag['msn']} is not what was recorded")
                continue
            part_at, frames = frag['off'], []
            for i, part in enumerate(frag['parts']):
                if part[0] != part_at:
                    self.error(f"{path}: segment {frag['msn']}: parts are not contiguous")
                part_at += part[1]
                frames += self.check_part(data, frag, i, part)
            if part_at != at:
                self.error(f"{path}: segment {frag['msn']}: parts do not cover it")
            if len(frames) != frag['nf']:
                self.error(f"{path}: segment {frag['msn']}: {len(frames)} frames, recorded {frag['nf']}")
            if 'fh' in frag and sha(b''.join(h for _, _, h in frames)) != frag['fh']:
                self.error(f"{path}: segment {frag['msn']}: frame hashes differ")
            self.video += sum(track == 1 for track, _, _ in frames)
            self.audio += sum(track == 2 for track, _, _ in frames)
            for track, unit, digest in frames:
                entries += digest[:8] + struct.pack('>iI', 0, len(unit) | (track == 2) << 31)
        self.check_close(path, data, at, close, entries)

    def check_close(self, path, data, at, close, entries):
        if len(data) > at:
            self.unattested += len(data) - at
        if not close:
            if self.end and not self.broken:
                self.error(f'{path}: never closed')
            if self.broken and len(data) > at:
                self.note(f'{path}: {len(data) - at} bytes from when the disk failed')
            return
        recovered = self.recovered.get(close['f'])
        if close['size'] != at:
            self.error(f"{path}: close says {close['size']}, records end at {at}")
        if self.chained and sha(data[:at]) != close['sha']:
            self.error(f'{path}: the whole file is not what close says')
        if len(data) > at:
            if recovered and recovered['size'] == len(data) and recovered['attested_len'] == at:
                if self.chained and sha(data[at:]) != recovered['tail_sha']:
                    self.error(f'{path}: the unattested bytes are not those that recovery found')
                self.note(f'{path}: {len(data) - at} unattested bytes')
            elif any(record['errno'] for record in self.io):
                self.note(f'{path}: {len(data) - at} bytes of a part that the disk refused')
            else:
                self.error(f'{path}: {len(data) - at} bytes that no record covers')
        if self.end and path.endswith('.part') is False and stat.S_IMODE(os.stat(path).st_mode) != 0o440:
            self.error(f'{path}: not read-only')
        if 'fhx' in close:
            with open(path[:-3] + 'fhx', 'rb') as f:
                index = f.read()
            # Time and key flag are not told by the bytes alone: left out of the comparison.
            def plain(b):
                return [(b[i:i + 8], struct.unpack_from('>I', b, i + 12)[0] & ~(1 << 30))
                        for i in range(0, len(b), 16)]
            if sha(index) != close['fhx'] or plain(index) != plain(entries):
                self.error(f'{path[:-3]}fhx: not the index of this file')

    def check_numbers(self):
        if not self.open:
            return
        msn, dseq, end, init = self.open['msn'], self.open['dseq'], None, None
        for frag in self.frags:
            if frag['msn'] != msn:
                self.error(f"segment {frag['msn']} where {msn} should be")
            new_init = self.files[frag['f']]['file']['init']
            jump = end is not None and (abs(frag['pts'] - end) > 45000 or new_init != init)
            if frag['dseq'] != dseq + jump:
                self.error(f"segment {frag['msn']}: dseq {frag['dseq']}, expected {dseq + jump}")
            msn, dseq, init = frag['msn'] + 1, frag['dseq'], new_init
            end = frag['pts'] + frag['dur']
        if self.end:
            totals = (len(self.frags), sum(x['nf'] for x in self.frags), sum(x['len'] for x in self.frags),
                      len(self.gaps), sum(x['dur'] // 90 for x in self.frags))
            told = tuple(self.end[k] for k in ('segments', 'frames', 'bytes', 'gaps', 'ms'))
            if totals != told and not (self.broken and all(have <= said for have, said in zip(totals, told))):
                self.error(f'end counts {told}, there are {totals}')
            if self.end['msn'] < msn:
                self.error(f"end says msn {self.end['msn']}, segments reach {msn}")

    def check(self):
        self.read_chain()
        if self.errors:
            return
        if not RUN_NAME.match(self.name):
            self.error('not a run name')
        self.sort_lines()
        for f, entry in self.files.items():
            self.check_file(f, entry)
        self.check_numbers()
        names = set(os.listdir(self.directory)) - {'run.jl'}
        for f in self.files:
            names -= {f'{f:06d}.mp4', f'{f:06d}.mp4.part', f'{f:06d}.fhx'}
        for name in sorted(names):
            if name.startswith('run.jl.torn-') or '.fhx.found-' in name:
                self.note(f'{name} kept')
            elif name[:6].isdigit() and name[:6].lstrip('0') != '' or name.startswith('000000.'):
                index = int(name[:6])
                if self.end and index not in self.recovered and not self.broken:
                    self.error(f'{name}: no record covers it')
                elif name.endswith(('.mp4', '.part')):
                    self.unattested += os.path.getsize(f'{self.directory}/{name}')
            else:
                self.error(f'{name}: not a file of the archive')
        if not self.end:
            self.note('has no end: being written, or not recovered')
        elif self.end['reason'] == 'crash':
            self.note('recovered after a crash')

    def summary(self):
        return {
            'run': self.name, 'ended': self.end['reason'] if self.end else None, 'chained': self.chained,
            'files': len(self.files), 'segments': len(self.frags), 'video_frames': self.video,
            'audio_frames': self.audio, 'bytes': sum(x['len'] for x in self.frags),
            'ms': sum(x['dur'] for x in self.frags) // 90, 'clock_steps': len(self.clocks),
            'gaps': [{k: g[k] for k in ('reason', 'ms')} for g in self.gaps],
            'unattested_bytes': self.unattested,
            'first_msn': self.open['msn'] if self.open else None,
        }


def check_station(directory, errors, notes):
    runs, before = [], None
    for name in sorted(os.listdir(directory), key=lambda n: (n[:16], n[-4:])):
        run = Run(f'{directory}/{name}', errors, notes)
        run_errors, run.errors = run.errors, []
        if os.path.exists(f'{directory}/{name}/run.jl'):
            run.check()
        run_errors += run.errors
        runs.append(run)
        if not run.open:
            continue
        if before and before.end and not run.errors:
            checks = [('prev_run', run.open.get('prev_run'), before.name),
                      ('msn', run.open['msn'], before.end['msn'] + run.open.get('filled', 0)),
                      ('dseq', run.open['dseq'], before.end['dseq'] + ('filled' in run.open))]
            for what, have, want in checks:
                if have != want:
                    errors.append(f'{directory}/{name}: open says {what} {have}, the run before {want}')
            if run.open['base'] < before.end.get('end_pts', 0):
                errors.append(f'{directory}/{name}: begins before the run before ended')
            if run.frags and 'prev_pts' in run.open and (
                    not run.gaps or run.gaps[0]['reason'] not in ('restart', 'disconnect')):
                errors.append(f'{directory}/{name}: no gap since the run before')
        before = run
    return {'station': int(os.path.basename(directory)), 'runs': [run.summary() for run in runs]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('root')
    arguments = parser.parse_args()
    errors, notes, events = [], [], []
    lta = f'{arguments.root}/lta'
    for event in sorted(os.listdir(lta)) if os.path.isdir(lta) else []:
        with open(f'{lta}/{event}/VOLUME.json', encoding='ascii') as f:
            volume = json.load(f)
        if not re.fullmatch(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', volume['uuid']):
            errors.append(f'{lta}/{event}/VOLUME.json: no uuid')
        stations = []
        base = f'{lta}/{event}/st'
        for shard in sorted(os.listdir(base)) if os.path.isdir(base) else []:
            for name in sorted(os.listdir(f'{base}/{shard}')):
                if shard != f'{int(name) % 256:02x}':
                    errors.append(f'{base}/{shard}/{name}: in the wrong place')
                stations.append(check_station(f'{base}/{shard}/{name}', errors, notes))
        events.append({'event': int(event), 'volume': volume, 'stations': stations})
    json.dump({'ok': not errors, 'errors': errors, 'notes': notes, 'events': events}, sys.stdout, indent=1)
    print()
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main())
