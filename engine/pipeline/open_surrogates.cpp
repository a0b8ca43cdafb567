#include "engine/pipeline/open_surrogates.h"

#include "engine/base/run_context.h"
#include "engine/certificate/subject_of.h"
#include "engine/pipeline/run_request.h"
#include "engine/surrogate/family.h"
#include "engine/surrogate/model_differences.h"
#include "engine/surrogate/surrogate_text.h"

#include <utility>

namespace blockcert::pipeline {

OtherModel openOther(const std::string& surrogate, const OpenedModel& opened, const ModelCache::State& state)
{
    const std::string model = surrogate::parseSurrogate(surrogate).model;
    if (model.empty())
        return {};
    OtherModel other{std::make_shared<artifact::Checkpoint>(
                         artifact::Checkpoint::open(artifact::resolveModel(model, state.host.locations))),
                     {}};
    const artifact::Checkpoint& own = *opened.checkpoint;
    surrogate::requireSameShape(own.name(), own.config(), other.checkpoint->name(), other.checkpoint->config());
    other.differences = surrogate::modelDifferences(own, *other.checkpoint);
    return other;
}

std::vector<std::string> notesOn(const OtherModel& other)
{
    std::vector<std::string> notes;
    for (const std::string& difference : other.differences)
        notes.push_back("The surrogates' model " + other.checkpoint->name() + " is another one: " + difference + ".");
    return notes;
}

void reportNotes(const OtherModel& other, const RunContext& context)
{
    if (!other.checkpoint)
        return;
    Progress progress;
    progress.stage = "compare";
    progress.done = progress.total = 1;
    progress.unit = "models";
    if (!other.differences.empty())
        progress.detail = Json{{"notes", notesOn(other)}}.dump();
    context.step(progress);
}

Surrogates openSurrogates(const std::string& surrogate, const OtherModel& other, const OpenedModel& opened,
                          const ModelCache::State& state, RunManifest& manifest, const RunContext& context)
{
    if (other.checkpoint) {
        other.checkpoint->hashFiles(context);
        manifest.surrogateHint = hintOf(surrogate::parseSurrogate(surrogate).model);
        manifest.surrogateModel = {certificate::subjectOf(*other.checkpoint), other.differences};
    }
    return {*opened.checkpoint, manifest.request, other.checkpoint, state.weightDigests};
}

}
