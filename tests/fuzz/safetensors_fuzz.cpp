#include "engine/artifact/safetensors.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    static const blockcert::fuzz::Folder folder;
    const auto path = folder.write("model.safetensors", blockcert::fuzz::text(bytes, size));
    blockcert::fuzz::mustAnswer([&] { (void)blockcert::artifact::SafetensorsFile::open(path); });
    return 0;
}
