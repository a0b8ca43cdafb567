// The verbs that `blockcert` hands to the engine.
#pragma once

#include "app/terminal/program.h"
#include "engine/pipeline/pipeline.h"

namespace blockcert::engine {

[[nodiscard]] terminal::Verb certifyVerb(const pipeline::Host& host);
[[nodiscard]] terminal::Verb stitchVerb(const pipeline::Host& host);
[[nodiscard]] terminal::Verb editVerb(const pipeline::Host& host);
[[nodiscard]] terminal::Verb sweepVerb(const pipeline::Host& host);
[[nodiscard]] terminal::Verb exportEditVerb(const pipeline::Host& host);
[[nodiscard]] terminal::Verb experimentVerb(const pipeline::Host& host);
[[nodiscard]] terminal::Verb evaluateVerb(const pipeline::Host& host);
[[nodiscard]] terminal::Verb generateVerb(const pipeline::Host& host);
[[nodiscard]] terminal::Verb minimiseVerb(const pipeline::Host& host);
[[nodiscard]] terminal::Verb doctorVerb(const pipeline::Host& host);

}
