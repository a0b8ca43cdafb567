// What every verb that verifies takes from its command line and from the program around it.
#pragma once

#include "app/command_line/parsed_command.h"
#include "engine/certificate/verify.h"

namespace blockcert::cli {

// Model, seed (drawn anew if none is given), threads, and where this program and its models are.
void setSurroundings(certificate::VerifyOptions& options, const command_line::ParsedCommand& command);

}
