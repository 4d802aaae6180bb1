// SPDX-License-Identifier: LGPL-2.1-or-later
// PES packets out of a PID's transport stream packets (ISO/IEC 13818-1, 2.4.3.6).
#pragma once

#include <memory>

#include "elementary.h"
#include "packet.h"

namespace headgate::mpegts {

class PesReader {
 public:
  PesReader(std::unique_ptr<Assembler> assembler, Stats& stats);
  // Of its PID.
  void feed(const Packet& packet);
  void finish();
  // What came last may not be what was sent.
  void lose();

 private:
  enum class State {
    skip,     // what comes belongs to nothing that is read
    header,   // of a PES packet
    payload,  // of it
    excess,   // more of it than its header says
  };
  void begin(Bytes payload);
  void read_header();
  void read_payload(Bytes payload);
  void refuse();  // this PES packet
  bool ended_as_stated() const { return state_ == State::excess && received_ == stated_; }

  std::unique_ptr<Assembler> assembler_;
  Stats* stats_;
  Continuity continuity_;
  State state_ = State::skip;
  ByteVector header_;       // that is coming in
  size_t stated_ = 0;       // bytes of payload; 0: not said, the packet ends where the next begins
  size_t received_ = 0;     // of them
  bool last_full_ = false;  // the last transport packet had no stuffing: more may have been under way
};

}  // namespace headgate::mpegts
