// Keys of config.json that are not read: those that would change the mathematics, and those that cannot.
#pragma once

#include <string_view>

namespace blockcert::artifact {

// The value under which a key changes nothing, as JSON text; null, false, 0 and empty are always neutral.
struct NeutralKey {
    std::string_view key;
    std::string_view neutral; // "" : only the switched-off values
};

// Null if the key is not one of those that change the mathematics.
[[nodiscard]] const NeutralKey* findNeutralKey(std::string_view key);

// Dropout, initialisation, generation settings, classification heads and bookkeeping.
[[nodiscard]] bool isHarmlessKey(std::string_view key);

}
