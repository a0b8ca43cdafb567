#include "widgets/values.h"

namespace blockcert::widgets {

namespace {

double at(const std::vector<double>& values, std::size_t token)
{
    return token < values.size() ? values[token] : missing;
}

}

double valueOf(const MapCell& cell, Metric metric, std::size_t token, const Thresholds& thresholds)
{
    switch (metric) {
    case Metric::Error: return at(cell.error, token);
    case Metric::AttentionPart: return at(cell.errorAttention, token);
    case Metric::MlpPart: return at(cell.errorMlp, token);
    case Metric::Relative: return at(cell.relative, token);
    case Metric::Coverage: {
        const double error = at(cell.error, token);
        const double value = thresholds.relativeDecides ? at(cell.relative, token) : error;
        const double threshold = thresholds.relativeDecides ? thresholds.tauRel : thresholds.tauAct;
        if (isMissing(threshold)) // a difference of two runs covers nothing
            return missing;
        // An output of norm 0 has no relative error: it is covered by no threshold.
        if (isMissing(value))
            return thresholds.relativeDecides && error > 0 && at(cell.outputNorm, token) == 0 ? 0.0 : missing;
        return value <= threshold ? 1.0 : 0.0;
    }
    case Metric::LossDifference: return at(cell.lossStitched, token) - at(cell.lossBase, token);
    case Metric::Kl: return at(cell.kl, token);
    case Metric::Margin: return at(cell.margin, token);
    }
    return missing;
}

bool isMeasured(const TokenMap& map, Metric metric)
{
    for (std::size_t column = 0; column < map.blocks.size(); ++column)
        for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt)
            if (const MapCell* cell = map.cell(column, prompt))
                for (std::size_t token = 0; token < map.prompts[prompt].tokens.size(); ++token)
                    if (!isMissing(valueOf(*cell, metric, token, map.thresholds)))
                        return true;
    return false;
}

}
