#include "engine/certificate/statement_codec.h"

#include "engine/base/error.h"

#include <array>

namespace blockcert::certificate {

namespace {

double share(JsonFields& fields, std::string_view key)
{
    const double value = fields.notNegative(key);
    if (value > 1)
        fields.refuse(key, "must be between 0 and 1");
    return value;
}

template <class Enum, std::size_t Count>
Enum fromName(JsonFields& fields, std::string_view key, const std::array<Enum, Count>& values)
{
    const std::string found = fields.text(key);
    std::string known;
    for (const Enum value : values) {
        if (nameOf(value) == found)
            return value;
        known += (known.empty() ? "" : ", ") + std::string(nameOf(value));
    }
    fields.refuse(key, "must be one of " + known + ", found \"" + found + "\"");
}

}

Json policyToJson(const Policy& policy)
{
    return {{"tau_act", certifiedNumber(policy.tauAct)},       {"tau_loss", certifiedNumber(policy.tauLoss)},
            {"tau_rel", certifiedNumber(policy.tauRel)},       {"alpha_act", certifiedNumber(policy.alphaAct)},
            {"alpha_loss", certifiedNumber(policy.alphaLoss)}, {"error", nameOf(policy.measure)}};
}

Policy policyFromJson(JsonFields fields)
{
    Policy policy;
    policy.tauAct = fields.notNegative("tau_act");
    policy.tauLoss = fields.notNegative("tau_loss");
    policy.tauRel = fields.notNegative("tau_rel");
    policy.alphaAct = share(fields, "alpha_act");
    policy.alphaLoss = share(fields, "alpha_loss");
    policy.measure = fromName(fields, "error", std::array{ErrorMeasure::L2, ErrorMeasure::RelativeL2});
    fields.finish();
    return policy;
}

Json environmentToJson(const Environment& environment)
{
    return {{"device", environment.device},
            {"processor", environment.processor},
            {"isa", environment.isa},
            {"libtorch", environment.libtorch},
            {"blas", environment.blas},
            {"threads", environment.threads},
            {"tiling", environment.tiling},
            {"attention", environment.attention},
            {"batch_invariant", environment.batchInvariant},
            {"operating_system", environment.operatingSystem}};
}

Environment environmentFromJson(JsonFields fields)
{
    Environment environment;
    environment.device = fields.text("device");
    environment.processor = fields.text("processor");
    environment.isa = fields.text("isa");
    environment.libtorch = fields.text("libtorch");
    environment.blas = fields.text("blas");
    environment.threads = fields.index("threads");
    environment.tiling = fields.text("tiling");
    environment.attention = fields.text("attention");
    environment.batchInvariant = fields.boolean("batch_invariant");
    environment.operatingSystem = fields.text("operating_system");
    fields.finish();
    return environment;
}

Json subjectToJson(const Subject& subject)
{
    Json files = Json::array();
    for (const SubjectFile& file : subject.files)
        files.push_back({{"name", file.name}, {"size", file.size}, {"sha256", file.sha256}});
    return {{"model", subject.model},
            {"architecture", subject.architecture},
            {"config_sha256", subject.configSha256},
            {"layers", subject.layers},
            {"d_model", subject.dModel},
            {"heads", subject.heads},
            {"files", std::move(files)}};
}

Subject subjectFromJson(JsonFields& fields)
{
    Subject subject;
    subject.model = fields.text("model");
    subject.architecture = fields.text("architecture");
    subject.configSha256 = fields.digest("config_sha256");
    subject.layers = fields.index("layers");
    subject.dModel = fields.index("d_model");
    subject.heads = fields.index("heads");
    for (JsonFields& file : fields.objects("files")) {
        SubjectFile& entry = subject.files.emplace_back();
        entry.name = file.text("name");
        entry.size = file.unsignedInteger("size");
        entry.sha256 = file.digest("sha256");
        file.finish();
    }
    return subject;
}

Json surrogateModelToJson(const std::optional<SurrogateModel>& model)
{
    if (!model)
        return {};
    Json json = subjectToJson(model->subject);
    json["differences"] = model->differences;
    return json;
}

std::optional<SurrogateModel> surrogateModelFrom(JsonFields& fields, std::string_view key)
{
    if (fields.value(key).is_null())
        return std::nullopt;
    JsonFields object = fields.object(key);
    SurrogateModel model{subjectFromJson(object), object.texts("differences")};
    object.finish();
    return model;
}

std::string_view nameOf(LossMode mode)
{
    switch (mode) {
    case LossMode::Exact: return "exact";
    case LossMode::FirstOrder: return "first-order";
    default: return "none";
    }
}

std::string_view nameOf(WeightOrigin origin)
{
    return origin == WeightOrigin::Baseline ? "baseline" : "file";
}

std::string_view nameOf(ErrorMeasure measure)
{
    return measure == ErrorMeasure::L2 ? "l2" : "relative-l2";
}

Json importedToJson(const ImportedBaseline& imported)
{
    return {{"runtime", imported.runtime},
            {"version", imported.version},
            {"trace_sha256", imported.traceSha256},
            {"sublayers", imported.sublayers},
            {"mask", imported.mask == ImportedBaseline::Mask::Recorded ? "recorded" : "causal"}};
}

ImportedBaseline importedFromJson(JsonFields fields)
{
    ImportedBaseline imported;
    imported.runtime = fields.text("runtime");
    if (imported.runtime.empty())
        fields.refuse("runtime", "must name the program that ran the baseline");
    imported.version = fields.text("version");
    imported.traceSha256 = fields.digest("trace_sha256");
    imported.sublayers = fields.boolean("sublayers");
    const std::string mask = fields.text("mask");
    if (mask != "recorded" && mask != "causal")
        fields.refuse("mask", "must be recorded or causal, found \"" + mask + "\"");
    imported.mask = mask == "recorded" ? ImportedBaseline::Mask::Recorded : ImportedBaseline::Mask::Causal;
    fields.finish();
    return imported;
}

LossMode lossModeFrom(JsonFields& fields, std::string_view key)
{
    return fromName(fields, key, std::array{LossMode::Exact, LossMode::FirstOrder, LossMode::None});
}

WeightOrigin weightOriginFrom(JsonFields& fields, std::string_view key)
{
    return fromName(fields, key, std::array{WeightOrigin::Baseline, WeightOrigin::File});
}

DType dtypeFrom(JsonFields& fields, std::string_view key, const std::vector<DType>& allowed)
{
    const std::string found = fields.text(key);
    std::string known;
    for (const DType dtype : allowed) {
        if (nameOf(dtype) == found)
            return dtype;
        known += (known.empty() ? "" : ", ") + std::string(nameOf(dtype));
    }
    fields.refuse(key, "must be one of " + known + ", found \"" + found + "\"");
}

const std::vector<DType>& baselineDtypes()
{
    static const std::vector<DType> dtypes = {DType::F32, DType::F16, DType::BF16};
    return dtypes;
}

const std::vector<DType>& replayDtypes()
{
    static const std::vector<DType> dtypes = {DType::F64, DType::F32};
    return dtypes;
}

const std::vector<DType>& storedDtypes()
{
    static const std::vector<DType> dtypes = {DType::F64, DType::F32, DType::F16, DType::BF16,
                                              DType::I64, DType::I32, DType::U8};
    return dtypes;
}

void skipExtensions(JsonFields& fields)
{
    if (!fields.has("extensions"))
        return;
    if (!fields.value("extensions").is_object())
        fields.refuse("extensions", "must be an object");
}

}
