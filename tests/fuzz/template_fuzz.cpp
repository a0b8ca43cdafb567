// A hostile chat template.
#include "engine/tokenizer/chat_template.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    using namespace blockcert;
    const std::vector<ChatMessage> messages = {{"system", "Be brief."}, {"user", " Hi "}, {"assistant", "Hello"}};
    fuzz::mustAnswer([&] {
        (void)tokenizer::renderTemplate(fuzz::text(bytes, size), messages,
                                        {{"bos_token", "<s>"}, {"eos_token", "</s>"}}, true, "26 Jul 2024");
    });
    return 0;
}
