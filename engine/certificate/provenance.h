// What a certificate says about where things come from, and what the verifier demands of it.
#pragma once

#include "engine/certificate/check_list.h"
#include "engine/certificate/run_contents.h"
#include "engine/certificate/verify.h"
#include "engine/certificate/verify_block.h"

#include <string>
#include <vector>

namespace blockcert::certificate {

// Why a set that claims to be bundled is not the one this program carries, by digest and by text; empty: it is.
[[nodiscard]] std::string bundledSetProblem(const PromptSetStatement& prompts);

// Row provenance.prompts: a set that claims to be bundled has the digest of the one this program carries. The result
// is true if it does.
[[nodiscard]] bool checkPrompts(const PromptSet& prompts, CheckList& checks);

// Rows expect.model, expect.prompts and expect.tool, where the verifier gave allow-lists.
void checkExpectations(const RunContents& contents, const std::vector<BlockOutcome>& outcomes,
                       const VerifyOptions& options, CheckList& checks);

// Row loss.tokens below level 4, and provenance.statements: what is only the issuer's word.
// Who ran the baseline, where that was another program.
void checkBaseline(const RunContents& contents, const VerifyOptions& options, CheckList& checks);

void checkLosses(const RunContents& contents, const VerifyOptions& options, CheckList& checks);

}
