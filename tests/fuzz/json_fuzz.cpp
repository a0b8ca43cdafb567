// Strict JSON, the two documents that a run directory is made of, and policies.
#include "engine/certificate/certificate_codec.h"
#include "engine/certificate/policy_file.h"
#include "engine/certificate/run_codec.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    using namespace blockcert;
    fuzz::mustAnswer([&] {
        const Json value = parseStrictJson(fuzz::text(bytes, size), "input");
        if (parseStrictJson(writeJson(value), "copy") != value)
            std::abort();
        fuzz::mustAnswer([&] { (void)certificate::certificateFromJson(value, "input"); });
        fuzz::mustAnswer([&] { (void)certificate::runFromJson(value, "input"); });
        fuzz::mustAnswer([&] { (void)certificate::parsePolicy(fuzz::text(bytes, size), "input", {}); });
    });
    return 0;
}
