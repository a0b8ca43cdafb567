// tokenizer.json and tokenizer.model, then a text through whatever tokenizer came out.
#include "engine/tokenizer/tokenizer.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    using namespace blockcert;
    static const fuzz::Folder folder;
    const bool json = size == 0 || bytes[0] == '{';
    std::filesystem::remove(folder.path() / (json ? "tokenizer.model" : "tokenizer.json"));
    folder.write(json ? "tokenizer.json" : "tokenizer.model", fuzz::text(bytes, size));
    fuzz::mustAnswer([&] {
        const auto tokenizer = tokenizer::Tokenizer::fromFolder(folder.path());
        const auto ids = tokenizer.encode("Hé 12\n  <s> \xF0\x9F\x98\x80 the", tokenizer::SpecialTokens::Add);
        (void)tokenizer.decode(ids, false);
    });
    return 0;
}
