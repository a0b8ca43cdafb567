#include "engine/artifact/file_hashes.h"

#include "engine/base/run_context.h"
#include "engine/base/sha256.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>

namespace blockcert::artifact {

namespace {

constexpr std::size_t threadCount = 2; // enough to keep a disk busy; more would compete with a running job

// Shared by the hashing threads. The caller's progress function is entered by one of them at a time.
class Hashing {
public:
    Hashing(const std::vector<std::shared_ptr<const InputFile>>& inputs, const std::vector<WeightFile>& files,
            const RunContext& context)
        : m_inputs(inputs)
        , m_context(context)
        , m_digests(files.size())
    {
        for (std::size_t i = 0; i < files.size(); ++i) {
            m_digests[i] = files[i].sha256;
            if (m_digests[i].empty()) {
                m_waiting.push_back(i);
                m_total += static_cast<std::int64_t>(files[i].size);
            }
        }
    }

    void run()
    {
        std::array<std::exception_ptr, threadCount> faults;
        {
            std::vector<std::jthread> threads;
            const std::size_t count = std::min(threadCount, m_waiting.size());
            for (std::size_t i = 1; i < count; ++i)
                threads.emplace_back([this, &fault = faults[i]] { work(fault); });
            if (count > 0)
                work(faults[0]);
        }
        for (const std::exception_ptr& fault : faults) {
            if (fault)
                std::rethrow_exception(fault);
        }
    }

    [[nodiscard]] std::vector<std::string> digests() const { return m_digests; }

private:
    void work(std::exception_ptr& fault)
    {
        try {
            for (std::size_t next = m_next++; next < m_waiting.size() && !m_failed; next = m_next++)
                hash(m_waiting[next]);
        } catch (...) {
            fault = std::current_exception();
            m_failed = true;
        }
    }

    void hash(std::size_t file)
    {
        std::int64_t before = 0; // of this file, already counted
        const RunContext counted({}, [&](const Progress& progress) {
            const std::lock_guard lock(m_mutex);
            m_done += progress.done - before;
            before = progress.done;
            Progress whole = progress;
            whole.done = m_done;
            whole.total = m_total;
            m_context.step(whole);
        });
        m_digests[file] = sha256OfDescriptor(m_inputs[file]->descriptor(), counted);
        m_inputs[file]->requireUnchanged();
    }

    const std::vector<std::shared_ptr<const InputFile>>& m_inputs;
    const RunContext& m_context;
    std::vector<std::string> m_digests;
    std::vector<std::size_t> m_waiting;
    std::atomic<std::size_t> m_next = 0;
    std::atomic<bool> m_failed = false;
    std::mutex m_mutex; // guards m_done and the caller's progress function
    std::int64_t m_done = 0;
    std::int64_t m_total = 0;
};

}

std::vector<std::string> sha256OfInputs(const std::vector<std::shared_ptr<const InputFile>>& inputs,
                                        const std::vector<WeightFile>& files, const RunContext& context)
{
    Hashing hashing(inputs, files, context);
    hashing.run();
    return hashing.digests();
}

}
