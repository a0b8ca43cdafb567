// Something a page shows that has to be fetched first, with every state it can be in.
#pragma once

#include "app/workbench/process/job.h"

#include <memory>
#include <utility>

namespace blockcert::workbench {

template <class T>
struct Loadable {
    enum class State { Empty, Loading, Ready, Failed };

    State state = State::Empty;
    std::shared_ptr<const T> value; // kept while something newer is being loaded
    JobFault fault;                 // of the state Failed
    JobId job = 0;                  // of the state Loading

    [[nodiscard]] bool isReady() const { return state == State::Ready; }

    [[nodiscard]] bool isLoading() const { return state == State::Loading; }

    void begin(JobId id)
    {
        state = State::Loading;
        job = id;
        fault = {};
    }

    void fill(T loaded)
    {
        value = std::make_shared<const T>(std::move(loaded));
        state = State::Ready;
        job = 0;
    }

    void fail(JobFault why)
    {
        value.reset();
        fault = std::move(why);
        state = State::Failed;
        job = 0;
    }

    void clear() { *this = {}; }
};

}
