// Pieces that the reports of several verbs are made of.
#pragma once

#include "app/terminal/number_words.h"
#include "app/terminal/program.h"
#include "app/terminal/text_style.h"
#include "engine/base/strict_json.h"

#include <string>

namespace blockcert::terminal {

// A number as `shown` writes it; a dash for null.
[[nodiscard]] std::string orDash(const Json& value, std::string (*shown)(double) = threeDigits);

// One line a sentence, or more where it is wider than the page.
[[nodiscard]] std::string bullets(const Json& sentences, const Page& page);
// The same below a title; nothing without a sentence.
[[nodiscard]] std::string titledBullets(const Json& sentences, const std::string& title, Tone tone, const Page& page);

// Where a certificate that was added to a run lies, and the command that checks it: the report's last lines.
[[nodiscard]] std::string addedToRun(const Json& result, const Page& page);

}
