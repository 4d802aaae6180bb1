// SPDX-License-Identifier: LGPL-2.1-or-later
// The player page: follows one stream through everything that happens to it.
import {Controls} from './controls.js';
import {Pictures} from './pictures.js';
import {Player} from './player.js';
import {SeekBar} from './seekbar.js';
import {Streams} from './streams.js';
import {age_s, clock_time, duration, history, kStates, link as srt_link, picture, position, rate, since, stream_title, uplink} from './words.js';

const kFactsMs = 500;

const station = Number(location.pathname.match(/\/watch\/(\d+)\/?$/)?.[1] ?? Number.NaN);
const replaying = new URLSearchParams(location.search).has('replay');
const element = (name) => document.getElementById(name);
const video = element('video');
let stream = null;  // as the node last told; null: it knows none
let heard = false;  // the node has told anything at all
let reachable = true;
let trouble = 'loading';

function set_text(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function set_fact(name, text) {
  const row = element('facts').querySelector(`[data-fact="${name}"]`);
  row.hidden = !text;
  set_text(row.querySelector('dd'), text);
}

// One sentence for the person in front, or nothing when all is well; with a link where there is something to
// do.
function message() {
  if (Number.isNaN(station)) return {text: 'This address names no station.', link: '/', label: 'All streams'};
  if (!player.engine) {
    return {
      text:
          'This node was built without hls.js, and this browser plays no HLS by itself. On the node: run tools/setup and build again.'
    };
  }
  if (!reachable) return {text: 'The node does not answer. Trying again.'};
  if (!heard) return {text: 'Looking for the stream.'};
  if (!stream)
    return {text: `Station ${station} has not streamed yet. The picture starts by itself when it does.`};
  if (trouble === 'asleep') return {text: 'This browser waits to be asked: press Play.'};
  if (trouble === 'codec') {
    return {
      text: `This browser cannot play ${
          stream.codecs ?? 'what is sent'}. Try another browser, or have the publisher send H.264 and AAC.`
    };
  }
  if (replaying) return replay_message();
  if (stream.state === 'ended') {
    return stream.replay ?
        {text: 'This stream has ended.', link: '?replay', label: 'Watch it from the start'} :
        {text: 'This stream has ended.'};
  }
  if (stream.state === 'waiting') {
    const away = age_s(stream.since_utc, feed.now_ms());
    return {
      text: `The publisher is away${
          away === null ? '' : ` for ${duration(away)}`}, waiting for it to come back.`
    };
  }
  if (trouble === 'loading' || trouble === 'missing') return {text: 'The picture is about to start.'};
  if (!trouble) return null;
  const {choice, rungs, audio} = player.qualities();
  const less = choice !== 'audio' && (rungs.length > 1 || audio);
  return {
    text: less ? 'The picture was interrupted. Trying again; a lower quality needs less of your connection.' :
                 'The picture was interrupted. Trying again.'
  };
}

function replay_message() {
  if (trouble && trouble !== 'loading') return {text: 'The recording cannot be read just now. Trying again.'};
  if (!video.ended) return null;
  return stream.state === 'ended' ?
      {text: 'The recording ends here.'} :
      {text: 'This is all that is recorded so far.', link: location.pathname, label: 'Watch live'};
}

function show_message() {
  const told = message();
  element('message').hidden = !told;
  set_text(element('message_text'), told?.text ?? '');
  const link = element('message_link');
  link.hidden = !told?.link;
  if (told?.link) {
    link.href = told.link;
    set_text(link, told.label);
  }
}

function show_facts() {
  const latency = replaying ? null : player.latency_s();
  const playing = player.address && !video.paused;
  set_fact('latency', playing && latency !== null ? `${latency.toFixed(1)} s` : '');
  set_fact('buffered', player.address ? `${player.buffered_s().toFixed(1)} s` : '');
  set_fact('rate', rate(stream?.kbps));
  set_fact('uplink', stream ? uplink(stream) : '');
  set_fact('link', stream ? srt_link(stream) : '');
  set_fact('picture', stream ? picture(stream) : '');
  const frames = video.getVideoPlaybackQuality?.();
  set_fact('dropped', frames?.droppedVideoFrames ? String(frames.droppedVideoFrames) : '');
  set_fact('since', stream ? since(stream, feed.now_ms()) : '');
  set_fact('history', stream ? history(stream) : '');
  show_live(latency);
  element('unmute').hidden = !video.muted || !playing;
}

// Whether what is seen is live, and how far from it.
function show_live(latency) {
  const behind = replaying || stream?.state === 'ended' ? null : player.behind_s();
  const button = element('to_live');
  button.hidden = behind === null;
  if (behind === null) return;
  const live = player.at_edge() && !video.paused;
  button.classList.toggle('on', live);
  const away = latency === null ? behind : latency;
  set_text(button.firstElementChild, live ? 'Live' : 'Go live');
  set_text(button.lastElementChild, live ? `${away.toFixed(1)} s` : `${duration(away)} behind`);
}

function show_place() {
  const time = video.currentTime;
  bar.show(!replaying, time);
  const seekable = player.window();
  const date = seekable && player.date_at(time);
  const told = replaying && seekable ?
      `${position(time - seekable.start)} / ${position(seekable.end - seekable.start)}` :
      '';
  set_text(element('time'), date ? [told, clock_time(date)].filter(Boolean).join(' · ') : told);
  const listening = player.qualities().choice === 'audio';
  element('audio_only').hidden = !listening;
  // A still picture under running sound would pass for the present one.
  const poster = listening ? '' : stream?.poster ?? '';
  if (video.getAttribute('poster') !== poster) video.setAttribute('poster', poster);
}

function show() {
  const title = stream ? stream_title(stream) : `Station ${Number.isNaN(station) ? '?' : station}`;
  set_text(element('title'), title);
  document.title = `${title} · Headgate`;
  const state = element('state');
  state.dataset.state = stream?.state ?? '';
  set_text(state, replaying ? 'Replay' : stream ? kStates[stream.state] ?? stream.state : '');
  const replay = element('replay');
  replay.hidden = !(stream?.replay || replaying);
  replay.href = replaying ? location.pathname : '?replay';
  set_text(replay, replaying ? 'Watch live' : 'Watch from the start');
  show_message();
  show_facts();
}

// What should play now follows from the stream alone. An ended stream plays out what is buffered.
function follow() {
  if (!player.engine || !stream) return;
  if (replaying) {
    if (stream.replay) player.play(stream.replay, false);
    return;
  }
  player.expect(stream.state === 'live');
  if (stream.state !== 'ended') player.play(stream.hls, true);
}

const player = new Player(video, {
  on_trouble: (what) => {
    trouble = what;
    show_message();
  },
  now_ms: () => feed.now_ms(),
});
const feed = new Streams({
  on_change: (streams) => {
    const before = stream?.state;
    stream = streams.get(station) ?? null;
    heard = true;
    // An ended playlist is not read again: coming back needs a new beginning.
    if (before === 'ended' && stream?.state !== 'ended' && !replaying) player.stop();
    const list = stream?.pictures ?? null;
    pictures.from(replaying && list ? list.replace('media.m3u8', 'replay.m3u8') : list);
    follow();
    show();
  },
  on_reachable: (now) => {
    reachable = now;
    show_message();
  },
});

const pictures = new Pictures();
const bar = new SeekBar({input: element('seek'), preview: element('preview'), player, pictures});
const controls = new Controls(element('stage'), video, player, {on_key: (event) => bar.key(event)});

element('to_live').addEventListener('click', () => player.to_live());
element('unmute').addEventListener('click', () => controls.set_sound(true));
video.addEventListener('volumechange', show_facts);
video.addEventListener('timeupdate', show_place);
video.addEventListener('seeking', show_place);
setInterval(() => {
  show_message();
  show_facts();
  show_place();
  controls.show();
}, kFactsMs);
show();

// For tests and for a person with the browser's console.
globalThis.headgate = {
  player,
  state: () => ({stream, trouble, reachable, message: message()?.text ?? null})
};
