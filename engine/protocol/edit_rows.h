// One edit as `blockcert edit` and `show` give it: its certificate in plain numbers, with what is asked for most in
// front.
#pragma once

#include "engine/base/strict_json.h"
#include "engine/values/edit_certificate.h"

namespace blockcert::protocol {

// Certified numbers as plain ones, all the way down.
[[nodiscard]] Json plainNumbers(const Json& value);

// epsilon_edit, final_deviation, amplification, accuracy, touched and the certificate's own fields, plain.
[[nodiscard]] Json editRow(const EditCertificate& certificate);

}
