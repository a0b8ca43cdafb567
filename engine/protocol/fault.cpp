#include "engine/protocol/fault.h"

#include <filesystem>
#include <new>

namespace blockcert::protocol {

namespace {

std::string kindOf(const Error& error)
{
    if (dynamic_cast<const FileError*>(&error))
        return "file";
    if (dynamic_cast<const FormatError*>(&error))
        return "format";
    if (dynamic_cast<const ShapeError*>(&error))
        return "shape";
    if (dynamic_cast<const UnsupportedError*>(&error))
        return "unsupported";
    if (dynamic_cast<const UsageError*>(&error))
        return "usage";
    if (dynamic_cast<const ResourceError*>(&error))
        return "resource";
    if (dynamic_cast<const NumericError*>(&error))
        return "numeric";
    return "internal";
}

}

Fault describeFault(const std::exception_ptr& thrown)
{
    try {
        std::rethrow_exception(thrown);
    } catch (const Cancelled&) {
        throw;
    } catch (const Error& error) {
        return {error.what(), kindOf(error), error.exitCode()};
    } catch (const std::bad_alloc&) {
        return {
            "The memory of this machine is used up; ask for fewer blocks or prompts at a time, or for --dtype bf16.",
            "resource", ExitCode::ResourceLimit};
    } catch (const std::filesystem::filesystem_error& error) {
        return {error.path1().string() + ": " + error.code().message() + ".", "file", ExitCode::InputUnreadable};
    } catch (const std::exception& error) {
        return {std::string("An unexpected error stopped the work: ") + error.what(), "internal", ExitCode::Incomplete};
    } catch (...) {
        return {"An unexpected error without a message stopped the work.", "internal", ExitCode::Incomplete};
    }
}

Json faultToJson(const Fault& fault)
{
    return {{"message", fault.sentence}, {"kind", fault.kind}, {"exit_code", static_cast<int>(fault.exitCode)}};
}

}
