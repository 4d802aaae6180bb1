-- SPDX-License-Identifier: LGPL-2.1-or-later
-- For wrk: asks for the paths of a file (first argument) in turn, and prints one JSON line at the end.
local requests, at, total = {}, 0, 0

function init(arguments)
  for path in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
  total = #requests
end

function request()
  at = at % total + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests": %d, "bytes": %d, "seconds": %.6f, "failed": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.bytes, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
