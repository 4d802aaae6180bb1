// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder_fixture.h"

#include <fstream>
#include <sstream>

namespace headgate::test {

std::string text_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

std::vector<std::string> durations(const std::string& playlist) {
  std::vector<std::string> out;
  for (const std::string& line : lines(playlist))
    if (line.rfind("#EXTINF:", 0) == 0) out.push_back(line);
  return out;
}

std::string AbrLadder::probe(const std::string& name, const std::string& what) const {
  std::string text =
      output_of("ffprobe -v error -allowed_extensions ALL " + what + " -of csv=p=0 " + path(name + ".m3u8"));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

size_t AbrLadder::packets(const std::string& name) const {
  return lines(probe(name, "-show_entries packet=pts")).size();
}

std::vector<std::string> AbrLadder::keys(const std::string& name) const {
  std::vector<std::string> out;
  for (const std::string& line : lines(probe(name, "-select_streams v -show_entries packet=dts_time,flags")))
    if (const size_t comma = line.find(','); line.find('K', comma) != std::string::npos)
      out.push_back(line.substr(0, comma));
  return out;
}

std::string AbrLadder::variant(const std::string& name) const {
  const auto all = lines(playlist("index"));
  for (size_t i = 1; i < all.size(); ++i)
    if (all[i] == name + ".m3u8") return all[i - 1];
  return {};
}

std::string AbrLadder::complaints() const {
  return output_of("ffmpeg -v warning -allowed_extensions ALL -i " + path("index.m3u8") +
                   " -map 0 -f null - 2>&1 | grep -v 'Opening\\|skipping' || true");
}

void AbrLadder::make(const std::string& rungs, const std::string& more) {
  run("encoder-threads=1 encoder-preset=superfast rungs=" + rungs + " " + more + " " + kVideo + "hls.video " +
      kAudio + "hls.audio_0");
}

void AbrLadder::run(const std::string& launch) {
  Pipeline pipeline("abrhlssink name=hls playlist-length=0 location=" + scratch_.path() + " " + launch);
  pipeline.play();
  ASSERT_TRUE(pipeline.wait_eos());
  dropped_ = pipeline.count(Pipeline::is_element("headgate-ladder", "state", "dropped"));
  failed_ = pipeline.count(Pipeline::is_element("headgate-ladder", "state", "failed"));
  pipeline.stop();
}

}  // namespace headgate::test
