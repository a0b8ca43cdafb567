#include "engine/surrogate/surrogate_text.h"

#include "engine/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace blockcert::surrogate {

namespace {

constexpr double defaultNoise = 0.01;
constexpr double mostNoise = 1000;
constexpr std::int64_t highestRank = std::int64_t{1} << 20U;

constexpr std::array quantisedTypes = {DType::Q8_0, DType::Q5_1, DType::Q4_0, DType::Q4_1};
constexpr std::array groups = {MatrixGroup::Attention, MatrixGroup::Mlp, MatrixGroup::All};
constexpr std::array kinds = {Ablation::Kind::DropRope, Ablation::Kind::InvertMask, Ablation::Kind::ZeroValues,
                              Ablation::Kind::NoiseQuery};

// "a:b:c" -> "a" and "b:c"; nothing after the last part.
struct Split {
    std::string_view head;
    std::optional<std::string_view> rest;
};

Split split(std::string_view text)
{
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos)
        return {text, std::nullopt};
    return {text.substr(0, colon), text.substr(colon + 1)};
}

template <class Number>
std::optional<Number> numberIn(std::string_view text)
{
    Number value{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

SurrogateChoice parseLowRank(std::string_view text, std::optional<std::string_view> parameters)
{
    const auto refuse = [&](std::string_view why) {
        throw UsageError(fmt::format("--surrogate {}: {}; write low-rank:R or low-rank:R:attn|mlp|all, with the rank "
                                     "R from 1 on.",
                                     text, why));
    };
    if (!parameters)
        refuse("the rank is missing");
    const auto [rankText, groupText] = split(*parameters);
    const std::optional<std::int64_t> rank = numberIn<std::int64_t>(rankText);
    if (!rank || *rank < 1 || *rank > highestRank)
        refuse(fmt::format("the rank cannot be \"{}\"", rankText));
    SurrogateChoice choice{.family = SurrogateFamily::LowRank, .rank = *rank};
    if (groupText) {
        const auto found =
            std::find_if(groups.begin(), groups.end(), [&](MatrixGroup group) { return nameOf(group) == *groupText; });
        if (found == groups.end())
            refuse(fmt::format("there are no matrices \"{}\"", *groupText));
        choice.matrices = *found;
    }
    return choice;
}

SurrogateChoice parseQuantised(std::string_view text, std::optional<std::string_view> parameters)
{
    const std::optional<DType> dtype = dtypeNamed(parameters.value_or(""));
    if (!dtype || !isQuantisedFamily(*dtype))
        throw UsageError(fmt::format("--surrogate {}: the type must be one of Q8_0, Q5_1, Q4_0, Q4_1.", text));
    return {.family = SurrogateFamily::Quantised, .dtype = *dtype};
}

}

SurrogateText parseSurrogate(std::string_view text)
{
    const auto [family, parameters] = split(text);
    if (text == nameOf(SurrogateFamily::Exact))
        return {};
    if (family == nameOf(SurrogateFamily::LowRank))
        return {parseLowRank(text, parameters), ""};
    if (family == nameOf(SurrogateFamily::Quantised))
        return {parseQuantised(text, parameters), ""};
    if (family == nameOf(SurrogateFamily::Checkpoint)) {
        if (!parameters || parameters->empty())
            throw UsageError(fmt::format("--surrogate {}: name the other model, as in checkpoint:MODEL.", text));
        return {{.family = SurrogateFamily::Checkpoint}, std::string(*parameters)};
    }
    throw UsageError(fmt::format("--surrogate {}: there is no such family; use exact, low-rank:R[:attn|mlp|all], "
                                 "quant:Q8_0|Q5_1|Q4_0|Q4_1 or checkpoint:MODEL.",
                                 text));
}

Ablation parseAblation(std::string_view text)
{
    const auto [name, parameter] = split(text);
    const auto kind =
        std::find_if(kinds.begin(), kinds.end(), [&](Ablation::Kind candidate) { return nameOf(candidate) == name; });
    const bool noise = kind != kinds.end() && *kind == Ablation::Kind::NoiseQuery;
    if (kind == kinds.end() || (parameter && !noise))
        throw UsageError(fmt::format("--ablate {}: there is no such ablation; use drop-rope, invert-mask, zero-wv or "
                                     "noise-wq[:SCALE].",
                                     text));
    if (!noise)
        return {*kind, 0};
    const std::optional<double> scale = parameter ? numberIn<double>(*parameter) : std::optional(defaultNoise);
    if (!scale || !(*scale > 0) || !(*scale <= mostNoise))
        throw UsageError(fmt::format("--ablate {}: the scale must be a number above 0 and at most {}, the standard "
                                     "deviation of the noise as a share of W_Q's.",
                                     text, mostNoise));
    return {*kind, *scale};
}

std::string textOf(const SurrogateChoice& choice)
{
    switch (choice.family) {
    case SurrogateFamily::LowRank:
        return fmt::format("{}:{}:{}", nameOf(choice.family), choice.rank, nameOf(choice.matrices));
    case SurrogateFamily::Quantised: return fmt::format("{}:{}", nameOf(choice.family), nameOf(choice.dtype));
    default: return std::string(nameOf(choice.family));
    }
}

std::string textOf(const Ablation& ablation)
{
    if (ablation.kind == Ablation::Kind::None)
        return "";
    if (ablation.kind == Ablation::Kind::NoiseQuery)
        return fmt::format("{}:{}", nameOf(ablation.kind), ablation.scale);
    return std::string(nameOf(ablation.kind));
}

std::string_view nameOf(SurrogateFamily family)
{
    switch (family) {
    case SurrogateFamily::Exact: return "exact";
    case SurrogateFamily::LowRank: return "low-rank";
    case SurrogateFamily::Quantised: return "quant";
    case SurrogateFamily::Checkpoint: return "checkpoint";
    case SurrogateFamily::Given: return "given";
    }
    return "";
}

std::string_view nameOf(MatrixGroup matrices)
{
    switch (matrices) {
    case MatrixGroup::Attention: return "attn";
    case MatrixGroup::Mlp: return "mlp";
    case MatrixGroup::All: return "all";
    }
    return "";
}

std::string_view nameOf(Ablation::Kind kind)
{
    switch (kind) {
    case Ablation::Kind::None: return "none";
    case Ablation::Kind::DropRope: return "drop-rope";
    case Ablation::Kind::InvertMask: return "invert-mask";
    case Ablation::Kind::ZeroValues: return "zero-wv";
    case Ablation::Kind::NoiseQuery: return "noise-wq";
    }
    return "";
}

bool isQuantisedFamily(DType dtype)
{
    return std::find(quantisedTypes.begin(), quantisedTypes.end(), dtype) != quantisedTypes.end();
}

}
