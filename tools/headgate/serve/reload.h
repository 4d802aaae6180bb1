// SPDX-License-Identifier: LGPL-2.1-or-later
// Files that may change while the node runs are looked at again, because somebody says so: keys, certificate,
// lists, tokens, pipeline descriptions, the files of the node's own pipelines. The service manager is told
// when it is over. Pipeline descriptions are looked at without it as well; either way they are taken here.
#pragma once

#include <common/actor.h>

#include <functional>
#include <utility>

#include "children.h"
#include "description_watch.h"
#include "instances.h"
#include "node_events.h"

namespace headgate::serve {

// Who reads files that change while the node runs: certificate, lists, keys; tokens, the webhooks' secret.
void hang_up_readers(Children& children);

class Reload {
 public:
  // `taken`: descriptions are in use that are others, before a process is told of them.
  Reload(Children& children, DescriptionWatch& descriptions, Instances& instances, NodeEvents& events,
         std::function<void()> taken)
      : children_(children),
        descriptions_(descriptions),
        instances_(instances),
        events_(events),
        taken_(std::move(taken)) {}

  enum class Node {
    starts,   // nothing is in use yet
    started,  // its children are
    ready,    // and the service manager was told so
  };
  void begin(const tools::Actor& actor, Node node);
  void checked(bool good);  // of the descriptions, what DescriptionWatch tells
  void fell_back();         // at the start they were wrong, and the last good ones are in use

 private:
  void tell_refused();

  Children& children_;
  DescriptionWatch& descriptions_;
  Instances& instances_;
  NodeEvents& events_;
  const std::function<void()> taken_;
  bool waits_ = false;  // for the descriptions; then the service manager is told
};

}  // namespace headgate::serve
