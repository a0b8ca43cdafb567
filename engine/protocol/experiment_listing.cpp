#include "engine/protocol/experiment_listing.h"

#include "engine/base/error.h"
#include "engine/certificate/run_folder.h"

#include <string>
#include <system_error>
#include <utility>

namespace blockcert::protocol {

namespace {

using certificate::RunFolder;

constexpr std::size_t largestText = 32U << 20U;

Json readJson(const RunFolder& folder, const std::string& path)
{
    return parseStrictJson(folder.readText(path, largestText), path);
}

// Name, title and caption from result.json, with the picture beside them.
Json figuresOf(const RunFolder& folder, const Json& result, Json& problems)
{
    Json figures = Json::array();
    for (const Json& figure : result.at("figures")) {
        const std::string file = figure.at("file");
        try {
            figures.push_back({{"file", file},
                               {"title", figure.at("title")},
                               {"caption", figure.at("caption")},
                               {"svg", folder.readText(file, largestText)}});
        } catch (const Error& error) {
            problems.push_back(error.what());
        }
    }
    return figures;
}

}

bool isExperiment(const std::filesystem::path& folder)
{
    std::error_code error;
    return std::filesystem::exists(folder / "request.json", error) &&
           !std::filesystem::exists(folder / "run.json", error);
}

Json showExperiment(const std::filesystem::path& folder)
{
    if (!isExperiment(folder))
        throw FileError(folder.string() + " is no experiment: it holds no request.json.");
    const RunFolder files(folder);
    Json listing = {{"schema", "blockcert.experiment-listing/1"},
                    {"out", folder.string()},
                    {"complete", files.exists("SHA256SUMS")},
                    {"request", readJson(files, "request.json")},
                    {"result", nullptr},
                    {"figures", Json::array()}};
    Json problems = Json::array();
    if (files.exists("result.json")) {
        try {
            Json result = readJson(files, "result.json");
            if (result.value("schema", "") != "blockcert.experiment/1")
                throw UnsupportedError("result.json has another schema than blockcert.experiment/1.");
            listing["figures"] = figuresOf(files, result, problems);
            listing["result"] = std::move(result);
        } catch (const Error& error) {
            problems.push_back(error.what());
        } catch (const Json::exception&) {
            problems.push_back("result.json lacks a field of blockcert.experiment/1, or holds another type.");
        }
    }
    listing["problems"] = std::move(problems);
    return listing;
}

}
