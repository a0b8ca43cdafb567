#include "engine/certificate/surrogate_statement.h"

#include "engine/certificate/check_list.h"
#include "engine/certificate/widen.h"
#include "engine/surrogate/ablation.h"
#include "engine/surrogate/family.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace blockcert::certificate {

namespace {

// Ŵ is rounded to fp32 after its decomposition in double: some 6e-8 of ‖W‖.
constexpr double roundingOfFit = 1e-6;
// Σσ² against ‖W‖², both in double from the same elements.
constexpr double roundingOfSpectrum = 1e-9;

const WeightDistance* statementOn(const Certificate& certificate, const std::string& name)
{
    const auto& weights = certificate.surrogateWeights;
    const auto found =
        std::find_if(weights.begin(), weights.end(), [&](const WeightDistance& weight) { return weight.name == name; });
    return found == weights.end() ? nullptr : &*found;
}

// A weight is embedded if all are, or if no reference could lead to it.
std::string placeProblem(const Certificate& certificate, const ir::BlockProgram& program, const std::string& name)
{
    const RunRequest& request = certificate.request;
    const bool own =
        surrogate::ablatesWeight(request.ablation, name) ||
        (program.weights.at(name).shape.size() == 2 && surrogate::isFitted(program, request.surrogate, name));
    const bool embedded = !program.weights.at(name).reference;
    if (embedded == (request.embedWeights || own))
        return "";
    return "The weight " + name + " is " + (embedded ? "embedded" : "a reference") +
           ", the certificate says otherwise.";
}

// Whether the surrogate that the certificate names has a matrix of its own in the weight's place.
bool isReduced(const Certificate& certificate, const ir::BlockProgram& program, const std::string& name)
{
    const std::vector<std::string> reduced = surrogate::reducedMatrices(program, certificate.request.surrogate);
    return program.weights.at(name).shape.size() == 2 && std::ranges::find(reduced, name) != reduced.end();
}

// A weight by reference is rounded to a storage type on its way where the surrogate is said to be that, and nowhere
// else: a contradiction that needs no model to be seen.
std::string roundTripProblem(const Certificate& certificate, const ir::BlockProgram& program, const std::string& name)
{
    const ir::IrWeight& weight = program.weights.at(name);
    if (!weight.reference || certificate.request.surrogate.family == SurrogateFamily::Given)
        return "";
    const SurrogateChoice& choice = certificate.request.surrogate;
    const bool said = choice.family == SurrogateFamily::Quantised && isReduced(certificate, program, name);
    const auto isRoundTrip = [](const WeightTransform& step) { return step.kind == WeightTransform::Kind::RoundTrip; };
    const auto step = std::ranges::find_if(weight.reference->transforms, isRoundTrip);
    const bool done = step != weight.reference->transforms.end();
    if (done == said && (!done || step->dtype == choice.dtype))
        return "";
    return "The weight " + name + (done ? " is rounded to " + std::string(nameOf(step->dtype)) : " is not rounded") +
           " in the program, the certificate says otherwise.";
}

std::string spectrumProblem(const WeightDistance& statement, const HostTensor& spectrum, bool ablated)
{
    const std::vector<double> values = ir::widened(spectrum);
    if (std::any_of(values.begin(), values.end(),
                    [](double value) { return !(value >= 0) || !std::isfinite(value); }) ||
        !std::is_sorted(values.rbegin(), values.rend()))
        return "The singular values of " + statement.name + " are not falling numbers from 0 on.";
    double all = 0;
    double dropped = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        all += values[i] * values[i];
        if (i >= static_cast<std::size_t>(*statement.rank))
            dropped += values[i] * values[i];
    }
    if (!(std::abs(std::sqrt(all) - statement.norm) <= roundingOfSpectrum * statement.norm))
        return "The norm of " + statement.name + " is " + exactText(statement.norm) + ", its singular values make it " +
               exactText(std::sqrt(all)) + ".";
    if (!ablated && !(std::abs(std::sqrt(dropped) - statement.distance) <= roundingOfFit * statement.norm))
        return "The distance of " + statement.name + " is " + exactText(statement.distance) +
               ", the singular values beyond its rank make it " + exactText(std::sqrt(dropped)) + ".";
    return "";
}

std::string statementProblem(const Certificate& certificate, const ir::BlockIr& stored, const std::string& name)
{
    const RunRequest& request = certificate.request;
    const WeightDistance* statement = statementOn(certificate, name);
    const bool matrix = stored.program.weights.at(name).shape.size() == 2;
    const std::optional<std::int64_t> rank =
        matrix ? surrogate::rankOf(stored.program, request.surrogate, name) : std::nullopt;
    const bool ablated = surrogate::ablatesWeight(request.ablation, name);
    const bool mayDiffer = ablated || request.surrogate.family == SurrogateFamily::Checkpoint ||
                           isReduced(certificate, stored.program, name);
    if (statement != nullptr && !mayDiffer)
        return "The certificate states a distance of " + name + ", which its surrogate leaves as it is.";
    if (rank && statement == nullptr)
        return "The certificate states no rank of " + name + ".";
    if (statement != nullptr && statement->rank != rank)
        return "The certificate states another rank of " + name + " than its surrogate gives it.";
    const auto spectrum = stored.spectra.find(name);
    if ((spectrum != stored.spectra.end()) != rank.has_value())
        return "The singular values of " + name + (rank ? " are missing." : " have no place in this surrogate.");
    return rank ? spectrumProblem(*statement, spectrum->second, ablated) : "";
}

}

std::string surrogateProblem(const Certificate& certificate, const ir::BlockIr& stored)
{
    for (const WeightDistance& statement : certificate.surrogateWeights)
        if (!stored.program.weights.contains(statement.name))
            return "The certificate states a distance of " + statement.name + ", which the program does not have.";
    for (const auto& [name, weight] : stored.program.weights) {
        if (std::string problem = placeProblem(certificate, stored.program, name); !problem.empty())
            return problem;
        if (std::string problem = roundTripProblem(certificate, stored.program, name); !problem.empty())
            return problem;
        if (std::string problem = statementProblem(certificate, stored, name); !problem.empty())
            return problem;
    }
    return "";
}

}
