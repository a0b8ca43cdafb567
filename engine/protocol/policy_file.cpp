#include "engine/protocol/policy_file.h"

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/certificate/json_fields.h"

#include <utility>

namespace blockcert::protocol {

namespace {

struct NumberField {
    std::string_view name;
    std::optional<double> PolicyChanges::*member;
    bool isShare; // from 0 to 1
};

constexpr NumberField numberFields[] = {
    {"tau_act", &PolicyChanges::tauAct, false},      {"tau_loss", &PolicyChanges::tauLoss, false},
    {"tau_rel", &PolicyChanges::tauRel, false},      {"alpha_act", &PolicyChanges::alphaAct, true},
    {"alpha_loss", &PolicyChanges::alphaLoss, true},
};

double readNumber(const Json& value, const NumberField& field, std::string_view source)
{
    const double number = value.is_number() ? value.get<double>() : -1;
    if (number < 0 || (field.isShare && number > 1))
        throw UsageError(std::string(source) + ": " + std::string(field.name) + " is " + value.dump() +
                         ", which is no number from 0 " + (field.isShare ? "to 1." : "on."));
    return number;
}

ErrorMeasure readMeasure(const Json& value, std::string_view source)
{
    if (value == "l2")
        return ErrorMeasure::L2;
    if (value == "relative-l2")
        return ErrorMeasure::RelativeL2;
    throw UsageError(std::string(source) + ": error is " + value.dump() +
                     ", which is neither \"l2\" nor \"relative-l2\".");
}

template <class Value>
void replace(std::optional<Value>& value, const std::optional<Value>& later)
{
    if (later)
        value = later;
}

}

void PolicyChanges::applyTo(Policy& policy) const
{
    policy.tauAct = tauAct.value_or(policy.tauAct);
    policy.tauLoss = tauLoss.value_or(policy.tauLoss);
    policy.tauRel = tauRel.value_or(policy.tauRel);
    policy.alphaAct = alphaAct.value_or(policy.alphaAct);
    policy.alphaLoss = alphaLoss.value_or(policy.alphaLoss);
    policy.measure = measure.value_or(policy.measure);
}

void PolicyChanges::add(const PolicyChanges& later)
{
    for (const NumberField& field : numberFields)
        replace(this->*field.member, later.*field.member);
    replace(measure, later.measure);
}

PolicyChanges policyChangesFromJson(const Json& json, std::string_view source)
{
    if (!json.is_object())
        throw UsageError(std::string(source) + ": a policy must be a JSON object.");
    PolicyChanges changes;
    for (const auto& [key, value] : json.items()) {
        const std::string& name = key;
        const auto field = std::ranges::find(numberFields, name, &NumberField::name);
        if (field != std::end(numberFields))
            changes.*(field->member) = readNumber(value, *field, source);
        else if (key == "error")
            changes.measure = readMeasure(value, source);
        else
            throw UsageError(std::string(source) + ": a policy has no field \"" + key +
                             "\"; it has tau_act, tau_loss, tau_rel, alpha_act, alpha_loss and error.");
    }
    return changes;
}

PolicyFile readPolicyFile(const std::filesystem::path& path)
{
    const std::string source = path.string();
    Json json = parseStrictJson(readWholeFile(path, 1U << 20U), source);
    certificate::JsonFields fields(json, source);
    certificate::requireSchema(fields, "blockcert.policy", 1);
    PolicyFile policy;
    if (fields.has("models"))
        policy.models = fields.texts("models");
    for (const std::string& digest : policy.models)
        if (!certificate::isSha256(digest))
            throw FormatError(source + ": \"" + digest +
                              "\" in models is no SHA-256 of 64 hexadecimal digits in lower case.");
    json.erase("schema");
    json.erase("models");
    json.erase("extensions");
    policy.thresholds = policyChangesFromJson(json, source);
    return policy;
}

}
