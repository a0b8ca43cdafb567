// The charts of the lab: a measured quantity against α, and the deviation after every block.
#pragma once

#include "app/workbench/session/edit_lab.h"
#include "engine/figure/figure.h"
#include "widgets/value_table.h"

#include <QString>

#include <optional>
#include <vector>

namespace blockcert::workbench {

enum class CurveQuantity : std::uint8_t { LocalError, FinalDeviation, HeldoutKl, HeldoutPerplexity, Accuracy };

inline constexpr CurveQuantity allCurveQuantities[] = {CurveQuantity::LocalError, CurveQuantity::FinalDeviation,
                                                       CurveQuantity::HeldoutKl, CurveQuantity::HeldoutPerplexity,
                                                       CurveQuantity::Accuracy};

[[nodiscard]] QString quantityName(CurveQuantity quantity);

// What charts say about where their numbers come from.
struct EditScope {
    QString model;
    QString what;          // "block 15: MLP × α, none, refusal"
    QString strength = {}; // whose it is that a curve is drawn against; empty: there is one alone
};

// Points are measurements; a dashed line between them is named interpolated. `now`: a rule at the strength as it is.
[[nodiscard]] figure::Figure curveFigure(const std::vector<CurvePoint>& points, CurveQuantity quantity,
                                         std::optional<double> now, const EditScope& scope);
// How many of the points have the quantity.
[[nodiscard]] int countOf(const std::vector<CurvePoint>& points, CurveQuantity quantity);

// Mean and largest ‖h′ − h‖₂ after every block; of the other slot as well where it is there.
[[nodiscard]] figure::Figure layersFigure(const DownstreamEffect& effect, const DownstreamEffect* other,
                                          const QString& otherName, const EditScope& scope);

// Held-out prompts, worst first; the row's order is worstFirst().
[[nodiscard]] widgets::ValueRows sideEffectRows(const DownstreamEffect& effect);
[[nodiscard]] figure::Figure sideEffectFigure(const DownstreamEffect& effect, const EditScope& scope);

}
