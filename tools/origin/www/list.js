// SPDX-License-Identifier: LGPL-2.1-or-later
// The list page: one card per stream, changed in place so that focus and scroll position stay.
import {Streams} from './streams.js';
import {by_state, count, duration, history, kStates, matches, picture, rate, since, stream_title} from './words.js';

const kMaxCards = 200;  // what a phone draws at once without a hitch; the filter finds the others

const kPosterMs = 20000;  // a live stream's picture is asked for anew

const list = document.querySelector('#streams');
const template = document.querySelector('#card');
const empty = document.querySelector('#empty');
const more = document.querySelector('#more');
const summary = document.querySelector('#summary');
const offline = document.querySelector('#offline');
const filter = document.querySelector('#filter');
const cards = new Map();
let known = new Map();

function set_text(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function set_fact(card, name, text) {
  const row = card.querySelector(`[data-fact="${name}"]`);
  row.hidden = !text;
  set_text(row.querySelector('dd'), text);
}

function show_poster(card, stream) {
  const image = card.querySelector('.poster');
  const turn = stream.state === 'live' ? Math.floor(feed.now_ms() / kPosterMs) : 0;
  const address = stream.poster ? `${stream.poster}?${turn}` : '';
  if (image.dataset.address === address) return;
  image.dataset.address = address;
  image.hidden = !address;
  if (address) image.src = address;
}

function show_card(card, stream) {
  const link = card.querySelector('a');
  link.href = `/watch/${stream.station}`;
  card.dataset.state = stream.state;
  set_text(card.querySelector('.title'), stream_title(stream));
  set_text(card.querySelector('.state'), kStates[stream.state] ?? stream.state);
  set_text(card.querySelector('.since'), since(stream, feed.now_ms()));
  show_poster(card, stream);
  set_fact(card, 'rate', rate(stream.kbps));
  set_fact(card, 'picture', picture(stream));
  set_fact(card, 'recorded', stream.duration_s > 0 ? duration(stream.duration_s) : '');
  set_fact(card, 'history', history(stream));
}

function card_for(station) {
  let card = cards.get(station);
  if (!card) {
    card = template.content.firstElementChild.cloneNode(true);
    card.dataset.station = station;
    const image = card.querySelector('.poster');
    image.addEventListener('error', () => {
      image.hidden = true;
    });
    cards.set(station, card);
  }
  return card;
}

function show() {
  const wanted = [...known.values()].filter((stream) => matches(stream, filter.value)).sort(by_state);
  const shown = wanted.slice(0, kMaxCards);
  const stations = new Set(shown.map((stream) => stream.station));
  for (const [station, card] of cards) {
    if (stations.has(station)) continue;
    card.remove();
    cards.delete(station);
  }
  shown.forEach((stream, place) => {
    const card = card_for(stream.station);
    show_card(card, stream);
    if (list.children[place] !== card) list.insertBefore(card, list.children[place] ?? null);
  });
  const live = [...known.values()].filter((stream) => stream.state === 'live').length;
  set_text(summary, known.size ? `${count(live, 'live stream', 'live streams')} of ${known.size}` : '');
  const left = wanted.length - shown.length;
  set_text(more, left ? `${count(left, 'more stream', 'more streams')}: type a number.` : '');
  if (known.size && !wanted.length) set_text(more, 'No stream matches.');
  empty.hidden = known.size > 0;
  filter.parentElement.hidden = known.size < 2;
  document.title = live ? `(${live}) Headgate` : 'Headgate';
}

const feed = new Streams({
  on_change: (streams) => {
    known = streams;
    list.removeAttribute('aria-busy');
    show();
  },
  on_reachable: (reachable) => {
    offline.hidden = reachable;
  },
});
filter.addEventListener('input', show);
setInterval(show, 1000);  // the ages
for (const place of document.querySelectorAll('.here')) place.textContent = location.hostname;
