#include "engine/base/sha256.h"

#include "engine/base/error.h"
#include "engine/base/run_context.h"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace blockcert {

namespace {

constexpr std::size_t chunkBytes = 1U << 20U;

std::array<std::byte, 8> littleEndian(std::uint64_t value)
{
    std::array<std::byte, 8> bytes{};
    for (std::byte& byte : bytes) {
        byte = static_cast<std::byte>(value & 0xFFU);
        value >>= 8U;
    }
    return bytes;
}

// Closes a descriptor at the end of a scope.
class OpenDescriptor {
public:
    explicit OpenDescriptor(int descriptor)
        : m_descriptor(descriptor)
    {
    }

    ~OpenDescriptor() { ::close(m_descriptor); }

    OpenDescriptor(const OpenDescriptor&) = delete;
    OpenDescriptor& operator=(const OpenDescriptor&) = delete;

private:
    int m_descriptor;
};

std::string digestOf(int descriptor, const std::string& name, const RunContext& context)
{
    struct stat status {};

    if (::fstat(descriptor, &status) != 0)
        throw FileError("Cannot inspect " + name + ": " + std::strerror(errno) + ".");
    if (!S_ISREG(status.st_mode))
        throw FileError("Cannot hash " + name + ": it is not a regular file.");
    Sha256 digest;
    std::vector<std::byte> chunk(chunkBytes);
    Progress progress{
        .stage = "hash", .done = 0, .total = status.st_size, .block = {}, .prompt = {}, .unit = "bytes", .detail = {}};
    while (true) {
        const ssize_t count = ::pread(descriptor, chunk.data(), chunk.size(), progress.done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw FileError("Cannot read " + name + " at byte " + std::to_string(progress.done) + ": " +
                            std::strerror(errno) + ".");
        if (count == 0)
            break;
        digest.add(std::span(chunk).first(static_cast<std::size_t>(count)));
        progress.done += count;
        context.step(progress);
    }
    return digest.finish();
}

}

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();

    State()
    {
        if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1)
            throw ResourceError("SHA-256 could not be started; OpenSSL is out of memory or misconfigured.");
    }

    ~State() { EVP_MD_CTX_free(context); }

    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

Sha256::Sha256()
    : m_state(std::make_unique<State>())
{
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::span<const std::byte> bytes)
{
    if (EVP_DigestUpdate(m_state->context, bytes.data(), bytes.size()) != 1)
        throw ResourceError("SHA-256 failed while adding bytes.");
}

void Sha256::add(std::string_view text)
{
    add(std::as_bytes(std::span(text.data(), text.size())));
}

std::string Sha256::finish()
{
    std::array<unsigned char, 32> digest{};
    unsigned int length = 0;
    if (EVP_DigestFinal_ex(m_state->context, digest.data(), &length) != 1 || length != digest.size())
        throw ResourceError("SHA-256 could not be finished.");
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * digest.size());
    for (const unsigned char byte : digest) {
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

std::string sha256Of(std::string_view bytes)
{
    return sha256Of(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

std::string sha256Of(std::span<const std::byte> bytes)
{
    Sha256 digest;
    digest.add(bytes);
    return digest.finish();
}

std::string sha256OfFile(const std::filesystem::path& path, const RunContext& context)
{
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe is not waited for
    if (descriptor < 0)
        throw FileError("Cannot open " + path.string() + ": " + std::strerror(errno) + ".");
    const OpenDescriptor owner(descriptor);
    return digestOf(descriptor, path.string(), context);
}

std::string sha256OfDescriptor(int descriptor, const RunContext& context)
{
    return digestOf(descriptor, "an open file", context);
}

std::string sha256OfTensor(const HostTensor& tensor)
{
    static constexpr std::string_view domain("blockcert.tensor.v1\0", 20);
    Sha256 digest;
    digest.add(domain);
    digest.add(nameOf(tensor.dtype));
    digest.add(std::string_view("\0", 1));
    digest.add(littleEndian(tensor.shape.size()));
    for (const std::int64_t dimension : tensor.shape)
        digest.add(littleEndian(static_cast<std::uint64_t>(dimension)));
    digest.add(tensor.bytes);
    return digest.finish();
}

}
