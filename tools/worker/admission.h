// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is let in: a publisher whom the gate has handed over is taken, waits for his station's former session
// to close, or is told why not and disconnected. In the loop's thread.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <base/loop.h>
#include <base/unique_fd.h>
#include <wire/messages.h>

#include "farewell.h"
#include "fitness.h"

namespace headgate::worker {

using Station = std::pair<uint32_t, uint32_t>;  // event, station

struct AdmissionRules {
  size_t capacity = 0;
  int64_t errors_per_minute = 0;  // of a station: so many, and it is refused
  int64_t pending_ms = 0;         // a returning publisher waits so long for his station's last session to end
  int64_t on_its_way_ms = 0;      // after draining was asked for: the gate may not have heard of it yet
};

struct Refusal {
  int code;            // ticket::Refusal
  std::string reason;  // wire::SessionClosed's
  std::string text;    // for the publisher
};

class Admission {
 public:
  // What it asks of, and tells, the worker.
  class Host {
   public:
    virtual size_t sessions() const = 0;
    virtual bool runs(const Station& station) const = 0;
    virtual void begin(const wire::Handoff& handoff, UniqueFd connection) = 0;
    virtual void supersede(const Station& station) = 0;  // its session is to end
    virtual void tell_refused(const wire::Handoff& handoff, const std::string& reason) = 0;
    virtual void tell_state() = 0;  // waiting() may have changed

   protected:
    ~Host() = default;
  };

  Admission(Loop& loop, AdmissionRules rules, const Fitness& fitness, Host& host);
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  void take(wire::Handoff handoff, UniqueFd connection);
  // One that was let in, and then could not begin.
  void refuse(const wire::Handoff& handoff, UniqueFd connection, const Refusal& refusal);
  void refuse_waiting(const Refusal& refusal);
  void refuse_waiting_unfit(const std::string& problem);  // Fitness's
  // False: this session does not wait.
  bool kick(uint64_t session, const std::string& reason);
  // The station's session has closed: who waited for that is judged again.
  void closed(const Station& station);
  // It failed, or its publisher did what it must not.
  void count_error(const Station& station);
  void allow_errors(int64_t per_minute) { rules_.errors_per_minute = per_minute; }
  void forget_old_errors();  // now and then
  size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    wire::Handoff handoff;
    UniqueFd connection;
    Loop::TimerId deadline = 0;
  };
  static Refusal unfit_refusal(const std::string& problem);
  enum class Coming { handed_over, after_a_wait };
  std::optional<Refusal> reason_to_refuse(const wire::Handoff& handoff, Coming how) const;
  void refuse_one(const Station& station, const Refusal& refusal);

  Loop& loop_;
  AdmissionRules rules_;
  const Fitness& fitness_;
  Host& host_;
  Farewells farewells_;
  std::map<Station, Waiting> waiting_;
  std::map<Station, std::deque<int64_t>> errors_;  // mono µs, within the last minute
};

}  // namespace headgate::worker
