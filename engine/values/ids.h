// Strong index types, so that a layer can never be passed where a prompt is meant.
#pragma once

#include <compare>
#include <cstdint>

namespace blockcert {

// A 0-based index; Tag only separates the types.
template <class Tag>
struct Index {
    std::int32_t value = 0;

    friend constexpr auto operator<=>(Index, Index) = default;
};

using LayerIndex = Index<struct LayerTag>;
using HeadIndex = Index<struct HeadTag>;
using PromptIndex = Index<struct PromptTag>;

// A vocabulary id as fed to the model.
using TokenId = std::int32_t;

}
