#include "app/workbench/process/job.h"

namespace blockcert::workbench {

JobId nextJobId()
{
    static JobId last = 0;
    return ++last;
}

}
