#include "engine/certificate/surrogate_codec.h"

#include "engine/base/error.h"
#include "engine/surrogate/surrogate_text.h"

#include <array>
#include <string>

namespace blockcert::certificate {

namespace {

constexpr std::int64_t highestRank = std::int64_t{1} << 20U;

template <class Enum, std::size_t Count>
Enum named(JsonFields& fields, std::string_view key, const std::array<Enum, Count>& values)
{
    const std::string found = fields.text(key);
    std::string known;
    for (const Enum value : values) {
        if (surrogate::nameOf(value) == found)
            return value;
        known += (known.empty() ? "" : ", ") + std::string(surrogate::nameOf(value));
    }
    fields.refuse(key, "must be one of " + known + ", found \"" + found + "\"");
}

}

Json surrogateToJson(const SurrogateChoice& choice)
{
    Json parameters = Json::object();
    if (choice.family == SurrogateFamily::LowRank)
        parameters = {{"rank", choice.rank}, {"matrices", surrogate::nameOf(choice.matrices)}};
    if (choice.family == SurrogateFamily::Quantised)
        parameters = {{"dtype", blockcert::nameOf(choice.dtype)}};
    return {{"family", surrogate::nameOf(choice.family)}, {"parameters", std::move(parameters)}};
}

SurrogateChoice surrogateFromJson(JsonFields& fields)
{
    SurrogateChoice choice;
    choice.family = named(fields, "family",
                          std::array{SurrogateFamily::Exact, SurrogateFamily::LowRank, SurrogateFamily::Quantised,
                                     SurrogateFamily::Checkpoint, SurrogateFamily::Given});
    JsonFields parameters = fields.object("parameters");
    if (choice.family == SurrogateFamily::LowRank) {
        choice.rank = parameters.integer("rank", 1, highestRank);
        choice.matrices =
            named(parameters, "matrices", std::array{MatrixGroup::Attention, MatrixGroup::Mlp, MatrixGroup::All});
    }
    if (choice.family == SurrogateFamily::Quantised) {
        const std::string name = parameters.text("dtype");
        const std::optional<DType> dtype = dtypeNamed(name);
        if (!dtype || !surrogate::isQuantisedFamily(*dtype))
            parameters.refuse("dtype", "must be one of Q8_0, Q5_1, Q4_0, Q4_1, found \"" + name + "\"");
        choice.dtype = *dtype;
    }
    parameters.finish();
    return choice;
}

Json ablationToJson(const Ablation& ablation)
{
    if (ablation.kind == Ablation::Kind::None)
        return {};
    Json json = {{"kind", surrogate::nameOf(ablation.kind)}};
    if (ablation.kind == Ablation::Kind::NoiseQuery)
        json["scale"] = certifiedNumber(ablation.scale);
    return json;
}

Ablation ablationFrom(JsonFields& fields, std::string_view key)
{
    if (fields.value(key).is_null())
        return {};
    JsonFields object = fields.object(key);
    Ablation ablation;
    ablation.kind = named(object, "kind",
                          std::array{Ablation::Kind::DropRope, Ablation::Kind::InvertMask, Ablation::Kind::ZeroValues,
                                     Ablation::Kind::NoiseQuery});
    if (ablation.kind == Ablation::Kind::NoiseQuery) {
        ablation.scale = object.number("scale");
        if (!(ablation.scale > 0))
            object.refuse("scale", "must be above 0");
    }
    object.finish();
    return ablation;
}

Json distancesToJson(const SurrogateWeights& weights)
{
    Json list = Json::array();
    for (const WeightDistance& weight : weights)
        list.push_back({{"name", weight.name},
                        {"rank", weight.rank ? Json(*weight.rank) : Json()},
                        {"norm", certifiedNumber(weight.norm)},
                        {"distance", certifiedNumber(weight.distance)}});
    return list;
}

SurrogateWeights distancesFromJson(std::vector<JsonFields> elements)
{
    SurrogateWeights weights;
    for (JsonFields& fields : elements) {
        WeightDistance weight;
        weight.name = fields.text("name");
        if (!weights.empty() && weight.name <= weights.back().name)
            fields.refuse("name", "must name each weight once, in ascending order");
        if (!fields.value("rank").is_null())
            weight.rank = fields.integer("rank", 1, highestRank);
        weight.norm = fields.notNegative("norm");
        weight.distance = fields.notNegative("distance");
        fields.finish();
        weights.push_back(std::move(weight));
    }
    return weights;
}

}
