#include "app/command_line/verb_arguments.h"

#include <algorithm>

namespace blockcert::command_line {

namespace {

std::vector<VerbDescription> describeVerbs()
{
    return {
        {"open",
         "show what a model is made of",
         {"Reads the headers of a model's files and nothing else: shape, tensors, files, tokenizer and what it will "
          "need in memory. A model that is not supported is named with the reason."},
         Program::CommandLine,
         Arguments{model(), flag("--hash", "compute the SHA-256 of every file"),
                   flag("--tensors", "list every tensor instead of one line a kind")} +
             output(),
         {"blockcert open demo", "blockcert open ./my-model --hash --json"}},
        {"tokenize",
         "show the exact token ids of a text or a prompt set",
         {"Text is encoded as it is, with the tokenizer's own special tokens; messages go through the model's chat "
          "template."},
         Program::CommandLine,
         Arguments{model(), valued("--text", ValueKind::Text, "TEXT", "", "the text to encode"), prompts(false),
                   maxTokens()} +
             output(),
         {"blockcert tokenize demo --text \"The capital of France is\"", "blockcert tokenize demo --prompts base"}},
        {"certify",
         "record, replay, measure and certify blocks",
         {"Records the chosen blocks of the model on the prompts, copies each into an explicit program, replays that "
          "program in double precision, measures where it departs from the model and writes one certificate a block.",
          "An interrupted run is continued with --resume. A block that is not certified is an honest result: the exit "
          "code is 0 unless --require-certified is given."},
         Program::Engine,
         Arguments{model()} + certifying() + reading() + output(),
         {"blockcert certify demo --blocks 0,15,29 --prompts base -o demo.blockcert",
          "blockcert certify demo --blocks all --prompts base -o demo.blockcert --resume"}},
        {"experiment",
         "repeat one of the paper's experiments on a model",
         {"Certifies what the experiment needs as run directories below DIR/runs, and writes table.csv, result.json, "
          "figures as SVG, the commands that repeat and verify every number, and how the paper's setting differs.",
          "An interrupted experiment is continued with --resume."},
         Program::Engine,
         experimenting() + reading() + output(),
         {"blockcert experiment blocks demo -o demo-blocks", "blockcert verify demo-blocks/runs/exact.blockcert"}},
        {"verify",
         "check a run without trusting it",
         {"Recomputes what the certificates of blocks, stitched models and edits claim with a small interpreter of "
          "plain loops, without LibTorch, and sets the issuer's numbers beside its own. The verdict names its level "
          "and what "
          "was not checked."},
         Program::CommandLine,
         verifying() + output(),
         {"blockcert verify demo.blockcert", "blockcert verify demo.blockcert --level 4 --model demo -o verdict.json"}},
        {"show",
         "print a run's tables",
         {"Shows what a run says about itself: settings, one line a block, the worst tokens and the command that "
          "repeats it. Nothing is recomputed: see verify; what does not have its digest is left out (exit code "
          "3). Of an experiment's folder it shows what came of it."},
         Program::CommandLine,
         Arguments{run(ValueKind::Folder, "a run directory, finished or not, or the folder of an experiment"),
                   flag("--tokens", "also the numbers of every token"),
                   flag("--weights", "also every weight in which a surrogate is not the baseline: the rank it was cut "
                                     "to, its distance, its singular values")} +
             output(),
         {"blockcert show demo.blockcert", "blockcert show demo.blockcert --json --tokens"}},
        {"report",
         "write one page about runs, to read and to print",
         {"Writes a single HTML file that opens from disk, without scripts or links to elsewhere: tables, figures, the "
          "worst tokens, every digest, the environment, and the commands that check it. Long tables say what they left "
          "out.",
          "What a run states of itself is called claimed, unless --verify recomputes it in this very call. The page is "
          "written whatever the verdict is; the exit code is then the verdict's.",
          "Equal runs and options give equal bytes if SOURCE_DATE_EPOCH is set (level 2 draws cells: give --seed, "
          "too)."},
         Program::CommandLine,
         Arguments{
             repeatable(run(ValueKind::Folder, "one or more run directories")),
             out(ValueKind::File, "FILE.html", "the page to write"),
             within(0, 4,
                    valued("--verify", ValueKind::Integer, "LEVEL", "",
                           "verify the runs first, at this level from 0 to 4, and print the verdict")),
             otherModel("--model", "with --verify: the model, where run.json does not point to it"),
             valued("--seed", ValueKind::Integer, "N", "", "with --verify 2: draw these cells instead of random ones"),
             flag("--redact-prompts", "leave out the prompts' texts, names and tokens"), threads()} +
             output(),
         {"blockcert report demo.blockcert -o report.html",
          "blockcert report demo.blockcert low-rank.blockcert -o report.html --verify 3 --redact-prompts"}},
        {"diff",
         "tell what one run claims less of than another",
         {"Aligns two runs by block and by prompt (prompts are paired by their token ids) and sets their numbers side "
          "by side: what got weaker in B, what was dropped, which prompts are gone, and every difference at full "
          "precision. Nothing is recomputed: verify both runs first.",
          "Where the prompts are not the same, blocks are compared on the prompts that both have. Exit code 0: B "
          "claims no less than A; 1: something is weaker or missing in B."},
         Program::CommandLine,
         Arguments{{"A", "", ValueKind::Folder, "A", {}, "", "a run directory: before", true, false},
                   {"B", "", ValueKind::Folder, "B", {}, "", "a run directory: after", true, false},
                   valued("--tolerance", ValueKind::Number, "X", "0",
                          "numbers that differ by at most this share of the larger one count as equal")} +
             output(),
         {"blockcert diff before.blockcert after.blockcert",
          "blockcert diff a.blockcert b.blockcert --tolerance 1e-6"}},
        {"failures",
         "tell where and how a run's surrogates fail",
         {"For every uncovered token, and for the 20 largest errors among the covered ones of each block: error, its "
          "attention and MLP parts, norms of residual, keys and values, attention margins, the nearest passing token "
          "and the same token in the neighbouring blocks; and what sets the failing tokens of a block apart. Writes "
          "failures.json and failures.csv beside the run.",
          "With --minimise the model runs again on fewer and fewer tokens of one prompt, as long as it still fails."},
         Program::CommandLine,
         Arguments{
             run(ValueKind::Folder, "a run directory"),
             shortened("-o", valued("--out", ValueKind::Folder, "DIR", "",
                                    "where to write (default: RUN with the ending .failures, beside it)")),
             otherModel("--model", "the model, where run.json does not point to it"),
             valued("--minimise", ValueKind::Text, "PROMPT", "",
                    "the id or 0-based number of a prompt to make as short as can be"),
             valued("--block", ValueKind::Integer, "N", "",
                    "with --minimise: the block that fails (default: the one that errs most on the prompt)"),
             valued("--above", ValueKind::Number, "X", "",
                    "with --minimise: a prompt fails while an error is larger (default: the run's policy)"),
             valued("--tests", ValueKind::Integer, "N", "400", "with --minimise: how many prompts to try at most"),
             threads()} +
             output(),
         {"blockcert failures demo.blockcert",
          "blockcert failures demo.blockcert --minimise base-audit --above 0.001"}},
        {"import",
         "certify against what another tool recorded",
         {"trace: a baseline that another runtime ran, recorded as a safetensors file (docs/trace.md; "
          "docs/record_trace.py records one from transformers). Each block is copied from MODEL, replayed on the "
          "recorded inputs and compared with the recorded outputs.",
          "npz: blocks as .npz files with the paper's names (docs/npz.md): their weights, mask and tables are the "
          "surrogate, embedded in the run, and their inputs and outputs what it is measured on. MODEL says what kind "
          "of block they are.",
          "Losses are not part of either, so that no block can meet alpha_loss."},
         Program::CommandLine,
         Arguments{kind({"trace", "npz"}, "what FILE is: trace or npz"),
                   {"FILE", "", ValueKind::File, "FILE", {}, "", "the file to read; of npz also a folder", true, false},
                   required(otherModel("--model", "the model that was recorded")),
                   valued("--blocks", ValueKind::Text, "BLOCKS", "all",
                          "all that were recorded, or 0-based numbers and ranges such as 0,5,10-12"),
                   out(ValueKind::Folder, "RUN", "the run directory to write"),
                   embedWeights(),
                   policyFile(),
                   tauAct(),
                   tauRel(),
                   alphaAct(),
                   errorMeasure(),
                   flag("--resume", "continue an unfinished import"),
                   threads()} +
             output(),
         {"blockcert import trace recorded.safetensors --model ./my-model -o imported.blockcert",
          "blockcert import npz arrays --model ./my-model -o given.blockcert"}},
        {"export",
         "give a run's contents to other tools",
         {"npz: one .npz for each block with the paper's names (W_q, W_k, W_v, W_o, inputs, mask, bias, …; "
          "docs/npz.md). csv: the numbers of every token and of every block as tables (RFC 4180); texts that a "
          "spreadsheet would take for a formula get an apostrophe in front. model: a certified edit of the run as a "
          "checkpoint of its own, safetensors with config.json and tokenizer, and how far it is from the edit as it "
          "was measured."},
         Program::CommandLine,
         Arguments{kind({"npz", "csv", "model"}, "npz, csv or model"), run(ValueKind::Folder, "a run directory"),
                   out(ValueKind::Folder, "DIR",
                       "the folder to write into, new or empty; csv also takes a file that ends in .csv"),
                   choice("--table", {"tokens", "blocks"}, "",
                          "csv: only this table (default: both into a folder, tokens into a file)"),
                   valued("--edit", ValueKind::Text, "NAME", "", "model: the edit to write (default: the only one)"),
                   choice("--dtype", {"fp32", "bf16", "fp16"}, "fp32", "model: the type of the written tensors"),
                   otherModel("--model", "npz, model: the model, where run.json does not point to it")} +
             output(),
         {"blockcert export npz demo.blockcert -o arrays", "blockcert export csv demo.blockcert -o tokens.csv"}},
        {"stitch",
         "run the whole model with surrogates in place",
         {"Replaces the chosen blocks of the model by the surrogates of a finished run and runs both models on the "
          "run's prompts: how far their residual streams are apart, perplexities, losses, divergence and next tokens. "
          "The result becomes part of the run: a full-model certificate, or a full-block one where every block is "
          "replaced. With --edit some of them are what an edit of the run makes of their surrogates.",
          "The model is found where the run found it and accepted by digest alone. Asking for the same thing again "
          "does nothing. Ctrl+C leaves the run as it was."},
         Program::Engine,
         Arguments{
             run(ValueKind::Folder, "a finished run directory"),
             valued("--blocks", ValueKind::Text, "BLOCKS", "all",
                    "all blocks of the run, or 0-based numbers and ranges such as 0,5,10-12"),
             valued("--edit", ValueKind::Text, "NAME[:BLOCKS]", "",
                    "an edit of the run: its blocks among the replaced ones, or those named, are edited surrogates"),
             otherModel("--model", "the model, where run.json does not point to it"),
             otherModel("--surrogate-model",
                        "the checkpoint that the surrogates were taken from, where run.json does not point to it"),
             nameInRun(),
             flag("--bisect", "also find the blocks that the first other token and the largest loss change come from"),
             flag("--tokens", "also the numbers of every token, in the JSON"),
             flag("--measure-only", "measure and say so, and leave the run as it is: no certificate"),
             replayDtype("the precision in which surrogates are replayed"), device(), threads()} +
             output(),
         {"blockcert stitch demo.blockcert", "blockcert stitch demo.blockcert --blocks 3-5 --bisect --json"}},
        {"edit",
         "edit a block and certify what that does",
         {"Edits one block (or, with --patch, several; an option of another kind of edit is refused) and measures the "
          "local error by replay of the edited against "
          "the unedited program, how far the residual stream departs behind it, losses and next tokens of held-out "
          "prompts, and what the model answers before and after. The edit becomes part of the run: a certificate with "
          "the patch, the digests of the tensors it touches and every completion. The model's files are never written.",
          "A strength is any finite number. An edit that changes nothing is refused, with the reason, and leaves no "
          "run behind. A run folder that is not there yet gets certificates of the edited blocks, too. Texts that are "
          "cut, empty or never ran are counted apart; the report says which marker stands in how many texts."},
         Program::Engine,
         Arguments{model()} + editing() + judging() + reading() + output(),
         {"blockcert edit demo --block 15 --scale-mlp 0.33 -o edit.blockcert",
          "blockcert edit demo --patch patch.json --condition few-shot -o few-shot.blockcert",
          "blockcert verify edit.blockcert"}},
        {"sweep",
         "scale many blocks by many strengths and compare the answers",
         {"For every condition, block and strength: answer and refuse accuracy with their 95 % intervals, local error "
          "and final deviation. Work is shared, and every completion is still, token by token, the one that a "
          "generation of its own would give. Writes sweep.json, sweep.csv and one file a row into DIR.",
          "The baseline of every condition is the first row. An edit that gives no finite numbers is a row that says "
          "why, "
          "and ends nothing. An interrupted sweep is continued with --resume. Conditions have different names."},
         Program::Engine,
         Arguments{model(), blocks(),
                   required(valued("--alphas", ValueKind::Text, "LIST", "",
                                   "strengths such as 1,0.5,0, or a range from:to:step such as -1:1:0.1")),
                   choice("--target", {"mlp", "attention"}, "mlp", "the sublayer whose output is scaled"),
                   promptsToComplete(),
                   valued("--conditions", ValueKind::Text, "LIST", "none",
                          "what stands before each prompt: none, system, few-shot or preamble files, with commas"),
                   out(ValueKind::Folder, "DIR", "the folder to write"),
                   flag("--resume", "continue an interrupted sweep; finished rows are used as they are")} +
             judging() + reading() + output(),
         {"blockcert sweep demo --blocks 15 --alphas 0:1:0.1 -o sweep",
          "blockcert sweep demo --blocks 0,15,29 --alphas 1,0.5,0 --conditions none,system,few-shot -o conditions"}},
        {"evaluate",
         "measure a model's loss on prompts",
         {"A teacher-forced forward pass: the negative log-likelihood of every token and the most likely one."},
         Program::Engine,
         Arguments{model(), prompts(true)} + reading() + output(),
         {"blockcert evaluate demo --prompts base --json"}},
        {"generate",
         "continue prompts by greedy decoding",
         {"Takes the most likely token again and again, the lowest id on ties, until an end-of-text token or "
          "--max-new."},
         Program::Engine,
         Arguments{
             model(), prompts(true), maxNew("add at most N tokens to each prompt"),
             valued("--surrogates", ValueKind::Folder, "RUN", "",
                    "write a second text with the surrogates of this run in place, and say where they part"),
             valued("--surrogate-blocks", ValueKind::Text, "BLOCKS", "all",
                    "with --surrogates: all blocks of the run, or 0-based numbers and ranges such as 0,5,10-12"),
             valued("--surrogate-edit", ValueKind::Text, "NAME[:BLOCKS]", "",
                    "with --surrogates: an edit of that run, whose blocks among those are edited surrogates"),
             otherModel(
                 "--surrogate-model",
                 "with --surrogates: the checkpoint that they were taken from, where run.json does not point to it"),
             replayDtype("with --surrogates: the precision in which they are replayed")} +
             reading() + output(),
         {"blockcert generate demo --prompts refusal --max-new 32",
          "blockcert generate demo --prompts base --surrogates demo.blockcert --surrogate-blocks 11"}},
        {"doctor",
         "check this machine and this installation",
         {"Says which versions, processor features and libraries are there, and runs the self-tests. With --reference "
          "it compares a model's loader with another implementation's logits, a .safetensors file (docs/guide.md)."},
         Program::CommandLine,
         Arguments{otherModel("--model", "also test the loader on this model"),
                   valued("--reference", ValueKind::File, "FILE", "", "reference logits of that model"), device(),
                   threads()} +
             output(),
         {"blockcert doctor", "blockcert doctor --model demo"}},
        {"completion",
         "print a completion script for a shell",
         {"For bash: blockcert completion bash > ~/.local/share/bash-completion/completions/blockcert"},
         Program::CommandLine,
         {{"SHELL", "", ValueKind::Choice, "SHELL", {"bash", "zsh", "fish"}, "", "bash, zsh or fish", true, false}},
         {"blockcert completion fish"}},
        {"man",
         "print the manual page",
         {"In the format of man(1): blockcert man | man -l -"},
         Program::CommandLine,
         {},
         {"blockcert man"}},
        {"serve",
         "answer requests on standard input and output",
         {"The messages are described in docs/protocol.md. Started by the window, here or through ssh on another "
          "machine."},
         Program::Engine,
         {},
         {"blockcert-engine serve"}},
        {"engine-doctor",
         "the engine's half of doctor",
         {},
         Program::Engine,
         Arguments{otherModel("--model", "also test the loader on this model"),
                   valued("--reference", ValueKind::File, "FILE", "", "reference logits of that model"), device(),
                   threads()} +
             output(),
         {},
         true},
    };
}

}

std::string OptionDescription::key() const
{
    std::string key = name.substr(name.find_first_not_of('-'));
    std::ranges::replace(key, '-', '_');
    return key;
}

const std::vector<VerbDescription>& verbs()
{
    static const std::vector<VerbDescription> all = describeVerbs();
    return all;
}

const VerbDescription* findVerb(std::string_view name)
{
    const auto found = std::ranges::find(verbs(), name, &VerbDescription::name);
    return found == verbs().end() ? nullptr : &*found;
}

const std::vector<ExitCodeDescription>& exitCodes()
{
    static const std::vector<ExitCodeDescription> codes = {
        {0, "the job is done; all required checks passed"},
        {1, "a check failed, or a certificate was refused"},
        {2, "usage"},
        {3, "input unreadable or malformed"},
        {4, "unsupported model or schema version"},
        {5, "incomplete: a required check was not performed"},
        {6, "policy not met though the numbers hold"},
        {7, "resource limit: memory, disk or size; or the result cannot be written there"},
        {130, "interrupted; the run can be resumed"},
    };
    return codes;
}

const std::vector<VariableDescription>& environmentVariables()
{
    static const std::vector<VariableDescription> variables = {
        {"BLOCKCERT_DEMO_MODEL", "the file behind the model name demo"},
        {"HF_HUB_CACHE, HF_HOME", "where the local Hugging Face cache is"},
        {"NO_COLOR", "no colours if set to anything"},
        {"SOURCE_DATE_EPOCH", "the time that certificates state, in seconds since 1970"},
    };
    return variables;
}

}
