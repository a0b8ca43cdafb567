// What the archive reader child gives up before it looks at a foreign file.
#pragma once

#include <cstddef>

namespace blockcert::artifact {

// Address space for `workingBytes` beyond what is mapped already, ten seconds of CPU time, no new files, no core
// dump, no new privileges, and (where the kernel allows a filter) only the system calls that memory, writing and
// ending need. There is no way back. Not everything can be had everywhere: what cannot be installed is left out.
// Under the address sanitizer, which needs address space, files and system calls of its own, only the rest applies.
void enterSandbox(std::size_t workingBytes);

}
