// config.json beside the weights of a tiny model that fits the unharmed one.
#include "engine/artifact/checkpoint.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    using namespace blockcert;
    static const fuzz::Folder folder;
    static const bool prepared = [] {
        const char* data = std::getenv("BLOCKCERT_TEST_DATA");
        std::filesystem::copy_file(std::filesystem::path(data ? data : "tests/data") /
                                       "models/llama-gqa/model.safetensors",
                                   folder.path() / "model.safetensors");
        return true;
    }();
    (void)prepared;
    folder.write("config.json", fuzz::text(bytes, size));
    fuzz::mustAnswer([&] {
        const auto checkpoint = artifact::Checkpoint::open(folder.path());
        HostTensor weight;
        for (const std::string& role : checkpoint.blockRoles(LayerIndex{0}))
            checkpoint.load(*checkpoint.blockWeight(LayerIndex{0}, role), weight);
    });
    return 0;
}
