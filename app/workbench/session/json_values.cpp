#include "app/workbench/session/json_values.h"

#include "app/workbench/process/json_reading.h"
#include "app/workbench/session/stitch_answer.h"
#include "engine/base/error.h"
#include "widgets/number_text.h"

#include <QFileInfo>

#include <algorithm>

namespace blockcert::workbench {
namespace {

using namespace Qt::StringLiterals;
using widgets::missing;

const Json& require(const Json& answer, const char* key, const char* answerName)
{
    if (!arrayOf(answer, key).empty() || (answer.is_object() && answer.contains(key) && answer[key].is_array()))
        return arrayOf(answer, key);
    throw FormatError(std::string("the answer to '") + answerName + "' has no list '" + key + "'");
}

std::vector<double> numbersOf(const Json& object, const char* key)
{
    std::vector<double> numbers;
    const Json& list = arrayOf(object, key);
    numbers.reserve(list.size());
    for (const Json& value : list)
        numbers.push_back(value.is_number() ? value.get<double>() : missing);
    return numbers;
}

// The tokenizer's own card tells which special tokens begin and end a text.
std::vector<widgets::Token> tokensOf(const Json& prompt, const std::optional<widgets::TokenizerCard>& tokenizer)
{
    const Json& ids = arrayOf(prompt, "token_ids");
    const Json& pieces = arrayOf(prompt, "pieces");
    const Json& special = arrayOf(prompt, "special");
    std::vector<widgets::Token> tokens;
    tokens.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        widgets::Token token;
        token.id = ids[i].is_number_integer() ? ids[i].get<std::int32_t>() : -1;
        if (i < pieces.size() && pieces[i].is_string())
            token.piece = QString::fromStdString(pieces[i].get_ref<const std::string&>());
        const bool isSpecial = i < special.size() && special[i].is_boolean() && special[i].get<bool>();
        if (isSpecial)
            token.kind = widgets::TokenKind::Special;
        if (isSpecial && tokenizer && tokenizer->bos == token.id)
            token.kind = widgets::TokenKind::Bos;
        else if (isSpecial && tokenizer && std::ranges::count(tokenizer->eos, token.id) > 0)
            token.kind = widgets::TokenKind::Eos;
        tokens.push_back(std::move(token));
    }
    return tokens;
}

widgets::TopFive topFiveOf(const Json& list)
{
    widgets::TopFive five;
    for (const Json& entry : list) {
        if (!entry.is_array() || entry.size() != 3)
            continue;
        widgets::Candidate candidate;
        candidate.id = entry[0].is_number_integer() ? entry[0].get<std::int32_t>() : -1;
        candidate.piece = entry[1].is_string() ? QString::fromStdString(entry[1].get<std::string>()) : QString();
        candidate.logit = entry[2].is_number() ? entry[2].get<double>() : missing;
        five.push_back(std::move(candidate));
    }
    return five;
}

std::vector<widgets::TopFive> topFivesOf(const Json& cell, const char* key)
{
    std::vector<widgets::TopFive> fives;
    for (const Json& list : arrayOf(cell, key))
        fives.push_back(topFiveOf(list));
    return fives;
}

CheckState checkStateOf(const QString& word)
{
    if (word == "verified"_L1)
        return CheckState::Verified;
    if (word == "failed"_L1)
        return CheckState::Failed;
    if (word == "weaker_than_policy"_L1)
        return CheckState::WeakerThanPolicy;
    return CheckState::NotChecked; // an unknown word claims nothing
}

QString scopeLineOf(const Json& scope)
{
    QStringList parts;
    if (const QString model = textOf(scope, "model"); !model.isEmpty())
        parts << model;
    if (const std::size_t blocks = arrayOf(scope, "blocks").size(); blocks > 0) {
        const qint64 layers = wholeOf(scope, "layers");
        parts << (layers > 0 ? u"%1 of %2 blocks"_s.arg(blocks).arg(layers) : u"%1 blocks"_s.arg(blocks));
    }
    const Json& prompts = objectOf(scope, "prompts");
    if (!prompts.empty())
        parts << u"%1 prompts of %2%3"_s.arg(wholeOf(prompts, "count"))
                     .arg(textOf(prompts, "name"), flagOf(prompts, "bundled") ? u" (bundled set, unmodified)"_s : u""_s)
              << u"%1 tokens"_s.arg(wholeOf(prompts, "tokens"));
    return widgets::shownName(parts.join(u" · "_s));
}

// Of the certificates that an edit names.
std::vector<int> certificateBlocksOf(const Json& edit)
{
    std::vector<int> blocks;
    for (const Json& entry : arrayOf(edit, "blocks"))
        if (const std::optional<int> block = indexOf(entry, "block"))
            blocks.push_back(*block);
    return blocks;
}

// The run's stitched models, after its prompts and thresholds.
void readRecorded(const Json& stitches, RunView& view)
{
    for (const Json& stitch : stitches) {
        RecordedStitch recorded{widgets::shownName(textOf(stitch, "name")), stitchSwitchesOf(stitch),
                                flagOf(stitch, "certified"), textOf(stitch, "kind") == "full-block"_L1};
        try {
            if (hasValue(stitch, "tokens"))
                recorded.result = std::make_shared<const StitchResult>(stitchResultOf(stitch, view));
        } catch (const FormatError& error) {
            view.problems << u"%1: %2."_s.arg(recorded.name, QString::fromUtf8(error.what()));
        }
        view.stitches.push_back(std::move(recorded));
    }
}

}

double numberOf(const Json& object, const char* key)
{
    if (const std::optional<double> number = realOf(object, key))
        return *number;
    return realOf(objectOf(object, key), "value").value_or(missing);
}

widgets::Thresholds thresholdsOf(const Json& policy)
{
    widgets::Thresholds thresholds;
    const auto read = [&policy](const char* key, double& value) {
        if (const double number = numberOf(policy, key); !widgets::isMissing(number))
            value = number;
    };
    read("tau_act", thresholds.tauAct);
    read("tau_rel", thresholds.tauRel);
    read("tau_loss", thresholds.tauLoss);
    read("alpha_act", thresholds.alphaAct);
    read("alpha_loss", thresholds.alphaLoss);
    thresholds.relativeDecides = textOf(policy, "error") == "relative-l2"_L1;
    return thresholds;
}

widgets::ModelCard modelCardOf(const Json& open)
{
    widgets::ModelCard card;
    card.name = textOf(open, "model");
    card.path = textOf(open, "path");
    card.container = textOf(open, "container");
    card.architecture = textOf(open, "architecture");
    const auto count = [&open](const char* key) { return indexOf(open, key).value_or(0); };
    card.layers = count("layers");
    card.dModel = count("d_model");
    card.heads = count("heads");
    card.kvHeads = count("kv_heads");
    card.headDim = count("head_dim");
    card.dFf = count("d_ff");
    card.vocab = wholeOf(open, "vocab");
    card.context = wholeOf(open, "context");
    card.tiedEmbeddings = flagOf(open, "tied_embeddings");
    card.parameters = wholeOf(open, "parameters");
    card.normEpsilon = numberOf(open, "norm_epsilon");
    const Json& rope = objectOf(open, "rope");
    card.ropeTheta = numberOf(rope, "theta");
    card.ropeScaling = textOf(rope, "scaling");
    card.configSha256 = textOf(open, "config_sha256");
    if (card.layers == 0 || card.name.isEmpty())
        throw FormatError("the answer to 'open' names no model or no layers");
    for (const Json& file : require(open, "files", "open"))
        card.files.push_back({textOf(file, "name"), sizeOf(file, "size"), textOf(file, "sha256")});
    for (const Json& tensor : require(open, "tensors", "open")) {
        widgets::TensorRow row{textOf(tensor, "name"),  textOf(tensor, "role"), textOf(tensor, "dtype"), {},
                               sizeOf(tensor, "bytes"), textOf(tensor, "file")};
        for (const Json& dimension : arrayOf(tensor, "shape"))
            row.shape.push_back(dimension.is_number_integer() ? dimension.get<qint64>() : 0);
        card.tensors.push_back(std::move(row));
    }
    for (const Json& share : arrayOf(open, "dtypes"))
        card.dtypes.push_back({textOf(share, "dtype"), wholeOf(share, "tensors"), sizeOf(share, "bytes")});
    if (const Json& tokenizer = objectOf(open, "tokenizer"); !tokenizer.empty()) {
        widgets::TokenizerCard view;
        view.kind = textOf(tokenizer, "kind");
        view.vocabulary = wholeOf(tokenizer, "vocabulary");
        if (hasValue(tokenizer, "bos"))
            view.bos = static_cast<std::int32_t>(wholeOf(tokenizer, "bos"));
        for (const Json& id : arrayOf(tokenizer, "eos"))
            view.eos.push_back(id.is_number_integer() ? id.get<std::int32_t>() : -1);
        view.chatTemplate = flagOf(tokenizer, "chat_template") || !textOf(tokenizer, "chat_template").isEmpty();
        card.tokenizer = std::move(view);
    }
    card.tokenizerProblem = textOf(open, "tokenizer_problem");
    card.fp32Bytes = sizeOf(objectOf(open, "memory"), "fp32_bytes");
    card.bf16Bytes = sizeOf(objectOf(open, "memory"), "bf16_bytes");
    card.warnings = textsOf(open, "warnings");
    return card;
}

widgets::PromptList promptListOf(const Json& tokenize, const std::optional<widgets::TokenizerCard>& tokenizer)
{
    widgets::PromptList list;
    list.name = widgets::shownName(textOf(tokenize, "name"));
    list.sha256 = textOf(tokenize, "sha256");
    list.bundled = flagOf(tokenize, "bundled");
    for (const Json& prompt : require(tokenize, "prompts", "tokenize")) {
        widgets::PromptRow row;
        row.id = widgets::shownName(textOf(prompt, "id"));
        row.rendered = textOf(prompt, "rendered");
        row.tokens = tokensOf(prompt, tokenizer);
        row.truncatedTokens = wholeOf(prompt, "truncated");
        row.label = textOf(prompt, "label");
        row.tags = textsOf(prompt, "tags");
        row.split = textOf(prompt, "split");
        list.prompts.push_back(std::move(row));
    }
    return list;
}

widgets::BlockRow blockRowOf(const Json& block)
{
    widgets::BlockRow row;
    row.block = indexOf(block, "block").value_or(0);
    row.state = flagOf(block, "certified") ? widgets::BlockState::Certified : widgets::BlockState::NotCertified;
    row.epsilon = numberOf(block, "epsilon");
    row.mae = numberOf(block, "mae");
    row.activationCoverage = numberOf(block, "activation_coverage");
    row.pathCoverage = numberOf(block, "path_coverage");
    row.lossCoverage = numberOf(block, "loss_coverage");
    const Json& relative = objectOf(block, "relative");
    row.relativeEpsilon = numberOf(relative, "epsilon");
    row.relativeMean = numberOf(relative, "mean");
    row.relativeCoverage = numberOf(relative, "coverage");
    const Json& quantiles = objectOf(block, "quantiles");
    row.q50 = numberOf(quantiles, "q50");
    row.q90 = numberOf(quantiles, "q90");
    row.q95 = numberOf(quantiles, "q95");
    row.q99 = numberOf(quantiles, "q99");
    const Json& worst = objectOf(block, "worst");
    if (!worst.empty())
        row.worst = {row.block, indexOf(worst, "prompt").value_or(-1), indexOf(worst, "token").value_or(-1)};
    row.worstPiece = textOf(worst, "piece");
    for (const Json& finding : arrayOf(block, "findings"))
        row.findings.push_back({textOf(finding, "code"), textOf(finding, "where"), numberOf(finding, "observed"),
                                numberOf(finding, "threshold")});
    return row;
}

widgets::MapCell mapCellOf(const Json& cell)
{
    widgets::MapCell values;
    values.error = numbersOf(cell, "error");
    values.relative = numbersOf(cell, "relative");
    values.errorAttention = numbersOf(cell, "error_attn");
    values.errorMlp = numbersOf(cell, "error_mlp");
    values.outputNorm = numbersOf(cell, "output_norm");
    values.margin = numbersOf(cell, "margin");
    for (const Json& head : arrayOf(cell, "margin_head"))
        values.marginHead.push_back(head.is_number_integer() ? head.get<int>() : -1);
    values.lossBase = numbersOf(cell, "loss_base");
    values.lossStitched = numbersOf(cell, "loss_stitched");
    values.topBase = topFivesOf(cell, "top_base");
    values.topStitched = topFivesOf(cell, "top_stitched");
    return values;
}

QString familyOf(const Json& request)
{
    const Json& surrogate = objectOf(request, "surrogate");
    QString text = textOf(surrogate, "family");
    const Json& parameters = objectOf(surrogate, "parameters");
    for (const char* key : {"rank", "matrices", "dtype"})
        if (hasValue(parameters, key))
            text += u':' + (parameters.at(key).is_string() ? textOf(parameters, key)
                                                           : QString::number(wholeOf(parameters, key)));
    return text.isEmpty() ? u"exact"_s : text;
}

QString ablationOf(const Json& request)
{
    const Json& ablation = objectOf(request, "ablation");
    QString text = textOf(ablation, "kind");
    if (const std::optional<double> scale = realOf(objectOf(ablation, "scale"), "value"); scale && !text.isEmpty())
        text += u':' + widgets::exactNumber(*scale);
    return text;
}

QString surrogateOf(const Json& request)
{
    const QString damage = ablationOf(request);
    return damage.isEmpty() ? familyOf(request) : familyOf(request) + u", "_s + damage;
}

namespace {

// A block that is measured on every prompt and has no certificate yet: its numbers are those of its cells.
void takeFromCells(widgets::BlockRow& row, const widgets::TokenMap& map)
{
    const int column = map.columnOf(row.block);
    if (row.state != widgets::BlockState::Waiting || column < 0 || map.prompts.empty())
        return;
    const auto at = static_cast<std::size_t>(column);
    for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt)
        if (!map.cell(at, prompt))
            return;
    double sum = 0;
    double relativeSum = 0;
    qint64 tokens = 0;
    qint64 within = 0;
    qint64 relatives = 0;
    qint64 relativeWithin = 0;
    for (std::size_t prompt = 0; prompt < map.prompts.size(); ++prompt) {
        const widgets::MapCell& cell = *map.cell(at, prompt);
        for (std::size_t token = 0; token < cell.error.size(); ++token) {
            const double error = cell.error[token];
            if (widgets::isMissing(error))
                continue;
            ++tokens;
            sum += error;
            within += error <= map.thresholds.tauAct ? 1 : 0;
            if (widgets::isMissing(row.epsilon) || error > row.epsilon) {
                row.epsilon = error;
                row.worst = {row.block, static_cast<int>(prompt), static_cast<int>(token)};
                row.worstPiece =
                    token < map.prompts[prompt].tokens.size() ? map.prompts[prompt].tokens[token].piece : QString();
            }
        }
        for (const double relative : cell.relative) {
            if (widgets::isMissing(relative))
                continue;
            ++relatives;
            relativeSum += relative;
            relativeWithin += relative <= map.thresholds.tauRel ? 1 : 0;
            row.relativeEpsilon = std::fmax(row.relativeEpsilon, relative); // fmax ignores what is missing
        }
    }
    if (tokens > 0) {
        row.mae = sum / static_cast<double>(tokens);
        row.activationCoverage = static_cast<double>(within) / static_cast<double>(tokens);
    }
    if (relatives > 0) {
        row.relativeMean = relativeSum / static_cast<double>(relatives);
        row.relativeCoverage = static_cast<double>(relativeWithin) / static_cast<double>(relatives);
    }
}

}

RunView runViewOf(const Json& show)
{
    RunView view;
    const Json& manifest = objectOf(show, "manifest");
    const Json& request = objectOf(manifest, "request");
    view.path = textOf(show, "run");
    view.name = QFileInfo(view.path).fileName();
    if (view.name.endsWith(".blockcert"_L1))
        view.name.chop(10);
    view.name = widgets::shownName(view.name);
    view.model = widgets::shownName(textOf(objectOf(manifest, "subject"), "model"));
    view.modelHint = textOf(manifest, "model_hint");
    view.prompts = widgets::shownName(textOf(objectOf(manifest, "prompts"), "name"));
    view.baselineDtype = textOf(request, "baseline_dtype");
    view.surrogate = surrogateOf(request);
    view.replayDtype = textOf(request, "replay_dtype");
    view.created = textOf(manifest, "created");
    view.command = textOf(show, "command");
    view.complete = flagOf(show, "complete");
    view.digest = textOf(show, "digest");
    view.resumable = flagOf(show, "resumable");
    view.problems = textsOf(show, "problems");
    view.damaged = flagOf(show, "damaged");
    view.settings = settingsOf(manifest, view.path);

    auto rows = std::make_shared<std::vector<widgets::BlockRow>>();
    for (const Json& block : require(show, "blocks", "show"))
        rows->push_back(blockRowOf(block));
    for (const Json& certificate : arrayOf(show, "certificates")) {
        if (const std::optional<int> block = indexOf(objectOf(certificate, "subject"), "block"))
            view.certificates[*block] = std::make_shared<const Json>(certificate);
    }

    view.layers = static_cast<int>(wholeOf(objectOf(manifest, "subject"), "layers"));
    auto map = std::make_shared<widgets::TokenMap>();
    map->model = view.model;
    map->run = view.name;
    map->thresholds = thresholdsOf(objectOf(request, "policy"));
    for (const Json& prompt : arrayOf(show, "prompts"))
        map->prompts.push_back({widgets::shownName(textOf(prompt, "id")), textOf(prompt, "rendered"),
                                tokensOf(prompt, std::nullopt), textsOf(prompt, "tags")});
    for (const Json& block : arrayOf(request, "blocks")) {
        if (block.is_number_integer() && block >= 0 && block < 100'000)
            map->blocks.push_back(block.get<int>());
    }
    if (map->blocks.empty()) {
        for (const widgets::BlockRow& row : *rows)
            map->blocks.push_back(row.block);
    }
    std::sort(map->blocks.begin(), map->blocks.end());
    map->blocks.erase(std::unique(map->blocks.begin(), map->blocks.end()), map->blocks.end());
    map->cells.resize(map->blocks.size() * map->prompts.size());
    for (const Json& cell : arrayOf(show, "cells")) {
        const int column = map->columnOf(indexOf(cell, "block").value_or(-1));
        const std::optional<int> prompt = indexOf(cell, "prompt");
        if (column >= 0 && prompt && static_cast<std::size_t>(*prompt) < map->prompts.size())
            map->cells[static_cast<std::size_t>(column) * map->prompts.size() + static_cast<std::size_t>(*prompt)] =
                std::make_shared<const widgets::MapCell>(mapCellOf(cell));
    }
    for (widgets::BlockRow& row : *rows)
        takeFromCells(row, *map);
    for (const int block : map->blocks) {
        const bool isThere = std::any_of(rows->begin(), rows->end(),
                                         [block](const widgets::BlockRow& row) { return row.block == block; });
        if (!isThere) {
            rows->emplace_back();
            rows->back().block = block;
            takeFromCells(rows->back(), *map);
        }
    }
    for (const Json& failure : arrayOf(objectOf(manifest, "state"), "failed_blocks")) {
        const std::optional<int> block = indexOf(failure, "block");
        for (widgets::BlockRow& row : *rows) {
            if (block == row.block && row.state == widgets::BlockState::Waiting) {
                row.state = widgets::BlockState::Refused;
                row.findings.push_back({textOf(failure, "code"), textOf(failure, "sentence"), missing, missing});
            }
        }
    }
    std::sort(rows->begin(), rows->end(),
              [](const widgets::BlockRow& a, const widgets::BlockRow& b) { return a.block < b.block; });
    view.map = std::move(map);
    view.blocks = std::move(rows);
    readRecorded(arrayOf(show, "stitches"), view);
    for (const Json& edit : arrayOf(show, "edits"))
        view.edits.push_back({widgets::shownName(textOf(edit, "name")),
                              widgets::shownName(textsOf(edit, "edits").join(u", "_s)), certificateBlocksOf(edit)});
    return view;
}

widgets::VerdictView verdictViewOf(const Json& verdict)
{
    const auto shown = [](const Json& object, const char* key) { return widgets::shownText(textOf(object, key)); };
    const auto allShown = [&verdict](const char* key) {
        QStringList texts = textsOf(verdict, key);
        std::ranges::transform(texts, texts.begin(), widgets::shownText);
        return texts;
    };
    widgets::VerdictView view;
    view.state = checkStateOf(textOf(verdict, "verdict"));
    view.level = static_cast<int>(std::clamp<qint64>(wholeOf(verdict, "level"), 0, 9));
    view.sentence = shown(verdict, "sentence");
    if (view.sentence.isEmpty())
        throw FormatError("the verdict has no sentence");
    view.scope = scopeLineOf(objectOf(verdict, "scope"));
    view.says = allShown("says");
    view.notChecked = allShown("not_checked");
    view.doesNotSay = allShown("does_not_say");
    view.seed = sizeOf(verdict, "seed");
    view.seconds = numberOf(verdict, "seconds");
    view.exitCode = static_cast<int>(wholeOf(verdict, "exit_code", 5));
    view.run = textOf(verdict, "run");
    view.digest = textOf(verdict, "digest");
    for (const Json& check : require(verdict, "checks", "verify"))
        view.checks.push_back({textOf(check, "id"), shown(check, "group"), shown(check, "where"), shown(check, "title"),
                               checkStateOf(textOf(check, "state")), shown(check, "issuer"), shown(check, "recomputed"),
                               shown(check, "how"), shown(check, "detail"), flagOf(check, "required", true)});
    return view;
}

}
