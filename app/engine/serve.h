// `blockcert-engine serve`: the methods of docs/protocol.md on standard input and output.
#pragma once

#include "engine/pipeline/pipeline.h"

namespace blockcert::engine {

// Until the client shuts the engine down or goes away; the exit code.
[[nodiscard]] int serve(const pipeline::Host& host);

}
