#include "engine/certificate/run_differences.h"

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/certificate/json_fields.h"
#include "engine/certificate/run_layout.h"
#include "engine/surrogate/surrogate_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace blockcert::certificate {

namespace {

// A certified number shows its decimal; everything else its JSON.
std::string shown(const Json& value)
{
    if (value.is_object() && value.size() == 2 && value.contains("hex"))
        return value["value"].dump();
    if (value.is_string())
        return value.get<std::string>();
    const std::string text = value.dump(-1, ' ', true); // ASCII, so that it can be cut anywhere
    return text.size() > 60 ? text.substr(0, 57) + "…" : text;
}

void compare(const std::string& name, const Json& run, const Json& asked, std::vector<std::string>& found)
{
    if (run == asked)
        return;
    const bool nested = run.is_object() && !run.contains("hex");
    if (!nested) {
        found.push_back(name + " is " + shown(asked) + " here and " + shown(run) + " in the run");
        return;
    }
    for (const auto& [key, value] : run.items())
        if (asked.contains(key))
            compare(key, value, asked.at(key), found);
        else
            found.push_back(key + " is in the run and not here");
    for (const auto& [key, value] : asked.items())
        if (!run.contains(key))
            found.push_back(key + " is here and not in the run");
}

void comparePrompts(const PromptSet& run, const PromptSet& asked, std::vector<std::string>& found)
{
    if (asked.prompts.size() < run.prompts.size())
        found.push_back("there are " + std::to_string(asked.prompts.size()) + " prompts here and " +
                        std::to_string(run.prompts.size()) + " in the run (prompts can be added, not taken away)");
    const std::size_t common = std::min(run.prompts.size(), asked.prompts.size());
    for (std::size_t p = 0; p < common; ++p)
        if (!samePrompt(run.prompts[p], asked.prompts[p])) {
            found.push_back("prompt " + std::to_string(p) + " (" + asked.prompts[p].id +
                            ") is another one than in the run");
            break;
        }
    if (run.templateSha256 != asked.templateSha256)
        found.emplace_back("the chat template is another one");
    if (run.pinnedDate != asked.pinnedDate)
        found.push_back("the date for templates is \"" + asked.pinnedDate + "\" here and \"" + run.pinnedDate +
                        "\" in the run");
}

}

bool samePrompt(const EncodedPrompt& a, const EncodedPrompt& b)
{
    EncodedPrompt left = a;
    left.pieces = b.pieces;
    return left == b;
}

std::vector<std::string> differences(const RunManifest& run, const RunManifest& asked)
{
    std::vector<std::string> found;
    Json old = runToJson({run, {}});
    Json now = runToJson({asked, {}});
    if (!std::includes(asked.request.blocks.begin(), asked.request.blocks.end(), run.request.blocks.begin(),
                       run.request.blocks.end()))
        found.push_back("blocks are " + shown(now["request"]["blocks"]) + " here and " +
                        shown(old["request"]["blocks"]) + " in the run (blocks can be added, not taken away)");
    for (const auto& [json, manifest] : {std::pair(&old, &run), std::pair(&now, &asked)}) {
        Json& request = (*json)["request"];
        request.erase("blocks");
        request["surrogate"] = surrogate::textOf(manifest->request.surrogate); // other families have other parameters
        request["ablation"] = surrogate::nameOf(manifest->request.ablation.kind) == "none"
                                  ? std::string("none")
                                  : surrogate::textOf(manifest->request.ablation);
        (*json)["subject"].erase("model"); // a name for people
        if (manifest->surrogateModel)
            (*json)["surrogate_model"].erase("model");
    }
    compare("request", old["request"], now["request"], found);
    compare("subject", old["subject"], now["subject"], found);
    if (run.surrogateModel && asked.surrogateModel)
        compare("surrogate_model", old["surrogate_model"], now["surrogate_model"], found);
    comparePrompts(run.prompts, asked.prompts, found);
    if (!addsPrompts(run, asked) && run.prompts.sha256 != asked.prompts.sha256 && found.empty())
        found.push_back("the prompt file is " + asked.prompts.name + " here and " + run.prompts.name + " in the run");
    return found;
}

RunDocument readRunDocument(const std::filesystem::path& run)
{
    const std::filesystem::path path = run / manifestName;
    return runFromJson(parseDocument(readWholeFile(path, largestDocument), path.string()), path.string());
}

void requireSameRequest(const std::filesystem::path& run, const RunManifest& manifest, const RunManifest& asked)
{
    const std::vector<std::string> found = differences(manifest, asked);
    if (!found.empty())
        throw UsageError(
            fmt::format("The run {} cannot be resumed with this request: {}.", run.string(), fmt::join(found, "; ")));
}

bool addsPrompts(const RunManifest& run, const RunManifest& asked)
{
    return asked.prompts.prompts.size() > run.prompts.prompts.size();
}

}
