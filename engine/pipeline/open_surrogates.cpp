#include "engine/pipeline/open_surrogates.h"

#include "engine/base/run_context.h"
#include "engine/certificate/subject_of.h"
#include "engine/pipeline/run_request.h"
#include "engine/surrogate/family.h"
#include "engine/surrogate/model_differences.h"
#include "engine/surrogate/surrogate_text.h"

#include <utility>

namespace blockcert::pipeline {

namespace {

void report(const SurrogateModel& model, const RunContext& context)
{
    Progress progress;
    progress.stage = "compare";
    progress.done = progress.total = 1;
    progress.unit = "models";
    Json notes = Json::array();
    for (const std::string& difference : model.differences)
        notes.push_back("The surrogates' model " + model.subject.model + " is another one: " + difference + ".");
    if (!notes.empty())
        progress.detail = Json{{"notes", std::move(notes)}}.dump();
    context.step(progress);
}

}

std::shared_ptr<artifact::Checkpoint> openOther(const std::string& surrogate, const OpenedModel& opened,
                                                const ModelCache::State& state)
{
    const std::string model = surrogate::parseSurrogate(surrogate).model;
    if (model.empty())
        return nullptr;
    auto other = std::make_shared<artifact::Checkpoint>(
        artifact::Checkpoint::open(artifact::resolveModel(model, state.host.locations)));
    const artifact::Checkpoint& own = *opened.checkpoint;
    surrogate::requireSameShape(own.name(), own.config(), other->name(), other->config());
    return other;
}

Surrogates openSurrogates(const std::string& surrogate, const OpenedModel& opened, const ModelCache::State& state,
                          RunManifest& manifest, const RunContext& context)
{
    const std::shared_ptr<artifact::Checkpoint> other = openOther(surrogate, opened, state);
    if (other) {
        other->hashFiles(context);
        manifest.surrogateHint = hintOf(surrogate::parseSurrogate(surrogate).model);
        manifest.surrogateModel = {certificate::subjectOf(*other),
                                   surrogate::modelDifferences(*opened.checkpoint, *other)};
        report(*manifest.surrogateModel, context);
    }
    return {*opened.checkpoint, manifest.request, other, state.weightDigests};
}

}
