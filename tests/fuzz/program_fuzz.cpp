// The program of a surrogate, as ir.h5 carries it.
#include "engine/ir/block_ir_codec.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    using namespace blockcert;
    fuzz::mustAnswer([&] {
        const ir::BlockProgram program = ir::readProgram(fuzz::text(bytes, size), "ir.h5");
        if (ir::readProgram(ir::writeProgram(program), "copy") != program)
            std::abort();
    });
    return 0;
}
