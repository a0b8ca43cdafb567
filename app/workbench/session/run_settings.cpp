#include "app/workbench/session/run_settings.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/json_values.h"
#include "widgets/number_text.h"

#include <QCoreApplication>
#include <QRegularExpression>

#include <algorithm>
#include <numeric>
#include <set>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;

QString tr(const char* text)
{
    return QCoreApplication::translate("RunSettings", text);
}

Json policyParameters(const RunSettings& settings)
{
    const widgets::Thresholds& policy = settings.policy;
    Json parameters = {{"tau_act", policy.tauAct},
                       {"tau_loss", policy.tauLoss},
                       {"alpha_act", policy.alphaAct},
                       {"alpha_loss", policy.alphaLoss},
                       {"error", policy.relativeDecides ? "relative-l2" : "l2"}};
    if (settings.tauRelGiven)
        parameters["tau_rel"] = policy.tauRel;
    return parameters;
}

}

QString typedFormat(const QString& text)
{
    bool hasLine = false;
    for (const QStringView line : QStringView(text).split(u'\n')) {
        if (line.trimmed().isEmpty())
            continue;
        if (!line.trimmed().startsWith(u'{'))
            return u"txt"_s;
        hasLine = true;
    }
    return hasLine ? u"jsonl"_s : u"txt"_s;
}

Json certifyParameters(const RunSettings& settings, bool resume)
{
    Json parameters = {{"model", settings.model.toStdString()},
                       {"blocks", settings.blocks.toStdString()},
                       {"out", settings.out.toStdString()},
                       {"dtype", settings.dtype.toStdString()},
                       {"replay_dtype", settings.replayDtype.toStdString()},
                       {"loss", settings.loss.toStdString()},
                       {"embed_weights", settings.embedWeights},
                       {"max_tokens", settings.maxTokens},
                       {"policy", policyParameters(settings)}};
    if (settings.prompts.kind == PromptChoice::Kind::Typed) {
        parameters["content"] = settings.prompts.text.toStdString();
        parameters["format"] = typedFormat(settings.prompts.text).toStdString();
        parameters["name"] = "typed";
    } else {
        parameters["prompts"] = settings.prompts.name.toStdString();
    }
    if (settings.surrogate != "exact"_L1)
        parameters["surrogate"] = settings.surrogate.toStdString();
    if (!settings.ablation.isEmpty())
        parameters["ablate"] = settings.ablation.toStdString();
    if (settings.weights != "baseline"_L1)
        parameters["weights"] = settings.weights.toStdString();
    if (settings.seed != 0)
        parameters["seed"] = settings.seed;
    if (resume)
        parameters["resume"] = true;
    return parameters;
}

namespace {

// What cannot be seen as escaped bytes inside $'…', as the command line writes it (app/command_line/shell_word.h): the
// command can be shown, and pasted.
QString ansiWord(const QString& word)
{
    QString text;
    for (const char32_t c : word.toStdU32String()) {
        const QString one = QString::fromUcs4(&c, 1);
        if (one == widgets::shownName(one)) {
            text += (c == U'\'' || c == U'\\' ? u"\\"_s : QString()) + one;
            continue;
        }
        for (const char byte : one.toUtf8())
            text += u"\\x%1"_s.arg(static_cast<uchar>(byte), 2, 16, QLatin1Char('0'));
    }
    return u"$'"_s + text + u'\'';
}

}

QString shellCommand(const QStringList& words)
{
    static const QRegularExpression plain(u"^[A-Za-z0-9_@%+=:,./-]+$"_s);
    QStringList quoted;
    for (const QString& word : words) {
        if (plain.match(word).hasMatch())
            quoted << word;
        else if (word != widgets::shownName(word))
            quoted << ansiWord(word);
        else
            quoted << u'\'' + QString(word).replace(u"'"_s, u"'\\''"_s) + u'\'';
    }
    return quoted.join(u' ');
}

QString certifyCommand(const RunSettings& settings, bool resume)
{
    const RunSettings defaults;
    const widgets::Thresholds usual;
    QStringList words{u"blockcert"_s, u"certify"_s,          settings.model, u"--blocks"_s, settings.blocks,
                      u"--prompts"_s, settings.prompts.name, u"-o"_s,        settings.out};
    const auto option = [&words](const QString& name, const QString& value) { words << name << value; };
    if (settings.dtype != defaults.dtype)
        option(u"--dtype"_s, settings.dtype);
    if (settings.replayDtype != defaults.replayDtype)
        option(u"--replay-dtype"_s, settings.replayDtype);
    if (settings.loss != defaults.loss)
        option(u"--loss"_s, settings.loss);
    if (settings.surrogate != defaults.surrogate)
        option(u"--surrogate"_s, settings.surrogate);
    if (!settings.ablation.isEmpty())
        option(u"--ablate"_s, settings.ablation);
    if (settings.weights != defaults.weights)
        option(u"--weights"_s, settings.weights);
    if (settings.seed != defaults.seed)
        option(u"--seed"_s, QString::number(settings.seed));
    if (settings.embedWeights)
        words << u"--embed-weights"_s;
    if (settings.maxTokens != defaults.maxTokens)
        option(u"--max-tokens"_s, QString::number(settings.maxTokens));
    const auto threshold = [&](const QString& name, double value, double standard) {
        if (value != standard)
            option(name, widgets::exactNumber(value));
    };
    threshold(u"--tau-act"_s, settings.policy.tauAct, usual.tauAct);
    threshold(u"--tau-loss"_s, settings.policy.tauLoss, usual.tauLoss);
    if (settings.tauRelGiven)
        option(u"--tau-rel"_s, widgets::exactNumber(settings.policy.tauRel));
    threshold(u"--alpha-act"_s, settings.policy.alphaAct, usual.alphaAct);
    threshold(u"--alpha-loss"_s, settings.policy.alphaLoss, usual.alphaLoss);
    if (settings.policy.relativeDecides)
        option(u"--error"_s, u"relative-l2"_s);
    if (resume)
        words << u"--resume"_s;
    return shellCommand(words);
}

namespace {

// What stands between $' and ' in a command, from `i` on, which then points at the closing quote. Escaped bytes are
// UTF-8 (app/command_line/shell_word.h).
QString ansiQuoted(const QString& command, qsizetype& i)
{
    QByteArray bytes;
    for (; i < command.size() && command[i] != u'\''; ++i) {
        const bool escape = command[i] == u'\\' && i + 1 < command.size();
        if (escape)
            ++i;
        if (escape && command[i] == u'x') {
            bytes += static_cast<char>(QStringView(command).mid(i + 1, 2).toInt(nullptr, 16));
            i += 2;
        } else if (escape && (command[i] == u'n' || command[i] == u't')) {
            bytes += command[i] == u'n' ? '\n' : '\t';
        } else {
            const qsizetype size = command[i].isHighSurrogate() && i + 1 < command.size() ? 2 : 1;
            bytes += QStringView(command).mid(i, size).toUtf8();
            i += size - 1;
        }
    }
    return QString::fromUtf8(bytes);
}

}

QStringList shellWords(const QString& command)
{
    QStringList words;
    QString word;
    bool isWord = false;
    QChar quote;
    for (qsizetype i = 0; i < command.size(); ++i) {
        const QChar c = command[i];
        if (!quote.isNull()) {
            if (c == quote)
                quote = QChar();
            else if (c == u'\\' && quote == u'"' && i + 1 < command.size())
                word += command[++i];
            else
                word += c;
        } else if (c == u'$' && i + 1 < command.size() && command[i + 1] == u'\'') {
            i += 2;
            word += ansiQuoted(command, i);
            isWord = true;
        } else if (c == u'\'' || c == u'"') {
            quote = c;
            isWord = true;
        } else if (c == u'\\' && i + 1 < command.size()) {
            word += command[++i];
            isWord = true;
        } else if (c.isSpace()) {
            if (isWord)
                words << word;
            word.clear();
            isWord = false;
        } else {
            word += c;
            isWord = true;
        }
    }
    if (isWord)
        words << word;
    return words;
}

std::optional<RunSettings> settingsOf(const Json& manifest, const QString& runPath)
{
    const QStringList words = shellWords(textOf(manifest, "command"));
    const qsizetype verb = words.indexOf(u"certify"_s);
    const qsizetype promptsAt = words.indexOf(u"--prompts"_s);
    if (verb < 0 || verb + 1 >= words.size() || promptsAt < 0 || promptsAt + 1 >= words.size())
        return std::nullopt;
    const Json& request = objectOf(manifest, "request");
    const auto dtype = [&request](const char* key) { return u"fp"_s + textOf(request, key).mid(1); };
    RunSettings settings;
    settings.model = words[verb + 1];
    settings.prompts.name = words[promptsAt + 1];
    settings.prompts.kind =
        flagOf(objectOf(manifest, "prompts"), "bundled") ? PromptChoice::Kind::Bundled : PromptChoice::Kind::File;
    std::vector<int> blocks;
    for (const Json& block : arrayOf(request, "blocks")) {
        if (block.is_number_integer())
            blocks.push_back(block.get<int>());
    }
    settings.blocks = blocksText(blocks, static_cast<int>(wholeOf(objectOf(manifest, "subject"), "layers")));
    settings.out = runPath;
    settings.dtype = textOf(request, "baseline_dtype") == "BF16"_L1 ? u"bf16"_s : dtype("baseline_dtype");
    settings.replayDtype = dtype("replay_dtype");
    settings.loss = textOf(request, "loss");
    settings.surrogate = familyOf(request);
    // run.json says that blocks of another model stand in, the command line which.
    const qsizetype surrogateAt = words.indexOf(u"--surrogate"_s);
    if (settings.surrogate == "checkpoint"_L1 && surrogateAt >= 0 && surrogateAt + 1 < words.size())
        settings.surrogate = words[surrogateAt + 1];
    settings.ablation = ablationOf(request);
    settings.weights = textOf(request, "weights");
    settings.embedWeights = flagOf(request, "embed_weights");
    settings.seed = sizeOf(request, "seed");
    settings.maxTokens = static_cast<int>(wholeOf(request, "max_tokens", settings.maxTokens));
    settings.policy = thresholdsOf(objectOf(request, "policy"));
    settings.tauRelGiven = settings.policy.tauRel != defaultTauRel(settings.dtype);
    return settings;
}

BlockChoice parseBlocks(const QString& text, int layers)
{
    if (text.trimmed().isEmpty())
        return {};
    if (text.trimmed() == "all"_L1) {
        BlockChoice all;
        all.blocks.resize(static_cast<std::size_t>(std::max(layers, 0)));
        std::iota(all.blocks.begin(), all.blocks.end(), 0);
        return all;
    }
    static const QRegularExpression part(u"^\\s*(\\d{1,6})\\s*(?:-\\s*(\\d{1,6})\\s*)?$"_s);
    std::set<int> blocks;
    for (const QString& piece : text.split(u',')) {
        const QRegularExpressionMatch match = part.match(piece);
        if (!match.hasMatch())
            return {{},
                    piece.trimmed().isEmpty()
                        ? tr("A block is missing beside a comma; blocks are chosen as in 0,5,10-12.")
                        : tr("“%1” is neither a block nor a range, as in 0,5,10-12.").arg(piece.trimmed())};
        const int first = match.captured(1).toInt();
        const int last = match.captured(2).isEmpty() ? first : match.captured(2).toInt();
        if (last < first)
            return {{}, tr("The range %1 runs backwards.").arg(piece.trimmed())};
        if (last >= layers)
            return {{}, tr("There is no block %1: this model has 0 to %2.").arg(last).arg(layers - 1)};
        for (int block = first; block <= last; ++block)
            blocks.insert(block);
    }
    return {std::vector<int>(blocks.begin(), blocks.end()), {}};
}

QString blocksText(const std::vector<int>& blocks, int layers)
{
    if (static_cast<int>(blocks.size()) == layers && layers > 0)
        return u"all"_s;
    QStringList parts;
    for (std::size_t i = 0; i < blocks.size();) {
        std::size_t end = i + 1;
        while (end < blocks.size() && blocks[end] == blocks[end - 1] + 1)
            ++end;
        parts << (end - i == 1 ? QString::number(blocks[i]) : u"%1-%2"_s.arg(blocks[i]).arg(blocks[end - 1]));
        i = end;
    }
    return parts.join(u',');
}

double defaultTauRel(const QString& dtype)
{
    return dtype == "bf16"_L1 ? 2e-2 : dtype == "fp16"_L1 ? 5e-3 : 1e-5;
}

QString claimSentence(const RunSettings& settings, int blocks, const ClaimScope& claimed)
{
    const widgets::Thresholds& policy = settings.policy;
    const QString scope =
        claimed.prompts > 0 ? tr("on these %1 tokens of %2")
                                  .arg(widgets::countText(claimed.tokens))
                                  .arg(claimed.prompts == 1 ? tr("one prompt") : tr("%1 prompts").arg(claimed.prompts))
                            : tr("on the chosen prompts");
    const double tau =
        policy.relativeDecides ? (settings.tauRelGiven ? policy.tauRel : defaultTauRel(settings.dtype)) : policy.tauAct;
    const QString made =
        settings.ablation.isEmpty() ? settings.surrogate : u"%1, %2"_s.arg(settings.surrogate, settings.ablation);
    const QString surrogate = made == "exact"_L1 ? tr("the surrogate") : tr("the surrogate (%1)").arg(made);
    QString sentence =
        tr("For each of %1 blocks: whether %7 stays within %2 %3 of the %4 baseline for a share of at least "
           "%5 of the tokens, measured %6.")
            .arg(blocks)
            .arg(policy.relativeDecides ? tr("relative error") : u"τ ="_s, widgets::exactNumber(tau), settings.dtype,
                 widgets::exactNumber(policy.alphaAct), scope, surrogate);
    if (settings.loss == "none"_L1)
        sentence += u' ' + tr("Losses are not measured, so no block can be certified under a loss threshold.");
    else if (settings.loss == "first-order"_L1)
        sentence += u' ' + tr("How the loss changes is estimated to first order: no coverage follows from that, so no "
                              "block can be certified under a loss threshold.");
    else
        sentence += u' ' + tr("Loss coverage has to reach %1 at τ_loss = %2.")
                               .arg(widgets::exactNumber(policy.alphaLoss), widgets::exactNumber(policy.tauLoss));
    return sentence + u' ' + tr("It will say nothing about other prompts.");
}

}
