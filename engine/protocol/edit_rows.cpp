#include "engine/protocol/edit_rows.h"

#include "engine/certificate/edit_codec.h"
#include "engine/certificate/edit_layout.h"
#include "engine/edit/patch_check.h"

#include <algorithm>

namespace blockcert::protocol {

Json plainNumbers(const Json& value)
{
    if (value.is_object() && value.size() == 2 && value.contains("hex") && value.contains("value"))
        return value.at("value");
    if (!value.is_structured())
        return value;
    Json copy = value;
    for (Json& item : copy)
        item = plainNumbers(item);
    return copy;
}

Json editRow(const EditCertificate& certificate)
{
    Json result = plainNumbers(certificate::editToJson(certificate));
    const EditEffect& effect = certificate.effect;
    double epsilon = 0;
    for (const EditedBlockError& block : effect.blocks)
        epsilon = std::max(epsilon, block.error.largest);
    Json steps = Json::array();
    for (const PatchStep& step : certificate.request.patch.steps)
        steps.push_back(edit::textOf(step));
    const auto optional = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
    result["path"] = certificate::editCertificatePath(certificate.name);
    result["edits"] = std::move(steps);
    result["epsilon_edit"] = epsilon;
    result["final_deviation"] = {{"pre_norm", effect.finalPre.largest}, {"post_norm", effect.finalPost.largest}};
    result["amplification"] = {{"pre_norm", optional(effect.amplificationPre)},
                               {"post_norm", optional(effect.amplificationPost)}};
    const auto accuracy = [](const RefusalMetrics& metrics) {
        return Json{{"answer", metrics.answer.share.total > 0 ? Json(metrics.answer.share.value()) : Json()},
                    {"refuse", metrics.refuse.share.total > 0 ? Json(metrics.refuse.share.value()) : Json()}};
    };
    result["accuracy"] = {{"before", accuracy(certificate.before)}, {"after", accuracy(certificate.after)}};
    return result;
}

}
