// The words of the field in a few sentences each, for whoever meets them for the first time.
#pragma once

#include <QString>

#include <array>
#include <cstdint>

namespace blockcert::widgets {

enum class Term : std::uint8_t {
    Surrogate,
    Error,
    Epsilon,
    Coverage,
    LossCoverage,
    Certificate,
    VerificationLevel,
    EditError,
    FinalDeviation,
    Divergence,
    Interval,
};

inline constexpr std::array allTerms{Term::Surrogate,      Term::Error,       Term::Epsilon,           Term::Coverage,
                                     Term::LossCoverage,   Term::Certificate, Term::VerificationLevel, Term::EditError,
                                     Term::FinalDeviation, Term::Divergence,  Term::Interval};

[[nodiscard]] QString termName(Term term); // "ε", "coverage"
// What it is, how it is computed, and what it does not say.
[[nodiscard]] QString termText(Term term);

}
