// Takes the cells of a finished block back out of its probes.h5, for a run that gains prompts.
#pragma once

#include "engine/values/cell_record.h"
#include "engine/values/certificate.h"

#include <filesystem>
#include <functional>

namespace blockcert::certificate {

// Calls `use` for every prompt of the certificate, in order. The file is hashed first and opened through the reader
// child. Throws FileError or FormatError if it is not what the certificate says, UsageError without a child program.
void forEachFinishedCell(const std::filesystem::path& run, const Certificate& certificate,
                         const std::filesystem::path& childProgram, const std::function<void(CellRecord)>& use);

}
