#include "engine/exchange/trace_file.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    static const blockcert::fuzz::Folder folder;
    const auto path = folder.write("trace.safetensors", blockcert::fuzz::text(bytes, size));
    blockcert::fuzz::mustAnswer([&] {
        const auto trace = blockcert::exchange::TraceFile::open(path);
        for (const blockcert::LayerIndex block : trace.blocks())
            for (std::int32_t p = 0; p < static_cast<std::int32_t>(trace.prompts().size()); ++p) {
                (void)trace.rows({p}, block);
                (void)trace.mask({p}, block);
            }
    });
    return 0;
}
