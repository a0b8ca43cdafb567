#include "widgets/values.h"

namespace blockcert::widgets {

namespace {

double at(const std::vector<double>& values, std::size_t token)
{
    return token < values.size() ? values[token] : missing;
}

}

double valueOf(const MapCell& cell, Metric metric, std::size_t token)
{
    switch (metric) {
    case Metric::Error: return at(cell.error, token);
    case Metric::AttentionPart: return at(cell.errorAttention, token);
    case Metric::MlpPart: return at(cell.errorMlp, token);
    case Metric::Relative: return at(cell.relative, token);
    case Metric::LossDifference: return at(cell.lossStitched, token) - at(cell.lossBase, token);
    case Metric::Margin: return at(cell.margin, token);
    }
    return missing;
}

}
