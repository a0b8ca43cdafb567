#include "engine/model/weight_arena.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstdint>
#include <sys/mman.h>

namespace blockcert::model {

namespace {

constexpr std::size_t largePage = std::size_t{2} << 20;
constexpr std::size_t alignment = 64; // of a tensor, as LibTorch's own
constexpr std::size_t mostTensors = 64;

std::size_t roundUp(std::size_t value, std::size_t step)
{
    return (value + step - 1) / step * step;
}

}

// Begins at a multiple of a large page.
class WeightArena::Mapping {
public:
    explicit Mapping(std::size_t bytes)
        : m_size(bytes + largePage)
        , m_memory(::mmap(nullptr, m_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    {
        if (!isMapped())
            return;
        const auto address = reinterpret_cast<std::uintptr_t>(m_memory);
        m_skipped = roundUp(address, largePage) - address;
        m_bytes = bytes;
        (void)::madvise(begin(), m_bytes, MADV_HUGEPAGE); // advice alone
    }

    ~Mapping()
    {
        if (isMapped())
            ::munmap(m_memory, m_size);
    }

    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;

    [[nodiscard]] bool isMapped() const { return m_memory != MAP_FAILED; }

    [[nodiscard]] std::byte* begin() const { return static_cast<std::byte*>(m_memory) + m_skipped; }

    [[nodiscard]] std::size_t size() const { return m_bytes; }

private:
    std::size_t m_size;
    void* m_memory;
    std::size_t m_skipped = 0;
    std::size_t m_bytes = 0;
};

WeightArena::WeightArena(std::size_t bytes, const at::TensorOptions& options)
    : m_options(options)
{
    if (!options.device().is_cpu() || bytes < largePage)
        return;
    m_mapping = std::make_shared<Mapping>(bytes + mostTensors * alignment);
    if (!m_mapping->isMapped())
        m_mapping.reset();
}

at::Tensor WeightArena::take(at::IntArrayRef sizes)
{
    std::size_t bytes = m_options.dtype().itemsize();
    for (const std::int64_t size : sizes)
        bytes *= static_cast<std::size_t>(size);
    if (!m_mapping || m_used + bytes > m_mapping->size())
        return at::empty(sizes, m_options);
    std::byte* const place = m_mapping->begin() + m_used;
    m_used += roundUp(bytes, alignment);
    return at::from_blob(
        place, sizes, [kept = m_mapping](void*) {}, m_options);
}

}
