// Shares numbered tasks among threads; which thread takes which task has no effect on any result.
#pragma once

#include <cstdint>
#include <functional>

namespace blockcert::ir {

// Calls task(0) … task(count − 1), each once, on at most `threads` threads, the caller's among them. After an
// exception no further task begins, and the first one is thrown again here once all threads have stopped.
void shareOut(int threads, std::int64_t count, const std::function<void(std::int64_t)>& task);

// `threads`, or 1 where starting threads would take longer than the work itself: below some millions of multiply-adds.
[[nodiscard]] int threadsWorthwhile(int threads, std::int64_t multiplyAdds);

}
