// The three forms of a prompt file; the first byte chooses.
#include "engine/prompts/prompts.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    using namespace blockcert;
    if (size == 0)
        return 0;
    static constexpr const char* formats[] = {"jsonl", "txt", "csv"};
    fuzz::mustAnswer(
        [&] { (void)prompts::parsePrompts(fuzz::text(bytes + 1, size - 1), formats[bytes[0] % 3], "input"); });
    return 0;
}
