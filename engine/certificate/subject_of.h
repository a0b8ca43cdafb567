// What a run states about the model it is of.
#pragma once

#include "engine/values/run_manifest.h"

namespace blockcert::artifact {
class Checkpoint;
}

namespace blockcert::certificate {

// The checkpoint's files must have been hashed.
[[nodiscard]] Subject subjectOf(const artifact::Checkpoint& checkpoint);

}
