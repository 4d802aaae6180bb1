// SPDX-License-Identifier: LGPL-2.1-or-later
#include "top_source.h"

#include <base/clock.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <list>

#include <base/guarded.h>

#include "table.h"

namespace headgate::cli {
namespace {

constexpr int64_t kIntervalUs = 1'000'000;
constexpr int64_t kRestFactor = 3;  // a look that took long is followed by so much more rest
constexpr int64_t kForecastUs = 5 * int64_t{60'000'000}, kForecastLeastUs = 60'000'000;
constexpr size_t kEventsShown = 20;
constexpr size_t kStationsFollowed = 16;
constexpr int64_t kEventPage = 1000;
constexpr double kKilobitBytes = 125;

// User and system time, and memory (proc(5), stat).
bool read_process(int64_t pid, double& cpu_s, double& resident_bytes) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (!file) return false;
  char text[1024];
  const size_t size = std::fread(text, 1, sizeof text - 1, file.get());
  text[size] = 0;
  // Its name is in parentheses and may have anything in it.
  const std::string_view all(text, size);
  const size_t close = all.rfind(')');
  if (close == std::string_view::npos) return false;
  unsigned long long user = 0, system = 0;
  long long pages = 0;
  if (std::sscanf(
          text + close + 1,
          " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %*u %*u %lld",
          &user, &system, &pages) != 3)
    return false;
  cpu_s = static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  resident_bytes = static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  return true;
}

}  // namespace

std::vector<ProcessUse> ProcessMeter::measure(const Json& node, int64_t mono_us) {
  std::vector<ProcessUse> out;
  std::map<int64_t, Before> now;
  node.each("processes", [&](const Json& process) {
    const std::string role = printable(process.text("role"));
    auto use = std::find_if(out.begin(), out.end(), [&](const ProcessUse& one) { return one.role == role; });
    if (use == out.end()) use = out.insert(out.end(), ProcessUse{role, 0, 0, 0});
    ++use->count;
    const int64_t pid = process.integer("pid");
    double cpu_s = 0, resident = 0;
    if (!read_process(pid, cpu_s, resident)) return;
    use->resident_bytes += resident;
    now[pid] = {mono_us, cpu_s};
    const auto before = before_.find(pid);
    if (before != before_.end() && mono_us > before->second.mono_us)
      use->cpu += std::max(0.0, cpu_s - before->second.cpu_s) * 1e6 /
                  static_cast<double>(mono_us - before->second.mono_us);
  });
  before_ = std::move(now);
  return out;
}

double FillForecast::full_in_s(int64_t mono_us, double free_bytes, double kbps) {
  if (std::isnan(free_bytes)) return free_bytes;
  seen_.emplace_back(mono_us, free_bytes);
  while (seen_.front().first < mono_us - kForecastUs) seen_.pop_front();
  double per_second = kbps * kKilobitBytes;
  const auto& [then_us, then_bytes] = seen_.front();
  const int64_t over_us = mono_us - then_us;
  if (over_us >= kForecastLeastUs)
    per_second = std::max(per_second, (then_bytes - free_bytes) * 1e6 / static_cast<double>(over_us));
  return per_second > 0 ? free_bytes / per_second : std::nan("");
}

Result<std::shared_ptr<const TopSnapshot>> NodeLook::take() {
  auto answer = client_.get("/api/v1/node");
  if (!answer) return Unexpected(answer.error());
  Json json = Json::object_of(*answer);
  if (!json.is_object()) return Unexpected("the node's answer is not JSON");
  auto snapshot = std::make_shared<TopSnapshot>(TopSnapshot{std::move(json), 0, 0, {}, {}});
  const Json& node = snapshot->json;
  snapshot->utc_us = now_utc_us();
  snapshot->mono_us = system_clock().mono_us();
  snapshot->rows = stream_rows(node, snapshot->utc_us);
  NodeFacts& facts = snapshot->facts;
  facts = node_facts(node, snapshot->rows, snapshot->utc_us);
  facts.processes = meter_.measure(node, snapshot->mono_us);
  facts.full_in_s = forecast_.full_in_s(snapshot->mono_us, facts.free_bytes, facts.kbps);
  return std::shared_ptr<const TopSnapshot>(std::move(snapshot));
}

struct TopSource::Shared {
  explicit Shared(std::string path)
      : socket(std::move(path)), wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  struct Data {
    News news;
    std::deque<Order> orders;
    int64_t events_of = -1;
    bool stop = false, now = false;
  };
  const std::string socket;
  const UniqueFd wake;
  Guarded<Data> data;
  std::condition_variable changed;

  void tell() const {
    const uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(wake.get(), &one, sizeof one);
  }
};

TopSource::TopSource(std::string socket)
    : shared_(std::make_shared<Shared>(std::move(socket))), thread_([shared = shared_] { run(shared); }) {}

TopSource::~TopSource() {
  shared_->data.lock()->stop = true;
  shared_->changed.notify_all();
  thread_.join();
}

int TopSource::fd() const {
  return shared_->wake.get();
}

TopSource::News TopSource::news() {
  uint64_t count = 0;
  [[maybe_unused]] ssize_t got = ::read(shared_->wake.get(), &count, sizeof count);
  auto data = shared_->data.lock();
  News out = data->news;
  data->news.snapshot.reset();
  data->news.told.clear();
  return out;
}

void TopSource::order(Order order) {
  shared_->data.lock()->orders.push_back(std::move(order));
  shared_->changed.notify_all();
}

void TopSource::look_now() {
  shared_->data.lock()->now = true;
  shared_->changed.notify_all();
}

void TopSource::watch_events(int64_t station) {
  auto data = shared_->data.lock();
  data->events_of = station;
  data->news.events.clear();
  data->news.no_events.clear();
  data->now = true;
  shared_->changed.notify_all();
}

namespace {

// A station's newest events, and the id up to which all that there are have been read.
struct Followed {
  int64_t station = -1, after = 0;
  std::vector<NodeEvent> events;
};

// Who looks at a station again goes on from where he was. The last one asked for is in front.
Followed& followed_of(std::list<Followed>& all, int64_t station) {
  auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.station == station; });
  if (found == all.end()) found = all.insert(all.end(), Followed{station, 0, {}});
  all.splice(all.begin(), all, found);
  if (all.size() > kStationsFollowed) all.pop_back();
  return all.front();
}

Result<void> read_events(const NodeClient& client, Followed& followed) {
  const std::string station = std::to_string(followed.station);
  auto& [number, after, out] = followed;
  for (int64_t before = -1; before != after;) {
    before = after;
    auto answer =
        client.get("/api/v1/events?limit=" + std::to_string(kEventPage) + "&after=" + std::to_string(after));
    if (!answer) return Unexpected(answer.error());
    const Json json = Json::object_of(*answer);
    if (!json.has("events")) return Unexpected("this node tells no events");
    if (json.has("newest") && json.integer("newest") < after) {  // another node's by now
      out.clear();
      after = 0;
      continue;
    }
    json.each("events", [&](const Json& one) {
      NodeEvent event = node_event_of(one);
      after = std::max(after, event.id);
      if (event.field("station") == station) out.push_back(std::move(event));
    });
    if (out.size() > kEventsShown) out.erase(out.begin(), out.end() - kEventsShown);
  }
  return {};
}

}  // namespace

void TopSource::run(const std::shared_ptr<Shared>& shared) {
  NodeLook look(shared->socket);
  const NodeClient client(shared->socket);
  std::list<Followed> followed;
  int64_t events_of = -1, pause_us = 0;
  for (;;) {
    std::deque<Order> orders;
    {
      auto data = shared->data.lock();
      shared->changed.wait_for(data.mutex(), std::chrono::microseconds(pause_us),
                               [&] { return data->stop || data->now || !data->orders.empty(); });
      if (data->stop) return;
      data->now = false;
      orders.swap(data->orders);
      events_of = data->events_of;
    }
    for (const Order& order : orders) {
      auto answer = client.good(order.method, order.path, order.json);
      shared->data.lock()->news.told.push_back(answer ? order.done : answer.error().message);
      shared->tell();
    }
    const int64_t began_us = system_clock().mono_us();
    auto snapshot = look.take();
    std::string no_events;
    if (snapshot && events_of >= 0)
      if (auto read = read_events(client, followed_of(followed, events_of)); !read)
        no_events = read.error().message;
    {
      auto data = shared->data.lock();
      data->news.error = snapshot ? "" : snapshot.error().message;
      if (snapshot) data->news.snapshot = *std::move(snapshot);
      if (events_of >= 0 && data->events_of == events_of) {
        data->news.events = followed_of(followed, events_of).events;
        data->news.no_events = no_events;
      }
    }
    shared->tell();
    const int64_t took_us = system_clock().mono_us() - began_us;
    pause_us = std::max(kIntervalUs - took_us, kRestFactor * took_us);
  }
}

}  // namespace headgate::cli
