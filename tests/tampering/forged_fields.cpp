#include "tests/tampering/forged_fields.h"

#include "engine/base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

namespace blockcert::certificate {

namespace fs = std::filesystem;

namespace {

using ::testing::Contains;
using ::testing::IsEmpty;

bool isCertifiedNumber(const Json& json)
{
    return json.is_object() && json.size() == 2 && json.contains("hex") && json.contains("value");
}

// A certified number is one leaf: whoever forges it changes both of its forms.
void forEachLeaf(const Json& json, const Json::json_pointer& at,
                 const std::function<void(const Json::json_pointer&)>& see)
{
    if (json.is_structured() && !json.empty() && !isCertifiedNumber(json)) {
        for (const auto& [key, value] : json.items())
            forEachLeaf(value, json.is_array() ? at / static_cast<std::size_t>(std::stoul(key)) : at / key, see);
        return;
    }
    see(at);
}

std::string withAnotherLastCharacter(const std::string& text)
{
    if (text.empty())
        return "x";
    std::string changed = text;
    if (static_cast<unsigned char>(changed.back()) >= 0x80) // the end of a longer character
        return changed + "0";
    changed.back() = changed.back() == '0' ? '1' : '0';
    return changed;
}

// What a forger might write instead.
std::vector<Json> forgeries(const Json& leaf)
{
    if (isCertifiedNumber(leaf)) {
        const double value = leaf["value"];
        if (value == 0)
            return {certifiedNumber(0.125)};
        return {certifiedNumber(value * 2), certifiedNumber(value / 2),
                certifiedNumber(std::nextafter(value, 2 * value))};
    }
    if (leaf.is_number_integer())
        return {leaf.get<std::int64_t>() + 1, leaf.get<std::int64_t>() - 1};
    if (leaf.is_boolean())
        return {!leaf.get<bool>()};
    if (leaf.is_string())
        return {withAnotherLastCharacter(leaf)};
    if (leaf.is_null())
        return {certifiedNumber(1.0)};
    return {Json::array({1})}; // an empty list
}

const Expectation& expectationFor(const std::string& path, const std::vector<Expectation>& table)
{
    const Expectation* best = nullptr;
    for (const Expectation& expectation : table)
        if (path.starts_with(expectation.prefix) &&
            (best == nullptr || std::string(expectation.prefix).size() > std::string(best->prefix).size()))
            best = &expectation;
    if (best == nullptr)
        throw std::logic_error("no expectation for " + path);
    return *best;
}

// A forged run.json that nobody could have written is no run at all; everything else is a row.
std::set<std::string> idsOf(const TamperedRun& run)
{
    try {
        return failedIds(run.verify());
    } catch (const FormatError&) {
        return {"structure.run"};
    } catch (const UnsupportedError&) {
        return {"another version"};
    }
}

bool claimsLessAndHolds(const std::string& path, const Json& before, const Json& after)
{
    // A smaller ρ is a stronger promise about the replays' agreement, and it is kept here.
    return path == "/replay/comparison_tolerance" && after["value"] < before["value"];
}

}

void forgeEverything(const fs::path& honest, const std::string& file, const std::vector<Expectation>& table,
                     std::size_t least)
{
    TamperedRun run(honest);
    const Json original = run.json(file);
    const std::string originalText = run.text(file);
    const std::string originalSums = run.text("SHA256SUMS");
    std::size_t forged = 0;
    forEachLeaf(original, Json::json_pointer(), [&](const Json::json_pointer& at) {
        const std::string path = at.to_string();
        const Expectation& expected = expectationFor(path, table);
        for (const Json& forgery : forgeries(original[at])) {
            Json changed = original;
            changed[at] = forgery;
            run.setJson(file, changed);
            ++forged;

            // Not resealed: the list of digests tells, whatever the field.
            run.setText("SHA256SUMS", originalSums);
            EXPECT_THAT(failedIds(run.verify(1)), Contains("sums.sha256")) << path;

            run.resum();
            const std::set<std::string> ids = idsOf(run);
            if (expected.ids.empty() || claimsLessAndHolds(path, original[at], forgery)) {
                EXPECT_THAT(ids, IsEmpty()) << path << " = " << forgery.dump();
                continue;
            }
            const bool found =
                std::any_of(expected.ids.begin(), expected.ids.end(), [&](const char* id) { return ids.contains(id); });
            EXPECT_TRUE(found) << path << " = " << forgery.dump() << "\n  failed: " << ::testing::PrintToString(ids);
        }
    });
    EXPECT_GE(forged, least);
    run.setText(file, originalText);
    run.setText("SHA256SUMS", originalSums);
    EXPECT_EQ(run.verify().exitCode, 0); // the run itself was honest all along
}

}
