#include "engine/protocol/experiment_listing.h"

#include "engine/base/error.h"
#include "engine/base/schema_name.h"
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

// What a reader of the listing may rely on. Throws FormatError.
void requireResult(const Json& result)
{
    if (!result.is_object() || !result.contains("schema") || !result.at("schema").is_string())
        throw FormatError("result.json is no object with a schema.");
    requireSchemaName(result.at("schema").get<std::string>(), "blockcert.experiment", 1, "result.json: schema");
    for (const char* key : {"title", "scope", "headline"})
        if (!result.contains(key) || !result.at(key).is_string())
            throw FormatError("result.json: " + std::string(key) + " must be a text.");
    for (const char* key : {"tables", "figures", "runs"})
        if (!result.contains(key) || !result.at(key).is_array())
            throw FormatError("result.json: " + std::string(key) + " must be an array.");
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
    Json request = readJson(files, "request.json");
    if (!request.is_object() || !request.contains("schema") || !request.at("schema").is_string())
        throw FormatError(folder.string() + ": request.json is no object with a schema.");
    if (request.at("schema").get<std::string>().starts_with("blockcert.sweep-request/"))
        throw FormatError(folder.string() + " is the folder of a sweep: read sweep.csv, sweep.json and rows there.");
    requireSchemaName(request.at("schema").get<std::string>(), "blockcert.experiment-request", 1,
                      folder.string() + ": request.json: schema");
    Json listing = {{"schema", "blockcert.experiment-listing/1"},
                    {"out", folder.string()},
                    {"complete", files.exists("SHA256SUMS")},
                    {"request", std::move(request)},
                    {"result", nullptr},
                    {"figures", Json::array()}};
    Json problems = Json::array();
    if (files.exists("result.json")) {
        try {
            Json result = readJson(files, "result.json");
            requireResult(result);
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
