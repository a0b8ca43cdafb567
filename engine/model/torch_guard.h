// Turns what LibTorch throws into this project's errors; every entry point of the LibTorch rooms goes through it.
#pragma once

#include "engine/base/error.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <new>
#include <string>

namespace blockcert::model {

[[noreturn]] inline void rethrowAsError(const c10::Error& error)
{
    const std::string text = error.what_without_backtrace();
    if (text.find("not enough memory") != std::string::npos ||
        text.find("can't allocate memory") != std::string::npos || text.find("out of memory") != std::string::npos)
        throw ResourceError("not enough memory for a tensor: " + text +
                            "; use fewer or shorter prompts, a 16-bit --dtype, or a machine with more memory");
    throw Error(ExitCode::Incomplete, "LibTorch reported a fault: " + text);
}

// Runs `work` without gradient bookkeeping; c10::Error and std::bad_alloc leave as blockcert::Error.
template <class Work>
decltype(auto) guarded(Work&& work)
{
    try {
        const c10::InferenceMode inference;
        return work();
    } catch (const c10::Error& error) {
        rethrowAsError(error);
    } catch (const std::bad_alloc&) {
        throw ResourceError("not enough memory; use fewer or shorter prompts, a 16-bit --dtype, or a machine with more "
                            "memory");
    }
}

}
