// SPDX-License-Identifier: LGPL-2.1-or-later
// A sink that keeps all it is given.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <mpegts/demuxer.h>

namespace headgate::mpegts::test {

class Recorder : public Sink {
 public:
  struct Got {
    Unit unit;
    ByteVector data;
    size_t configs = 0;  // how many of its stream came before it
  };
  std::vector<std::vector<Stream>> programs;
  std::vector<size_t> units_at_program;  // how many there were when each of these came
  std::vector<std::pair<uint16_t, codec::Track>> configs;
  std::vector<std::string> problems;
  std::vector<Got> units;
  bool takes_all = true;  // else the streams are left

  std::vector<const Got*> of(uint16_t pid) const {
    std::vector<const Got*> found;
    for (const Got& got : units)
      if (got.unit.pid == pid) found.push_back(&got);
    return found;
  }

  void on_program(std::span<Stream> streams) override {
    for (Stream& stream : streams) stream.taken = takes_all && stream.codec.has_value();
    programs.emplace_back(streams.begin(), streams.end());
    units_at_program.push_back(units.size());
  }
  void on_config(uint16_t pid, const codec::Track& track) override {
    configs.emplace_back(pid, track);
    ++config_count_[pid];
  }
  void on_problem(uint16_t pid, const std::string& problem) override {
    problems.push_back(std::to_string(pid) + ": " + problem);
  }
  std::span<std::byte> begin(const Unit& unit) override {
    units.push_back({unit, ByteVector(unit.size), config_count_[unit.pid]});
    return units.back().data;
  }
  void complete(const Unit&, std::span<std::byte>) override {}

 private:
  std::map<uint16_t, size_t> config_count_;
};

}  // namespace headgate::mpegts::test
