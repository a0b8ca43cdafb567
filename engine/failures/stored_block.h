// A finished block of a run, read without trust: its certificate, its surrogate with weights, its recorded tokens.
#pragma once

#include "engine/certificate/probe_reader.h"
#include "engine/certificate/run_codec.h"
#include "engine/certificate/run_folder.h"
#include "engine/certificate/weight_source.h"
#include "engine/ir/block_ir.h"
#include "engine/values/certificate.h"

#include <filesystem>
#include <string>
#include <vector>

namespace blockcert {
class RunContext;
}

namespace blockcert::failures {

// Throws FileError if the folder is no run, FormatError or UnsupportedError for a run.json that cannot be read.
[[nodiscard]] certificate::RunDocument readRun(const certificate::RunFolder& folder);

// The certificates of all finished blocks, ascending. Throws FormatError for one that cannot be read or is missing.
[[nodiscard]] std::vector<Certificate> readCertificates(const certificate::RunFolder& folder,
                                                        const certificate::RunDocument& run);

// The block's recorded tokens. The file must have the digest that the certificate names. `childProgram` is the
// blockcert executable, for the archive reader child.
[[nodiscard]] certificate::ProbeReader openProbes(const certificate::RunFolder& folder, const Certificate& certificate,
                                                  const std::filesystem::path& childProgram, const RunContext& context);

// The block's surrogate. Every weight has the digest that the program names, embedded or read from the model; where
// the model is not found, UsageError says so.
[[nodiscard]] ir::BlockIr readSurrogate(const certificate::RunFolder& folder, const Certificate& certificate,
                                        const std::filesystem::path& childProgram, certificate::WeightSource& weights,
                                        const RunContext& context);

}
