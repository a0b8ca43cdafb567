// What differs between a model and the checkpoint whose blocks stand in for its own, beside the weights.
#pragma once

#include <string>
#include <vector>

namespace blockcert::artifact {
class Checkpoint;
}

namespace blockcert::surrogate {

// One part of a sentence each, the configuration's before the tokenizer's, such as "rope_theta is 10000 here and 100000
// there". The same for the same two models on every machine. Reads tokenizers; weights and texts of prompts play no
// part.
[[nodiscard]] std::vector<std::string> modelDifferences(const artifact::Checkpoint& model,
                                                        const artifact::Checkpoint& other);

}
