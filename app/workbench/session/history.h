// The places one has been to, one after the other, as a browser keeps them.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace blockcert::workbench {

// Place needs ==. Plain value; keeps the newest `most` places.
template <class Place>
class History {
public:
    explicit History(std::size_t most = 100)
        : m_most(most)
    {
    }

    // A step to another place: what lay ahead is forgotten. Nothing if it is where one is.
    void visit(Place place)
    {
        if (!m_places.empty() && m_places[m_at] == place)
            return;
        if (!m_places.empty())
            m_places.resize(m_at + 1);
        m_places.push_back(std::move(place));
        if (m_places.size() > m_most)
            m_places.erase(m_places.begin());
        m_at = m_places.size() - 1;
    }

    // Where one is has changed without a step: a moved cursor.
    void update(Place place)
    {
        if (m_places.empty())
            visit(std::move(place));
        else
            m_places[m_at] = std::move(place);
    }

    [[nodiscard]] bool canGoBack() const { return m_at > 0; }

    [[nodiscard]] bool canGoForward() const { return m_at + 1 < m_places.size(); }

    // Only where canGoBack() or canGoForward() holds.
    const Place& back() { return m_places[--m_at]; }

    const Place& forward() { return m_places[++m_at]; }

private:
    std::vector<Place> m_places;
    std::size_t m_at = 0;
    std::size_t m_most;
};

}
