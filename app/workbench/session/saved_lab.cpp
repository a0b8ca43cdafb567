#include "app/workbench/session/saved_lab.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/edit_words.h"
#include "engine/base/error.h"

#include <algorithm>

namespace blockcert::workbench {

namespace {

constexpr const char* schema = "blockcert.lab/1";
constexpr std::size_t mostSteps = 1000; // as in a patch file
constexpr std::size_t mostIssued = 20;  // newer ones are kept

Json jsonOf(const LabSettings& settings)
{
    return {{"model", settings.model.toStdString()},
            {"dtype", settings.dtype.toStdString()},
            {"prompts", settings.prompts.toStdString()},
            {"heldout", settings.heldout.toStdString()},
            {"condition", settings.condition.toStdString()},
            {"markers", settings.markers.toStdString()},
            {"max_new", settings.maxNew}};
}

LabSettings settingsOf(const Json& json)
{
    LabSettings settings;
    const auto word = [&](const char* key, QString& value) {
        if (const QString written = textOf(json, key); !written.isEmpty())
            value = written;
    };
    word("model", settings.model);
    word("dtype", settings.dtype);
    word("prompts", settings.prompts);
    word("heldout", settings.heldout);
    word("condition", settings.condition);
    word("markers", settings.markers);
    if (const std::optional<int> maxNew = indexOf(json, "max_new"); maxNew && *maxNew > 0)
        settings.maxNew = std::min(*maxNew, 512);
    return settings;
}

Json jsonOf(const AskedSweep& sweep)
{
    Json conditions = Json::array();
    for (const QString& condition : sweep.spec.conditions)
        conditions.push_back(condition.toStdString());
    return {{"blocks", sweep.spec.blocks.toStdString()},
            {"alphas", sweep.spec.alphas.toStdString()},
            {"target", sweep.spec.target.toStdString()},
            {"conditions", std::move(conditions)},
            {"max_new", sweep.spec.maxNew},
            {"out", sweep.spec.out.toStdString()},
            {"settings", jsonOf(sweep.settings)}};
}

std::optional<AskedSweep> sweepOf(const Json& json)
{
    AskedSweep sweep;
    sweep.spec.blocks = textOf(json, "blocks");
    sweep.spec.alphas = textOf(json, "alphas");
    sweep.spec.target = textOf(json, "target");
    sweep.spec.conditions = textsOf(json, "conditions");
    sweep.spec.maxNew = indexOf(json, "max_new").value_or(sweep.spec.maxNew);
    sweep.spec.out = textOf(json, "out");
    sweep.settings = settingsOf(objectOf(json, "settings"));
    return sweep.spec.out.isEmpty() || sweep.spec.conditions.isEmpty() ? std::nullopt : std::optional(sweep);
}

}

QByteArray savedLabText(const EditLab& lab, const std::optional<AskedSweep>& sweep,
                        const std::vector<IssuedEdit>& issued)
{
    Json stacks = Json::array();
    for (const int slot : {0, 1}) {
        Json steps = Json::array();
        for (const EditStep& step : lab.edits().stack(slot)) {
            Json words = wordsOf(step);
            if (!step.isEnabled)
                words["off"] = true;
            steps.push_back(std::move(words));
        }
        stacks.push_back(std::move(steps));
    }
    Json certificates = Json::array();
    for (std::size_t at = issued.size() > mostIssued ? issued.size() - mostIssued : 0; at < issued.size(); ++at)
        certificates.push_back({{"run", issued[at].run.toStdString()},
                                {"name", issued[at].name.toStdString()},
                                {"of", issued[at].key.toStdString()},
                                {"sentence", issued[at].sentence.toStdString()}});
    Json saved = jsonOf(lab.settings());
    saved["schema"] = schema;
    saved["slot"] = lab.edits().slot();
    saved["stacks"] = std::move(stacks);
    saved["sweep"] = sweep ? jsonOf(*sweep) : Json();
    saved["issued"] = std::move(certificates);
    return QByteArray::fromStdString(saved.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::optional<SavedLab> savedLabOf(const QByteArray& text)
{
    if (text.isEmpty())
        return std::nullopt;
    try {
        const Json json = parseStrictJson(text.toStdString(), "lab");
        if (textOf(json, "schema") != QLatin1StringView(schema))
            return std::nullopt;
        SavedLab saved;
        saved.settings = settingsOf(json);
        if (hasValue(json, "sweep"))
            saved.sweep = sweepOf(objectOf(json, "sweep"));
        for (const Json& one : arrayOf(json, "issued"))
            if (saved.issued.size() < mostIssued)
                saved.issued.push_back({textOf(one, "run"), textOf(one, "name"), false, widgets::missing,
                                        textOf(one, "of"), textOf(one, "sentence")});
        saved.slot = indexOf(json, "slot").value_or(0) == 1 ? 1 : 0;
        const Json& stacks = arrayOf(json, "stacks");
        for (std::size_t slot = 0; slot < std::min<std::size_t>(2, stacks.size()); ++slot) {
            if (!stacks[slot].is_array())
                return std::nullopt;
            for (const Json& words : stacks[slot]) {
                std::optional<EditStep> step = stepOfWords(words);
                if (!step || saved.stacks[slot].size() >= mostSteps)
                    return std::nullopt;
                step->isEnabled = !words.contains("off");
                saved.stacks[slot].push_back(std::move(*step));
            }
        }
        return saved;
    } catch (const Error&) {
        return std::nullopt;
    }
}

}
