#include "app/command_line/option_parts.h"

#include <utility>

namespace blockcert::command_line {

namespace {

constexpr std::int64_t mostTokens = 1 << 20;

}

OptionDescription flag(std::string name, std::string help)
{
    return {std::move(name), "", ValueKind::Flag, "", {}, "", std::move(help), false, false};
}

OptionDescription valued(std::string name, ValueKind kind, std::string value, std::string fallback, std::string help)
{
    return {std::move(name), "", kind, std::move(value), {}, std::move(fallback), std::move(help), false, false};
}

OptionDescription choice(std::string name, std::vector<std::string> choices, std::string fallback, std::string help)
{
    return {std::move(name), "",   ValueKind::Choice, "", std::move(choices), std::move(fallback), std::move(help),
            false,           false};
}

OptionDescription required(OptionDescription option)
{
    option.required = true;
    return option;
}

OptionDescription repeatable(OptionDescription option)
{
    option.repeatable = true;
    return option;
}

OptionDescription shortened(std::string shortName, OptionDescription option)
{
    option.shortName = std::move(shortName);
    return option;
}

OptionDescription model()
{
    return {"MODEL",
            "",
            ValueKind::Model,
            "MODEL",
            {"demo"},
            "",
            "a folder, a .safetensors, .safetensors.index.json or .gguf file, org/name[@revision] in the local Hugging "
            "Face cache, or demo",
            true,
            false};
}

OptionDescription prompts(bool needed)
{
    return {"--prompts",
            "",
            ValueKind::Prompts,
            "PROMPTS",
            {"base", "stress", "semantic", "refusal"},
            "",
            "a .jsonl, .txt or .csv file, or a bundled set: base, stress, semantic or refusal",
            needed,
            false};
}

OptionDescription within(std::int64_t least, std::int64_t most, OptionDescription option)
{
    option.least = least;
    option.most = most;
    return option;
}

OptionDescription threads()
{
    return within(1, 1024,
                  valued("--threads", ValueKind::Integer, "N", "", "how many processor threads to use (default: all)"));
}

OptionDescription maxTokens()
{
    return within(1, mostTokens,
                  valued("--max-tokens", ValueKind::Integer, "N", "256",
                         "cut longer prompts off after N tokens, and say how many were lost"));
}

Arguments operator+(Arguments left, const Arguments& right)
{
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

OptionDescription run(ValueKind kind, std::string help)
{
    return {"RUN", "", kind, "RUN", {}, "", std::move(help), true, false};
}

OptionDescription kind(std::vector<std::string> choices, std::string help)
{
    return {"KIND", "", ValueKind::Choice, "KIND", std::move(choices), "", std::move(help), true, false};
}

OptionDescription promptsToComplete()
{
    OptionDescription option = prompts(false);
    option.fallback = "refusal";
    option.help = "the prompts to complete: a .jsonl, .txt or .csv file, or a bundled set";
    return option;
}

OptionDescription out(ValueKind kind, std::string value, std::string help)
{
    return required(shortened("-o", valued("--out", kind, std::move(value), "", std::move(help))));
}

OptionDescription otherModel(std::string name, std::string help)
{
    return valued(std::move(name), ValueKind::Model, "MODEL", "", std::move(help));
}

OptionDescription blocks()
{
    return required(
        valued("--blocks", ValueKind::Text, "BLOCKS", "", "all, or 0-based numbers and ranges such as 0,5,10-12"));
}

OptionDescription nameInRun()
{
    return valued("--name", ValueKind::Text, "NAME", "",
                  "what to call it in the run (default: from the digest of what is asked for)");
}

OptionDescription device()
{
    return valued("--device", ValueKind::Text, "DEVICE", "cpu", "cpu, cuda or cuda:N");
}

OptionDescription maxNew(std::string help)
{
    return within(1, mostTokens, valued("--max-new", ValueKind::Integer, "N", "64", std::move(help)));
}

OptionDescription replayDtype(std::string help)
{
    return choice("--replay-dtype", {"fp64", "fp32"}, "fp64", std::move(help));
}

OptionDescription embedWeights()
{
    return flag("--embed-weights", "copy the weights into the run instead of pointing to the model's files");
}

OptionDescription dryRun()
{
    return flag("--dry-run", "say what would be done and what it would cost, and do nothing");
}

OptionDescription policyFile()
{
    return valued("--policy", ValueKind::File, "FILE", "",
                  "thresholds from a JSON policy file; single options win over it");
}

OptionDescription tauAct()
{
    return valued("--tau-act", ValueKind::Number, "X", "0.01", "largest l2 error of a covered token");
}

OptionDescription tauLoss()
{
    return valued("--tau-loss", ValueKind::Number, "X", "0.001", "largest loss difference of a covered token, in nats");
}

OptionDescription tauRel()
{
    return valued("--tau-rel", ValueKind::Number, "X", "",
                  "largest relative error of a covered token (default: 1e-5 for fp32, 5e-3 for fp16, 2e-2 for bf16)");
}

OptionDescription alphaAct()
{
    return valued("--alpha-act", ValueKind::Number, "X", "0.94", "smallest activation coverage of a certified block");
}

OptionDescription alphaLoss()
{
    return valued("--alpha-loss", ValueKind::Number, "X", "0.9", "smallest loss coverage of a certified block");
}

OptionDescription errorMeasure()
{
    return choice("--error", {"l2", "relative-l2"}, "l2", "which of the two error measures decides");
}

}
