#include "engine/artifact/gguf.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    static const blockcert::fuzz::Folder folder;
    const auto path = folder.write("model.gguf", blockcert::fuzz::text(bytes, size));
    blockcert::fuzz::mustAnswer([&] { (void)blockcert::artifact::GgufFile::open(path); });
    return 0;
}
