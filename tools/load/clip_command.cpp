// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/cli_support.h>
#include <load/clip.h>
#include <load/commands.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

extern char** environ;

namespace headgate::load {
namespace {

// Two-second GOPs without B frames, as phones send. 48 s are 1200 frames at 25/s and 2250 of AAC's at 48 kHz:
// both tracks loop without a remainder. The picture moves and is noisy, so that the encoder uses its bitrate.
struct Quality {
  const char* size;
  const char* video_kbps;
  const char* audio_kbps;
  const char* channels;
};
constexpr Quality kStandard{"1280x720", "1400", "96", "2"};
constexpr Quality kLowRate{"320x180", "76", "24", "1"};
constexpr int kSeconds = 48;

std::vector<std::string> ffmpeg_line(const Quality& quality, int64_t seconds, const std::string& out) {
  std::string length = std::to_string(seconds);
  std::string picture = std::string("testsrc2=size=") + quality.size +
                        ":rate=25,noise=alls=12:allf=t,eq=saturation=0.8,format=yuv420p";
  std::string kbps = quality.video_kbps, rate = kbps + "k",
              buffer = std::to_string(std::stoi(kbps) * 2) + "k";
  return {"ffmpeg",
          "-nostdin",
          "-loglevel",
          "error",
          "-y",
          "-f",
          "lavfi",
          "-i",
          picture,
          "-f",
          "lavfi",
          "-i",
          "anoisesrc=color=pink:sample_rate=48000:amplitude=0.3:seed=1",
          "-t",
          length,
          "-c:v",
          "libx264",
          "-preset",
          "veryfast",
          "-profile:v",
          "high",
          "-bf",
          "0",
          "-g",
          "50",
          "-keyint_min",
          "50",
          "-sc_threshold",
          "0",
          "-b:v",
          rate,
          "-maxrate",
          rate,
          "-bufsize",
          buffer,
          "-c:a",
          "aac",
          "-ac",
          quality.channels,
          "-b:a",
          std::string(quality.audio_kbps) + "k",
          "-f",
          "flv",
          out};
}

Result<void> run_program(const std::vector<std::string>& line) {
  std::vector<char*> arguments;
  for (const std::string& word : line) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (int error = ::posix_spawnp(&child, line[0].c_str(), nullptr, nullptr, arguments.data(), environ);
      error != 0)
    return Unexpected(line[0] + ": " + std::strerror(error) + " (apt install " + line[0] + ")");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) return Unexpected(line[0] + " failed");
  return {};
}

}  // namespace

int run_clip(int argc, char** argv) {
  bool low_rate = false;
  int64_t seconds = kSeconds;
  tools::Options options("FILE", "Makes the clip that `headgate load publish` sends, with ffmpeg.",
                         "720p25 H.264 high at 1.4 Mbit/s, 2 s GOP, no B frames, AAC at 96 kbit/s, as FLV.");
  options.flag("low-rate", low_rate, "100 kbit/s in all (180p)")
      .number("seconds", seconds, 2, 3600, "N", "its length (48); multiples of 8 loop without a remainder");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, "clip", rest.error().message);
  if (rest->size() != 1) return complain(2, "clip", "one FILE is needed");
  const std::string& path = rest->front();
  std::string unfinished = path + ".tmp";
  if (auto made = run_program(ffmpeg_line(low_rate ? kLowRate : kStandard, seconds, unfinished)); !made) {
    ::unlink(unfinished.c_str());
    return complain(1, "clip", made.error().message);
  }
  auto clip = Clip::load(unfinished, 4096);
  if (!clip) return complain(1, "clip", clip.error().message);
  if (std::rename(unfinished.c_str(), path.c_str()) != 0)
    return complain(1, "clip", path + ": " + std::strerror(errno));
  std::printf("%s: %zu messages, %zu GOPs, %.3f s, %.0f kbit/s as RTMP\n", path.c_str(),
              clip->messages().size(), clip->keyframes().size(),
              static_cast<double>(clip->length_ms()) / 1000,
              static_cast<double>(clip->chunks().size()) * 8 / static_cast<double>(clip->length_ms()));
  return 0;
}

}  // namespace headgate::load
