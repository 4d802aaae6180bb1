// SPDX-License-Identifier: LGPL-2.1-or-later
// A clip that ffmpeg cuts into segments of exactly kSegmentS, made once for all tests of a build.
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {mkdirSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

export const kSegmentS = 2;
export const kClipS = 120;
export const kFps = 15;
export const words = (text) => text.split(' ');

const here = dirname(fileURLToPath(import.meta.url));
const {HEADGATE_BUILD: build} = process.env;
const kMade = build ? join(build, 'tests/clips') : join(here, '../node_modules/.cache/clips');
// The folder "$0" appears when the command has filled it.
const kMake = `[ ! -d "$0" ] || exit 0
rm -rf "$0.unfinished"
mkdir "$0.unfinished"
cd "$0.unfinished"
[ -z "$FOLDERS" ] || mkdir $FOLDERS
"$@"
mv "$0.unfinished" "$0"`;

// The folder that a command has filled, which runs in it and finds these folders there. The first test makes
// it, and who wants it meanwhile waits. Nobody changes it.
export function made_once(name, folders, command) {
  const hash = createHash('sha256').update(JSON.stringify([folders, command])).digest('hex').slice(0, 12);
  const folder = join(kMade, `${name}-${hash}`);
  mkdirSync(kMade, {recursive: true});
  execFileSync(
      'flock', [`${folder}.lock`, 'sh', '-ec', kMake, folder, ...command],
      {env: {...process.env, FOLDERS: folders.join(' ')}, stdio: ['ignore', 'inherit', 'inherit']});
  return folder;
}

// ffmpeg's options for init.mp4 and 000.m4s … in a folder.
export function hls_output(folder) {
  return [
    ...words(`-f hls -hls_time ${kSegmentS} -hls_segment_type fmp4 -hls_list_size 0`),
    ...words('-hls_fmp4_init_filename init.mp4 -hls_segment_filename'), join(folder, '%03d.m4s'),
    join(folder, 'all.m3u8')
  ];
}

// ffmpeg with moving pictures so large, and a tone.
export function inputs(size) {
  return [
    ...words(`ffmpeg -nostdin -v error -f lavfi -i testsrc=size=${size}:rate=${kFps}:duration=${kClipS}`),
    ...words(`-f lavfi -i sine=frequency=440:duration=${kClipS}`)
  ];
}

function made() {
  return made_once('page', [], [
    ...inputs('480x270'), ...words('-c:v libx264 -preset ultrafast -pix_fmt yuv420p'),
    ...words(`-g ${kFps * kSegmentS} -keyint_min ${kFps * kSegmentS} -sc_threshold 0 -c:a aac`),
    ...hls_output('.')
  ]);
}

// Picture and sound together.
export class Clip {
  constructor() {
    this.folder_ = made();
  }
  // Of a rendition's file; '' is the stream itself.
  path(rendition, name) {
    return join(this.folder_, rendition, name);
  }
  // Multivariant playlist.
  index() {
    const head = '#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.42C015,mp4a.40.2",RESOLUTION=480x270';
    return `#EXTM3U\n#EXT-X-VERSION:7\n${head}\nmedia.m3u8\n`;
  }
}
