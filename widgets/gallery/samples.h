// Invented but plausible values for the gallery and the tests of the widgets; the same on every machine.
#pragma once

#include "widgets/values.h"

#include <memory>

namespace blockcert::widgets::samples {

// Ten prompts and thirty blocks; prompt 4 has one token above τ at block 11; the last block lacks prompt 7.
[[nodiscard]] std::shared_ptr<const TokenMap> tokenMap();
// One prompt of `tokens` tokens on `blocks` blocks.
[[nodiscard]] std::shared_ptr<const TokenMap> largeMap(int tokens, int blocks);
[[nodiscard]] std::shared_ptr<const std::vector<BlockRow>> blockRows();
[[nodiscard]] std::shared_ptr<const ModelCard> modelCard();
[[nodiscard]] std::shared_ptr<const PromptList> promptList();
[[nodiscard]] std::shared_ptr<const VerdictView> verified();
[[nodiscard]] std::shared_ptr<const VerdictView> failed();
[[nodiscard]] std::shared_ptr<const ArtifactNode> artifacts();
[[nodiscard]] std::shared_ptr<const RunProgress> progress();
[[nodiscard]] std::shared_ptr<const std::vector<Token>> chatTokens();

}
