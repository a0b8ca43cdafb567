// docs/replay_block.py, the auditors' sixty lines of NumPy, against the reference interpreter.
#include "engine/artifact/tensor_archive.h"
#include "engine/base/run_context.h"
#include "engine/base/strict_json.h"
#include "engine/ir/block_ir_codec.h"
#include "engine/ir/reference_interpreter.h"
#include "engine/ir/reference_ops.h"
#include "tests/ir/small_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

namespace blockcert::ir {

namespace {

using artifact::ArchiveWriter;

// The block that runs here: prompts of 5 and 3 tokens.
const std::vector<std::int64_t> promptOffset = {0, 5, 8};

// Rounded towards zero, which is as good as any rounding here.
HostTensor asBrain(std::int64_t rows, const std::vector<float>& values)
{
    std::vector<std::uint16_t> bits;
    for (const float value : values)
        bits.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U));
    return tensorOf(DType::BF16, {rows, static_cast<std::int64_t>(values.size()) / rows}, bits);
}

class RunFolder {
public:
    RunFolder()
        : m_run(std::filesystem::temp_directory_path() / ("blockcert-replay-" + std::to_string(::getpid())))
    {
        std::filesystem::create_directories(m_run / "block_01");
    }

    RunFolder(const RunFolder&) = delete;
    RunFolder& operator=(const RunFolder&) = delete;

    ~RunFolder() { std::filesystem::remove_all(m_run); }

    // `shift` is added to the error that is recorded for token 6.
    void write(const TransformerConfig& config, bool brain, double shift)
    {
        const BlockIr block = randomBlock(config, 6, 77);
        Numbers numbers(5);
        const auto count = static_cast<std::size_t>(8 * config.dModel);
        const auto rows = [&] {
            const std::vector<float> values = numbers.floats(count);
            return brain ? asBrain(8, values) : tensorOf(DType::F32, {8, config.dModel}, values);
        };
        const HostTensor input = rows();
        const HostTensor output = rows();
        std::vector<double> error = errors(block, widened(input), widened(output));
        error[6] += shift;

        ArchiveWriter ir(m_run / "block_01/ir.h5");
        writeBlockIr(block, ir);
        ir.close();
        ArchiveWriter probes(m_run / "block_01/probes.h5");
        probes.add("prompt_offset", tensorOf(DType::I64, {3}, promptOffset));
        probes.add("position", tensorOf<std::int32_t>(DType::I32, {8}, {0, 1, 2, 3, 4, 0, 1, 2}));
        probes.add("input", input);
        probes.add("output", output);
        probes.add("error", tensorOf(DType::F64, {8}, error));
        probes.close();
        const Json certificate = {
            {"metrics", {{"l2", {{"epsilon", certifiedNumber(*std::max_element(error.begin(), error.end()))}}}}},
            {"replay", {{"comparison_tolerance", certifiedNumber(1e-10)}}}};
        std::ofstream(m_run / "block_01/certificate.json") << writeJson(certificate);
    }

    // The script's exit code.
    [[nodiscard]] int replay() const
    {
        const std::string command = std::string("/usr/bin/python3 ") + std::getenv("BLOCKCERT_SOURCE") +
                                    "/docs/replay_block.py " + m_run.string() + " 1";
        return WEXITSTATUS(std::system(command.c_str()));
    }

private:
    static std::vector<double> errors(const BlockIr& block, const Rows& input, const Rows& output)
    {
        const ReferenceInterpreter interpreter(block, 1);
        const auto width = static_cast<std::size_t>(block.program.width);
        std::vector<double> error;
        for (std::size_t p = 0; p + 1 < promptOffset.size(); ++p) {
            const auto begin = static_cast<std::size_t>(promptOffset[p]) * width;
            const auto end = static_cast<std::size_t>(promptOffset[p + 1]) * width;
            const BlockReplay replay =
                interpreter.run(std::span(input).subspan(begin, end - begin),
                                firstPositions(promptOffset[p + 1] - promptOffset[p]), RunContext());
            for (std::size_t row = 0; row < replay.output.size(); row += width) {
                double squares = 0;
                for (std::size_t i = row; i < row + width; ++i)
                    squares += (replay.output[i] - output[begin + i]) * (replay.output[i] - output[begin + i]);
                error.push_back(std::sqrt(squares));
            }
        }
        return error;
    }

    std::filesystem::path m_run;
};

TEST(ReplayScript, AgreesOnALlamaBlock)
{
    RunFolder run;
    run.write(smallLlama(), false, 0);
    EXPECT_EQ(run.replay(), 0);
}

TEST(ReplayScript, AgreesOnAGpt2BlockRecordedInBrainFloats)
{
    RunFolder run;
    run.write(smallGpt2(), true, 0);
    EXPECT_EQ(run.replay(), 0);
}

TEST(ReplayScript, NoticesARecordedErrorThatIsAnother)
{
    RunFolder run;
    run.write(smallLlama(), false, 1e-7);
    EXPECT_EQ(run.replay(), 1);
}

}

}
