// Which blocks' losses a verification recomputed: what its rows say of it, for the report and the window alike.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace blockcert {

// Level 4 judges what losses count for by the model's own, give or take the baseline's rounding (loss.rounding); where
// that is not weighed, as of gradients, the recorded ones have to be the model's.
class RecomputedLosses {
public:
    // A row of a verdict, in any order; `where` is the block's.
    void see(std::string_view id, std::string_view where, bool verified)
    {
        if (id == "loss.tokens" || id == "loss.gradients")
            m_areWhole = verified;
        else if (id == "model.loss_stitched" || id == "model.first_order")
            m_areModels[std::string(where)] = verified;
        else if (id == "loss.rounding") { // under the run's own policy, and under a given one
            const auto [row, isFirst] = m_weighed.try_emplace(std::string(where), verified);
            row->second = row->second && verified;
        }
    }

    // The `where` of every block whose losses were recomputed, and not only counted.
    [[nodiscard]] std::vector<std::string> blocks() const
    {
        std::vector<std::string> found;
        for (const auto& [where, areModels] : m_areModels) {
            const auto weighed = m_weighed.find(where);
            if (areModels && (weighed == m_weighed.end() ? m_areWhole : weighed->second))
                found.push_back(where);
        }
        return found;
    }

private:
    bool m_areWhole = false;
    std::map<std::string, bool> m_areModels;
    std::map<std::string, bool> m_weighed;
};

}
