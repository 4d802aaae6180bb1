// SPDX-License-Identifier: LGPL-2.1-or-later
// What sessions run: a pipeline description (docs/pipelines.md).
#pragma once

#include <pipeline/description.h>

namespace headgate::worker {

using pipeline::Description;
using pipeline::Values;

}  // namespace headgate::worker
