// SPDX-License-Identifier: LGPL-2.1-or-later
// Numbers and states as people read them. Pure: no page, no clock.

const numbers = new Intl.NumberFormat('en');
const clock = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit', second: '2-digit'});

export const kStates = {
  live: 'Live',
  waiting: 'Waiting',
  ended: 'Ended',
};

export function stream_title(stream) {
  return `Station ${stream.station}`;
}

export function rate(kbps) {
  if (kbps === null || kbps === undefined) return '';
  return kbps >= 10000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${numbers.format(Math.round(kbps))} kbit/s`;
}

export function bitrate(bps) {
  return bps >= 1e6 ? `${(bps / 1e6).toFixed(1)} Mbit/s` : `${numbers.format(Math.round(bps / 1000))} kbit/s`;
}

// 720p, or 720p60 where pictures come faster than usual (qualities.js).
export function rung_name(rung) {
  if (!rung.lines) return 'As sent';
  return rung.fps > 30 ? `${rung.lines}p${rung.fps}` : `${rung.lines}p`;
}

const kKinds = {
  audio: 'no sound comes',
  video: 'no picture comes',
};

// What is wrong with the publisher's connection; nothing when all is well.
export function uplink(stream) {
  const health = stream.health;
  if (stream.state !== 'live' || !health) return '';
  const tracks = health.streams ?? [];
  const still = tracks.filter((one) => one.stalled);
  if (health.stalled && still.length === tracks.length) return 'nothing comes';
  const lacking = still.map((one) => kKinds[one.kind] ?? 'a track does not come');
  const late = tracks.filter((one) => one.late && !one.stalled);
  if (!health.late || !late.length) return lacking.join(', ');
  const longest = (name) => Math.max(0, ...late.map((one) => one[name] ?? 0)) / 1e9;
  const since = longest('late-for') > 0 ? `, for ${duration(longest('late-for'))}` : '';
  return [...lacking, `too slow, ${duration(longest('lateness'))} late${since}`].join(', ');
}

// What is little is not called nothing.
function percent(share) {
  return share > 0 && share < 0.001 ? '< 0.1 %' : `${(share * 100).toFixed(1)} %`;
}

// How an SRT publisher's link does (docs/health.md).
export function link(stream) {
  const srt = stream.health?.srt;
  if (stream.state !== 'live' || !srt) return '';
  const facts = [`${Math.max(1, Math.round(srt['rtt-us'] / 1000))} ms there and back`];
  facts.push(srt['lost-share'] > 0 ? `${percent(srt['lost-share'])} sent again` : 'nothing lost');
  if (srt['dropped-share'] > 0) facts.push(`${percent(srt['dropped-share'])} lost for good`);
  return facts.join(', ');
}

export function picture(stream) {
  if (!stream.width || !stream.height) return '';
  const size = `${stream.width}×${stream.height}`;
  return stream.fps ? `${size}, ${Math.round(stream.fps)} fps` : size;
}

// 7 s, 3 min 4 s, 2 h 5 min, 3 d 4 h: two units at most, none of them zero at the end.
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const units = [
    [Math.floor(whole / 86400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ];
  const first = units.findIndex(([count]) => count > 0);
  if (first < 0) return '0 s';
  return units.slice(first, first + 2)
      .filter(([count]) => count > 0)
      .map(([count, unit]) => `${count} ${unit}`)
      .join(' ');
}

// 0:07, 12:34, 1:02:03: a place in a recording; a negative one is before the live edge, −0:34.
export function position(seconds) {
  const whole = Math.round(Math.abs(seconds));
  const [h, min, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, '0');
  const text = h ? `${h}:${two(min)}:${two(s)}` : `${min}:${two(s)}`;
  return seconds < 0 && whole ? `−${text}` : text;
}

// The wall clock where the page is looked at.
export function clock_time(date_ms) {
  return clock.format(date_ms);
}

export function count(number, one, many) {
  return `${numbers.format(number)} ${number === 1 ? one : many}`;
}

// Seconds of `utc` before `now_ms`; null when there is no time.
export function age_s(utc, now_ms) {
  const at = Date.parse(utc ?? '');
  return Number.isNaN(at) ? null : Math.max(0, (now_ms - at) / 1000);
}

export function since(stream, now_ms) {
  const age = age_s(stream.since_utc, now_ms);
  if (age === null) return '';
  return stream.state === 'ended' ? `${duration(age)} ago` : `for ${duration(age)}`;
}

// What to know about a stream's past in one line; empty when nothing went wrong.
export function history(stream) {
  const lines = [];
  if (stream.gaps > 0) lines.push(count(stream.gaps, 'gap', 'gaps'));
  if (stream.sessions > 1) lines.push(count(stream.sessions - 1, 'reconnect', 'reconnects'));
  return lines.join(', ');
}

// Live first, then those that may come back, then the ended ones; by station within each.
const kOrder = {
  live: 0,
  waiting: 1,
  ended: 2
};
export function by_state(a, b) {
  return (kOrder[a.state] ?? 3) - (kOrder[b.state] ?? 3) || a.station - b.station;
}

// Whether a stream is meant by what somebody typed: its number from the start.
export function matches(stream, text) {
  return String(stream.station).startsWith(text.trim());
}
