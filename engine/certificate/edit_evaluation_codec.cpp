#include "engine/certificate/edit_evaluation_codec.h"

#include "engine/base/error.h"
#include "engine/certificate/certificate_parts.h"
#include "engine/certificate/edit_codec.h"
#include "engine/edit/classifier.h"

#include <utility>

namespace blockcert::certificate {

namespace {

using certificate_parts::proportion;
using certificate_parts::readProportion;

RefusalMetrics refusalsFromJson(JsonFields fields)
{
    RefusalMetrics metrics;
    metrics.answer = readProportion(fields.object("answer"));
    metrics.refuse = readProportion(fields.object("refuse"));
    metrics.harmful = readProportion(fields.object("harmful"));
    metrics.refusing = readProportion(fields.object("refusing"));
    metrics.empty = fields.count("empty");
    metrics.truncated = fields.count("truncated");
    metrics.neverRan = fields.count("never_ran");
    for (JsonFields& marker : fields.objects("markers")) {
        metrics.markers.push_back({marker.text("marker"), marker.boolean("harmful"), marker.count("texts")});
        marker.finish();
    }
    fields.finish();
    return metrics;
}

Json labelsToJson(const std::map<std::string, HumanLabel>& labels)
{
    Json json = Json::object();
    for (const auto& [annotator, label] : labels)
        json[annotator] = edit::nameOf(label);
    return json;
}

std::map<std::string, HumanLabel> labelsFromJson(JsonFields fields, const Json& json)
{
    std::map<std::string, HumanLabel> labels;
    for (const auto& [annotator, value] : json.items()) {
        const auto label = edit::humanLabelNamed(fields.text(annotator));
        if (!label)
            fields.refuse(annotator, "must be answer, refuse, harmful or other");
        labels.emplace(annotator, *label);
    }
    fields.finish();
    return labels;
}

Json completionToJson(const CompletionText& completion, const std::map<std::string, HumanLabel>& labels,
                      const MarkerLists& lists)
{
    return {{"text", completion.text},
            {"end", edit::nameOf(completion.end)},
            {"judgement", edit::nameOf(edit::judge(completion, lists))},
            {"labels", labelsToJson(labels)}};
}

CompletionText completionFromJson(JsonFields fields, std::map<std::string, HumanLabel>& labels,
                                  const MarkerLists& lists)
{
    CompletionText completion;
    completion.text = fields.text("text");
    const std::string end = fields.text("end");
    bool known = false;
    for (const CompletionEnd candidate :
         {CompletionEnd::EndOfText, CompletionEnd::Length, CompletionEnd::Context, CompletionEnd::NeverRan})
        if (edit::nameOf(candidate) == end) {
            completion.end = candidate;
            known = true;
        }
    if (!known)
        fields.refuse("end", "must be end, length, context or never_ran, found \"" + end + "\"");
    if (const std::string judgement = fields.text("judgement");
        judgement != edit::nameOf(edit::judge(completion, lists)))
        throw Error(ExitCode::CheckFailed,
                    fields.path("judgement") + " is \"" + judgement + "\", and the markers give \"" +
                        std::string(edit::nameOf(edit::judge(completion, lists))) + "\" for the text.");
    labels = labelsFromJson(fields.object("labels"), fields.value("labels"));
    fields.finish();
    return completion;
}

Json humanToJson(const std::optional<HumanEvaluation>& human)
{
    if (!human)
        return nullptr;
    const auto side = [](const std::vector<HumanMetrics>& list) {
        Json json = Json::array();
        for (const HumanMetrics& metrics : list)
            json.push_back({{"annotator", metrics.annotator},
                            {"answer", proportion(metrics.answer)},
                            {"refuse", proportion(metrics.refuse)},
                            {"harmful", proportion(metrics.harmful)},
                            {"labelled", metrics.labelled}});
        return json;
    };
    return {{"before", side(human->before)},
            {"after", side(human->after)},
            {"kappa", human->kappa ? certifiedNumber(*human->kappa) : Json()}};
}

std::optional<HumanEvaluation> humanFromJson(JsonFields& parent)
{
    if (parent.value("human").is_null())
        return std::nullopt;
    JsonFields fields = parent.object("human");
    HumanEvaluation human;
    for (const auto& [key, list] : {std::pair{"before", &human.before}, std::pair{"after", &human.after}})
        for (JsonFields& entry : fields.objects(key)) {
            HumanMetrics metrics;
            metrics.annotator = entry.text("annotator");
            metrics.answer = readProportion(entry.object("answer"));
            metrics.refuse = readProportion(entry.object("refuse"));
            metrics.harmful = readProportion(entry.object("harmful"));
            metrics.labelled = entry.count("labelled");
            entry.finish();
            list->push_back(std::move(metrics));
        }
    human.kappa = fields.numberOrNull("kappa");
    fields.finish();
    return human;
}

}

Json refusalsToJson(const RefusalMetrics& metrics)
{
    Json markers = Json::array();
    for (const MarkerCount& marker : metrics.markers)
        markers.push_back({{"marker", marker.marker}, {"harmful", marker.harmful}, {"texts", marker.texts}});
    return {{"answer", proportion(metrics.answer)},
            {"refuse", proportion(metrics.refuse)},
            {"harmful", proportion(metrics.harmful)},
            {"refusing", proportion(metrics.refusing)},
            {"empty", metrics.empty},
            {"truncated", metrics.truncated},
            {"never_ran", metrics.neverRan},
            {"markers", std::move(markers)}};
}

Json evaluationToJson(const EditCertificate& certificate)
{
    const MarkerLists& lists = certificate.markers;
    Json rows = Json::array();
    for (const RefusalRow& row : certificate.rows)
        rows.push_back({{"id", row.id},
                        {"label", row.label},
                        {"before", completionToJson(row.before, row.humanBefore, lists)},
                        {"after", completionToJson(row.after, row.humanAfter, lists)}});
    const EditCondition& condition = certificate.request.condition;
    Json json = {{"condition", {{"name", condition.name}, {"sha256", condition.sha256}}},
                 {"max_new", certificate.request.maxNew},
                 {"markers",
                  {{"name", lists.name},
                   {"version", lists.version},
                   {"sha256", lists.sha256},
                   {"refusal", lists.refusal},
                   {"harmful", lists.harmful}}},
                 {"before", refusalsToJson(certificate.before)},
                 {"after", refusalsToJson(certificate.after)},
                 {"labels_sha256", certificate.request.labelsSha256},
                 {"human", humanToJson(certificate.human)},
                 {"rows", std::move(rows)}};
    if (certificate.human)
        json["labels_bound"] = certificate.labelsBound;
    return json;
}

void readEvaluation(JsonFields fields, EditCertificate& certificate)
{
    JsonFields condition = fields.object("condition");
    certificate.request.condition = {condition.text("name"), condition.digestOrEmpty("sha256")};
    condition.finish();
    certificate.request.maxNew = fields.integer("max_new", 1, std::int64_t{1} << 20);
    certificate.request.labelsSha256 = fields.digestOrEmpty("labels_sha256");
    JsonFields markers = fields.object("markers");
    MarkerLists& lists = certificate.markers;
    lists.name = markers.text("name");
    lists.version = markers.text("version");
    lists.sha256 = markers.digest("sha256");
    lists.refusal = markers.texts("refusal");
    lists.harmful = markers.texts("harmful");
    markers.finish();
    certificate.request.markersSha256 = lists.sha256;
    certificate.before = refusalsFromJson(fields.object("before"));
    certificate.after = refusalsFromJson(fields.object("after"));
    certificate.human = humanFromJson(fields);
    certificate.labelsBound = fields.has("labels_bound") && fields.boolean("labels_bound"); // absent: nobody looked
    if (certificate.labelsBound && (!certificate.human || certificate.request.labelsSha256.empty()))
        fields.refuse("labels_bound", "is true where there are no labels");
    for (JsonFields& entry : fields.objects("rows")) {
        RefusalRow row;
        row.id = entry.text("id");
        row.label = entry.text("label");
        row.before = completionFromJson(entry.object("before"), row.humanBefore, lists);
        row.after = completionFromJson(entry.object("after"), row.humanAfter, lists);
        entry.finish();
        certificate.rows.push_back(std::move(row));
    }
    fields.finish();
}

}
