// SPDX-License-Identifier: LGPL-2.1-or-later
// What hls.js asks for again, and when it leaves a rung for another one instead: it looks for another one
// only where nothing is to be tried again.

const kRetryFirstMs = 500;
const kRetryMostMs = 8000;
// Of a rung that was left. It is longer than a node's Retry-After and what a rung has not yet that was just
// started, and shorter than such a one goes on without being asked for.
export const kPenaltyMs = 10_000;
// So far somebody who watches is taken ahead at most.
const kMostLeftOutS = 10;

// As hls.js has it with `errorPenaltyExpireMs`.
export function may_be_chosen({loadError, loadErrorTime}) {
  return loadError === 0 || performance.now() - loadErrorTime > kPenaltyMs;
}

// A live rung that is being started has gaps up to what its encoder began with. Whoever begins with it, wants
// that one, or comes down to it because the link carries no larger one, steps over them; others stay where
// they are until it has more. Where the newest is a gap, nothing comes.
function steps_over(hls) {
  const to = hls.loadLevelObj;
  const details = to?.details;
  const newest = details?.partList?.at(-1) ?? details?.fragments.at(-1);
  if (!details?.live || !newest || newest.gap) return false;
  const at = hls.media?.currentTime ?? 0;  // 0 before anything is seen
  const gap = details.fragments.findLast((one) => one.gap);
  if (at > 0 && gap && gap.end - at > kMostLeftOutS) return false;
  const from = hls.levels[hls.currentLevel];
  return !from || !hls.autoLevelEnabled || (from.bitrate > to.bitrate && may_be_chosen(from));
}

// Whatever the answer was: a node that restarts refuses connections, answers 404 or 503 for a moment.
const always = () => true;

// A gap, and what cannot be read, have no answer.
const media = (hls, timed_out, answer) => timed_out || answer !== undefined || steps_over(hls);

// A rung that the node has no room to encode, or has not any more, is no better for being asked for again;
// without another one hls.js asks again all the same. With directives, 503 is of the waiting: it asks again
// without.
const kLeft = [404, 410, 503];
function playlists(hls, timed_out, answer, count) {
  const of_rung = kLeft.includes(answer?.code) && answer.url.startsWith(hls.loadLevelObj?.uri);
  return !of_rung || (answer.code === 503 && count === 0 && answer.url.includes('_HLS_'));
}

function policy(current, worth, tries, time_to_first_byte_ms, time_ms) {
  const retry = {
    maxNumRetry: tries,
    retryDelayMs: kRetryFirstMs,
    maxRetryDelayMs: kRetryMostMs,
    backoff: 'exponential',
    shouldRetry: (retries, count, timed_out, answer) =>
        count < retries.maxNumRetry && (!current() || worth(current(), timed_out, answer, count)),
  };
  return {
    default: {
      maxTimeToFirstByteMs: time_to_first_byte_ms,
      maxLoadTimeMs: time_ms,
      timeoutRetry: retry,
      errorRetry: retry,
    },
  };
}

// For Hls' configuration; `current`: that Hls, or null while there is none.
export function retry_settings(current) {
  return {
    manifestLoadPolicy: policy(current, always, 4, 5000, 10000),
    playlistLoadPolicy:
        policy(current, playlists, 6, 10000, 20000),  // some are answered when something is new
    fragLoadPolicy: policy(current, media, 6, 8000, 30000),
    errorPenaltyExpireMs: kPenaltyMs,
  };
}
