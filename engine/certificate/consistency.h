// Whether a certificate agrees with itself, with run.json and with its neighbours: no number is recomputed here.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/run_contents.h"
#include "engine/values/certificate.h"

#include <string>
#include <vector>

namespace blockcert::certificate {

// Every block that was asked for has a certificate or a stated failure, and no other block has one: row
// consistency.blocks. `complete` false: only some certificates were read.
void checkBlocks(const RunContents& contents, bool complete, CheckList& checks);

// No prompt of the run is of the split "heldout", which is for testing and never for certifying: row
// consistency.heldout.
void checkHeldOut(const RunManifest& manifest, CheckList& checks);

// No prompt is longer than the run's max_tokens, and those that lost their end did so at one length: row
// consistency.lengths.
void checkLengths(const RunManifest& manifest, CheckList& checks);

// A certificate of any kind against itself (its row's id depends on the kind) and against run.json: row
// consistency.manifest. The texts say what is wrong; empty: nothing is.
[[nodiscard]] Row selfRow(std::string_view id, const std::string& where, const std::string& malformation);
[[nodiscard]] Row manifestRow(const std::string& where, const std::string& difference);

// Rows consistency.certificate, consistency.tolerance, consistency.status and consistency.manifest of one block.
void checkCertificate(const Certificate& certificate, const RunManifest& manifest, CheckList& checks);

// The digests of the tensors `input` and `output` as read from one block's probes.
struct RecordedTrace {
    LayerIndex block;
    std::string input;
    std::string output;
};

// A block's recorded input is the recorded output of the block before, bit for bit: rows chain.input.
void checkChain(const std::vector<RecordedTrace>& traces, CheckList& checks);

// "activation_coverage_below: 0.91 < 0.94"
[[nodiscard]] std::string findingsText(const std::vector<CertificateFinding>& findings);

}
