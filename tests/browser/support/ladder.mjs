// SPDX-License-Identifier: LGPL-2.1-or-later
// A clip as a ladder has it: rungs with the picture alone, the sound apart, pictures for the seek bar.
import {join} from 'node:path';

import {Clip, hls_output, inputs, kFps, kSegmentS, made_once, words} from './clip.mjs';

const kAudioBps = 64000;
// Constant rates, so that a throttled link carries what the playlist says that it does.
export const kRungs = [
  {name: '480p', width: 854, height: 480, bps: 1500000},
  {name: '270p', width: 480, height: 270, bps: 500000},
  {name: '180p', width: 320, height: 180, bps: 150000},
];

function video_output({name, width, height, bps}) {
  return [
    ...words(`-map 0:v -s ${width}x${height} -c:v libx264 -preset ultrafast -pix_fmt yuv420p`),
    ...words(`-g ${kFps * kSegmentS} -sc_threshold 0 -b:v ${bps} -maxrate ${bps} -bufsize ${bps}`),
    ...words('-x264-params nal-hrd=cbr:force-cfr=1'), ...hls_output(name)
  ];
}

function made() {
  return made_once('ladder', [...kRungs.map((rung) => rung.name), 'audio', 'pictures'], [
    ...inputs('854x480'), ...kRungs.flatMap(video_output), ...words(`-map 1:a -c:a aac -b:a ${kAudioBps}`),
    ...hls_output('audio'), ...words(`-map 0:v -vf select=not(mod(n\\,${kFps * kSegmentS})),scale=160:90`),
    ...words('-vsync passthrough -start_number 0'), join('pictures', '%03d.jpg'),
    ...words(`-map 0:v -vf select=not(mod(n\\,${kFps * kSegmentS})),scale=160:90,tile=5x5`),
    ...words('-vsync passthrough -start_number 0'), join('pictures', 'sheet-%d.jpg')
  ]);
}

export class Ladder extends Clip {
  constructor() {
    super();
    this.renditions_ = made();
    this.pictures = true;
  }

  path(rendition, name) {
    return rendition ? join(this.renditions_, rendition, name) : super.path(rendition, name);
  }

  index() {
    const audio =
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,URI="audio/media.m3u8"';
    const variants = kRungs.map(({name, width, height, bps}) => {
      const rate = Math.round((bps + kAudioBps) * 1.1);
      return `#EXT-X-STREAM-INF:BANDWIDTH=${rate},CODECS="avc1.42C01F,mp4a.40.2",RESOLUTION=${width}x${
          height},FRAME-RATE=${kFps},AUDIO="sound"\n${name}/media.m3u8`;
    });
    const alone =
        `#EXT-X-STREAM-INF:BANDWIDTH=${kAudioBps * 1.1},CODECS="mp4a.40.2",AUDIO="sound"\naudio/media.m3u8`;
    return ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS', audio, ...variants, alone, ''].join(
        '\n');
  }
}
