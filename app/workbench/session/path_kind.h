// What a dropped or given path is, from its name and the names beside it.
#pragma once

#include <QString>

namespace blockcert::workbench {

enum class PathKind {
    Model,       // a folder with weights, a .gguf, .safetensors or .safetensors.index.json file, "demo", org/name
    Run,         // a folder with run.json, or one that calls itself a run
    Runs,        // a folder with runs in it
    Certificate, // a certificate.json
    Prompts,     // .jsonl, .txt or .csv
    Patch,       // any other .json
    Missing,     // looks like a path, and nothing is there
    Special,     // a device, a pipe or a socket: not a regular file
    Unknown,
};

// Looks at names only; opens nothing.
[[nodiscard]] PathKind kindOf(const QString& path);

}
