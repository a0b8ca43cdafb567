#include "engine/certificate/check_list.h"

#include <algorithm>
#include <charconv>

namespace blockcert::certificate {

Row::Row(std::string_view id, std::string_view group, std::string_view where, std::string_view title)
{
    m_check.id = id;
    m_check.group = group;
    m_check.where = where;
    m_check.title = title;
}

Row& Row::issuer(std::string text)
{
    m_check.issuer = std::move(text);
    return *this;
}

Row& Row::recomputed(std::string text)
{
    m_check.recomputed = std::move(text);
    return *this;
}

Row& Row::how(std::string text)
{
    m_check.how = std::move(text);
    return *this;
}

Row& Row::note(std::string text)
{
    m_check.detail = std::move(text);
    return *this;
}

Row& Row::optional()
{
    m_check.required = false;
    return *this;
}

Row& Row::passedIf(bool holds, std::string_view problem)
{
    if (!holds)
        return failed(problem);
    m_check.state = CheckState::Verified;
    return *this;
}

Row& Row::failed(std::string_view problem)
{
    m_check.state = CheckState::Failed;
    m_check.detail = problem;
    return *this;
}

Row& Row::notChecked(std::string_view reason)
{
    m_check.state = CheckState::NotChecked;
    m_check.detail = reason;
    return *this;
}

Row& Row::weaker(std::string_view reason)
{
    m_check.state = CheckState::WeakerThanPolicy;
    m_check.detail = reason;
    return *this;
}

void CheckList::append(const CheckList& other)
{
    m_checks.insert(m_checks.end(), other.m_checks.begin(), other.m_checks.end());
}

bool CheckList::anyFailed() const
{
    return std::any_of(m_checks.begin(), m_checks.end(),
                       [](const Check& check) { return check.state == CheckState::Failed; });
}

bool CheckList::failed(std::string_view id, std::string_view where) const
{
    return std::any_of(m_checks.begin(), m_checks.end(), [&](const Check& check) {
        return check.state == CheckState::Failed && check.id == id && check.where == where;
    });
}

bool CheckList::verified(std::string_view id) const
{
    return std::any_of(m_checks.begin(), m_checks.end(),
                       [&](const Check& check) { return check.state == CheckState::Verified && check.id == id; });
}

CheckState CheckList::state(int level) const
{
    if (anyFailed())
        return CheckState::Failed;
    const auto gap = [](const Check& check) { return check.required && check.state == CheckState::NotChecked; };
    if (level == 0 || m_checks.empty() || std::any_of(m_checks.begin(), m_checks.end(), gap))
        return CheckState::NotChecked;
    const auto weaker = [](const Check& check) { return check.state == CheckState::WeakerThanPolicy; };
    return std::any_of(m_checks.begin(), m_checks.end(), weaker) ? CheckState::WeakerThanPolicy : CheckState::Verified;
}

int CheckList::exitCode(int level) const
{
    switch (state(level)) {
    case CheckState::Verified: return 0;
    case CheckState::NotChecked: return 5;
    case CheckState::WeakerThanPolicy: return 6;
    case CheckState::Failed: break;
    }
    const bool onlyMalformed = std::all_of(m_checks.begin(), m_checks.end(), [](const Check& check) {
        return check.state != CheckState::Failed || check.id.starts_with("structure.");
    });
    return onlyMalformed ? 3 : 1;
}

std::string exactText(double value)
{
    char buffer[32];
    return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

std::string exactText(std::int64_t value)
{
    return std::to_string(value);
}

std::string blockText(std::int32_t block)
{
    return "block " + std::to_string(block);
}

std::string counted(std::int64_t count, std::string_view singular)
{
    return std::to_string(count) + " " + std::string(singular) + (count == 1 ? "" : "s");
}

}
