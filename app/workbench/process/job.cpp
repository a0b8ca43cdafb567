#include "app/workbench/process/job.h"

#include "app/workbench/process/json_reading.h"

namespace blockcert::workbench {

JobProgress progressOf(const Json& object)
{
    JobProgress progress;
    progress.stage = textOf(object, "stage");
    progress.done = wholeOf(object, "done");
    progress.total = wholeOf(object, "total");
    progress.unit = textOf(object, "unit");
    progress.block = indexOf(object, "block");
    progress.prompt = indexOf(object, "prompt");
    progress.elapsedSeconds = realOf(object, "elapsed_s").value_or(0);
    progress.rate = realOf(object, "rate");
    progress.etaSeconds = realOf(object, "eta_s");
    if (const Json& detail = objectOf(object, "detail"); !detail.empty())
        progress.detail = std::make_shared<const Json>(detail);
    return progress;
}

JobId nextJobId()
{
    static JobId last = 0;
    return ++last;
}

}
