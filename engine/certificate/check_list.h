// Collects the rows of a verdict and derives its state: one failure fails, one gap leaves it incomplete.
#pragma once

#include "engine/values/verdict.h"

#include <string>
#include <string_view>
#include <vector>

namespace blockcert::certificate {

// Groups of the check list, in the order in which a reader should meet them.
namespace group {
inline constexpr std::string_view integrity = "integrity";
inline constexpr std::string_view consistency = "consistency";
inline constexpr std::string_view reEvaluation = "re-evaluation";
inline constexpr std::string_view policy = "policy";
inline constexpr std::string_view provenance = "provenance";
}

// One row under construction: `CheckList::add(row("sums.sha256", group::integrity, "run.json", "File digest")
// .issuer(…).recomputed(…).how("re-hashed").passedIf(…, "why not"))`.
class Row {
public:
    Row(std::string_view id, std::string_view group, std::string_view where, std::string_view title);

    Row& issuer(std::string text);
    Row& recomputed(std::string text);
    Row& how(std::string text);
    Row& note(std::string text); // a detail that does not change the state
    Row& optional();             // not required at the level asked for
    Row& passedIf(bool holds, std::string_view problem);
    Row& failed(std::string_view problem);
    Row& notChecked(std::string_view reason);
    Row& weaker(std::string_view reason);

    [[nodiscard]] const Check& check() const { return m_check; }

private:
    Check m_check;
};

class CheckList {
public:
    void add(const Row& row) { m_checks.push_back(row.check()); }

    void append(const CheckList& other);

    [[nodiscard]] const std::vector<Check>& checks() const { return m_checks; }

    [[nodiscard]] bool anyFailed() const;
    [[nodiscard]] bool failed(std::string_view id, std::string_view where) const;
    // True if there is such a row and it is Verified.
    [[nodiscard]] bool verified(std::string_view id) const;

    // Failed > Not checked (a required row) > Weaker than policy > Verified. Level 0 alone is never Verified.
    [[nodiscard]] CheckState state(int level) const;
    // docs/run-directory.md, "Exit codes": 1, or 3 if nothing failed but what could not be read; 5; 6; 0.
    [[nodiscard]] int exitCode(int level) const;

private:
    std::vector<Check> m_checks;
};

// The shortest decimal that reads back as the same double.
[[nodiscard]] std::string exactText(double value);
[[nodiscard]] std::string exactText(std::int64_t value);
// "block 7"
[[nodiscard]] std::string blockText(std::int32_t block);
// "3 prompts", "1 prompt"
[[nodiscard]] std::string counted(std::int64_t count, std::string_view singular);

}
