// SPDX-License-Identifier: LGPL-2.1-or-later
// Connections that do nothing (yet), by network and source, and which of them makes way when there is no more
// room, so that whoever only holds connections keeps nobody out. The caller's clock and thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>

#include <ingest/peer.h>

namespace headgate::ingest {

// Connections by network. Ids count up: the lowest came first.
class Crowd {
 public:
  void add(uint64_t id, const Peer& peer);
  void remove(uint64_t id, const Peer& peer);  // it is there

  size_t size() const { return ids_.size(); }
  size_t of(const std::string& network) const;  // how many of them
  size_t most() const;                          // that a network has
  // Of the network that has most of them, and there of the source that has; of several with as many, who has
  // the oldest.
  std::optional<uint64_t> oldest_of_most() const;
  std::optional<uint64_t> oldest_of_most_in(const std::string& network) const;
  std::optional<uint64_t> oldest_of_source(const Peer& peer) const;
  size_t of_source(const Peer& peer) const;                 // how many
  size_t most_of_source(const std::string& network) const;  // that one there has

 private:
  struct Network {
    std::set<uint64_t> ids;
    std::unordered_map<std::string, std::set<uint64_t>> sources;
  };
  using Rank = std::tuple<size_t, uint64_t, const Network*>;  // what is left to the size, the oldest
  static Rank rank(const Network& network);
  const std::set<uint64_t>* source(const Peer& peer) const;          // null: it has none
  static const std::set<uint64_t>* largest(const Network& network);  // of its sources
  const Network* find(const std::string& network) const;

  std::set<uint64_t> ids_;
  std::unordered_map<std::string, Network> networks_;
  std::set<Rank> ranks_;  // most first
};

// One leaves of whoever has most of them, and never of who has fewer than the newcomer: else those who always
// come anew, and have never been here for long, would drive out the slow ones that are not through yet. Who
// has proved to know a ticket's password leaves only if there is nobody else, or where more of them are than
// the newcomer has of both kinds.
class Places {
 public:
  // `undisturbed_us`: for so long who has just come is left in peace, so that many honest ones at a time do
  // not drive each other out.
  Places(size_t most_of_network, int64_t undisturbed_us)
      : most_of_network_(most_of_network), undisturbed_us_(undisturbed_us) {}

  void add(uint64_t id, const Peer& peer, int64_t mono_us);
  void proved(uint64_t id);
  void remove(uint64_t id);  // if it is there

  bool full(const std::string& network) const;
  // Whose place may be taken: who has had his time. None: nobody's now.
  std::optional<uint64_t> leaves(int64_t mono_us) const;
  // The same for `newcomer`, who is there already, and may disturb a network that has more than his own.
  std::optional<uint64_t> leaves_for(uint64_t newcomer, int64_t mono_us) const;
  // And for a newcomer to his full network, who may disturb a source that would have more than his own.
  std::optional<uint64_t> leaves_for(const Peer& newcomer, int64_t mono_us) const;
  // Likewise where a source may have only so many: a stranger of his own.
  std::optional<uint64_t> leaves_of_source(const Peer& newcomer, int64_t mono_us) const;

 private:
  struct Member {
    Peer peer;
    int64_t since_us;
    Crowd* crowd;
  };
  // `id`, if it has had its time.
  std::optional<uint64_t> in_time(std::optional<uint64_t> id, int64_t mono_us) const;

  const size_t most_of_network_;
  const int64_t undisturbed_us_;
  Crowd strangers_, proved_;
  std::unordered_map<uint64_t, Member> members_;
};

}  // namespace headgate::ingest
