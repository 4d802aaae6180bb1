// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ingest/places.h>

#include <limits>

namespace headgate::ingest {
namespace {

std::optional<uint64_t> first_of(const std::set<uint64_t>& ids) {
  return ids.empty() ? std::nullopt : std::optional(*ids.begin());
}

}  // namespace

Crowd::Rank Crowd::rank(const Network& network) {
  return {std::numeric_limits<size_t>::max() - network.ids.size(), *network.ids.begin(), &network};
}

void Crowd::add(uint64_t id, const Peer& peer) {
  Network& network = networks_[peer.network];
  if (!network.ids.empty()) ranks_.erase(rank(network));
  network.ids.insert(id);
  network.sources[peer.source].insert(id);
  ranks_.insert(rank(network));
  ids_.insert(id);
}

void Crowd::remove(uint64_t id, const Peer& peer) {
  const auto found = networks_.find(peer.network);
  Network& network = found->second;
  ranks_.erase(rank(network));
  network.ids.erase(id);
  const auto source = network.sources.find(peer.source);
  source->second.erase(id);
  if (source->second.empty()) network.sources.erase(source);
  if (network.ids.empty())
    networks_.erase(found);
  else
    ranks_.insert(rank(network));
  ids_.erase(id);
}

const Crowd::Network* Crowd::find(const std::string& network) const {
  const auto found = networks_.find(network);
  return found == networks_.end() ? nullptr : &found->second;
}

size_t Crowd::of(const std::string& network) const {
  const Network* found = find(network);
  return found ? found->ids.size() : 0;
}

size_t Crowd::most() const {
  return ranks_.empty() ? 0 : std::get<const Network*>(*ranks_.begin())->ids.size();
}

std::optional<uint64_t> Crowd::oldest_of_most_in(const std::string& network) const {
  const Network* found = find(network);
  return found ? first_of(*largest(*found)) : std::nullopt;
}

size_t Crowd::most_of_source(const std::string& network) const {
  const Network* found = find(network);
  return found ? largest(*found)->size() : 0;
}

const std::set<uint64_t>* Crowd::source(const Peer& peer) const {
  const Network* network = find(peer.network);
  if (!network) return nullptr;
  const auto found = network->sources.find(peer.source);
  return found == network->sources.end() ? nullptr : &found->second;
}

size_t Crowd::of_source(const Peer& peer) const {
  const std::set<uint64_t>* ids = source(peer);
  return ids ? ids->size() : 0;
}

std::optional<uint64_t> Crowd::oldest_of_source(const Peer& peer) const {
  const std::set<uint64_t>* ids = source(peer);
  return ids ? first_of(*ids) : std::nullopt;
}

std::optional<uint64_t> Crowd::oldest_of_most() const {
  if (ranks_.empty()) return std::nullopt;
  return first_of(*largest(*std::get<const Network*>(*ranks_.begin())));
}

// A network has no more sources than places: Policy::max_unauthenticated_per_network.
const std::set<uint64_t>* Crowd::largest(const Network& network) {
  const std::set<uint64_t>* most = nullptr;
  for (const auto& [source, ids] : network.sources)
    if (!most || ids.size() > most->size() || (ids.size() == most->size() && *ids.begin() < *most->begin()))
      most = &ids;
  return most;
}

void Places::add(uint64_t id, const Peer& peer, int64_t mono_us) {
  members_.insert_or_assign(id, Member{peer, mono_us, &strangers_});
  strangers_.add(id, peer);
}

void Places::proved(uint64_t id) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  Member& member = found->second;
  member.crowd->remove(id, member.peer);
  member.crowd = &proved_;
  proved_.add(id, member.peer);
}

void Places::remove(uint64_t id) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  found->second.crowd->remove(id, found->second.peer);
  members_.erase(found);
}

bool Places::full(const std::string& network) const {
  return strangers_.of(network) + proved_.of(network) >= most_of_network_;
}

std::optional<uint64_t> Places::in_time(std::optional<uint64_t> id, int64_t mono_us) const {
  return id && mono_us - members_.at(*id).since_us >= undisturbed_us_ ? id : std::nullopt;
}

std::optional<uint64_t> Places::leaves(int64_t mono_us) const {
  return in_time((strangers_.size() > 0 ? strangers_ : proved_).oldest_of_most(), mono_us);
}

std::optional<uint64_t> Places::leaves_for(uint64_t newcomer, int64_t mono_us) const {
  const auto found = members_.find(newcomer);
  if (found == members_.end()) return leaves(mono_us);
  const std::string& network = found->second.peer.network;
  const size_t own = strangers_.of(network);
  const auto stranger = strangers_.oldest_of_most();
  if (strangers_.most() > own) return stranger;
  if (stranger != newcomer && in_time(stranger, mono_us)) return stranger;
  const bool alone = strangers_.size() <= 1;
  if (!alone && proved_.most() <= own + proved_.of(network)) return std::nullopt;
  return in_time(proved_.oldest_of_most(), mono_us);
}

std::optional<uint64_t> Places::leaves_for(const Peer& newcomer, int64_t mono_us) const {
  const std::string& network = newcomer.network;
  const size_t own = strangers_.of_source(newcomer) + 1;
  const auto stranger = strangers_.oldest_of_most_in(network);
  if (strangers_.most_of_source(network) > own || in_time(stranger, mono_us)) return stranger;
  if (stranger && proved_.most_of_source(network) <= own + proved_.of_source(newcomer)) return std::nullopt;
  return in_time(proved_.oldest_of_most_in(network), mono_us);
}

std::optional<uint64_t> Places::leaves_of_source(const Peer& newcomer, int64_t mono_us) const {
  return in_time(strangers_.oldest_of_source(newcomer), mono_us);
}

}  // namespace headgate::ingest
