// The evaluation of an edit certificate as JSON: condition, markers, completions, labels and what is counted over them.
#pragma once

#include "engine/certificate/json_fields.h"
#include "engine/values/edit_certificate.h"

namespace blockcert::certificate {

[[nodiscard]] Json evaluationToJson(const EditCertificate& certificate);
// Fills condition, maxNew, labelsSha256, markers, rows and metrics.
void readEvaluation(JsonFields fields, EditCertificate& certificate);

}
