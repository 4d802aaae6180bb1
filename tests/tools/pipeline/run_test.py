# SPDX-License-Identifier: LGPL-2.1-or-later
"""The descriptions that need no publisher, run by `headgate pipeline run` with real media: what they make is read back by
ffmpeg."""
import contextlib
import datetime
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../support'))
import certificate  # noqa: E402
import tap  # noqa: E402
from waiting import PATIENCE_S, SLOWNESS, wait_until  # noqa: E402

PROGRAM, PIPELINES, HEADGATE = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
PATIENCE = PATIENCE_S * SLOWNESS
ATTEMPTS = 5
LISTENS = object()
SMALL = {'width': 160, 'height': 120, 'gop': 25, 'bitrate': 200}


def packets(file):
    """{kind: number of packets} as ffprobe counts them."""
    told = subprocess.run(['ffprobe', '-v', 'error', '-count_packets', '-show_entries', 'stream=codec_type,codec_name,nb_read_packets',
                           '-of', 'json', str(file)], capture_output=True, text=True, timeout=PATIENCE, check=False)
    return {(one['codec_type'], one['codec_name']): int(one.get('nb_read_packets', 0))
            for one in json.loads(told.stdout or '{}').get('streams', [])}


def has_udp_port(process, port):
    try:
        links = {os.readlink(one) for one in Path(f'/proc/{process.pid}/fd').iterdir()}
    except OSError:  # it opens and closes, or has ended
        return False
    with open('/proc/net/udp', encoding='ascii') as table:
        lines = [line.split() for line in table]
    return any(line[1].endswith(f':{port:04X}') and f'socket:[{line[9]}]' in links for line in lines)


def listens(port):
    with open('/proc/net/tcp', encoding='ascii') as table:
        return any(f':{port:04X} ' in line and line.split()[3] == '0A' for line in table)


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def port(self, kind=socket.SOCK_STREAM):
        """A port that is nobody else's until the test ends. It stays bound, so that the kernel gives it to nobody who leaves the
        choice to it, and does not listen: who names it, with SO_REUSEADDR and an address (of two UDP sockets the one that has the
        address gets what comes), has it."""
        held = socket.socket(socket.AF_INET, kind)
        self.addCleanup(held.close)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(('', 0))
        return held.getsockname()[1]

    def impatient(self, name, silence):
        """A shipped description for which so much silence is enough, and which is soon tried again."""
        shutil.copytree(PIPELINES / 'fragments', self.folder / 'fragments', dirs_exist_ok=True)
        text = json.loads((PIPELINES / f'{name}.json').read_text(encoding='utf-8'))
        text['restart'].update({'silence': silence, 'pause': '10ms', 'max-pause': '10ms', 'alarm-after': 2})
        (self.folder / f'{name}.json').write_text(json.dumps(text), encoding='utf-8')
        return self.folder

    def start(self, name, *options, folder=PIPELINES, **values):
        log = open(self.folder / f'{name}.log', 'w+', encoding='utf-8')  # pylint: disable=consider-using-with
        self.addCleanup(log.close)
        arguments = [f'{key.replace("_", "-")}={value}' for key, value in values.items()]
        process = subprocess.Popen([PROGRAM, 'run', *options, str(folder / f'{name}.json'),
                                    *[word for one in arguments for word in ('--set', one)]], stdout=log, stderr=log)
        process.log = log.name
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def end(self, process):
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE), 0, Path(process.log).read_text(encoding='utf-8'))

    def archived(self):
        """The packets of each of the archive's media files."""
        return [packets(file) for file in (self.folder / 'lta').rglob('*.mp4*')]

    def videobox(self, port, preview):
        return self.start('videobox', root=self.folder, node='n01', event=7, station=3, port=port, preview_port=preview,
                          sound_bitrate=64, **SMALL)

    def assert_archive(self, video, audio, codec='h264'):
        files = self.archived()
        self.assertGreater(sum(one.get(('video', codec), 0) for one in files), video, files)
        self.assertGreater(sum(one.get(('audio', 'aac'), 0) for one in files), audio, files)
        chain = [line for file in (self.folder / 'lta').rglob('run.jl') for line in file.read_text(encoding='utf-8').splitlines()]
        self.assertTrue(any('"t":"end"' in line and '"reason":"eos"' in line for line in chain), chain[-1:])

    def ffmpeg(self, *arguments, **more):
        process = subprocess.Popen(['ffmpeg', '-v', 'error', '-y', *map(str, arguments)], stdin=subprocess.DEVNULL, **more)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def listen_by_srt(self, *words):
        """ffmpeg that listens, and its port; LISTENS in `words` is where. libsrt takes no port that is held: when somebody else was
        faster, another one."""
        for _ in range(ATTEMPTS):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.bind(('127.0.0.1', 0))
                port = one.getsockname()[1]
            listens = self.ffmpeg(*[f'srt://127.0.0.1:{port}?mode=listener' if word == LISTENS else word for word in words])

            def settled(listens=listens, port=port):
                return listens.poll() is not None or has_udp_port(listens, port)
            wait_until('ffmpeg listens or has ended', settled)
            if listens.poll() is None:
                return listens, port
        return self.fail('no port for ffmpeg')

    def tls_in_front_of(self, port):
        """A port where TLS ends, with a certificate that only itself has signed; what is in it goes to `port`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate.write(self.folder))
        listening = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listening.close)

        def carry(source, sink):
            with contextlib.suppress(OSError):
                while data := source.recv(1 << 16):
                    sink.sendall(data)
            for one in (source, sink):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

        def take(plain):
            with contextlib.suppress(OSError):  # who does not trust it goes
                near = context.wrap_socket(plain, server_side=True)
                far = socket.create_connection(('127.0.0.1', port))
                threading.Thread(target=carry, args=(far, near), daemon=True).start()
                carry(near, far)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=take, args=(listening.accept()[0],), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()
        return listening.getsockname()[1]

    def test_videobox_is_archived_sent_and_previewed_and_restream_sends_it_on(self):
        port, preview, out = self.port(), self.port(), self.port()
        box = self.videobox(port, preview)

        def picture():
            try:
                with socket.create_connection(('127.0.0.1', preview), timeout=5) as one:
                    data = b''
                    while len(data) < 100_000 and b'\xff\xd8\xff' not in data:
                        more = one.recv(65536)
                        if not more:
                            return False
                        data += more
                    return data
            except OSError:
                return False
        seen = wait_until('a preview', picture)
        self.assertIn(b'Content-Type: image/jpeg', seen)
        # Nobody listens yet: it is tried again.
        restream = self.start('restream', port=port, output='rtmp', url=f'rtmp://127.0.0.1:{out}/live/x')

        def told_again():
            return Path(restream.log).read_text(encoding='utf-8').count('starts again in') > 0
        wait_until('restream fails', told_again)
        received = self.ffmpeg('-listen', 1, '-i', f'rtmp://127.0.0.1:{out}/live/x', '-t', 3, '-c', 'copy', self.folder / 'out.ts')
        self.assertEqual(received.wait(PATIENCE), 0, Path(restream.log).read_text(encoding='utf-8'))
        told = packets(self.folder / 'out.ts')
        self.assertGreater(told.get(('video', 'h264'), 0), 40, told)
        self.assertGreater(told.get(('audio', 'aac'), 0), 80, told)
        self.end(box)
        self.end(restream)
        self.assert_archive(50, 80)
        log = Path(box.log).read_text(encoding='utf-8')
        self.assertRegex(log, r'00:00:\d\d .*archive \d')  # its status line

    def dumped(self, codec, *encoder):
        port = self.port(socket.SOCK_DGRAM)
        group = f'239.255.{os.getpid() >> 8 & 255}.{os.getpid() & 255}'
        self.ffmpeg('-re', '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25', '-f', 'lavfi', '-i', 'sine=r=48000', *encoder,
                    '-preset', 'ultrafast', '-bf', 0, '-g', 25, '-c:a', 'aac', '-f', 'mpegts',
                    f'udp://{group}:{port}?pkt_size=1316&localaddr=127.0.0.1&ttl=0')
        dumper = self.start('dumper', root=self.folder, node='n01', event=7, station=4, group=group, port=port, interface='lo', video=codec)
        name = {'h265': 'hevc'}.get(codec, codec)  # ffprobe's
        wait_until('two seconds are archived', lambda: any(one.get(('video', name), 0) > 50 for one in self.archived()))
        self.end(dumper)
        self.assert_archive(50, 80, name)

    def test_dumper_archives_what_comes_by_multicast(self):
        self.dumped('h264', '-c:v', 'libx264')

    def test_dumper_archives_h265(self):
        self.dumped('h265', '-c:v', 'libx265', '-x265-params', 'log-level=error')

    def test_intake_archives_who_connects_one_after_the_other(self):
        port = self.port()
        intake = self.start('intake', root=self.folder, node='n01', event=7, station=5, port=port)

        def log():
            return Path(intake.log).read_text(encoding='utf-8')

        def send(seconds):
            return self.ffmpeg('-re', '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25', '-f', 'lavfi', '-i', 'sine=r=48000', '-t', seconds,
                               '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', 0, '-g', 25, '-c:a', 'aac', '-f', 'mpegts',
                               f'tcp://127.0.0.1:{port}')
        wait_until('intake listens', lambda: f'listens on 127.0.0.1:{port}' in log())
        with socket.create_connection(('127.0.0.1', port), timeout=PATIENCE) as garbage:
            garbage.sendall(b'no transport stream' * 100)
            wait_until('the first has a process', lambda: log().count('connection from') == 1)
            waits = send(3)  # there is one place: this one waits for it
        wait_until('two have ended', lambda: len(re.findall(r'connection from \S+ (ended|was)', log())) == 2)
        self.assertEqual(waits.wait(PATIENCE), 0)
        self.assertEqual(send(2).wait(PATIENCE), 0)
        wait_until('three have ended', lambda: len(re.findall(r'connection from \S+ (ended|was)', log())) == 3)
        self.end(intake)
        files = self.archived()
        self.assertEqual(sorted(one.get(('video', 'h264'), 0) for one in files), [50, 75], files)

    def test_intake_ends_its_connections_with_it(self):
        port = self.port()
        intake = self.start('intake', root=self.folder, node='n01', event=7, station=6, port=port)
        wait_until('intake listens', lambda: 'listens on' in Path(intake.log).read_text(encoding='utf-8'))
        self.ffmpeg('-re', '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', 25, '-f', 'mpegts',
                    f'tcp://127.0.0.1:{port}')
        wait_until('a second is archived', lambda: any(one.get(('video', 'h264'), 0) > 25 for one in self.archived()))
        children = Path(f'/proc/{intake.pid}/task/{intake.pid}/children').read_text(encoding='ascii').split()
        self.assertEqual(len(children), 1)
        self.end(intake)
        self.assertFalse(Path(f'/proc/{children[0]}').exists())
        self.assertTrue(any('"t":"end"' in line for file in (self.folder / 'lta').rglob('run.jl')
                            for line in file.read_text(encoding='utf-8').splitlines()))

    def scheduled(self, begin, end):
        """A description whose time is between two moments from now, in seconds; what its file has when it has ended."""
        now = datetime.datetime.now(datetime.timezone.utc)
        moments = [(now + datetime.timedelta(seconds=one)).isoformat(timespec='seconds') for one in (begin, end)]
        file, out = self.folder / 'scheduled.json', self.folder / 'out.ts'
        file.write_text(json.dumps({'name': 'scheduled', 'trigger': 'schedule', 'schedule': [{'from': moments[0], 'until': moments[1]}],
                                    'elements': 'videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=25/1 '
                                    f'! x264enc tune=zerolatency speed-preset=ultrafast ! mpegtsmux ! filesink location={out}'}), encoding='utf-8')
        ended = subprocess.run([PROGRAM, 'run', str(file)], capture_output=True, text=True, timeout=PATIENCE + max(end, 0), check=False)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return (packets(out).get(('video', 'h264'), 0) if out.exists() else 0), ended.stderr

    def test_a_schedule_waits_for_its_time_and_ends_with_it(self):
        pictures, told = self.scheduled(3, 7)
        self.assertIn('waits for', told)
        self.assertGreater(pictures, 25)
        self.assertLess(pictures, 25 * 6)

    def test_a_schedule_whose_times_are_over_ends(self):
        self.assertEqual(self.scheduled(-9, -3)[0], 0)

    def test_slate_is_sent_by_rtmp_and_its_end_is_an_error(self):
        port = self.port()
        listener = self.ffmpeg('-listen', 1, '-i', f'rtmp://127.0.0.1:{port}/live/x', '-t', 2, '-c', 'copy', self.folder / 'out.mp4')
        wait_until('ffmpeg listens', lambda: listens(port))
        slate = self.start('slate', '--once', url=f'rtmp://127.0.0.1:{port}/live/x', text='a "b" \\ ! c', **SMALL)
        self.assertEqual(listener.wait(PATIENCE), 0, Path(slate.log).read_text(encoding='utf-8'))
        told = packets(self.folder / 'out.mp4')
        self.assertGreater(told.get(('video', 'h264'), 0), 20, told)
        self.assertGreater(told.get(('audio', 'aac'), 0), 20, told)
        # Who listened is gone.
        self.assertEqual(slate.wait(PATIENCE), 1)
        self.assertIn('output: ', Path(slate.log).read_text(encoding='utf-8'))

    def test_restream_sends_by_srt_also_when_the_receiver_was_gone(self):
        port = self.port(socket.SOCK_DGRAM)
        self.ffmpeg('-re', '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25', '-f', 'lavfi', '-i', 'sine=r=48000', '-c:v', 'libx264',
                    '-preset', 'ultrafast', '-bf', 0, '-g', 25, '-c:a', 'aac', '-f', 'mpegts',
                    f'udp://127.0.0.1:{port}?pkt_size=1316')
        received, out = self.listen_by_srt('-i', LISTENS, '-t', 2, '-c', 'copy', self.folder / 'out.ts')
        restream = self.start('restream', folder=self.impatient('restream', '1min'), input='udp', port=port, output='srt',
                              url=f'srt://127.0.0.1:{out}')
        self.assertEqual(received.wait(PATIENCE), 0, Path(restream.log).read_text(encoding='utf-8'))
        told = packets(self.folder / 'out.ts')
        self.assertGreater(told.get(('video', 'h264'), 0), 20, told)
        self.assertGreater(told.get(('audio', 'aac'), 0), 40, told)
        self.said(restream, 'alarm: 2 failed runs in a row', 1)  # nobody receives, and that is told
        again = self.ffmpeg('-i', f'srt://127.0.0.1:{out}?mode=listener', '-t', 1, '-c', 'copy', '-f', 'null', '-')
        self.assertEqual(again.wait(PATIENCE), 0, Path(restream.log).read_text(encoding='utf-8'))

    def test_restream_takes_srt_and_sends_by_rtmps_where_it_may_trust(self):
        out = self.port()
        url = f'rtmps://127.0.0.1:{self.tls_in_front_of(out)}/live/x'
        received = self.ffmpeg('-listen', 1, '-i', f'rtmp://127.0.0.1:{out}/live/x', '-t', 2, '-c', 'copy', self.folder / 'out.ts')
        wait_until('ffmpeg listens', lambda: listens(out))
        slate = self.start('slate', '--once', url=url, **SMALL)
        self.assertEqual(slate.wait(PATIENCE), 1, 'the certificate is nobody\'s')
        self.assertIn('ertificate', Path(slate.log).read_text(encoding='utf-8'))
        folder = self.impatient('restream', '1min')
        trusting = folder / 'fragments/output.json'
        text = trusting.read_text(encoding='utf-8')
        self.assertIn('location=${url}', text)
        trusting.write_text(text.replace('location=${url}', 'location=${url} tls-validation-flags=0'), encoding='utf-8')
        _, port = self.listen_by_srt('-re', '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25', '-f', 'lavfi', '-i', 'sine=r=48000', '-c:v',
                                     'libx264', '-preset', 'ultrafast', '-bf', 0, '-g', 25, '-c:a', 'aac', '-f', 'mpegts', LISTENS)
        restream = self.start('restream', folder=folder, input='srt', port=port, url=url)
        self.assertEqual(received.wait(PATIENCE), 0, Path(restream.log).read_text(encoding='utf-8'))
        told = packets(self.folder / 'out.ts')
        self.assertGreater(told.get(('video', 'h264'), 0), 20, told)
        self.assertGreater(told.get(('audio', 'aac'), 0), 40, told)

    def test_a_description_that_keeps_failing_alarms_and_gives_up(self):
        file = self.folder / 'failing.json'
        file.write_text(json.dumps({'name': 'failing', 'trigger': 'always', 'elements': 'filesrc location=/nowhere ! fakesink',
                                    'restart': {'pause': '10ms', 'alarm-after': 2, 'give-up-after': 3}}), encoding='utf-8')
        ended = subprocess.run([PROGRAM, 'run', str(file)], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(ended.returncode, 1)
        for text in ('starts again in 10 ms', 'starts again in 20 ms', 'alarm: 2 failed runs in a row', 'given up after 3 failed'):
            self.assertEqual(ended.stderr.count(text), 1, ended.stderr)

    def listener(self):
        """A socket that listens, whose connections nobody reads: the peer that has fallen silent."""
        out = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(out.close)
        out.settimeout(PATIENCE)
        return out, out.getsockname()[1]

    def accepted(self, listener):
        connection = listener.accept()[0]
        self.addCleanup(connection.close)
        return connection

    def said(self, process, text, times):
        def found():
            log = Path(process.log).read_text(encoding='utf-8')
            return log.count(text) >= times and log
        return wait_until(f'{times} times "{text}"', found)

    def test_who_sends_to_restream_falls_silent(self):
        sends, port = self.listener()
        to = self.port()
        clip = self.folder / 'clip.ts'
        made = self.ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25', '-f', 'lavfi', '-i', 'sine=r=48000', '-t', 2, '-c:v', 'libx264',
                           '-preset', 'ultrafast', '-bf', 0, '-g', 25, '-c:a', 'aac', '-f', 'mpegts', clip)
        received = self.ffmpeg('-listen', 1, '-i', f'rtmp://127.0.0.1:{to}/live/x', '-c', 'copy', '-f', 'null', '-')
        self.assertEqual(made.wait(PATIENCE), 0)
        restream = self.start('restream', folder=self.impatient('restream', '1s'), port=port, url=f'rtmp://127.0.0.1:{to}/live/x')
        first = self.accepted(sends)
        first.sendall(clip.read_bytes())  # and nothing more, nor an end
        wait_until('it was sent on, and is over', lambda: received.poll() is not None)
        self.accepted(sends)
        log = self.said(restream, 'starts again in', 1)
        self.assertRegex(log, r'nothing has come to output for 1 s|(video|audio) \(probe\) has been stalled for 1 s')

    def test_what_ends_by_itself_is_over_or_begins_again(self):
        sends, port = self.listener()
        file = self.folder / 'reads.json'

        def reads(**restart):
            file.write_text(json.dumps({'name': 'reads', 'trigger': 'always', 'restart': {'pause': '10ms', **restart},
                                        'elements': f'tcpclientsrc host=127.0.0.1 port={port} ! fakesink'}), encoding='utf-8')
            return self.start('reads', folder=self.folder)
        process = reads(again=True)
        for _ in range(3):
            sends.accept()[0].close()
        self.said(process, 'it has ended by itself', 2)
        process.kill()
        process.wait()
        process = reads()
        sends.accept()[0].close()
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_who_receives_from_slate_falls_silent(self):
        receives, port = self.listener()
        slate = self.start('slate', folder=self.impatient('slate', '1s'), url=f'rtmp://127.0.0.1:{port}/live/x', **SMALL)
        for _ in range(3):  # and is tried again
            self.accepted(receives)  # who accepts, and reads nothing
        self.assertIn('output has taken nothing for 1 s', self.said(slate, 'alarm: 2 failed runs in a row', 1))

    def headgate(self, *words):
        return subprocess.run([HEADGATE, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE, check=True).stdout

    def publish(self, keys, station, port, seconds):
        ticket = json.loads(self.headgate('ticket', 'issue', '--keys', keys, '--station', station, '--format', 'json',
                                          '--endpoint', f'rtmp://127.0.0.1:{port}/lt'))
        url = next(one['url'] for one in ticket['publish'] if one['protocol'] == 'rtmp' and 'client' not in one)
        return self.ffmpeg('-re', '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25', '-f', 'lavfi', '-i', 'sine=r=48000', '-t', seconds,
                           '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', 0, '-g', 25, '-c:a', 'aac', '-f', 'flv', url)

    def test_a_session_s_pipeline_alone_lets_in_who_has_a_ticket(self):
        for name, event in (('keys', 77), ('others', 78)):
            self.headgate('ticket', 'keygen', '--event', event, '--out', self.folder / name)
        keys, alone, ports = self.folder / 'keys', {}, {}
        for name, more in (('station', ['--once']), ('event', ['--set', 'rungs=64p@60k,audio@32k'])):
            alone[name] = self.start(name, '--listen', 'rtmp://127.0.0.1:0/lt', '--keys', keys / 'node', *more, root=self.folder / name,
                                     node='n01')
        for name, process in alone.items():
            ports[name] = int(re.search(r'waits on port (\d+)', self.said(process, 'waits on port', 1))[1])
        stranger = self.publish(self.folder / 'others', 8, ports['event'], 1)
        self.said(alone['event'], 'is refused: ', 1)
        self.assertNotEqual(stranger.wait(PATIENCE), 0)
        first = [self.publish(keys, 7, port, 1) for port in ports.values()]
        self.assertEqual([process.wait(PATIENCE) for process in first], [0, 0])
        self.assertEqual(alone['station'].wait(PATIENCE), 0, 'the first session was to be the only one')
        log = self.said(alone['event'], 'station 7 of event 77: session over, unpublish', 1)
        self.assertRegex(log, r'station 7 of event 77: 127\.0\.0\.1:\d+ publishes over rtmp')
        # The next; it is asked to end meanwhile.
        self.publish(keys, 8, ports['event'], 60)
        wait_until('pictures of it come', lambda: re.search(r'station 8 .*video 2\d\.\d/s', Path(alone['event'].log).read_text(encoding='utf-8'), re.S))
        self.end(alone['event'])
        self.assertEqual([self.ends(name) for name in alone], [{7: 'unpublish'}, {7: 'unpublish', 8: 'shutdown'}])
        for name in alone:
            counted = [packets(file) for file in (self.folder / name / 'lta').rglob('000007/**/*.mp4')]
            self.assertEqual([one[('video', 'h264')] for one in counted], [25])

    def ends(self, folder):
        """{station: reason} of the runs that have one."""
        out = {}
        for file in (self.folder / folder / 'lta').rglob('run.jl'):
            lines = [json.loads(line) for line in file.read_text(encoding='utf-8').splitlines()]
            out |= {line['station']: end['reason'] for line in lines if line['t'] == 'open' for end in lines if end['t'] == 'end'}
        return out

    def test_a_session_s_pipeline_alone_that_cannot_listen_is_told(self):
        def run(*words, name='station'):
            return subprocess.run([PROGRAM, 'run', str(PIPELINES / f'{name}.json'), *map(str, words)], capture_output=True, text=True,
                                  timeout=PATIENCE, check=False)
        ended = run()
        self.assertEqual(ended.returncode, 2)
        self.assertIn('headgate serve --pipeline station', ended.stderr)
        self.assertIn('--listen URI and --keys DIR', ended.stderr)
        places = ('--set', f'root={self.folder}', '--set', 'node=n01')
        ended = run('--listen', 'rtmp://127.0.0.1:0/lt', '--keys', self.folder / 'nowhere', *places)
        self.assertEqual(ended.returncode, 1)
        self.assertIn('nowhere', ended.stderr)
        ended = run('--listen', 'rtmp://127.0.0.1:0/lt', '--keys', self.folder, name='slate')
        self.assertEqual((ended.returncode, 'has not the trigger ticket' in ended.stderr), (2, True), ended.stderr)


if __name__ == '__main__':
    tap.run_unittest()
