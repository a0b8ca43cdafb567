// What the verbs that leave something behind have in common: they record when and by which command it was made.
#pragma once

#include "app/command_line/equivalent_command.h"
#include "app/command_line/parsed_command.h"
#include "app/terminal/program.h"
#include "app/terminal/surroundings.h"
#include "engine/pipeline/pipeline.h"

#include <utility>

namespace blockcert::engine {

// Works off `options`, which come from the command's parameters; `recorded` are those that the result depends on.
template <class Options>
terminal::VerbResult recordedVerb(const pipeline::Host& host, const command_line::ParsedCommand& command,
                                  const Json& recorded, Options options,
                                  Json (*work)(const Options&, pipeline::ModelCache&, const RunContext&),
                                  const RunContext& context)
{
    const double begin = terminal::steadySeconds();
    options.created = terminal::creationTime();
    options.commandLine = command_line::equivalentCommand(*command.verb, recorded);
    pipeline::ModelCache cache(host);
    Json result = work(options, cache, context);
    result["seconds"] = terminal::steadySeconds() - begin;
    return {std::move(result), 0};
}

}
