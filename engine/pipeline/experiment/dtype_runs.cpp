#include "engine/pipeline/experiment/dtype_runs.h"

#include "engine/base/run_context.h"

#include <algorithm>

namespace blockcert::pipeline {

std::vector<std::string> dtypesOf(const ExperimentOptions& options)
{
    const std::vector<std::string> beside =
        options.besideDtypes.empty() ? std::vector<std::string>{"fp32", "bf16", "fp16"} : options.besideDtypes;
    std::vector<std::string> dtypes = {options.shared.value("dtype", "fp32")};
    for (const std::string& dtype : beside)
        if (std::ranges::find(dtypes, dtype) == dtypes.end())
            dtypes.push_back(dtype);
    return dtypes;
}

std::vector<SubRun> planDtypes(const ExperimentOptions& options, const PlannedModel&)
{
    std::vector<SubRun> runs;
    for (const std::string& dtype : dtypesOf(options)) {
        Json parameters = certifyParameters(options);
        parameters["dtype"] = dtype;
        runs.push_back({dtype, std::move(parameters)});
    }
    return runs;
}

std::vector<DtypeBlock> readDtypeBlocks(const ExperimentResults& results)
{
    std::vector<DtypeBlock> blocks;
    for (const std::string& dtype : dtypesOf(results.options)) {
        const SubRunResult& run = results.run(dtype);
        for (const Certificate& certificate : readRunNumbers(run.folder).certificates) {
            results.context.step();
            blocks.push_back({dtype, certificate, readTokenNumbers(run.folder, certificate, results.childProgram)});
        }
    }
    return blocks;
}

std::string scopeOverDtypes(const ExperimentResults& results)
{
    const std::vector<std::string> dtypes = dtypesOf(results.options);
    std::string all;
    for (const std::string& dtype : dtypes)
        all += (all.empty() ? "" : ", ") + dtype;
    std::string scope = scopeOf(results.numbers(dtypes.front()).run);
    const std::string one = " · " + dtypes.front() + " baseline";
    if (const auto at = scope.rfind(one); at != std::string::npos)
        scope.replace(at, one.size(), " · " + all + " baseline");
    return scope;
}

std::string blockName(const DtypeBlock& block)
{
    return "block " + std::to_string(block.certificate.block.value);
}

}
