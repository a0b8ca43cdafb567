// SHA-256 of a checkpoint's files, two at a time.
#pragma once

#include "engine/artifact/checkpoint.h"
#include "engine/artifact/input_file.h"

#include <memory>
#include <string>
#include <vector>

namespace blockcert::artifact {

// Digests in the order of `inputs`; where `files` has one already it is kept. Reports stage "hash" over the bytes of
// all files together. Throws FileError (also if a file changed meanwhile) and Cancelled.
[[nodiscard]] std::vector<std::string> sha256OfInputs(const std::vector<std::shared_ptr<const InputFile>>& inputs,
                                                      const std::vector<WeightFile>& files, const RunContext& context);

}
