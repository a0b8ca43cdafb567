#include "engine/exchange/npz_file.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    static const blockcert::fuzz::Folder folder;
    const auto path = folder.write("arrays.npz", blockcert::fuzz::text(bytes, size));
    blockcert::fuzz::mustAnswer([&] {
        const blockcert::exchange::NpzFile file(path);
        for (const std::string& name : file.names())
            blockcert::fuzz::mustAnswer([&] { (void)file.read(name); });
    });
    return 0;
}
