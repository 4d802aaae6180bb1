// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include <common/listeners.h>
#include <common/open_secrets.h>
#include <common/options.h>
#include <common/siblings.h>
#include <pipeline/folder.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <sstream>
#include <string_view>

#include "descriptions.h"
#include "key_file.h"

namespace headgate::serve {
namespace {

struct Setting {
  const char *section, *key;  // of the file
  const char* option;         // of the command line
  const char* value_name;
  const char* help;
  const char* default_value;  // empty: see help
};

constexpr std::string_view kFile = "FILE", kFolder = "DIR";  // value_name of what names one

constexpr Setting kSettings[] = {
    {"node", "data", "data", "DIR", "archive (lta/) and runtime folder (run/); needed", ""},
    {"node", "keys", "keys", "DIR", "node/ of what `headgate ticket keygen` wrote; needed", ""},
    {"node", "name", "node", "NAME", "name of this node in run names (default n01)", "n01"},
    {"node", "runtime-dir", "runtime-dir", "DIR", "sockets (default $RUNTIME_DIRECTORY, or run/ of --data)",
     ""},
    {"listen", "rtmp", "rtmp", "HOST:PORT", "publishers (default 0.0.0.0:1935); port 0: the kernel chooses",
     "0.0.0.0:1935"},
    {"listen", "srt", "srt", "HOST:PORT[,PORT...]", "publishers over SRT (default: none)", ""},
    {"listen", "srt-latency", "srt-latency", "MS", "SRT's time to send again what was lost (default 120)",
     "120"},
    {"listen", "rtmps", "rtmps", "HOST:PORT", "publishers over TLS (default: none)", ""},
    {"listen", "rtmp-proxies", "rtmp-proxies", "NETWORKS",
     "RTMP comes from these, with PROXY headers: 10.0.0.0/8,::1 (default: none)", ""},
    {"listen", "rtmps-proxies", "rtmps-proxies", "NETWORKS", "the same for RTMPS", ""},
    {"listen", "endpoints", "endpoints", "HOST:PORT[,...]",
     "names of the publishers' ports in tickets, which apps' devices sign (default: none)", ""},
    {"listen", "addresses", "addresses", "FILE", "which addresses may publish (default: all)", ""},
    {"listen", "revoked", "revoked", "FILE",
     "tickets that were withdrawn, an id in each line (default: none)", ""},
    {"tls", "certificate", "tls-cert", "FILE", "certificate chain for RTMPS, PEM", ""},
    {"tls", "key", "tls-key", "FILE", "its key", ""},
    {"listen", "http", "http", "HOST:PORT", "viewers (default 0.0.0.0:8080)", "0.0.0.0:8080"},
    {"control", "listen", "control", "HOST:PORT",
     "operators' programs, with tokens (default: none; the Unix socket admin.sock alone)", ""},
    {"control", "tokens", "control-tokens", "FILE", "lines of NAME ROLE SHA256-OF-TOKEN, for --control", ""},
    {"control", "webhook", "webhook", "URL[ URL...]",
     "events are sent there (default: none); one that is a secret is not for the command line", ""},
    {"control", "webhook-secret", "webhook-secret", "FILE", "what they are signed with", ""},
    {"control", "webhook-severity", "webhook-severity", "S",
     "from which on: info, warning, error (default warning)", "warning"},
    {"node", "instances", "instances", "DIR",
     "pipelines that the node runs by itself: a file NAME.conf each (default: none)", ""},
    {"workers", "count", "workers", "N", "worker processes at start (default: one per core)", ""},
    {"workers", "max", "max-workers", "N", "more are started when sessions fill them (default 64)", "64"},
    {"workers", "capacity", "capacity", "N",
     "sessions per worker (default: what the description says, or 50)", ""},
    {"workers", "pipeline", "pipeline", "NAME", "description that sessions run (default station)", "station"},
    {"workers", "pipelines", "pipelines", "DIR", "folder of descriptions (default: the installed one)", ""},
    {"streams", "window", "window", "S", "live segments kept in the origin's memory (default 180)", "180"},
    {"streams", "playlist", "playlist", "S", "length of live playlists (default 60)", "60"},
    {"streams", "grace", "grace", "S", "a stream waits so long for its publisher (default 120)", "120"},
    {"renditions", "mpixels", "rung-mpixels", "N",
     "rungs on demand: million pixels a second that are encoded on the node (default 20 per core); 0: none",
     ""},
    {"renditions", "per-worker", "rungs-per-worker", "N", "of them at a time in one worker (default 16)",
     "16"},
    {"limits", "worker-memory", "worker-memory", "MIB",
     "a worker with more is ended, its sessions closed (default: four times what its streams may have); 0: "
     "none",
     ""},
    {"limits", "full-late", "full-late", "MS",
     "no new stations while streams are served less often than that (default 2000; 0: never)", "2000"},
    {"limits", "full-cpu", "full-cpu", "PERCENT",
     "no new stations while processors are busier, but for what has a niceness (default 0: never)", "0"},
    {"limits", "full-cpu-pressure", "full-cpu-pressure", "PERCENT",
     "no new stations while somebody waits for a processor longer (PSI; default 0: never)", "0"},
    {"limits", "full-encoding", "full-encoding", "PERCENT",
     "no new stations while more of the rungs that are always encoded are paused for want of processors "
     "(default 10; 0: never)",
     "10"},
    {"limits", "full-memory", "full-memory", "MIB",
     "no new stations while less memory is available (default 128; 0: never)", "128"},
    {"limits", "full-disk", "full-disk", "MINUTES",
     "no new stations while the archive's disk will be full sooner (default 5; 0: never)", "5"},
    {"limits", "full-io-pressure", "full-io-pressure", "PERCENT",
     "no new stations while all wait for disks longer (PSI; default 0: never)", "0"},
    {"limits", "full-link", "full-link", "PERCENT",
     "no new stations while a network card's speed is used to more, either way (default 90; 0: never)", "90"},
    {"limits", "link-mbps", "link-mbps", "N", "what all cards carry together (default 0: each what it says)",
     "0"},
    {"control", "metrics-per-stream", "metrics-per-stream", "N",
     "1: /metrics has samples for each station, too (default 0)", "0"},
    {"viewers", "max-connections", "max-connections", "N",
     "HTTP connections in all; beyond, idle ones make way (default 4000)", "4000"},
    {"viewers", "max-connections-per-address", "max-connections-per-address", "N",
     "of one address (IPv6: /64); 0: no limit, for a proxy elsewhere (default 1000)", "1000"},
};
constexpr char kParameterSection[] = "parameters";
constexpr int64_t kStreamsPerWorker = 50;
// A processor encodes three times as much when it does nothing else (docs/performance.md): what comes in, is
// archived and sent out has the rest.
constexpr long kRungMpixelsPerProcessor = 20;
constexpr size_t kMaxSrtPorts = 8;  // with the others they fit into one wire::Listeners

struct Value {
  std::string text, from;  // where it stands, for errors
};
using Values = std::map<std::string, Value>;  // by option

// Whether something in it is a secret.
Result<bool> read_file(const std::string& path, Values& values, std::vector<std::string>& parameters) {
  auto all = read_key_file(path);
  if (!all) return Unexpected(all.error());
  bool secret = false;
  for (const KeyValue& one : *all) {
    auto known = std::find_if(std::begin(kSettings), std::end(kSettings), [&](const Setting& setting) {
      return one.section == setting.section && one.key == setting.key;
    });
    if (one.section == kParameterSection)
      parameters.push_back(one.key + "=" + one.value);
    else if (known == std::end(kSettings))
      return Unexpected(one.place + ": there is no such key");
    else
      values[known->option] = {one.value, one.place};
    const bool path_of_one =
        known != std::end(kSettings) && (known->value_name == kFile || known->value_name == kFolder);
    secret = secret || (!path_of_one && is_secret(one));
  }
  return secret;
}

Result<void> read_number(const Values& values, const char* option, int64_t least, int64_t most,
                         int64_t& out) {
  const Value& value = values.at(option);
  auto [end, error] = std::from_chars(value.text.data(), value.text.data() + value.text.size(), out);
  if (error == std::errc() && end == value.text.data() + value.text.size() && out >= least && out <= most)
    return {};
  return Unexpected(value.from + ": '" + value.text + "' is not a number from " + std::to_string(least) +
                    " to " + std::to_string(most));
}

std::string absolute(const std::string& path) {
  if (path.empty()) return "";
  std::string out = std::filesystem::absolute(path).lexically_normal().string();
  if (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

// What a wrong description says is told by whoever checks it.
Result<pipeline::Description> description_of(const std::string& folder, const std::string& name) {
  const auto file = pipeline::find_file(folder, name);
  return file ? pipeline::Description::load(*file) : Result<pipeline::Description>(Unexpected(file.error()));
}

// That which a node begins with.
Result<pipeline::Description> description_of(const Config& config) {
  auto own = description_of(config.pipelines, config.pipeline);
  return own ? std::move(own) : description_of(kept_descriptions(config.data), config.pipeline);
}

// Those that ports are opened at.
Result<void> check_listeners(const Values& values) {
  for (const char* option : {"rtmp", "rtmps", "srt", "http", "control"}) {
    const Value& value = values.at(option);
    if (value.text.empty()) continue;
    if (auto right = tools::check_addresses(value.text); !right)
      return Unexpected(value.from + ": " + right.error().message);
  }
  return {};
}

Result<Config> typed(Values values, std::vector<std::string> parameters) {
  Config out;
  auto text = [&](const char* option) { return values.at(option).text; };
  for (const char* needed : {"data", "keys"})
    if (text(needed).empty()) return Unexpected(std::string("--") + needed + " is needed");
  out.data = absolute(text("data"));
  out.keys = absolute(text("keys"));
  out.node = text("node");
  const char* runtime = std::getenv("RUNTIME_DIRECTORY");
  out.runtime_dir = absolute(text("runtime-dir"));
  if (out.runtime_dir.empty()) out.runtime_dir = runtime && *runtime ? runtime : out.data + "/run";
  if (auto right = check_listeners(values); !right) return Unexpected(right.error());
  out.rtmp = text("rtmp");
  out.srt = text("srt");
  if (tools::addresses_of(out.srt).size() > kMaxSrtPorts)
    return Unexpected(values.at("srt").from + ": at most " + std::to_string(kMaxSrtPorts) + " ports");
  out.rtmps = text("rtmps");
  out.rtmp_proxies = text("rtmp-proxies");
  out.rtmps_proxies = text("rtmps-proxies");
  out.endpoints = text("endpoints");
  out.addresses = absolute(text("addresses"));
  out.revoked = absolute(text("revoked"));
  out.tls_certificate = absolute(text("tls-cert"));
  out.tls_key = absolute(text("tls-key"));
  if (!out.rtmps.empty() && (out.tls_certificate.empty() || out.tls_key.empty()))
    return Unexpected("--rtmps needs --tls-cert and --tls-key");
  out.http = text("http");
  out.control = text("control");
  out.control_tokens = absolute(text("control-tokens"));
  if (!out.control.empty() && out.control_tokens.empty())
    return Unexpected("--control needs --control-tokens");
  std::istringstream urls(text("webhook"));
  for (std::string url; urls >> url;) {
    if (auto right = tools::check_http_address(url); !right)
      return Unexpected(values.at("webhook").from + ": " + right.error().message);
    out.webhooks.push_back(url);
  }
  out.webhook_secret = absolute(text("webhook-secret"));
  if (!out.webhooks.empty() && out.webhook_secret.empty())
    return Unexpected("--webhook needs --webhook-secret");
  out.webhook_severity = text("webhook-severity");
  out.pipeline = text("pipeline");
  out.pipelines = absolute(text("pipelines"));
  out.instances = absolute(text("instances"));
  if (out.pipelines.empty()) {
    auto folder = tools::pipelines_folder();
    if (!folder) return Unexpected(folder.error());
    out.pipelines = absolute(*folder);
  }
  if (std::string& capacity = values["capacity"].text; capacity.empty()) {
    const auto description = description_of(out);
    const int64_t streams = description ? description->streams_per_worker() : 0;
    capacity = std::to_string(streams > 0 ? streams : kStreamsPerWorker);
  }
  take_resources(out.pipelines, out.pipeline, out.worker_limits);
  out.parameters = std::move(parameters);
  struct Number {
    const char* option;
    int64_t least, most;
    int64_t& target;
  };
  for (const Number& number :
       {Number{"workers", 1, 1000, out.workers},
        {"max-workers", 1, 1000, out.max_workers},
        {"srt-latency", 20, 10'000, out.srt_latency_ms},
        {"capacity", 1, 10'000, out.capacity},
        {"window", 10, 86'400, out.window_s},
        {"playlist", 6, 86'400, out.playlist_s},
        {"grace", 0, 86'400, out.grace_s},
        {"rung-mpixels", 0, 1'000'000, out.rung_mpixels},
        {"rungs-per-worker", 0, 1000, out.rungs_per_worker},
        {"full-late", 0, 60'000, out.capacity_limits.late_ms},
        {"full-cpu", 0, 100, out.capacity_limits.cpu_percent},
        {"full-cpu-pressure", 0, 100, out.capacity_limits.cpu_pressure},
        {"full-encoding", 0, 100, out.capacity_limits.encoding_percent},
        {"full-memory", 0, 1 << 30, out.capacity_limits.memory_mib},
        {"full-disk", 0, 1'000'000, out.capacity_limits.disk_minutes},
        {"full-io-pressure", 0, 100, out.capacity_limits.io_pressure},
        {"full-link", 0, 100, out.capacity_limits.link_percent},
        {"link-mbps", 0, 10'000'000, out.capacity_limits.link_mbps},
        {"metrics-per-stream", 0, 1, out.metrics_per_stream},
        {"max-connections", 16, 1'000'000, out.max_connections},
        {"max-connections-per-address", 0, 1'000'000, out.max_connections_per_address}})
    if (auto good = read_number(values, number.option, number.least, number.most, number.target); !good)
      return Unexpected(good.error());
  if (!text("worker-memory").empty())
    if (auto good = read_number(values, "worker-memory", 0, 1 << 30, out.worker_limits.memory_mib); !good)
      return Unexpected(good.error());
  out.max_workers = std::max(out.max_workers, out.workers);
  return out;
}

}  // namespace

void take_resources(const std::string& folder, const std::string& name, WorkerLimits& limits) {
  const auto description = description_of(folder, name);
  const WorkerLimits unsaid;
  limits.stream_memory_mib = unsaid.stream_memory_mib;
  limits.stream_cpu = unsaid.stream_cpu;
  if (!description) return;
  if (const auto& memory = description->resources().memory_mib) limits.stream_memory_mib = *memory;
  if (const auto& cpu = description->resources().cpu) limits.stream_cpu = *cpu;
}

// "[node] data, keys, name (--node)".
std::string ConfigOptions::file_help() {
  std::vector<std::string> sections;  // in the table's order
  std::map<std::string, std::string> names;
  for (const Setting& setting : kSettings) {
    std::string& list = names[setting.section];
    if (list.empty()) sections.emplace_back(setting.section);
    list += (list.empty() ? "" : ", ") + std::string(setting.key);
    if (std::string_view(setting.key) != setting.option) list += " (--" + std::string(setting.option) + ")";
  }
  std::string out = "The file of --config has them in sections, as NAME=VALUE:\n";
  for (const std::string& section : sections) out += "[" + section + "] " + names[section] + "\n";
  out += "[" + std::string(kParameterSection) + "] those of --set\n\n";
  return out +
         "Every user of the machine can read a command line. What may be a secret, webhooks' addresses and "
         "parameters, belongs into that file, or one of --arguments-from, which the node's user alone can "
         "read (mode 0600).\n";
}

void ConfigOptions::add_to(tools::Options& options) {
  options.text("config", file_, "FILE", "settings; the command line goes before it");
  for (const Setting& setting : kSettings)
    options.call(
        setting.option,
        [this, &setting](const std::string& value) -> Result<void> {
          given_[setting.option] = value;
          return {};
        },
        setting.value_name, setting.help);
  options
      .list("set", parameters_, "NAME=VALUE",
            "a parameter of the pipeline description; may be repeated. A secret is not for the command line")
      .arguments_from();
}

Result<Config> ConfigOptions::read(const std::string& file) const {
  Values values;
  for (const Setting& setting : kSettings) values[setting.option] = {setting.default_value, "default"};
  const long processors = std::max<long>(1, ::sysconf(_SC_NPROCESSORS_ONLN));
  values["workers"].text = std::to_string(processors);
  values["rung-mpixels"].text = std::to_string(processors * kRungMpixelsPerProcessor);
  std::vector<std::string> parameters;
  const std::string settings = file_.empty() ? file : file_;
  const auto secret = settings.empty() ? Result<bool>(false) : read_file(settings, values, parameters);
  if (!secret) return Unexpected(secret.error());
  for (const auto& [option, text] : given_) values[option] = {text, "--" + option};
  parameters.insert(parameters.end(), parameters_.begin(), parameters_.end());
  auto out = typed(values, std::move(parameters));
  if (out && *secret && tools::everybody_reads(settings)) out->open_secret = settings;
  return out;
}

Result<Config> read_config(int argc, char** argv) {
  ConfigOptions settings;
  int64_t ready_fd = -1;
  bool check = false;
  tools::Options options(
      "", "Runs a node: lets publishers in, archives them, serves viewers.",
      ConfigOptions::file_help() +
          "\nSIGTERM or SIGINT ends it within 5 s, with every session closed. Killed any other way, "
          "its processes go on; started again, it finds them (docs/node.md).");
  settings.add_to(options);
  options
      .number("ready-fd", ready_fd, 0, 65'535, "N", "write the ready line to this descriptor, then close it")
      .flag("check", check, "whether the node's programs can be started so, then end: 0 they can");
  auto rest = options.parse(argc, argv);
  if (!rest) return Unexpected(rest.error());
  if (!rest->empty()) return Unexpected("unexpected argument '" + rest->front() + "'");

  auto config = settings.read();
  if (!config) return config;
  config->ready_fd = ready_fd;
  config->check = check;
  return config;
}

}  // namespace headgate::serve
