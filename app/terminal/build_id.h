// The commit this was built from; the definition is written at build time (cmake/WriteBuildId.cmake).
#pragma once

namespace blockcert::terminal {

extern const char* const buildId;

}
