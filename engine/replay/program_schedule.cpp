#include "engine/replay/program_schedule.h"

#include "engine/base/error.h"

#include <algorithm>
#include <map>

namespace blockcert::replay {

namespace {

bool touchesScores(const ir::Operation& operation)
{
    return std::holds_alternative<ir::Scores>(operation) || std::holds_alternative<ir::MaskedSoftmax>(operation) ||
           std::holds_alternative<ir::Mix>(operation);
}

}

std::vector<std::string> inputsOf(const ir::Operation& operation)
{
    return std::visit(
        [](const auto& op) -> std::vector<std::string> {
            if constexpr (requires { op.query; })
                return {op.query, op.key};
            else if constexpr (requires { op.value; })
                return {op.weights, op.value};
            else if constexpr (requires { op.a; })
                return {op.a, op.b};
            else
                return {op.in};
        },
        operation);
}

const std::string& outputOf(const ir::Operation& operation)
{
    return std::visit([](const auto& op) -> const std::string& { return op.out; }, operation);
}

std::vector<Step> scheduleOf(const ir::BlockProgram& program)
{
    const std::map<std::string, ir::RegisterShape> shapes = ir::registerShapes(program);
    std::map<std::string, std::size_t> lastRead; // register -> operation
    for (std::size_t i = 0; i < program.operations.size(); ++i)
        for (const std::string& name : inputsOf(program.operations[i]))
            lastRead[name] = i;

    std::vector<Step> steps;
    for (std::size_t i = 0; i < program.operations.size();) {
        Step step{i, i + 1, touchesScores(program.operations[i]), {}};
        while (step.attention && step.end < program.operations.size() && touchesScores(program.operations[step.end]))
            ++step.end;
        i = step.end;
        steps.push_back(step);
    }

    for (Step& step : steps)
        for (std::size_t i = step.begin; i < step.end; ++i) {
            const std::string& written = outputOf(program.operations[i]);
            if (shapes.at(written).scores && lastRead.contains(written) && lastRead.at(written) >= step.end)
                throw UnsupportedError("program of block " + std::to_string(program.layer.value) + ": the scores " +
                                       written + " are read by operation " + std::to_string(lastRead.at(written) + 1) +
                                       ", which does not follow those that make them; write the attention's operations "
                                       "one after the other");
            for (const std::string& name : inputsOf(program.operations[i]))
                if (!shapes.at(name).scores && lastRead.at(name) < step.end)
                    step.finished.push_back(name);
        }
    for (Step& step : steps) {
        std::sort(step.finished.begin(), step.finished.end());
        step.finished.erase(std::unique(step.finished.begin(), step.finished.end()), step.finished.end());
        std::erase_if(step.finished,
                      [](const std::string& name) { return name == "attn" || name == "mlp" || name == "y"; });
    }
    return steps;
}

}
