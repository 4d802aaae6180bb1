// SPDX-License-Identifier: LGPL-2.1-or-later
// What the page sees of a node, without one: the files of tools/origin/www, the API of docs/api.md, and a
// clip cut by ffmpeg that is told as a live stream. Tests pull its strings.
import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {dirname, extname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

import {kClipS, kSegmentS} from './clip.mjs';

const kPage = join(dirname(fileURLToPath(import.meta.url)), '../../../tools/origin/www');
const kPolicy = 'default-src \'none\'; script-src \'self\'; style-src \'self\'; img-src \'self\' data:; ' +
    'connect-src \'self\'; media-src \'self\' blob:; worker-src \'self\' blob:; base-uri \'none\'; ' +
    'form-action \'none\'; frame-ancestors \'self\'';
const kTypes = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.mp4': 'video/mp4',
  '.m4s': 'video/iso.segment',
  '.jpg': 'image/jpeg',
};
const kWindow = 15;      // segments in the live playlist
const kHeadStartS = 24;  // of the clip, there when the stream begins

export class FakeNode {
  constructor(clip) {
    this.clip_ = clip;
    this.streams_ = new Map();
    this.listeners_ = new Set();
    this.player = true;        // hls.js is there
    this.events = true;        // server-sent events are
    this.gaps = new Map();     // of renditions: whether that segment of it is one
    this.refused = new Map();  // renditions whose playlists are answered so: status
  }

  // Answers again on the same port after stop().
  async start() {
    this.server_ = createServer((request, response) => this.answer_(request, response));
    this.server_.keepAliveTimeout = 1000;
    await new Promise((resolve) => this.server_.listen(this.port_ ?? 0, '127.0.0.1', resolve));
    this.port_ = this.server_.address().port;
    return `http://127.0.0.1:${this.port_}`;
  }

  async stop() {
    const closed = new Promise((resolve) => this.server_.close(resolve));
    this.listeners_.clear();
    this.server_.closeAllConnections();
    await closed;
  }

  // Begins or changes a stream; media runs while it is live and stands still otherwise.
  set(station, fields) {
    const now = Date.now();
    const stream = this.streams_.get(station) ?? {
      media_s: kHeadStartS,
      breaks: [],
      shown: {
        station,
        event: 77,
        state: 'ended',
        since_utc: null,
        first_utc: null,
        last_media_utc: null,
        duration_s: 0,
        kbps: null,
        width: 480,
        height: 270,
        fps: 15,
        codecs: 'avc1.42C015,mp4a.40.2',
        gaps: 0,
        sessions: 1,
        protocol: 'rtmp',
        health: null,
        hls: `/hls/${station}/index.m3u8`,
        replay: `/hls/${station}/replay.m3u8`,
        pictures: this.clip_.pictures ? `/hls/${station}/pictures/media.m3u8` : null,
        poster: this.clip_.pictures ? `/hls/${station}/poster.jpg` : null,
      },
    };
    const {shown} = stream;
    if (fields.state && fields.state !== shown.state) {
      stream.media_s = this.media_s_(stream);
      stream.at = now;
      shown.since_utc = new Date(now).toISOString();
      if (fields.state === 'live' && this.streams_.has(station)) {
        // A new run begins with a new segment.
        stream.media_s = Math.ceil(stream.media_s / kSegmentS) * kSegmentS;
        stream.breaks.push({first: stream.media_s / kSegmentS, at: now});
      }
    }
    Object.assign(shown, fields);
    this.streams_.set(station, stream);
    this.tell_('stream', shown);
  }

  media_s_(stream) {
    const on = stream.shown.state === 'live' ? (Date.now() - stream.at) / 1000 : 0;
    return Math.min(stream.media_s + on, kClipS);
  }

  list_() {
    const streams = [...this.streams_.values()].map((stream) => stream.shown);
    return {now_utc: new Date().toISOString(), streams};
  }

  tell_(name, data) {
    for (const response of this.listeners_)
      response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  // The number of the segment that comes next.
  next_segment(station) {
    return Math.floor(this.media_s_(this.streams_.get(station)) / kSegmentS);
  }

  playlist_(stream, whole, is_gap) {
    const {shown, breaks} = stream;
    const end = Math.floor(this.media_s_(stream) / kSegmentS);
    const first = whole ? 0 : Math.max(0, end - kWindow);
    const before = breaks.filter((cut) => cut.first <= first).length;
    const ended = shown.state === 'ended';
    // Wall clock of a segment: counted back from the edge of its run.
    const run_at = (msn) => {
      const cut = breaks.filter((one) => one.first <= msn).pop();
      return cut ? cut.at - cut.first * kSegmentS * 1000 : this.born_ms_(stream);
    };
    const lines = [
      '#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-TARGETDURATION:4', `#EXT-X-MEDIA-SEQUENCE:${first}`,
      `#EXT-X-DISCONTINUITY-SEQUENCE:${before}`, '#EXT-X-INDEPENDENT-SEGMENTS',
      ...(whole ? [`#EXT-X-PLAYLIST-TYPE:${ended ? 'VOD' : 'EVENT'}`] : []), `#EXT-X-MAP:URI="init-0.mp4"`
    ];
    for (let msn = first; msn < end; ++msn) {
      if (msn > first && breaks.some((cut) => cut.first === msn)) lines.push('#EXT-X-DISCONTINUITY');
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(run_at(msn) + msn * kSegmentS * 1000).toISOString()}`);
      lines.push(`#EXTINF:${kSegmentS}.000,`, ...(is_gap(msn) ? ['#EXT-X-GAP'] : []), `${msn}.m4s`);
    }
    if (ended) lines.push('#EXT-X-ENDLIST');
    return `${lines.join('\n')}\n`;
  }

  born_ms_(stream) {
    stream.born ??= stream.at - kHeadStartS * 1000;
    return stream.born;
  }

  answer_(request, response) {
    const path = new URL(request.url, 'http://node').pathname;
    const send = (status, type, body, head = {}) => {
      response.writeHead(status, {'Content-Type': type, 'Cache-Control': 'no-store', ...head});
      response.end(body);
    };
    const json = (status, value) => send(status, 'application/json', JSON.stringify(value));
    const file = (name) => {
      const head = name.endsWith('.html') ? {'Content-Security-Policy': kPolicy} : {};
      send(200, kTypes[extname(name)] ?? 'text/plain', readFileSync(name), head);
    };
    try {
      if (path === '/') return file(join(kPage, 'index.html'));
      if (/^\/watch\/\d+$/.test(path)) return file(join(kPage, 'watch.html'));
      if (path === '/assets/hls.min.js') {
        if (this.player) return file(join(kPage, 'node_modules/hls.js/dist/hls.min.js'));
        return send(404, 'text/plain', 'not built in');
      }
      const asset = path.match(/^\/assets\/([a-z_]+\.[a-z]+)$/);
      if (asset) return file(join(kPage, asset[1]));
      if (path === '/api/v1/streams') return json(200, this.list_());
      if (path === '/api/v1/events' && this.events) {
        response.writeHead(200, {'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store'});
        response.write(`event: streams\ndata: ${JSON.stringify(this.list_())}\n\n`);
        this.listeners_.add(response);
        response.on('close', () => this.listeners_.delete(response));
        return undefined;
      }
      return this.answer_media_(path, send, file) ?? json(404, {error: `nothing at ${path}`});
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
    return json(404, {error: `nothing at ${path}`});
  }

  // /hls/STATION/[RENDITION/]NAME; null: there is no such thing.
  answer_media_(path, send, file) {
    const asked = path.match(
        /^\/hls\/(\d+)\/([a-z0-9-]+\/)?(?:(index|media|replay)\.m3u8|(init-0\.mp4)|(sheet-\d+|\d+)\.(m4s|jpg)|poster\.jpg)$/);
    const stream = asked && this.streams_.get(Number(asked[1]));
    if (!stream) return null;
    const [, , rendition = '', playlist, init, number, ending] = asked;
    const is_gap = this.gaps.get(rendition.slice(0, -1)) ?? (() => false);
    const refuse = (status) => send(status, kTypes['.m3u8'], '', status === 503 ? {'Retry-After': '1'} : {});
    if (ending === 'm4s' && is_gap(Number(number))) return null;
    if (playlist === 'index')
      send(200, kTypes['.m3u8'], this.clip_.index());
    else if (playlist && this.refused.has(rendition.slice(0, -1)))
      refuse(this.refused.get(rendition.slice(0, -1)));
    else if (playlist)
      send(200, kTypes['.m3u8'], this.playlist_(stream, playlist === 'replay', is_gap));
    else if (init)
      file(this.clip_.path(rendition, init.replace('-0', '')));
    else if (number)
      file(this.clip_.path(rendition, `${number.padStart(3, '0')}.${ending}`));
    else
      file(this.clip_.path('pictures', '000.jpg'));
    return true;
  }

  // The segment that is shown at a date.
  segment_at(station, date_ms) {
    return Math.floor((date_ms - this.born_ms_(this.streams_.get(station))) / kSegmentS / 1000);
  }
}
