// The verbs that `blockcert` handles itself, without the engine.
#pragma once

#include "app/terminal/program.h"

namespace blockcert::cli {

[[nodiscard]] terminal::Verb openVerb();
[[nodiscard]] terminal::Verb tokenizeVerb();
[[nodiscard]] terminal::Verb showVerb();
[[nodiscard]] terminal::Verb verifyVerb();
[[nodiscard]] terminal::Verb doctorVerb();
[[nodiscard]] terminal::Verb diffVerb();
[[nodiscard]] terminal::Verb failuresVerb();
[[nodiscard]] terminal::Verb importVerb();
[[nodiscard]] terminal::Verb exportVerb();
[[nodiscard]] terminal::Verb reportVerb();

}
