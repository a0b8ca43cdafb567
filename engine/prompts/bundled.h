// The prompt sets compiled in from resources/prompts; the definition is written at build time.
#pragma once

#include <span>
#include <string_view>

namespace blockcert::prompts {

struct BundledSet {
    std::string_view name;
    std::string_view content; // of NAME.jsonl
};

[[nodiscard]] std::span<const BundledSet> bundledSets();

}
