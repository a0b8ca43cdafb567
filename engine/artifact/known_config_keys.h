// Keys of config.json that are not read: those that would change the mathematics, and those that cannot.
#pragma once

#include <string_view>

namespace blockcert::artifact {

// A key that changes the mathematics unless it is null or has one neutral value.
struct NeutralKey {
    std::string_view key;
    std::string_view neutral; // JSON text; "": false, 0 and empty are neutral
};

// Null if the key is not one of those that change the mathematics.
[[nodiscard]] const NeutralKey* findNeutralKey(std::string_view key);

// Dropout, initialisation, generation settings, classification heads and bookkeeping.
[[nodiscard]] bool isHarmlessKey(std::string_view key);

}
