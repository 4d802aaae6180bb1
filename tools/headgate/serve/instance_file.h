// SPDX-License-Identifier: LGPL-2.1-or-later
// NAME.conf of a pipeline that the node runs by itself (instances.h), and what it asks for.
#pragma once

#include <pipeline/description.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <base/result.h>

#include "guard.h"
#include "spawn.h"

namespace headgate::serve {

inline constexpr char kInstanceFileEnd[] = ".conf";
inline constexpr size_t kMaxInstanceName = 32;  // [a-z0-9-]
inline constexpr size_t kMaxInstances = 64;

// What of the node goes into such a pipeline.
struct InstanceNode {
  std::string folder;  // empty: the node runs none
  std::string data, name, runtime_dir;
  uint32_t event = 0;
  std::string descriptions;  // folder
  std::string id_key = {};   // of this node, for ids that tell nothing of what they are made from
};

struct WantedInstance {
  std::string description;
  pipeline::Values values;
  pipeline::Trigger trigger = pipeline::Trigger::always;
  pipeline::RestartPolicy restart;
  WorkerLimits limits;  // what its description's `resources` say; what they do not say has none
  bool secret = false;  // something in its file is (is_secret())
  std::string id;       // of description and values, keyed: it stands on a command line
};

bool is_instance_name(const std::string& text);

// Of the files of a folder.
struct InstanceNames {
  std::vector<std::string> names;  // at most kMaxInstances, sorted
  std::string problem;             // with the folder, or with a file that is none of these; empty: none
  bool unreadable = false;         // the folder: whoever was there may still be
};
InstanceNames instance_names(const std::string& folder);

// The key of this node's ids: a secret in a file of the runtime folder, which the first supervisor makes, so
// that those after it know by the id what runs. `key` is one also after an error: this supervisor's own.
Result<void> take_id_key(const std::string& runtime_dir, std::string& key);

// folder/INSTANCE.conf, with the description that it names, of the folder `descriptions`. The error names
// file and reason.
Result<WantedInstance> read_instance(const InstanceNode& node, const std::string& instance,
                                     const std::string& descriptions);

// Its values, with a stand-in for what is known only when it runs.
pipeline::Values values_to_check(const WantedInstance& wanted);
// As options. Addresses among them have passwords and stream keys in them.
std::vector<std::string> set_words(const pipeline::Values& values);
// Of headgate-pipeline, which says whether it could be run; the description is there.
Words check_arguments(const WantedInstance& wanted, const std::string& descriptions);

}  // namespace headgate::serve
