# SPDX-License-Identifier: LGPL-2.1-or-later
"""`headgate pipeline` from outside: list, show, check and graph; and the published schema, which refuses what the reader
refuses: every description that is shipped, and its wrong twins."""
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../support'))
import tap  # noqa: E402

try:
    import jsonschema
except ImportError:
    jsonschema = None

PROGRAM, PIPELINES = sys.argv[1], Path(sys.argv[2])
SHIPPED = sorted(PIPELINES.glob('*.json'))
FAULT = re.compile(r'^(?P<file>\S+?\.json)(:(?P<line>\d+):\d+)?: (?P<key>/\S*): (?P<reason>.+)$')


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


def schema():
    with open(PIPELINES / 'schema/pipeline.schema.json', encoding='utf-8') as file:
        return json.load(file)


def twins_of(good):
    """(what is wrong, the description, where and why it is refused, whether a schema can tell)."""
    def twin(what, change, key, reason, in_schema=True):
        wrong = copy.deepcopy(good)
        change(wrong)
        return what, wrong, key, reason, in_schema

    def drop(key):
        return lambda one: one.pop(key)

    def put(key, value):
        return lambda one: one.update({key: value})

    yield twin('no name', drop('name'), '/name', 'is missing')
    yield twin('no elements', drop('elements'), '/elements', 'is missing')
    yield twin('a name in capitals', put('name', 'Station'), '/name', 'is not [a-z0-9-]')
    yield twin('a key that nothing reads', put('colour', 1), '/colour', 'is not a key')
    yield twin('about that is no text', put('about', 5), '/about', 'is not a string')
    yield twin('elements that are a number', put('elements', 5), '/elements', 'is not a string or an array')
    yield twin('a line that is a number', lambda one: one['elements'].append(5), f'/elements/{len(good["elements"])}',
               'is not a string')
    yield twin('an unknown trigger', put('trigger', 'sometimes'), '/trigger', 'is not ticket')
    yield twin('a fragment without a name', lambda one: one['elements'].append({'set': {}}), None, 'is missing')
    yield twin('a fragment that is not there', lambda one: one['elements'].append({'use': 'nowhere'}), None, 'no fragment',
               False)
    yield twin('a reference to nothing', lambda one: one['elements'].append('x=${nothing}'), None, 'is not a parameter', False)
    yield twin('a reference without its end', lambda one: one['elements'].append('x=${nothing'), None, 'without its }', False)
    yield twin('a parameter that nothing uses', lambda one: one.setdefault('parameters', {}).update(unused={'type': 'string'}),
               '/parameters/unused', 'is not used', False)
    yield twin('restart of another trigger', put('restart', {'pause': '1s', 'errors-per-minute': 5}), None, 'is not a key')
    yield twin('health that is a number', put('health', {'stall': 2}), '/health/stall', 'is not a duration')
    yield twin('health without a unit', put('health', {'stall': '2'}), '/health/stall', 'wants one of these units')
    yield twin('a budget of more than a core', put('health', {'content-budget': 1001}), '/health/content-budget', '1000')
    yield twin('a bit rate without a unit', put('health', {'bit-rate': 300}), '/health/bit-rate', 'is not a bit rate')
    yield twin('half a frame', put('health', {'frame-rate': 0.5}), '/health/frame-rate', 'is not an integer')
    yield twin('a share of more than all', put('health', {'clipped-share': 1.5}), '/health/clipped-share', 'is not a number from 0.0001 to 1')
    yield twin('louder than full scale', put('health', {'silent-level': 3}), '/health/silent-level', 'is not a number from -120 to -6')
    yield twin('a level by name', put('health', {'silent-level': '-60'}), '/health/silent-level', 'is not a number from -120 to -6')
    yield twin('an unknown threshold', put('health', {'sad': '2s'}), '/health/sad', 'is not a key')
    trigger = good.get('trigger', 'ticket')
    if trigger != 'schedule':
        times = [{'from': '09:00', 'until': '18:00'}]
        yield twin('times without their trigger', put('schedule', times), '/schedule', 'is for pipelines with')
        yield twin('a trigger without its times', put('trigger', 'schedule'), '/schedule', 'is not there')
        for what, wrong, key, reason, in_schema in (
                ('no times', [], '', 'is not an array', True),
                ('an hour too many', [{'from': '09:00', 'until': '25:00'}], '/0', 'HH:MM', True),
                ('no end', [{'from': '09:00'}], '/0/until', 'is missing', True),
                ('a moment and a clock', [{'from': '2026-09-14T06:00:00Z', 'until': '18:00'}], '/0', 'HH:MM', True),
                ('an end before the beginning', [{'from': '2026-09-14T06:00:00Z', 'until': '2026-09-14T05:00:00Z'}], '/0',
                 'is not after', False),
                ('days of another language', [{**times[0], 'days': 'lundi'}], '/0', 'are no days', True),
                ('a zone of nowhere', [{**times[0], 'zone': 'Europe/Atlantis'}], '/0', 'no time zone', False),
                ('too many times', times * 65, '/64', 'more than 64', True)):
            def change(one, wrong=wrong):
                for old in ('listen', 'restart', 'resources', 'grace-seconds'):
                    one.pop(old, None)
                one.update(trigger='schedule', schedule=wrong)
                if trigger == 'listen':
                    one['elements'] = 'fakesrc ! fakesink'
                    one['parameters'] = {}
            yield twin(what, change, '/schedule' + key, reason, in_schema)
    if trigger != 'listen':
        yield twin('a port without its trigger', put('listen', {'tcp': '127.0.0.1:9'}), '/listen', 'is for pipelines with')
        yield twin('a trigger without its port', put('trigger', 'listen'), '/listen', 'is not there')
    else:
        yield twin('a connection that nothing uses', put('elements', 'fakesrc ! fakesink'), '/elements', 'do not use the connection',
                   False)
        yield twin('the connection as a parameter', lambda one: one['parameters'].update(connection={'type': 'integer'}),
                   '/parameters/connection', 'stands for the connection', False)
        yield twin('too many connections', put('listen', {'tcp': '127.0.0.1:9', 'most': 257}), '/listen/most', 'is not an integer')
        yield twin('a pause of no run', put('restart', {'pause': '1s'}), '/restart/pause', 'is not a key')
        yield twin('a connection again', put('restart', {'again': True}), '/restart/again', 'is not a key')
    if trigger == 'ticket':
        yield twin('no streams', put('resources', {'streams-per-worker': 0}), '/resources/streams-per-worker', 'is not an integer')
        yield twin('less than no memory', put('resources', {'memory': -1}), '/resources/memory', 'is not an integer')
        yield twin('a processor by name', put('resources', {'cpu': 'all'}), '/resources/cpu', 'is not an integer')
        yield twin('grace below 0', put('grace-seconds', -1), '/grace-seconds', 'is not an integer from 0')
        yield twin('silence of a session', put('restart', {'silence': '10s'}), '/restart/silence', 'is not a key')
        yield twin('errors in words', put('restart', {'errors-per-minute': 'many'}), '/restart/errors-per-minute',
                   'is not an integer')
    else:
        yield twin('grace of no session', put('grace-seconds', 5), '/grace-seconds', 'is for pipelines with')
        yield twin('streams of no worker', put('resources', {'streams-per-worker': 5}), '/resources/streams-per-worker', 'is for pipelines with')
        yield twin('silence without a unit', put('restart', {'silence': 10}), '/restart/silence', 'is not a duration')
        yield twin('silence between two buffers', put('restart', {'silence': '20ms'}), '/restart/silence', 'from 500 ms on', False)
        yield twin('alarm after none', put('restart', {'alarm-after': 0}), '/restart/alarm-after', 'is not an integer')
    if trigger in ('always', 'schedule'):
        yield twin('a pause without a unit', put('restart', {'pause': '5'}), '/restart/pause', 'wants one of these')
        yield twin('again in words', put('restart', {'again': 'yes'}), '/restart/again', 'neither true nor false')
        yield twin('pauses that shrink', put('restart', {'pause': '9s', 'max-pause': '2s'}), '/restart/max-pause', 'shorter', False)
    for name, parameter in good.get('parameters', {}).items():
        def change(key, value, name=name):
            return lambda one: one['parameters'][name].update({key: value})
        key = f'/parameters/{name}'
        ranged = parameter['type'] not in ('string', 'boolean', 'enum')
        yield twin(f'{name} of no type', change('type', 'text'), key + '/type', 'is not string')
        yield twin(f'{name} with an unknown key', change('size', 4), key + '/size', 'is not a key')
        yield twin(f'{name} with a default of another type', change('default', [1]), key + '/default', 'is not of type')
        yield twin(f'{name} with about as number', change('about', 5), key + '/about', 'is not a string')
        if not ranged:
            yield twin(f'{name} with a range', change('min', 5), key + '/min', 'is for numbers')
            yield twin(f'{name} with a unit', change('unit', 's'), key + '/unit', 'is for numbers')
        if parameter['type'] in ('duration', 'bitrate'):
            yield twin(f'{name} with a strange unit', change('unit', 'fortnight'), key + '/unit', 'is none of')
            yield twin(f'{name} with a default in a strange unit', change('default', '5 fortnights'), key + '/default',
                       'wants one of these units')
        if parameter['type'] == 'enum':
            yield twin(f'{name} without values', lambda one, name=name: one['parameters'][name].pop('values'), key + '/values',
                       'is missing')
            yield twin(f'{name} with no values', change('values', []), key + '/values', 'has not 1 to')
            yield twin(f'{name} with a default that it does not have', change('default', 'none-of-these'), key + '/default',
                       'is none of', False)
        else:
            yield twin(f'{name} with values', change('values', ['a']), key + '/values', 'is for an enum')
        if ranged and 'min' in parameter and 'default' in parameter:
            yield twin(f'{name} with a default out of range', change('min', parameter.get('max', parameter['default'])),
                       key + '/default', 'is below', False) if parameter.get('max') != parameter['default'] else \
                twin(f'{name} without a type', lambda one, name=name: one['parameters'][name].pop('type'), key + '/type', 'is missing')


class Pipelines(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        shutil.copytree(PIPELINES / 'fragments', self.folder / 'fragments')

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding='utf-8')
        return path

    def assert_fault(self, ended, file, key, reason):
        faults = [FAULT.match(line) for line in ended.stderr.splitlines()]
        self.assertTrue(any(fault and fault['file'] == str(file) and (key is None or fault['key'] == key)
                            and reason in fault['reason'] for fault in faults), ended.stderr)

    def test_what_is_shipped_is_right(self):
        ended = run('check', *SHIPPED)
        self.assertEqual((ended.returncode, ended.stderr), (0, ''))
        self.assertEqual(ended.stdout, ''.join(f'ok {file}\n' for file in SHIPPED))
        listed = run('list', '--pipelines', PIPELINES)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertEqual([line.split()[0] for line in listed.stdout.splitlines()[1:]], [file.stem for file in SHIPPED])

    def test_every_choice_of_what_is_shipped_can_be_built(self):
        built = 0
        for file in SHIPPED:
            description = json.loads(file.read_text(encoding='utf-8'))
            parameters = dict(description.get('parameters', {}))
            for used in (one['use'] for one in description['elements'] if isinstance(one, dict)):
                parameters |= json.loads((PIPELINES / f'fragments/{used}.json').read_text(encoding='utf-8'))['parameters']
            for name, choice in ((name, one) for name, parameter in parameters.items() for one in parameter.get('values', [])):
                with self.subTest(file=file.name, name=name, choice=choice):
                    ended = run('check', '--set', f'{name}={choice}', file)
                    self.assertEqual((ended.returncode, ended.stdout), (0, f'ok {file}\n'), ended.stderr)
                    built += 1
        self.assertGreater(built, 15)

    def test_wrong_twins_are_refused_with_file_key_and_reason(self):
        wrong = {}
        for good in SHIPPED:
            description = json.loads(good.read_text(encoding='utf-8'))
            for number, (what, twin, key, reason, _) in enumerate(twins_of(description)):
                wrong[self.write(f'{good.stem}-{number}.json', json.dumps(twin, indent=1))] = what, key, reason
        self.assertGreater(len(wrong), 100)
        ended = run('check', '--text-only', *wrong)
        self.assertEqual((ended.returncode, ended.stdout), (1, ''))
        faults = {}
        for line in ended.stderr.splitlines():
            fault = FAULT.match(line)
            self.assertTrue(fault, line)
            faults.setdefault(fault['file'], []).append(fault)
        for file, (what, key, reason) in wrong.items():
            with self.subTest(file=file.name, what=what):
                told = faults.get(str(file), [])
                self.assertTrue(any((key is None or fault['key'] == key) and reason in fault['reason'] for fault in told),
                                [fault[0] for fault in told])
                for fault in told:
                    if not fault['line']:  # something that only a value has shown
                        continue
                    self.assertLessEqual(int(fault['line']), len(file.read_text(encoding='utf-8').splitlines()))

    def test_the_schema_says_the_same(self):
        if not jsonschema:
            self.skipTest('python3-jsonschema is not installed')
        whole = schema()
        jsonschema.Draft202012Validator.check_schema(whole)
        validator = jsonschema.Draft202012Validator(whole)
        fragments = jsonschema.Draft202012Validator({**whole['$defs']['fragment'], '$defs': whole['$defs']})
        for file in (PIPELINES / 'fragments').glob('*.json'):
            fragments.validate(json.loads(file.read_text(encoding='utf-8')))
        for good in SHIPPED:
            description = json.loads(good.read_text(encoding='utf-8'))
            validator.validate(description)
            for what, twin, _, _, in_schema in twins_of(description):
                with self.subTest(file=good.name, what=what):
                    self.assertEqual(validator.is_valid(twin), not in_schema)

    def test_elements_that_cannot_be_built(self):
        # The line: the first one where nothing tells which.
        for line, number, reason in (
                ('nosuchelement name=x', 6, 'no element "nosuchelement"'),
                ('fakesrc nosuchproperty=1 ! fakesink', 6, 'no property "nosuchproperty" in element "fakesrc"'),
                ('fakesrc num-buffers=many ! fakesink', 6, 'could not set property "num-buffers"'),
                ('fakesrc num-buffers=rtmp://a.example/app/hush ! fakesink', 6, 'to "rtmp://a.example/***"'),
                ('videotestsrc ! audioconvert ! fakesink', 5, 'could not link'),
                ('filesrc ! flvdemux name=d d.vidoe ! fakesink', 6, '"d" has no pad vidoe'),
                ('filesrc ! flvdemux name=d h264parse name=p d.video ! p.sinkk p. ! fakesink', 6, '"p" has no pad sinkk'),
                ('fakesrc ! queue queue ! fakesink', 6, 'nothing leads to "queue": a link (!) is missing before it'),
                ('fakesrc ! mux. flvmux name=muxx ! fakesink', 6, 'no element is named "mux"'),
                ('abrhlssink rungs=480p@800k,240q@300k fakesrc ! fakesink', 6, 'rungs: rung 2, "240q@300k"'),
                ('fakesrc ! ! fakesink', 5, 'syntax error')):
            with self.subTest(line=line):
                file = self.write('x.json', json.dumps({'name': 'x', 'trigger': 'always', 'elements': ['fakesrc ! fakesink', line]},
                                                       indent=1))
                ended = run('check', file)
                self.assertEqual(ended.returncode, 1)
                self.assertIn(reason, ended.stderr)
                self.assert_fault(ended, file, None, reason)
                self.assertIn(f'x.json:{number}:3: ', ended.stderr)
        session = self.write('y.json', '{"name": "y", "elements": "fakesrc ! fakesink"}')
        self.assert_fault(run('check', session), session, '/elements', 'no element is named "source"')
        unprobed = self.write('z.json', '{"name": "z", "trigger": "always", "elements": "fakesrc ! fakesink", "health": {"stall": "1s"}}')
        self.assert_fault(run('check', unprobed), unprobed, '/health', 'no healthprobe')

    def test_choices_that_cannot_be_built(self):
        # Whatever is the default: a wrong text of another value would be seen by who chooses it on the day.
        for good in SHIPPED:
            description = json.loads(good.read_text(encoding='utf-8'))
            for name, parameter in description.get('parameters', {}).items():
                if parameter['type'] != 'enum' or not isinstance(parameter['values'], dict):
                    continue
                choice = [one for one in parameter['values'] if one != parameter['default']][-1]
                twin = copy.deepcopy(description)
                twin['parameters'][name]['values'][choice] += ' nosuchproperty=1'
                with self.subTest(file=good.name, name=name, choice=choice):
                    file = self.write(f'{good.stem}-{name}.json', json.dumps(twin, indent=1))
                    ended = run('check', file)
                    self.assertEqual((ended.returncode, ended.stdout), (1, ''))
                    self.assert_fault(ended, file, None, 'nosuchproperty')
                    self.assertIn(f'(with {name}={choice})', ended.stderr)
                    # Who sets it is told of what he sets.
                    self.assertEqual(run('check', '--set', f'{name}={parameter["default"]}', file).returncode, 0)

    def test_more_choices_than_are_tried(self):
        parameters = {f'p{number}': {'type': 'enum', 'default': '0', 'values': [str(value) for value in range(32)]}
                      for number in range(9)}
        file = self.write('x.json', json.dumps({
            'name': 'x', 'trigger': 'always', 'parameters': parameters,
            'elements': ['fakesrc ! ' + ' '.join(f'identity datarate=${{{name}}} !' for name in parameters) + ' fakesink']}))
        ended = run('check', file)
        self.assertEqual((ended.returncode, ended.stdout), (0, f'ok {file} (256 of 279 choices)\n'), ended.stderr)

    def test_two_of_one_name(self):
        first = self.write('a.json', '{"name": "x", "trigger": "always", "elements": "fakesrc ! fakesink"}')
        self.assertEqual(run('check', 'x', '--pipelines', self.folder).stdout, f'ok {first}\n')
        unknown = run('check', 'y', '--pipelines', self.folder)
        self.assertEqual((unknown.returncode, 'no description has the name "y"; there are x' in unknown.stderr), (1, True), unknown.stderr)
        second = self.write('b.json', '{"name": "x", "trigger": "always", "elements": "fakesrc ! fakesink"}')
        self.assert_fault(run('check', '--pipelines', self.folder), second, '/name', 'another description has the name')

    def test_show_tells_parameters_and_elements(self):
        self.write('x.json', json.dumps({
            'name': 'x', 'about': 'an example', 'trigger': 'always',
            'parameters': {'n': {'type': 'integer', 'default': 5, 'max': 9, 'unit': 'buffers', 'about': 'how many'},
                           'where': {'type': 'string'}},
            'elements': ['fakesrc num-buffers=${n}', '! filesink location=${where}']}))
        shown = run('show', 'x', '--pipelines', self.folder)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertRegex(shown.stdout, r'n +integer +5 buffers +… 9 buffers +how many')
        self.assertRegex(shown.stdout, r'where +string +\(needed\)')
        self.assertIn('fakesrc num-buffers=5\n! filesink location=${where}\n', shown.stdout)
        # Columns are a terminal's, not bytes: "…" has three, and what is Chinese two columns a letter.
        wide = run('show', 'x', '--pipelines', self.folder, '--set', 'where=日本').stdout.splitlines()
        title, n, where = (next(line for line in wide if line.startswith(name)) for name in ('PARAMETER', 'n ', 'where '))
        self.assertEqual((n.index(' … 9'), n.index('how many')), (title.index('RANGE'), title.index('ABOUT')))
        self.assertEqual(where.rstrip(), 'where' + ' ' * 16 + 'string    日本 (set)')
        shown = run('show', 'x', '--pipelines', self.folder, '--set', 'where=a b')
        self.assertIn('! filesink location="a b"\n', shown.stdout)
        self.assertEqual(run('show', 'x', '--pipelines', self.folder, '--set', 'n=10').returncode, 1)
        wrong = run('show', 'nobody', '--pipelines', self.folder)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn('there are x', wrong.stderr)

    def test_graph_draws_every_description(self):
        for file in SHIPPED:
            with self.subTest(file=file.name):
                drawn = run('graph', file)
                self.assertEqual(drawn.returncode, 0, drawn.stderr)
                root = xml.etree.ElementTree.fromstring(drawn.stdout)
                texts = {text.text for text in root.iter('{http://www.w3.org/2000/svg}text')}
                shown = run('show', file).stdout.split('\n\n')[-1]
                for element in re.findall(r'\b(?:healthprobe|segmentarchiver|mpegtsmux|flvmux|x264enc|ticketsrc)\b', shown):
                    self.assertIn(element, texts)
        out = self.folder / 'x.svg'
        self.assertEqual(run('graph', SHIPPED[0], '--out', out).returncode, 0)
        self.assertTrue(out.read_text(encoding='utf-8').startswith('<svg '))

    def test_elements_are_there_or_not(self):
        for file in SHIPPED:
            with self.subTest(file=file.name):
                told = run('elements', file, '--json')
                self.assertEqual(told.returncode, 0, told.stderr + told.stdout)
                elements = json.loads(told.stdout)['elements']
                self.assertTrue(elements and all(one['plugin'] and re.match(r'\d+\.', one['version']) for one in elements), elements)
        told = json.loads(run('elements', 'station', '--pipelines', PIPELINES, '--json').stdout)
        self.assertIn(('ticketsrc', 'ticketsrc'), [(one['name'], one['plugin']) for one in told['elements']])
        names = [one['name'] for one in told['elements']]
        self.assertEqual(len(names), len(set(names)))
        self.assertIn({'codec': 'H.264'}, told['decoders'])
        (self.folder / 'x.json').write_text('{"name": "x", "trigger": "always", "elements": "fakesrc ! nowhere ! fakesink"}', encoding='utf-8')
        told = run('elements', self.folder / 'x.json')
        self.assertEqual(told.returncode, 1, told.stdout)
        self.assertRegex(told.stdout, r'(?m)^nowhere +missing: no plugin')
        self.assertEqual(run('elements', 'nobody', '--pipelines', self.folder).returncode, 2)

    def test_wrong_usage(self):
        for arguments in (['show'], ['graph', 'a', 'b'], ['check', '--no-such-option'], ['nothing'], [],
                          ['show', '--set', 'x', 'station']):
            with self.subTest(arguments=arguments):
                self.assertIn(run(*arguments).returncode, (1, 2))
                self.assertNotEqual(run(*arguments).stderr, '')


if __name__ == '__main__':
    tap.run_unittest()
