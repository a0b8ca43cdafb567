#include "widgets/gallery/samples.h"

#include <QStringView>

#include <algorithm>
#include <cmath>

namespace blockcert::widgets::samples {

namespace {

// Uniform in [0, 1), a function of its arguments only.
double noise(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t salt)
{
    std::uint32_t h = a * 0x9E3779B1U ^ b * 0x85EBCA77U ^ c * 0xC2B2AE3DU ^ salt * 0x27D4EB2FU;
    h ^= h >> 15U;
    h *= 0x2C1B3C6DU;
    h ^= h >> 12U;
    h *= 0x297A2D39U;
    h ^= h >> 15U;
    return h / 4294967296.0;
}

// Splits at spaces and before punctuation, roughly as a tokenizer would; long words break in two.
std::vector<Token> split(const QString& text)
{
    std::vector<Token> tokens;
    QString piece;
    const auto flush = [&] {
        if (piece.isEmpty())
            return;
        std::uint32_t hash = 17;
        for (const QChar c : piece)
            hash = hash * 31 + c.unicode();
        tokens.push_back({static_cast<std::int32_t>(hash % 49000 + 20), piece, TokenKind::Ordinary});
        piece.clear();
    };
    for (const QChar c : text) {
        const bool punctuation = c == u',' || c == u'.' || c == u'?' || c == u'\n' || c == u'’';
        if (c == u' ' || punctuation || piece.size() >= 9)
            flush();
        piece += c;
        if (punctuation)
            flush();
    }
    flush();
    return tokens;
}

const QStringList& texts()
{
    static const QStringList list{
        QStringLiteral("The quick brown fox jumps over the lazy dog."),
        QStringLiteral("In a faraway land, a young engineer dreamt of building machines that explain themselves."),
        QStringLiteral("Count from one to ten, then back to one, and say which number you liked best."),
        QStringLiteral("What is the capital of France, and which river flows through it?"),
        QStringLiteral(
            "Review the indemnity clause and list, in plain words, every duty that survives termination of this "
            "agreement between the parties, with dates. Then say"),
        QStringLiteral("def fibonacci(n):\n    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)"),
        QStringLiteral("List three fruits, three colours and three animals, each on a line of its own."),
        QStringLiteral("Translate “good morning” into German, Polish and Japanese."),
        QStringLiteral("Summarise the following paragraph in one sentence without losing its caveats."),
        QStringLiteral("Why does bread rise, and what happens if the yeast is old?"),
    };
    return list;
}

Candidate candidate(const char16_t* piece, std::int32_t id, double logit)
{
    return {id, QString::fromUtf16(piece), logit};
}

std::shared_ptr<const MapCell> cellOf(int block, int prompt, int tokens, int blocks)
{
    auto cell = std::make_shared<MapCell>();
    const auto b = static_cast<std::uint32_t>(block);
    const auto p = static_cast<std::uint32_t>(prompt);
    for (int t = 0; t < tokens; ++t) {
        const auto u = static_cast<std::uint32_t>(t);
        const double depth = static_cast<double>(block) / std::max(1, blocks - 1);
        double error =
            1e-5 * std::pow(10.0, 1.9 * depth + 1.1 * noise(b, p, u, 1) * noise(b, p, u, 2) + 0.35 * noise(b, 0, 0, 3));
        double norm = 12 + 60 * depth + 14 * noise(b, p, u, 4);
        if (t == 0 && block >= 2)
            norm *= 260 + 400 * noise(b, p, 0, 5);
        if (t == 0)
            error *= 2.2;
        if (prompt == 4 && block == 11 && t == 0)
            error = 0.014217093;
        cell->error.push_back(error);
        cell->outputNorm.push_back(norm);
        cell->relative.push_back(error / norm);
        const double share = 0.1 + 0.6 * noise(b, p, u, 6);
        cell->errorAttention.push_back(error * share * 0.4);
        cell->errorMlp.push_back(error * std::sqrt(1 - share * share * 0.16));
        cell->margin.push_back(std::pow(10.0, -2.5 + 3 * noise(b, p, u, 7)));
        cell->marginHead.push_back(static_cast<int>(9 * noise(b, p, u, 8)));
        const double loss = 0.2 + 5 * noise(0, p, u, 9);
        cell->lossBase.push_back(t == 0 ? missing : loss);
        cell->lossStitched.push_back(t == 0 ? missing : loss + (noise(b, p, u, 10) - 0.5) * error * 2e-2);
        cell->kl.push_back(error * error * (0.02 + 0.1 * noise(b, p, u, 12)));
        const double shift = (noise(b, p, u, 11) - 0.5) * 1e-3;
        cell->topBase.push_back({candidate(u" the", 260, 14.91), candidate(u" your", 553, 13.74),
                                 candidate(u" and", 284, 13.12), candidate(u" every", 897, 11.9),
                                 candidate(u"\n", 198, 11.42)});
        cell->topStitched.push_back({candidate(u" the", 260, 14.91 + shift), candidate(u" your", 553, 13.74 - shift),
                                     candidate(u" and", 284, 13.12 + shift), candidate(u"\n", 198, 11.66),
                                     candidate(u" every", 897, 11.61)});
    }
    return cell;
}

CheckRow check(const char16_t* id, const char16_t* group, const char16_t* title, CheckState state,
               const char16_t* issuer, const char16_t* recomputed, const char16_t* how, const char16_t* detail = u"",
               const char16_t* where = u"")
{
    const auto text = [](const char16_t* s) { return QString::fromUtf16(s); };
    return {text(id),     text(group),      text(where), text(title),  state,
            text(issuer), text(recomputed), text(how),   text(detail), true};
}

}

std::shared_ptr<const TokenMap> tokenMap()
{
    auto map = std::make_shared<TokenMap>();
    map->model = QStringLiteral("SmolLM2-135M-Instruct");
    map->run = QStringLiteral("stress-fp32");
    for (int block = 0; block < 30; ++block)
        map->blocks.push_back(block);
    for (int prompt = 0; prompt < texts().size(); ++prompt)
        map->prompts.push_back({QStringLiteral("s%1").arg(prompt),
                                texts()[prompt],
                                split(texts()[prompt]),
                                {prompt % 3 == 0   ? QStringLiteral("plain")
                                 : prompt % 3 == 1 ? QStringLiteral("list")
                                                   : QStringLiteral("code")}});
    for (int block = 0; block < 30; ++block)
        for (int prompt = 0; prompt < static_cast<int>(map->prompts.size()); ++prompt)
            map->cells.push_back(
                block == 29 && prompt == 7
                    ? nullptr
                    : cellOf(block, prompt,
                             static_cast<int>(map->prompts[static_cast<std::size_t>(prompt)].tokens.size()), 30));
    return map;
}

std::shared_ptr<const TokenMap> largeMap(int tokens, int blocks)
{
    auto map = std::make_shared<TokenMap>();
    map->model = QStringLiteral("large");
    map->run = QStringLiteral("bench");
    MapPrompt prompt{QStringLiteral("long"), QStringLiteral("a long prompt"), {}};
    const std::vector<Token> words = split(texts().join(u' '));
    for (int t = 0; t < tokens; ++t)
        prompt.tokens.push_back(words[static_cast<std::size_t>(t) % words.size()]);
    map->prompts.push_back(std::move(prompt));
    for (int block = 0; block < blocks; ++block) {
        map->blocks.push_back(block);
        map->cells.push_back(cellOf(block, 0, tokens, blocks));
    }
    return map;
}

std::shared_ptr<const std::vector<BlockRow>> blockRows()
{
    const auto map = tokenMap();
    auto rows = std::make_shared<std::vector<BlockRow>>();
    for (int block = 0; block < 30; ++block) {
        BlockRow row;
        row.block = block;
        row.state = block == 29 ? BlockState::Running : block == 17 ? BlockState::NotCertified : BlockState::Certified;
        double sum = 0;
        double relativeSum = 0;
        int count = 0;
        int covered = 0;
        row.epsilon = 0;
        row.relativeEpsilon = 0;
        for (std::size_t prompt = 0; prompt < map->prompts.size(); ++prompt)
            if (const MapCell* cell = map->cell(static_cast<std::size_t>(block), prompt))
                for (std::size_t t = 0; t < cell->error.size(); ++t) {
                    ++count;
                    covered += cell->error[t] <= 1e-2 ? 1 : 0;
                    sum += cell->error[t];
                    relativeSum += cell->relative[t];
                    row.relativeEpsilon = std::max(row.relativeEpsilon, cell->relative[t]);
                    if (cell->error[t] > row.epsilon) {
                        row.epsilon = cell->error[t];
                        row.worst = {block, static_cast<int>(prompt), static_cast<int>(t)};
                        row.worstPiece = map->prompts[prompt].tokens[t].piece;
                    }
                }
        row.mae = sum / count;
        row.relativeMean = relativeSum / count;
        row.activationCoverage = static_cast<double>(covered) / count;
        row.relativeCoverage = 1;
        row.pathCoverage = 1;
        row.lossCoverage = block == 29 ? missing : 1;
        row.q50 = row.mae * 0.8;
        row.q90 = row.mae * 1.9;
        row.q95 = row.mae * 2.6;
        row.q99 = row.mae * 4.1;
        if (block == 17)
            row.findings.push_back(
                {QStringLiteral("activation_coverage_below"), QStringLiteral("block 17"), 0.9123, 0.94});
        rows->push_back(row);
    }
    return rows;
}

std::shared_ptr<const ModelCard> modelCard()
{
    auto card = std::make_shared<ModelCard>();
    card->name = QStringLiteral("SmolLM2-135M-Instruct");
    card->path = QStringLiteral("~/models/SmolLM2-135M-Instruct.Q4_1.gguf");
    card->container = QStringLiteral("gguf");
    card->architecture = QStringLiteral("llama");
    card->layers = 30;
    card->dModel = 576;
    card->heads = 9;
    card->kvHeads = 3;
    card->headDim = 64;
    card->dFf = 1536;
    card->vocab = 49152;
    card->context = 8192;
    card->tiedEmbeddings = true;
    card->parameters = 134515008;
    card->normEpsilon = 1e-5;
    card->ropeTheta = 100000;
    card->configSha256 = QStringLiteral("7d8e2b1c0f3a4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6");
    card->files = {{QStringLiteral("SmolLM2-135M-Instruct.Q4_1.gguf"), 98393888,
                    QStringLiteral("4d1e0c9b8a7f6e5d4c3b2a190807f6e5d4c3b2a1908070605040302010f090ab")}};
    const QStringList roles{QStringLiteral("attn_norm"), QStringLiteral("attn_q"),      QStringLiteral("attn_k"),
                            QStringLiteral("attn_v"),    QStringLiteral("attn_output"), QStringLiteral("ffn_norm"),
                            QStringLiteral("ffn_gate"),  QStringLiteral("ffn_up"),      QStringLiteral("ffn_down")};
    card->tensors.push_back({QStringLiteral("token_embd.weight"),
                             QStringLiteral("embedding"),
                             QStringLiteral("Q8_0"),
                             {49152, 576},
                             30081024,
                             card->files[0].name});
    for (int block = 0; block < 30; ++block)
        for (const QString& role : roles) {
            const bool norm = role.endsWith(QStringLiteral("norm"));
            card->tensors.push_back({QStringLiteral("blk.%1.%2.weight").arg(block).arg(role),
                                     QStringLiteral("block %1 · %2").arg(block).arg(role),
                                     norm ? QStringLiteral("F32") : QStringLiteral("Q4_1"),
                                     norm ? std::vector<qint64>{576} : std::vector<qint64>{576, 1536},
                                     norm ? 2304U : 552960U, card->files[0].name});
        }
    card->tensors.push_back({QStringLiteral("output_norm.weight"),
                             QStringLiteral("final norm"),
                             QStringLiteral("F32"),
                             {576},
                             2304,
                             card->files[0].name});
    card->dtypes = {{QStringLiteral("Q4_1"), 210, 66200000},
                    {QStringLiteral("F32"), 61, 140544},
                    {QStringLiteral("Q8_0"), 1, 30081024}};
    card->tokenizer = TokenizerCard{QStringLiteral("byte-level BPE"), 49152, 1, {2}, true};
    card->fp32Bytes = 612000000;
    card->bf16Bytes = 341000000;
    card->warnings = {
        QStringLiteral("The weights are quantised (Q4_1); the certificate speaks about the dequantised values.")};
    return card;
}

std::shared_ptr<const std::vector<Token>> chatTokens()
{
    auto tokens = std::make_shared<std::vector<Token>>();
    const auto special = [&](const char16_t* text, std::int32_t id, TokenKind kind) {
        tokens->push_back({id, QString::fromUtf16(text), kind});
    };
    const auto plain = [&](const QString& text) {
        for (Token& token : split(text))
            tokens->push_back(token);
    };
    special(u"<|im_start|>", 1, TokenKind::Bos);
    plain(QStringLiteral("system\nYou are a helpful assistant named SmolLM."));
    special(u"<|im_end|>", 2, TokenKind::Eos);
    plain(QStringLiteral("\n"));
    special(u"<|im_start|>", 1, TokenKind::Bos);
    plain(QStringLiteral("user\n") + texts()[4]);
    special(u"<|im_end|>", 2, TokenKind::Eos);
    plain(QStringLiteral("\n"));
    special(u"<|fim_prefix|>", 3, TokenKind::Special);
    plain(QStringLiteral("naïve café, 12 345 €\tκόσμε"));
    return tokens;
}

std::shared_ptr<const PromptList> promptList()
{
    auto list = std::make_shared<PromptList>();
    list->name = QStringLiteral("stress");
    list->bundled = true;
    list->sha256 = QStringLiteral("9c02aa00bb11cc22dd33ee44ff55667788990011223344556677889900aa77f1");
    for (int i = 0; i < texts().size(); ++i) {
        PromptRow row;
        row.id = QStringLiteral("s%1").arg(i);
        row.rendered = texts()[i];
        row.tokens = split(texts()[i]);
        row.tags = i == 5   ? QStringList{QStringLiteral("code")}
                   : i == 4 ? QStringList{QStringLiteral("long"), QStringLiteral("legal")}
                            : QStringList{};
        row.split = i >= 8 ? QStringLiteral("heldout") : QString();
        row.truncatedTokens = i == 1 ? 12 : 0;
        list->prompts.push_back(row);
    }
    return list;
}

std::shared_ptr<const VerdictView> verified()
{
    auto verdict = std::make_shared<VerdictView>();
    verdict->state = CheckState::Verified;
    verdict->level = 3;
    verdict->sentence = QStringLiteral("30 blocks of SmolLM2-135M-Instruct, replayed here in double precision on the "
                                       "10 recorded prompts (251 tokens): every "
                                       "error and coverage was recomputed and agrees. Per-token losses were not "
                                       "checked (level 4 needs the model). It says "
                                       "nothing about other prompts.");
    verdict->seconds = 6.2;
    verdict->seed = 7;
    verdict->exitCode = 0;
    verdict->run = QStringLiteral("downloaded.blockcert");
    using enum CheckState;
    verdict->checks = {
        check(u"files.sha256sums", u"integrity", u"Files listed in SHA256SUMS", Verified, u"63", u"63", u"re-hashed"),
        check(u"model.sha256", u"integrity", u"Model weights (1 file, 98.4 MB)", Verified,
              u"4d1e0c9b8a7f6e5d4c3b2a190807f6e5d4c3b2a1908070605040302010f090ab",
              u"4d1e0c9b8a7f6e5d4c3b2a190807f6e5d4c3b2a1908070605040302010f090ab", u"re-hashed"),
        check(u"schema.version", u"consistency", u"Schema, paths, sizes", Verified, u"v1", u"v1", u"parsed"),
        check(u"status.rederived", u"consistency", u"Status follows from numbers and policy", Verified, u"30 certified",
              u"30 certified", u"re-derived"),
        check(u"metrics.epsilon", u"re-evaluation", u"ε, largest over blocks", Verified, u"0.014217093", u"0.014217093",
              u"replayed, 251 tokens"),
        check(u"metrics.activation", u"re-evaluation", u"Activation coverage, smallest", Verified, u"0.99325",
              u"0.99325", u"replayed"),
        check(u"metrics.path", u"re-evaluation", u"Path coverage, smallest", Verified, u"1", u"1", u"replayed"),
        check(u"metrics.loss", u"re-evaluation", u"Loss coverage from recorded losses", Verified, u"1", u"1",
              u"re-derived"),
        check(u"loss.tokens", u"re-evaluation", u"Per-token losses", NotChecked, u"251 values", u"", u"level 4"),
        check(u"policy.issuer", u"policy", u"activation ≥ 0.94, loss ≥ 0.90", Verified, u"met by 30", u"met by 30",
              u"compared"),
        check(u"policy.house", u"policy", u"House policy: relative error ≤ 1e-5", Verified, u"7.2e-7", u"7.2e-7",
              u"compared"),
        check(u"signature", u"provenance", u"Signature", NotChecked, u"none", u"", u"not signed"),
    };
    for (CheckRow& row : verdict->checks)
        row.required = row.state != NotChecked;
    return verdict;
}

std::shared_ptr<const VerdictView> failed()
{
    auto verdict = std::make_shared<VerdictView>(*verified());
    using enum CheckState;
    verdict->state = Failed;
    verdict->sentence = QStringLiteral("The certificate of block 11 claims a smallest error that its own recordings do "
                                       "not give. 62 of 63 files are as listed.");
    verdict->exitCode = 1;
    CheckRow& weights = verdict->checks[1];
    weights.state = Failed;
    weights.recomputed = QStringLiteral("4d1e0c9b8a7f6e5d4c3b2a190807f6e5d4c3b2a19080706050403020f1ca90ab");
    weights.where = QStringLiteral("SmolLM2-135M-Instruct.Q4_1.gguf");
    weights.detail = QStringLiteral("The file's digest is not the one the certificate names: these are other weights, "
                                    "or the file was damaged on the way.");
    CheckRow& epsilon = verdict->checks[4];
    epsilon.state = Failed;
    epsilon.issuer = QStringLiteral("0.014017093158221244");
    epsilon.recomputed = QStringLiteral("0.014217093158221244");
    epsilon.where = QStringLiteral("block 11");
    epsilon.detail = QStringLiteral("The recomputed error of prompt 4, token 0 is larger than the certificate says by "
                                    "2.0e-4; ρ·‖y‖ allows 2.0e-6.");
    verdict->checks[9].state = WeakerThanPolicy;
    verdict->checks[9].recomputed = QStringLiteral("met by 29");
    verdict->checks[9].detail =
        QStringLiteral("Block 17 reaches an activation coverage of 0.912, the policy asks for 0.94.");
    return verdict;
}

std::shared_ptr<const ArtifactNode> artifacts()
{
    using enum CheckState;
    auto root = std::make_shared<ArtifactNode>();
    *root = {QStringLiteral("downloaded.blockcert"),
             {},
             Verified,
             {{QStringLiteral("SHA256SUMS"), QStringLiteral("63 files"), Verified, {}},
              {QStringLiteral("block_00 … block_29"),
               {},
               Verified,
               {{QStringLiteral("certificate.json"), {}, Verified, {}},
                {QStringLiteral("ir.h5"), QStringLiteral("weights by reference"), Verified, {}},
                {QStringLiteral("probes.h5"), {}, Verified, {}}}},
              {QStringLiteral("SmolLM2-135M-Instruct.Q4_1.gguf"), {}, Failed, {}},
              {QStringLiteral("policy"), QStringLiteral("house.json"), WeakerThanPolicy, {}},
              {QStringLiteral("signature"), {}, NotChecked, {}}}};
    return root;
}

std::shared_ptr<const RunProgress> progress()
{
    auto run = std::make_shared<RunProgress>();
    run->title = QStringLiteral("stress-fp32");
    run->state = StepState::Running;
    run->done = 87;
    run->total = 300;
    run->unit = QStringLiteral("cells");
    run->elapsedSeconds = 41;
    run->etaSecondsLow = 95;
    run->etaSecondsHigh = 160;
    run->rate = 2.1;
    run->rows.push_back({QStringLiteral("Read files"),
                         StepState::Done,
                         98393888,
                         98393888,
                         QStringLiteral("bytes"),
                         {},
                         missing,
                         missing,
                         missing,
                         QStringLiteral("98.4 MB in 0.4 s"),
                         -1,
                         {}});
    run->rows.push_back({QStringLiteral("Load weights"),
                         StepState::Done,
                         612000000,
                         612000000,
                         QStringLiteral("bytes"),
                         {},
                         missing,
                         missing,
                         missing,
                         QStringLiteral("612 MB in 1.9 s"),
                         -1,
                         {}});
    for (int block = 0; block < 12; ++block) {
        ProgressRow row;
        row.title = QStringLiteral("Block %1").arg(block);
        row.block = block;
        row.unit = QStringLiteral("cells");
        row.total = 10;
        row.done = block < 8 ? 10 : block == 8 ? 7 : 0;
        row.state = block < 8 ? StepState::Done : block == 8 ? StepState::Running : StepState::Waiting;
        row.threshold = 1e-2;
        for (int prompt = 0; prompt < static_cast<int>(row.done); ++prompt)
            row.errors.push_back(3e-5 * std::pow(10.0, 2.3 * noise(static_cast<std::uint32_t>(block),
                                                                   static_cast<std::uint32_t>(prompt), 0, 20)));
        if (block == 5) {
            row.errors[4] = 0.03;
            row.state = StepState::Done;
            row.note = QStringLiteral("not certified");
            row.outcome = CheckState::WeakerThanPolicy;
        } else if (block < 8) {
            row.note = QStringLiteral("certified");
            row.outcome = CheckState::Verified;
        }
        if (!row.errors.empty())
            row.epsilon = *std::max_element(row.errors.begin(), row.errors.end());
        row.coverage = row.errors.empty() ? missing : block == 5 ? 0.9124 : 1;
        run->rows.push_back(row);
    }
    return run;
}

}
