# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a node is told to be: its settings, its ports, its pipeline descriptions, and that wrong ones are refused by name."""
import json
import os
import pathlib
import shutil
import signal
import socket

from serve_case import PATIENCE, ServeCase, run
import tap  # of the folder that serve_case has added
from waiting import wait_until


class SettingsTest(ServeCase):
    def test_what_stands_before_a_port_is_checked(self):
        for arguments, text in ((['--rtmps', '127.0.0.1:0'], '--tls-cert'),
                                (['--rtmps', '127.0.0.1:0', '--tls-cert', '/nowhere', '--tls-key', '/nowhere'], '/nowhere'),
                                (['--addresses', '/nowhere'], '/nowhere'),
                                (['--rtmp-proxies', 'all of them'], 'all of them')):
            with self.subTest(arguments=arguments):
                self.start(*arguments, ready=False)
                self.assertNotEqual(self.supervisor.wait(PATIENCE), 0)
                self.assertIn(text, self.log())

    def test_srt_ports_that_are_none(self):
        self.start('--srt', '127.0.0.1:0,nonsense', ready=False)
        self.assertNotEqual(self.supervisor.wait(PATIENCE), 0)
        self.assertIn('--srt', self.log())
        self.start('--srt', '127.0.0.1:' + ','.join('0' * 9), ready=False)
        self.assertNotEqual(self.supervisor.wait(PATIENCE), 0)
        self.assertIn('at most 8 ports', self.log())

    def test_settings_from_a_file(self):
        path = os.path.join(self.folder, 'node.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write('[workers]\ncount=1\ncapacity=7\n[parameters]\npart-ms=400\n[node]\nname=north\n')
        self.start('--config', path, '--capacity', '9')
        # The command line goes before the file.
        wait_until('two workers', lambda: len(self.node()['workers']) == 2)
        node = self.node()
        self.assertEqual(node['workers'][0]['capacity'], 9)
        with open(f'/proc/{self.pids("worker")[0]}/cmdline', encoding='utf-8') as file:
            words = file.read().split('\0')
        # A parameter may be a secret: it is not for everybody to see.
        self.assertFalse([word for word in words if 'part-ms' in word], words)
        with open(f'/proc/{self.pids("worker")[0]}/fd/0', encoding='utf-8') as file:
            self.assertEqual(file.read().split('\0')[:-1], ['--set=part-ms=400'])
        self.assertIn('north', words)
        self.stop()

    def test_wrong_settings_are_refused_by_name(self):
        path = os.path.join(self.folder, 'node.conf')
        common = ['serve', '--data', self.data, '--keys', self.keys]
        for text, arguments, reason in (
                ('[workers]\ncount=x\n', [], "[workers] count: 'x' is not a number"),
                ('[worker]\ncount=1\n', [], '[worker] count: there is no such key'),
                ('[workers]\nsize=1\n', [], '[workers] size: there is no such key'),
                ('nonsense\n', [], 'node.conf'),
                ('', ['--capacity', '0'], "--capacity: '0' is not a number from 1"),
                ('', ['--worker-memory', '-1'], "--worker-memory: '-1' is not a number from 0"),
                ('', ['--http', 'localhost'], "--http: 'localhost' is not HOST:PORT"),
                ('', ['--rtmp', 'nohost:1935'], '--rtmp: '),
                ('', ['--rtmp', '127.0.0.1:99999'], "--rtmp: '127.0.0.1:99999': a port from 0 to 65535 is needed"),
                ('[listen]\nsrt=127.0.0.1:\n', [], "[listen] srt: '127.0.0.1:': a port from 0 to 65535 is needed"),
                ('', ['surprise'], "unexpected argument 'surprise'"),
                ('', ['--pipeline', 'nosuch'], 'no description has the name "nosuch"; sessions may run event, station'),
                ('', ['--pipeline', 'slate'], '/trigger: a session runs what has the trigger ticket, and this has always'),
                ('', ['--set', 'nosuch=1'], '--set nosuch'),
                ('', ['--set', 'part-ms=1'], '/parameters/part-ms: 1 ms is below "min"')):
            with self.subTest(reason=reason):
                with open(path, 'w', encoding='utf-8') as file:
                    file.write(text)
                ended = run(*common, '--rtmp', '127.0.0.1:0', '--http', '127.0.0.1:0', '--config', path, *arguments)
                self.assertNotEqual(ended.returncode, 0)
                self.assertIn(reason, ended.stderr)
        # Who gets a 2 is not started again (packaging/systemd): keys are mended while nobody looks.
        for arguments, reason, code in ((['serve', '--keys', self.keys], '--data is needed', 2),
                                        (['serve', '--data', self.data], '--keys is needed', 2),
                                        (['serve', '--data', self.data, '--keys', self.keys, '--http', 'localhost'], '--http: ', 2),
                                        (['serve', '--data', self.data, '--keys', '/nowhere'], '/nowhere', 1)):
            ended = run(*arguments)
            self.assertEqual(ended.returncode, code)
            self.assertIn(reason, ended.stderr)
        told = run('serve', '--help').stdout
        self.assertIn('\n[node] data, keys, name (--node), runtime-dir, instances\n', told)
        self.assertIn('Every user of the machine can read a command line.', told)
        for command in ('serve', 'status'):
            self.assertEqual(run(command, '--help').returncode, 0)

    def test_a_file_with_secrets_that_everybody_reads_is_told(self):
        path = os.path.join(self.folder, 'node.conf')
        # What names a file is no secret, whatever it is called and however the line is written.
        common = f'[node]\ndata={self.data}\nkeys={self.keys}\n[tls]\nkey = tls.key\n[control]\nwebhook-secret = secret\n'
        for text, mode, told in ((common, 0o644, False),
                                 (common + 'webhook = https://hooks.example.com/T0?to=/all\n', 0o644, True),
                                 (common + 'webhook = https://hooks.example.com/T0?to=/all\n', 0o640, False)):
            with self.subTest(text=text, mode=mode):
                with open(path, 'w', encoding='utf-8') as file:
                    file.write(text)
                os.chmod(path, mode)
                checked = run('preflight', '--config', path, '--only', 'keys')
                self.assertIn('event 77, keys 1', checked.stdout, checked.stderr)
                self.assertEqual(f'everybody on this machine may read {path}, and secrets are in it' in checked.stdout, told,
                                 checked.stdout)

    def test_a_port_that_is_taken_is_refused(self):
        with socket.create_server(('127.0.0.1', 0)) as taken:
            address = '127.0.0.1:%d' % taken.getsockname()[1]
            ended = run('serve', '--data', self.data, '--keys', self.keys, '--http', address, '--rtmp', '127.0.0.1:0')
        self.assertEqual(ended.returncode, 1)
        self.assertIn('--http: bind ' + address, ended.stderr)

    def test_status_asks_the_service_unless_told_otherwise(self):
        for arguments, folder in (([], '/run/headgate'), (['--data', '/nowhere'], '/nowhere/run')):
            ended = run('status', *arguments, RUNTIME_DIRECTORY='')
            # There may be such a service on this machine.
            self.assertTrue(ended.returncode == 0 or folder + '/admin.sock' in ended.stderr, ended)
        ended = run('status', RUNTIME_DIRECTORY='/nowhere')
        self.assertEqual(ended.returncode, 1)
        self.assertIn('/nowhere/admin.sock', ended.stderr)

    def pipelines(self, **more):
        """A folder of its own with one description, which has these keys too."""
        folder = os.path.join(self.folder, 'pipelines')
        os.makedirs(folder, exist_ok=True)
        self.write_json(os.path.join(folder, 'station.json'), {
            'name': 'station', 'parameters': {'tick': {'type': 'duration', 'default': '200ms'}},
            'elements': 'ticketsrc name=source tick-ms=${tick:ms} ! fakesink', **more})
        return folder

    @staticmethod
    def write_json(path, content):
        with open(path + '.new', 'w', encoding='utf-8') as file:
            json.dump(content, file)
        os.rename(path + '.new', path)

    def test_a_description_says_how_many_sessions_a_worker_runs(self):
        node = self.start('--pipelines', self.pipelines(resources={'streams-per-worker': 3}))
        self.assertEqual({one['capacity'] for one in node['workers']}, {3})
        self.stop()

    def test_descriptions_change_while_the_node_runs(self):
        folder = self.pipelines()
        node = self.start('--pipelines', folder)
        self.assertEqual(node['pipelines'], {'folder': folder, 'state': 'good'})
        self.publish_all('1')
        # A wrong one is refused whole, and told; who is started anew reads what was right.
        self.pipelines(colour=1)
        wait_until('the fault is told', lambda: self.node()['pipelines']['state'] == 'refused')
        reason = self.node()['pipelines']['reason']
        self.assertTrue(reason.startswith(f'{folder}/station.json:1:'), reason)
        self.assertIn('/colour: is not a key', reason)
        self.assertIn(reason, self.log())
        idle = [one['pid'] for one in self.node()['processes'] if one['role'] == 'worker'][1]
        os.kill(idle, signal.SIGKILL)
        wait_until('another worker', lambda: len(set(self.pids('worker')) - {idle}) == 2 and len(self.node()['workers']) == 2)
        # A right one is for sessions to come: the first is not archived, the second is.
        shutil.copy(os.path.join(os.path.dirname(__file__), '../../../pipelines/station.json'), os.path.join(folder, 'other.json'))
        os.rename(os.path.join(folder, 'other.json'), os.path.join(folder, 'station.json'))
        wait_until('it is right', lambda: self.node()['pipelines'] == {'folder': folder, 'state': 'good'})
        wait_until('the workers have read it', lambda: self.log().count('read the pipeline descriptions again') >= 2)
        self.publish_all('2')

        def archived():
            return {path.parent.parent.name for path in pathlib.Path(self.data, 'lta').rglob('run.jl')}
        wait_until('the second is archived', archived)
        self.assertEqual(archived(), {'000002'})
        self.assertEqual(sorted(one['station'] for one in self.node()['sessions']), [1, 2])
        copies = [name for name in os.listdir(os.path.join(self.data, 'run')) if name.startswith('pipelines')]
        self.assertEqual(len(copies), 2, copies)  # the one in use, and the link to it
        kept, source = (pathlib.Path(where, 'station.json') for where in (os.path.join(self.data, 'last-good/pipelines'), folder))
        wait_until('the disk has it', lambda: kept.exists() and kept.read_bytes() == source.read_bytes())
        self.stop()
        # The machine is started anew while a file is wrong.
        shutil.rmtree(os.path.join(self.data, 'run'))
        self.pipelines(colour=2)
        node = self.start('--pipelines', folder)
        self.assertEqual(node['pipelines']['state'], 'refused')
        self.assertIn('/colour: is not a key', node['pipelines']['reason'])
        self.assertIn('the last good ones', self.log())
        told = run('events', '--data', self.data, '--kind', 'pipeline.refused', '--json').stdout.splitlines()
        self.assertEqual(len(told), 2, told)
        self.publish_all('3')
        wait_until('it is archived, as the last good one says', lambda: archived() == {'000002', '000003'})
        self.stop()


if __name__ == '__main__':
    tap.run_unittest()
