// Makes a failing list as short as can be while it still fails: delta debugging, with a bound on the number of tests.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace blockcert::pipeline {

struct Shrunk {
    std::vector<std::int64_t> kept; // of 0 … count − 1, ascending, not empty
    std::int64_t tests = 0;
    bool minimal = false; // leaving out any single one was tried, and none of these failed
};

// `fails` is asked about ascending selections; that the whole fails is the caller's to know. At most `mostTests`
// questions; the same selection is never asked about twice.
[[nodiscard]] Shrunk shrink(std::int64_t count, std::int64_t mostTests,
                            const std::function<bool(const std::vector<std::int64_t>&)>& fails);

}
