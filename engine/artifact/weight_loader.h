// Reads one tensor from its file and applies the steps of a WeightReference in a single pass.
#pragma once

#include "engine/artifact/input_file.h"
#include "engine/values/host_tensor.h"
#include "engine/values/weight_reference.h"

namespace blockcert::artifact {

// The reference's byte range, stored type and shape must already agree with the file (Checkpoint does that); its
// transforms may come from anywhere and are checked here. Memory beyond `into` is a few MiB and a few
// integers per row and column. Throws ShapeError,
// UnsupportedError, FileError.
void loadWeight(const WeightReference& reference, const InputFile& input, HostTensor& into);

}
