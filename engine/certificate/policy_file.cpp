#include "engine/certificate/policy_file.h"

#include "engine/base/atomic_file.h"
#include "engine/certificate/json_fields.h"

#include <cmath>

namespace blockcert::certificate {

namespace {

constexpr std::size_t largestFile = 1U << 20U;

void readNumber(JsonFields& fields, std::string_view key, double most, double& into)
{
    if (!fields.has(key))
        return;
    const Json& value = fields.value(key);
    const double number = value.is_number() ? value.get<double>() : fields.number(key);
    if (!(number >= 0 && number <= most))
        fields.refuse(key, std::string(most == 1 ? "must be between 0 and 1" : "must be zero or a positive number") +
                               ", found " + value.dump());
    into = number;
}

void readMeasure(JsonFields& fields, ErrorMeasure& into)
{
    if (!fields.has("error"))
        return;
    const std::string name = fields.text("error");
    if (name != "l2" && name != "relative-l2")
        fields.refuse("error", "must be l2 or relative-l2, found \"" + name + "\"");
    into = name == "l2" ? ErrorMeasure::L2 : ErrorMeasure::RelativeL2;
}

std::vector<std::string> readDigests(JsonFields& fields, std::string_view key)
{
    if (!fields.has(key))
        return {};
    std::vector<std::string> digests = fields.texts(key);
    for (const std::string& digest : digests)
        if (!isSha256(digest))
            fields.refuse(key, "must hold SHA-256 digests of 64 lower-case hexadecimal digits");
    return digests;
}

}

Policy defaultPolicy(DType baseline)
{
    Policy policy;
    policy.tauRel = baseline == DType::BF16 ? 2e-2 : baseline == DType::F16 ? 5e-3 : 1e-5;
    return policy;
}

PolicyFile parsePolicy(std::string_view text, std::string_view source, const Policy& defaults)
{
    const Json json = parseStrictJson(text, source);
    JsonFields fields(json, std::string(source));
    requireSchema(fields, "blockcert.policy", 1);
    PolicyFile file;
    file.policy = defaults;
    constexpr double any = 1e300;
    readNumber(fields, "tau_act", any, file.policy.tauAct);
    readNumber(fields, "tau_loss", any, file.policy.tauLoss);
    readNumber(fields, "tau_rel", any, file.policy.tauRel);
    readNumber(fields, "alpha_act", 1, file.policy.alphaAct);
    readNumber(fields, "alpha_loss", 1, file.policy.alphaLoss);
    readMeasure(fields, file.policy.measure);
    if (fields.has("expect")) {
        JsonFields expect = fields.object("expect");
        file.models = readDigests(expect, "models");
        file.prompts = readDigests(expect, "prompts");
        if (expect.has("tools"))
            file.tools = expect.texts("tools");
        expect.finish();
    }
    if (fields.has("require_losses"))
        file.requireLosses = fields.boolean("require_losses");
    if (fields.has("extensions") && !fields.value("extensions").is_object())
        fields.refuse("extensions", "must be an object");
    fields.finish();
    return file;
}

PolicyFile readPolicyFile(const std::filesystem::path& path, const Policy& defaults)
{
    return parsePolicy(readWholeFile(path, largestFile), path.string(), defaults);
}

}
