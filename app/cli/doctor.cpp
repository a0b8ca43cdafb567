#include "app/cli/engine_process.h"
#include "app/cli/verbs.h"
#include "app/terminal/number_words.h"
#include "app/terminal/surroundings.h"
#include "app/terminal/text_table.h"
#include "engine/artifact/checkpoint.h"
#include "engine/artifact/tensor_archive.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"

#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace blockcert::cli {

namespace {

namespace fs = std::filesystem;
using command_line::ParsedCommand;
using terminal::Page;
using terminal::TextTable;
using terminal::Tone;

Json check(const std::string& id, const std::string& title, const std::function<std::string()>& test)
{
    try {
        return {{"id", id}, {"title", title}, {"ok", true}, {"detail", test()}};
    } catch (const Error& error) {
        return {{"id", id}, {"title", title}, {"ok", false}, {"detail", error.what()}};
    }
}

std::string testDigest()
{
    // FIPS 180-4, one block.
    if (sha256Of("abc") != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        throw NumericError("SHA-256 of \"abc\" is not the published value; OpenSSL's library is broken.");
    return "the published value of \"abc\"";
}

// A folder of this process that is gone when the test is over.
class ScratchFolder {
public:
    ScratchFolder()
    {
        std::string pattern = (fs::temp_directory_path() / "blockcert-doctor-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr)
            throw FileError("A temporary folder cannot be made in " + fs::temp_directory_path().string() + ".");
        m_path = pattern;
    }

    ~ScratchFolder()
    {
        std::error_code ignored;
        fs::remove_all(m_path, ignored);
    }

    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    [[nodiscard]] const fs::path& path() const { return m_path; }

private:
    fs::path m_path;
};

std::string testArchive()
{
    const ScratchFolder folder;
    const fs::path path = folder.path() / "test.h5";
    HostTensor tensor;
    tensor.dtype = DType::U8;
    tensor.shape = {3};
    tensor.bytes = {std::byte{1}, std::byte{2}, std::byte{3}};
    artifact::ArchiveWriter writer(path);
    writer.add("three", tensor);
    writer.close();
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        throw FileError(path.string() + " cannot be opened again.");
    try {
        const auto reader = artifact::openForeignArchive(descriptor, "test.h5", terminal::thisProgram());
        const bool same = reader->readAll("three") == tensor;
        ::close(descriptor);
        if (!same)
            throw FormatError("An archive of three bytes came back different.");
    } catch (...) {
        ::close(descriptor);
        throw;
    }
    return "an archive was written and read back in a sandboxed child";
}

std::string testDemo()
{
    const fs::path demo = terminal::modelLocations().demoModel;
    if (demo.empty())
        throw FileError("The demo model is not set up; ./run fetches it, or BLOCKCERT_DEMO_MODEL names its file.");
    const auto checkpoint = artifact::Checkpoint::open(demo);
    return checkpoint.name() + ", " + terminal::counted(checkpoint.config().layers, "block");
}

std::vector<std::string> processorFeatures()
{
    std::vector<std::string> features;
    const auto note = [&](bool has, const char* name) {
        if (has)
            features.emplace_back(name);
    };
#if defined(__x86_64__)
    note(__builtin_cpu_supports("avx2") != 0, "AVX2");
    note(__builtin_cpu_supports("fma") != 0, "FMA");
    note(__builtin_cpu_supports("avx512f") != 0, "AVX-512");
    note(__builtin_cpu_supports("avx512bf16") != 0, "AVX-512 BF16");
#endif
    return features;
}

std::vector<std::string> engineArguments(const ParsedCommand& command)
{
    std::vector<std::string> arguments = {"engine-doctor", "--json", "--quiet"};
    for (const char* key : {"model", "reference", "device", "threads"})
        if (command.has(key))
            arguments.insert(arguments.end(), {std::string("--") + key, command.text(key)});
    return arguments;
}

// The engine's report joins the checks; an engine that cannot answer is one failed check.
void addEngine(const ParsedCommand& command, const RunContext& context, Json& report)
{
    report["engine"] = nullptr;
    try {
        const Json answer = askEngine(engineArguments(command), context);
        if (answer.contains("error"))
            throw FormatError(answer.at("error").value("message", "The engine gives no reason."));
        report["engine"] = answer.at("engine");
        for (const Json& row : answer.at("checks"))
            report["checks"].push_back(row);
    } catch (const Error& error) {
        report["checks"].push_back({{"id", "engine"}, {"title", "engine"}, {"ok", false}, {"detail", error.what()}});
    }
}

terminal::VerbResult examine(const ParsedCommand& command, const RunContext& context)
{
    if (command.has("reference") && !command.has("model"))
        throw UsageError("doctor --reference needs --model, whose logits are compared.");
    Json report = {
        {"version", terminal::toolVersion()},
        {"build", terminal::toolBuild()},
        {"libtorch", terminal::builtForLibTorch()},
        {"system", terminal::systemName()},
        {"processor", terminal::processorName()},
        {"features", processorFeatures()},
        {"threads", std::thread::hardware_concurrency()},
        {"memory_bytes", static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGE_SIZE)},
        {"hub_cache", terminal::modelLocations().hubCache.string()},
        {"checks", Json::array({check("sha256", "digests", testDigest), check("archive", "archives", testArchive),
                                check("demo", "demo model", testDemo)})}};
    addEngine(command, context, report);
    bool well = true;
    for (const Json& row : report.at("checks"))
        well = well && row.at("ok").get<bool>();
    report["ok"] = well;
    return {report, static_cast<int>(well ? ExitCode::Ok : ExitCode::CheckFailed)};
}

std::string scalarText(const Json& value)
{
    return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string render(const Json& report, const ParsedCommand&, const Page& page)
{
    const terminal::Column wrapped{"", terminal::Align::Left, terminal::Narrow::Wrap};
    TextTable facts({{""}, wrapped});
    const auto fact = [&](const std::string& name, const std::string& value) {
        facts.add({{name, Tone::Quiet}, terminal::visible(value)});
    };
    fact("blockcert", scalarText(report.at("version")) + ", build " + scalarText(report.at("build")));
    fact("built for LibTorch", scalarText(report.at("libtorch")));
    fact("system", scalarText(report.at("system")));
    std::string features;
    for (const Json& feature : report.at("features"))
        features += (features.empty() ? "" : ", ") + feature.get<std::string>();
    fact("processor", scalarText(report.at("processor")) + " (" + features + ")");
    fact("threads", scalarText(report.at("threads")));
    fact("memory", terminal::bytes(report.at("memory_bytes")));
    fact("Hugging Face cache", scalarText(report.at("hub_cache")));
    if (!report.at("engine").is_null())
        for (const auto& [name, value] : report.at("engine").items())
            fact("engine " + name, scalarText(value));
    TextTable checks({{""}, {""}, wrapped});
    for (const Json& row : report.at("checks")) {
        const bool ok = row.at("ok");
        const std::string title = scalarText(row.at("title"));
        const std::string detail = scalarText(row.at("detail"));
        const bool optional = row.value("optional", false); // says what is there, and is never a failure
        const terminal::Cell mark = optional ? terminal::Cell("–", Tone::Quiet)
                                    : ok     ? terminal::Cell("✓", Tone::Good)
                                             : terminal::Cell("✗", Tone::Bad);
        checks.add({mark, title, {terminal::visible(detail), ok ? Tone::Plain : Tone::Bad}});
    }
    return facts.render(page.style, 2, page.tableWidth) + "\n" + checks.render(page.style, 2, page.tableWidth);
}

}

terminal::Verb doctorVerb()
{
    return {"doctor", examine, render, "result", {}};
}

}
