// Runs of `edit` and `sweep` on a tiny model, and the sentence with which one of them refuses.
#pragma once

#include "engine/base/error.h"
#include "engine/base/run_context.h"
#include "engine/pipeline/edit/edit.h"
#include "tests/engine/model_fixture.h"
#include "tests/tampering/tampered_run.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace blockcert::test {

namespace fs = std::filesystem;

constexpr const char* promptFile = R"({"id": "p1", "text": "the quick", "label": "answer"}
{"id": "p2", "text": "a brown fox", "label": "refuse"}
)";

class EditVerb : public testing::Test {
protected:
    static pipeline::EditOptions options(const std::string& name, const fs::path& out)
    {
        pipeline::EditOptions options;
        options.model.model = fixtureModel(name).string();
        options.prompts.content = promptFile;
        options.heldout.content = "{\"id\": \"h\", \"text\": \"over the lazy dog\"}\n";
        options.heldout.name = "heldout";
        options.refusal.maxNew = 5;
        options.patch.block = 1;
        options.patch.scaleMlp = 0.25;
        options.out = out;
        options.created = "2026-01-02T03:04:05Z";
        options.commandLine = "blockcert edit";
        return options;
    }

    [[nodiscard]] pipeline::SweepOptions sweepOptions(const std::string& blocks, const std::string& alphas,
                                                      std::int64_t maxNew) const
    {
        pipeline::SweepOptions options;
        options.model.model = fixtureModel("llama-gqa").string();
        options.prompts.content = promptFile;
        options.blocks = blocks;
        options.alphas = alphas;
        options.maxNew = maxNew;
        options.out = m_folder.path() / "sweep";
        return options;
    }

    static pipeline::Host host()
    {
        pipeline::Host host;
        host.toolVersion = "0";
        host.toolBuild = "test";
        const char* folder = std::getenv("BLOCKCERT_BIN"); // NOLINT(concurrency-mt-unsafe)
        host.childProgram = fs::path(folder == nullptr ? "." : folder) / "archive_reader_child";
        return host;
    }

    static Json edit(const pipeline::EditOptions& options)
    {
        pipeline::ModelCache cache(host());
        return pipeline::edit(options, cache, RunContext());
    }

    static std::string refusal(const pipeline::EditOptions& options, ExitCode code)
    {
        try {
            (void)edit(options);
        } catch (const Error& error) {
            EXPECT_EQ(error.exitCode(), code) << error.what();
            return error.what();
        }
        ADD_FAILURE() << "it was not refused";
        return "";
    }

    testing_support::TemporaryFolder m_folder;
};

}
