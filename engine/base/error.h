// The faults of this project: every failure a user can meet derives from Error and carries one sentence.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace blockcert {

// Exit codes of every program (docs/run-directory.md, "Exit codes").
enum class ExitCode : int {
    Ok = 0,
    CheckFailed = 1,
    Usage = 2,
    InputUnreadable = 3,
    Unsupported = 4,
    Incomplete = 5,
    PolicyNotMet = 6,
    ResourceLimit = 7,
    Interrupted = 130,
};

// what() is one sentence for the user: what, where, which value, what to do.
class Error : public std::runtime_error {
public:
    Error(ExitCode code, const std::string& sentence)
        : std::runtime_error(sentence)
        , m_code(code)
    {
    }

    [[nodiscard]] ExitCode exitCode() const noexcept { return m_code; }

private:
    ExitCode m_code;
};

// A file that cannot be opened or read.
class FileError : public Error {
public:
    explicit FileError(const std::string& sentence)
        : Error(ExitCode::InputUnreadable, sentence)
    {
    }

protected:
    using Error::Error;
};

// A result that cannot be written where it was asked for: nothing is wrong with what was read.
class OutputError : public FileError {
public:
    explicit OutputError(const std::string& sentence)
        : FileError(ExitCode::ResourceLimit, sentence)
    {
    }
};

// Bytes that are not what their format demands; the sentence names the file and the byte offset or line.
class FormatError : public Error {
public:
    explicit FormatError(const std::string& sentence)
        : Error(ExitCode::InputUnreadable, sentence)
    {
    }
};

// A tensor whose shape or dtype is not the expected one.
class ShapeError : public Error {
public:
    explicit ShapeError(const std::string& sentence)
        : Error(ExitCode::InputUnreadable, sentence)
    {
    }
};

// Well-formed input that this version does not implement; the sentence names the key and value.
class UnsupportedError : public Error {
public:
    explicit UnsupportedError(const std::string& sentence)
        : Error(ExitCode::Unsupported, sentence)
    {
    }
};

// An option or a combination of options that makes no sense.
class UsageError : public Error {
public:
    explicit UsageError(const std::string& sentence)
        : Error(ExitCode::Usage, sentence)
    {
    }
};

// A limit of memory, disk, size or time.
class ResourceError : public Error {
public:
    explicit ResourceError(const std::string& sentence)
        : Error(ExitCode::ResourceLimit, sentence)
    {
    }
};

// A computation that produced a value which may not be used, such as a NaN in a baseline.
class NumericError : public Error {
public:
    explicit NumericError(const std::string& sentence)
        : Error(ExitCode::CheckFailed, sentence)
    {
    }
};

// The user pressed Stop. Not an Error: nothing went wrong.
class Cancelled : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "cancelled"; }
};

}
