#include "app/workbench/session/saved_lab.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/edit_words.h"
#include "engine/base/error.h"

#include <algorithm>

namespace blockcert::workbench {

namespace {

constexpr const char* schema = "blockcert.lab/1";
constexpr std::size_t mostSteps = 1000; // as in a patch file

}

QByteArray savedLabText(const EditLab& lab)
{
    const LabSettings& settings = lab.settings();
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
    const Json saved = {{"schema", schema},
                        {"model", settings.model.toStdString()},
                        {"dtype", settings.dtype.toStdString()},
                        {"prompts", settings.prompts.toStdString()},
                        {"heldout", settings.heldout.toStdString()},
                        {"condition", settings.condition.toStdString()},
                        {"markers", settings.markers.toStdString()},
                        {"max_new", settings.maxNew},
                        {"slot", lab.edits().slot()},
                        {"stacks", std::move(stacks)}};
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
        LabSettings& settings = saved.settings;
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
