#include "app/command_line/verb_arguments.h"

#include <limits>

namespace blockcert::command_line {

Arguments reading()
{
    return {choice("--dtype", {"fp32", "bf16", "fp16"}, "fp32", "the precision of the baseline"), device(), threads(),
            valued("--memory", ValueKind::Text, "SIZE", "auto",
                   "stream the weights block by block if they need more than two thirds of SIZE, such as 6G (auto: of "
                   "the memory that is available)"),
            maxTokens()};
}

Arguments output()
{
    return {flag("--json", "one JSON object on standard output"),
            flag("--jsonl", "the same on one line, after one line for each progress event; instead of --json"),
            flag("--quiet", "no progress on standard error"), flag("--verbose", "say more while working")};
}

Arguments certifying()
{
    return {
        blocks(),
        prompts(true),
        out(ValueKind::Folder, "RUN", "the run directory to write"),
        choice("--loss", {"exact", "first-order", "none"}, "exact",
               "exact: loss coverage from the whole model with each block replaced; first-order: an estimate of the "
               "loss's change from one backward pass, far cheaper, but no coverage, so that no block is certified; "
               "none: nothing about losses, so that no block is certified either"),
        replayDtype("the precision in which surrogates are replayed"),
        choice("--weights", {"baseline", "file"}, "baseline",
               "whether the surrogate holds the weights the baseline used, or those of the file before they were cast"),
        embedWeights(),
        valued("--surrogate", ValueKind::Text, "FAMILY", "exact",
               "exact, low-rank:R[:attn|mlp|all], quant:Q8_0|Q5_1|Q4_0|Q4_1 or checkpoint:MODEL"),
        valued("--ablate", ValueKind::Text, "NAME", "",
               "damage the surrogate on purpose: drop-rope, invert-mask, zero-wv or noise-wq[:SCALE]"),
        policyFile(),
        tauAct(),
        tauLoss(),
        tauRel(),
        alphaAct(),
        alphaLoss(),
        errorMeasure(),
        flag("--resume", "continue an unfinished run, or add blocks or prompts to a finished one"),
        dryRun(),
        flag("--require-certified", "exit with code 6 if a block is not certified"),
        valued("--seed", ValueKind::Integer, "N", "0", "of the noise that --ablate noise-wq adds; recorded in the run"),
    };
}

Arguments experimenting()
{
    return {
        kind({"blocks", "low-rank", "ablations", "thresholds", "prompt-size", "prompt-shift", "semantic", "timing"},
             "the block sweep, low-rank baselines, ablations, threshold or prompt-set-size sensitivity, prompt shift, "
             "semantic preservation, or timing"),
        model(),
        out(ValueKind::Folder, "DIR", "the folder to write"),
        valued("--blocks", ValueKind::Text, "BLOCKS", "",
               "all, or 0-based numbers and ranges (default: all for blocks, else five from the first to the last)"),
        prompts(false),
        choice("--loss", {"exact", "none"}, "exact", "whether loss coverage is measured"),
        replayDtype("the precision in which surrogates are replayed"),
        policyFile(),
        tauAct(),
        tauLoss(),
        alphaAct(),
        alphaLoss(),
        valued("--seed", ValueKind::Integer, "N", "0", "of whatever is drawn at random"),
        valued("--ranks", ValueKind::Text, "LIST", "64,128,256", "low-rank: the ranks to compare"),
        valued("--noise", ValueKind::Text, "X", "0.01", "ablations: noise on W_Q as a share of its standard deviation"),
        valued("--dtypes", ValueKind::Text, "LIST", "fp32,bf16,fp16",
               "thresholds, prompt-size: baseline dtypes beside --dtype"),
        valued("--shift-prompts", ValueKind::Prompts, "PROMPTS", "stress", "prompt-shift: the prompts to shift to"),
        valued("--repeats", ValueKind::Integer, "N", "3", "timing: how often each job is repeated"),
        flag("--no-titles", "draw figures without title, scope and caption, as a paper needs them"),
        flag("--resume", "continue an experiment; runs that are finished are used as they are"),
        dryRun(),
    };
}

Arguments verifying()
{
    return {
        run(ValueKind::File, "a run directory, or the certificate.json of one block, stitched model or edit in it"),
        choice("--level", {"0", "1", "2", "3", "4"}, "3",
               "0 structure, 1 digests, 2 spot replay, 3 full replay, 4 with the model"),
        otherModel("--model", "the model, where run.json does not point to it"),
        otherModel("--surrogate-model",
                   "the checkpoint that surrogates were taken from, where run.json does not point to it"),
        valued("--policy", ValueKind::File, "FILE", "",
               "judge by this JSON policy file instead of the certificate's policy"),
        repeatable(valued("--expect-model", ValueKind::Text, "SHA256", "",
                          "a model file's digest; a model of any other files fails; may be given several times")),
        valued("--seed", ValueKind::Integer, "N", "", "of the spot replay (default: drawn, and printed)"),
        within(1, std::numeric_limits<std::int64_t>::max(),
               valued("--cells", ValueKind::Integer, "N", "44", "how many cells a spot replay repeats")),
        threads(),
        shortened("-o", valued("--out", ValueKind::File, "FILE", "", "also write the verdict to this JSON file")),
    };
}

Arguments judging()
{
    return {maxNew("complete each prompt by at most N tokens"),
            valued("--markers", ValueKind::File, "FILE", "",
                   "marker lists of one's own (JSON) instead of the bundled ones for refusals")};
}

// Of an edit: a negative one turns the sign.
OptionDescription strength(const std::string& name, const std::string& value, const std::string& fallback,
                           const std::string& help)
{
    OptionDescription option = valued(name, ValueKind::Number, value, fallback, help);
    option.isSigned = true;
    return option;
}

Arguments editing()
{
    return {
        valued("--patch", ValueKind::File, "FILE", "", "a patch file: several steps in order (docs/patch.md)"),
        valued("--block", ValueKind::Integer, "N", "", "the block to edit, 0-based"),
        strength("--scale-mlp", "A", "", "scale the MLP's output by A before it is added"),
        strength("--scale-attn", "A", "", "scale the attention's output by A, or one head's share"),
        valued("--head", ValueKind::Integer, "H", "", "the head that --scale-attn or --zero head is about"),
        choice("--zero", {"mlp", "attention", "head"}, "", "set a sublayer's output, or a head's share, to zero"),
        valued("--rank-k", ValueKind::File, "FILE", "",
               "add U times V transposed to a matrix: tensors u [out, k] and v [in, k] of a .safetensors or .npz"),
        choice("--matrix", {"q", "k", "v", "o", "gate", "up", "down"}, "down", "the matrix that --rank-k changes"),
        strength("--strength", "X", "", "of --rank-k (default: 1)"),
        valued("--direction", ValueKind::File, "FILE", "",
               "a steering vector: the tensor \"direction\" [d] of a .safetensors or .npz, or its only one"),
        choice("--target", {"residual", "mlp", "attention"}, "residual", "what the direction is added to or scaled in"),
        strength("--add-direction", "X", "", "add X times the direction"),
        strength("--scale-direction", "X", "", "scale by X along the direction"),
        promptsToComplete(),
        valued("--heldout", ValueKind::Prompts, "PROMPTS", "stress", "the prompts on which side effects are measured"),
        valued("--condition", ValueKind::Text, "NAME", "none",
               "what stands before each prompt: none, system, few-shot, or a preamble file (.json)"),
        valued("--labels", ValueKind::File, "FILE", "",
               "labels of human annotators: CSV of prompt,side,annotator,label and, to bind them, text_sha256"),
        nameInRun(),
        out(ValueKind::Folder, "RUN", "a finished run on these prompts, or a new one to be made"),
        choice("--loss", {"exact", "none"}, "exact", "whether a new run's block certificates have losses"),
        replayDtype("the precision in which the local error is replayed"),
    };
}

}
